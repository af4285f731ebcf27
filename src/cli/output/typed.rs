//! Rows as typed columns: Parquet and Arrow IPC, for pandas, polars and DuckDB.
//!
//! **Invariant:** a column's type follows from its name alone, so that every file of a command has
//! the same columns.

use std::{io::Write, sync::Arc};

use anyhow::Context;
use arrow_array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use rust_decimal::Decimal;

use super::Format;

/// Places of a decimal column.
const PLACES: u32 = 6;

fn kind(column: &str) -> DataType {
    let name = column.rsplit(':').next().unwrap_or(column);
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    if ends(&["yuan", "_pct", "yuan_each", "margin", "needed"]) {
        return DataType::Decimal128(38, PLACES as i8);
    }
    if ends(&["months", "paid", "starts", "undecidable", "gained", "lost", "persons", "year"]) {
        return DataType::Int64;
    }
    DataType::Utf8
}

/// Writes the rows as one batch. An empty field of a number is null.
pub(super) fn write(
    columns: &[String],
    rows: &[Vec<String>],
    format: Format,
    out: impl Write + Send,
) -> anyhow::Result<()> {
    let fields = columns.iter().map(|name| Field::new(name, kind(name), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let arrays = columns.iter().enumerate().map(|(at, name)| {
        array(name, rows.iter().map(|row| row[at].as_str())).with_context(|| name.clone())
    });
    let batch = RecordBatch::try_new(schema.clone(), arrays.collect::<Result<_, _>>()?)?;
    match format {
        Format::Parquet => {
            let mut writer = parquet::arrow::ArrowWriter::try_new(out, schema, None)?;
            writer.write(&batch)?;
            writer.close()?;
        }
        _ => {
            let mut writer = arrow_ipc::writer::FileWriter::try_new(out, &schema)?;
            writer.write(&batch)?;
            writer.finish()?;
        }
    }
    Ok(())
}

fn array<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> anyhow::Result<ArrayRef> {
    let of = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    Ok(match kind(name) {
        DataType::Int64 => {
            let read = |text: &str| text.parse::<i64>().with_context(|| format!("{text:?}"));
            let all: Result<Vec<_>, _> = texts.map(|text| of(text).map(read).transpose()).collect();
            Arc::new(Int64Array::from(all?))
        }
        DataType::Decimal128(precision, scale) => {
            let read = |text: &str| {
                let mut number: Decimal = text.parse().with_context(|| format!("{text:?}"))?;
                number.rescale(PLACES);
                anyhow::ensure!(number.scale() == PLACES, "{text:?} has too many digits");
                Ok(number.mantissa())
            };
            let all: anyhow::Result<Vec<_>> =
                texts.map(|text| of(text).map(read).transpose()).collect();
            Arc::new(Decimal128Array::from(all?).with_precision_and_scale(precision, scale)?)
        }
        _ => Arc::new(StringArray::from_iter_values(texts)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_the_type_of_its_name() {
        assert_eq!(kind("subsidy_yuan"), DataType::Decimal128(38, 6));
        assert_eq!(kind("rise_pct"), DataType::Decimal128(38, 6));
        assert_eq!(kind("person_months"), DataType::Int64);
        assert_eq!(kind("area_code"), DataType::Utf8);
        let batch = array("subsidy_yuan", ["17.00", "", "-0.123456"].into_iter()).unwrap();
        let numbers = batch.as_any().downcast_ref::<Decimal128Array>().unwrap();
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [Some(17_000_000), None, Some(-123_456)]);
        assert!(array("persons", ["many"].into_iter()).is_err());
    }
}

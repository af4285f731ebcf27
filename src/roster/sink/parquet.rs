//! Tables in Parquet: text as UTF-8, yuan as decimals of two places.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, RecordBatch,
    builder::{Decimal128Builder, StringBuilder, UInt64Builder},
};
use arrow_schema::{DataType, Field, Schema};
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
};

use super::{Heading, Kind, Out, RosterError, Value};

/// Digits of a sum, two of them behind the point.
const DIGITS: u8 = 20;
/// Rows gathered before they are written.
const ROWS: usize = 16_384;

fn wrong(error: impl ToString) -> RosterError {
    RosterError::Format { format: "Parquet", why: error.to_string() }
}

/// A table being written.
pub struct Table {
    writer: ArrowWriter<Out>,
    schema: Arc<Schema>,
    headings: &'static [Heading],
}

enum Column {
    Text(StringBuilder),
    Yuan(Decimal128Builder),
    Number(UInt64Builder),
}

/// Columns of some rows.
pub struct Columns {
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    pub(super) fn new(out: Out, headings: &'static [Heading]) -> Result<Self, RosterError> {
        let field = |heading: &Heading| {
            let kind = match heading.kind {
                Kind::Text => DataType::Utf8,
                Kind::Yuan => DataType::Decimal128(DIGITS, 2),
                Kind::Number => DataType::UInt64,
            };
            Field::new(heading.name, kind, false)
        };
        let schema = Arc::new(Schema::new(headings.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(128 << 10))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("price-linkage".into())
            .build();
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties)).map_err(wrong)?;
        Ok(Self { writer, schema, headings })
    }

    pub(super) fn columns(&self) -> Columns {
        let column = |heading: &Heading| match heading.kind {
            Kind::Text => Column::Text(StringBuilder::new()),
            Kind::Yuan => {
                let kind = DataType::Decimal128(DIGITS, 2);
                Column::Yuan(Decimal128Builder::new().with_data_type(kind))
            }
            Kind::Number => Column::Number(UInt64Builder::new()),
        };
        Columns { columns: self.headings.iter().map(column).collect(), rows: 0 }
    }

    pub(super) fn write(&mut self, columns: &mut Columns) -> Result<(), RosterError> {
        let finished = columns.columns.iter_mut().map(|column| -> ArrayRef {
            match column {
                Column::Text(texts) => Arc::new(texts.finish()),
                Column::Yuan(sums) => Arc::new(sums.finish()),
                Column::Number(numbers) => Arc::new(numbers.finish()),
            }
        });
        let batch = RecordBatch::try_new(self.schema.clone(), finished.collect()).map_err(wrong)?;
        columns.rows = 0;
        self.writer.write(&batch).map_err(wrong)
    }

    pub(super) fn finish(self) -> Result<Out, RosterError> {
        self.writer.into_inner().map_err(wrong)
    }
}

impl Columns {
    pub(super) fn push(&mut self, row: &[Value<'_>]) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            match (column, *value) {
                (Column::Text(texts), Value::Text(text)) => {
                    texts.append_value(String::from_utf8_lossy(text));
                }
                (Column::Yuan(sums), Value::Number(fen)) => sums.append_value(i128::from(fen)),
                (Column::Number(numbers), Value::Number(number)) => numbers.append_value(number),
                _ => {}
            }
        }
        self.rows += 1;
    }

    pub(super) fn is_full(&self) -> bool {
        ROWS <= self.rows
    }
}

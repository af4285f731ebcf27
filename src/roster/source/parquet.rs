//! Rosters in Parquet, a row group at a time; only the columns asked for are read.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, LargeStringArray, StringArray, StringViewArray,
    cast::AsArray,
    types::{Int32Type, Int64Type, UInt32Type, UInt64Type},
};
use bytes::Bytes;
use parquet::{
    arrow::{
        ProjectionMask,
        arrow_reader::{
            ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
            ParquetRecordBatchReaderBuilder,
        },
    },
    file::reader::{ChunkReader, Length},
};

use super::{Row, RowFault, has_controls, row_number};
use crate::roster::{
    RosterError,
    columns::{Column, Fields, Layout},
};

/// Rows decoded at a time.
const ROWS: usize = 4096;

/// A file that several row groups are read from at once: every read says where, so that they do not
/// share a place in it.
#[derive(Clone)]
struct Places(Arc<File>);

/// A place in the file.
struct Cursor {
    file: Arc<File>,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for Places {
    fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl ChunkReader for Places {
    type T = BufReader<Cursor>;

    fn get_read(&self, at: u64) -> parquet::errors::Result<Self::T> {
        Ok(BufReader::new(Cursor { file: Arc::clone(&self.0), at }))
    }

    fn get_bytes(&self, at: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    }
}

/// A Parquet file being read.
pub struct ParquetSource {
    file: Places,
    metadata: ArrowReaderMetadata,
    group: usize,
    row: u64,
    pub(super) digest: Option<String>,
}

/// A row group.
pub struct Group {
    first: u32,
    reader: ParquetRecordBatchReader,
}

fn wrong(error: impl ToString) -> RosterError {
    RosterError::Format { format: "Parquet", why: error.to_string() }
}

impl ParquetSource {
    pub(super) fn open(
        file: File,
        digest: Option<String>,
    ) -> Result<(Vec<String>, Self), RosterError> {
        let file = Places(Arc::new(file));
        let metadata =
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(wrong)?;
        let header = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok((header, Self { file, metadata, group: 0, row: 2, digest }))
    }

    pub(super) fn next(&mut self, layout: &Layout) -> Result<Option<Group>, RosterError> {
        let parquet = self.metadata.metadata();
        let Some(group) = parquet.row_groups().get(self.group) else { return Ok(None) };
        let first = row_number(self.row)?;
        self.row += u64::try_from(group.num_rows()).map_err(wrong)?;
        row_number(self.row)?;
        let wanted = layout.columns.iter().enumerate().filter(|(_, column)| column.is_some());
        let roots = wanted.map(|(at, _)| at);
        let mask = ProjectionMask::roots(parquet.file_metadata().schema_descr(), roots);
        let file = self.file.clone();
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![self.group])
                .with_projection(mask)
                .with_batch_size(ROWS)
                .build()
                .map_err(wrong)?;
        self.group += 1;
        Ok(Some(Group { first, reader }))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        (self.row - 2, u64::try_from(rows).unwrap_or_default())
    }

    pub(super) fn last_row(&self) -> u32 {
        u32::try_from(self.row - 1).unwrap_or(u32::MAX)
    }
}

impl Group {
    pub(super) fn rows(
        &mut self,
        layout: &Layout,
        mut each: impl FnMut(Row<'_>),
    ) -> Result<(), RosterError> {
        let columns: Vec<_> = layout.columns.iter().flatten().copied().collect();
        let mut row = self.first;
        for batch in &mut self.reader {
            let batch = batch.map_err(wrong)?;
            let read = columns.iter().zip(batch.columns());
            let read = read.map(|(column, array)| Ok((*column, Texts::of(*column, array)?)));
            let read = read.collect::<Result<Vec<_>, RosterError>>()?;
            let doubtful = read.iter().any(|(_, texts)| texts.has_controls());
            for at in 0..batch.num_rows() {
                let mut fields = Fields::default();
                let (mut faulty, mut length) = (false, 0);
                for (column, texts) in &read {
                    let text = texts.get(at);
                    length += text.len();
                    faulty |= doubtful && has_controls(text);
                    fields.set(*column, text);
                }
                each((
                    row,
                    match (faulty, length) {
                        (true, _) => Err(RowFault::Text),
                        (_, super::LINE_BYTES_MAX..) => Err(RowFault::Long),
                        _ => Ok(fields),
                    },
                ));
                row += 1;
            }
        }
        Ok(())
    }
}

fn digits<T: ArrowPrimitiveType<Native: ToString>>(array: &ArrayRef) -> Option<StringArray> {
    let numbers = array.as_primitive_opt::<T>()?;
    Some(numbers.iter().map(|number| number.map(|number| number.to_string())).collect())
}

/// A column as text.
enum Texts<'a> {
    Small(&'a StringArray),
    Large(&'a LargeStringArray),
    View(&'a StringViewArray),
    /// Numbers, written in digits.
    Digits(StringArray),
}

impl<'a> Texts<'a> {
    fn of(column: Column, array: &'a ArrayRef) -> Result<Self, RosterError> {
        let any = array.as_any();
        if let Some(texts) = any.downcast_ref() {
            return Ok(Self::Small(texts));
        }
        if let Some(texts) = any.downcast_ref() {
            return Ok(Self::Large(texts));
        }
        if let Some(texts) = any.downcast_ref() {
            return Ok(Self::View(texts));
        }
        let digits = digits::<Int32Type>(array)
            .or_else(|| digits::<Int64Type>(array))
            .or_else(|| digits::<UInt32Type>(array))
            .or_else(|| digits::<UInt64Type>(array));
        digits.map(Self::Digits).ok_or_else(|| {
            let (name, found) = (column.as_str(), array.data_type());
            wrong(format!("column {name} is {found}, expected text or whole numbers"))
        })
    }

    fn get(&self, at: usize) -> &[u8] {
        match self {
            Self::Small(texts) if texts.is_valid(at) => texts.value(at).as_bytes(),
            Self::Large(texts) if texts.is_valid(at) => texts.value(at).as_bytes(),
            Self::View(texts) if texts.is_valid(at) => texts.value(at).as_bytes(),
            Self::Digits(texts) if texts.is_valid(at) => texts.value(at).as_bytes(),
            _ => b"",
        }
    }

    fn has_controls(&self) -> bool {
        match self {
            Self::Small(texts) => has_controls(texts.value_data()),
            Self::Digits(_) => false,
            Self::Large(texts) => has_controls(texts.value_data()),
            Self::View(texts) => texts.iter().flatten().any(|text| has_controls(text.as_bytes())),
        }
    }
}

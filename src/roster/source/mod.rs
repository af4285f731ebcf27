//! Rosters as files: CSV, Parquet, XLSX, handed out batch by batch.
//!
//! **Invariant:** two readings of the same bytes give the same rows under the same numbers. The first
//! row below the header is row 2; in a CSV a row has the number of the line it starts in.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{
    RosterError,
    columns::{Fields, Layout, Mapping},
};

mod parquet;
mod sheet;
mod text;

use parquet::{Group, ParquetSource};
use sheet::{SheetRows, SheetSource};
pub use text::LINE_BYTES_MAX;
use text::{Text, TextSource};

/// How a roster is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated, UTF-8 or GB18030.
    Csv,
    /// Parquet.
    Parquet,
    /// A spreadsheet; its first sheet.
    Xlsx,
}

impl Format {
    /// The format that a file's name ends in.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// What is wrong with a row as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFault {
    /// It has another number of fields than the header.
    Width,
    /// A field has text after its closing quote.
    Quote,
    /// It is neither UTF-8 nor GB18030, or has control characters.
    Text,
    /// It is longer than [`LINE_BYTES_MAX`].
    Long,
}

/// A row: its number, and its fields or what is wrong with it.
pub type Row<'a> = (u32, Result<Fields<'a>, RowFault>);

/// Some rows, not yet taken apart.
pub enum Batch {
    /// Lines of a CSV.
    Text(Text),
    /// A row group of a Parquet file.
    Group(Group),
    /// Rows of a sheet.
    Sheet(SheetRows),
}

impl Batch {
    /// Takes the rows apart, in order.
    ///
    /// # Errors
    /// A row group that does not read.
    pub fn rows(
        &mut self,
        layout: &Layout,
        mut each: impl FnMut(Row<'_>),
    ) -> Result<(), RosterError> {
        match self {
            Self::Text(text) => text.rows(layout, each),
            Self::Group(group) => return group.rows(layout, each),
            Self::Sheet(rows) => rows.rows(layout, &mut each),
        }
        Ok(())
    }
}

enum Kind {
    Text(TextSource),
    Parquet(ParquetSource),
    Sheet(SheetSource),
}

/// A roster being read.
pub struct Source {
    kind: Kind,
    layout: Layout,
}

impl Source {
    /// Opens a roster and reads its header. With `digest` the SHA-256 of its bytes is made on the way.
    ///
    /// # Errors
    /// It cannot be read, or its header is not that of a roster.
    pub fn open(
        mut file: File,
        format: Format,
        mapping: &Mapping,
        digest: bool,
    ) -> Result<Self, RosterError> {
        let (header, kind) = match format {
            Format::Csv => {
                let (header, source) = TextSource::open(file, digest)?;
                (header, Kind::Text(source))
            }
            Format::Parquet | Format::Xlsx => {
                let digest = match digest {
                    true => Some(digest_of(&mut file)?),
                    false => None,
                };
                match format {
                    Format::Xlsx => {
                        let (header, source) = SheetSource::open(file, digest)?;
                        (header, Kind::Sheet(source))
                    }
                    _ => {
                        let (header, source) = ParquetSource::open(file, digest)?;
                        (header, Kind::Parquet(source))
                    }
                }
            }
        };
        let layout = Layout::of(&header, mapping)?;
        Ok(Self { kind, layout })
    }

    /// Where the columns are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The next rows; none at the end. `used` is a batch that is not needed any more.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn next(&mut self, used: Option<Batch>) -> Result<Option<Batch>, RosterError> {
        match &mut self.kind {
            Kind::Text(source) => {
                let used = match used {
                    Some(Batch::Text(text)) => text,
                    _ => Text::default(),
                };
                Ok(source.next(used)?.map(Batch::Text))
            }
            Kind::Parquet(source) => Ok(source.next(&self.layout)?.map(Batch::Group)),
            Kind::Sheet(source) => Ok(source.next()?.map(Batch::Sheet)),
        }
    }

    /// How much was handed out, of how much: bytes or rows.
    pub fn progress(&self) -> (u64, u64) {
        match &self.kind {
            Kind::Text(source) => source.progress(),
            Kind::Parquet(source) => source.progress(),
            Kind::Sheet(source) => source.progress(),
        }
    }

    /// The largest number of a row handed out so far.
    pub fn last_row(&self) -> u32 {
        match &self.kind {
            Kind::Text(source) => source.last_row(),
            Kind::Parquet(source) => source.last_row(),
            Kind::Sheet(source) => source.last_row(),
        }
    }

    /// The SHA-256 of the bytes, in lower-case hex, once everything was handed out; none when it was
    /// not asked for.
    pub fn digest(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(source) => source.digest(),
            Kind::Parquet(source) => source.digest.clone(),
            Kind::Sheet(source) => source.digest.clone(),
        }
    }
}

fn digest_of(file: &mut File) -> Result<String, RosterError> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(RosterError::io("read the roster"))? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(RosterError::io("read the roster"))?;
    Ok(hex::encode(hasher.finalize()))
}

/// Whether there are control characters besides tabs and line ends.
fn has_controls(bytes: &[u8]) -> bool {
    // Without a way out, so that many bytes are looked at at once.
    let control = |byte: u8| (byte < 0x20) & (byte != b'\t') & (byte != b'\n') & (byte != b'\r');
    bytes.iter().fold(false, |found, byte| found | control(*byte))
}

/// The number of a row, counted from 1 for the header.
fn row_number(row: u64) -> Result<u32, RosterError> {
    let expected = format!("at most {} rows", u32::MAX);
    u32::try_from(row).map_err(|_| RosterError::Line { line: row, expected })
}

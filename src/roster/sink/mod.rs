//! Tables as files: CSV, Parquet, XLSX, written part by part by several workers.

use std::{
    fs::File,
    io::{self, Write},
};

use sha2::{Digest, Sha256};

use super::{RosterError, source::Format};

mod csv;
mod parquet;
mod sheet;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Yuan with two places, given in fen.
    Yuan,
    /// A whole number.
    Number,
}

/// A column of a table that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    /// Its name in CSV and Parquet.
    pub name: &'static str,
    /// Its name in a sheet.
    pub zh: &'static str,
    /// How wide it is in a sheet, in characters.
    pub width: u32,
    /// What it holds.
    pub kind: Kind,
}

/// A cell of a row.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text.
    Text(&'a [u8]),
    /// A whole number, or fen.
    Number(u64),
}

/// Some rows, in the form of the file.
pub enum Part {
    /// Lines.
    Csv(Vec<u8>),
    /// Columns.
    Parquet(parquet::Columns),
    /// Rows.
    Sheet(sheet::Rows),
}

/// A table being written.
pub enum Sink {
    /// CSV.
    Csv(Out),
    /// Parquet.
    Parquet(Box<parquet::Table>),
    /// XLSX.
    Sheet(Box<sheet::Book>),
}

/// A file on its way to the disk, with its SHA-256.
pub struct Out {
    file: File,
    hasher: Sha256,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn refused(error: io::Error) -> RosterError {
    RosterError::io("write the list")(error)
}

impl Sink {
    /// Begins a table.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn new(
        file: File,
        format: Format,
        title: &'static str,
        headings: &'static [Heading],
    ) -> Result<Self, RosterError> {
        let out = Out { file, hasher: Sha256::new() };
        Ok(match format {
            Format::Csv => Self::Csv(csv::begin(out, headings)?),
            Format::Parquet => Self::Parquet(Box::new(parquet::Table::new(out, headings)?)),
            Format::Xlsx => Self::Sheet(Box::new(sheet::Book::new(out, title, headings)?)),
        })
    }

    /// An empty part.
    pub fn part(&self) -> Part {
        match self {
            Self::Csv(_) => Part::Csv(Vec::new()),
            Self::Parquet(table) => Part::Parquet(table.columns()),
            Self::Sheet(_) => Part::Sheet(sheet::Rows::default()),
        }
    }

    /// Writes a part and empties it.
    ///
    /// # Errors
    /// The disk refuses, or the format holds no more rows.
    pub fn write(&mut self, part: &mut Part) -> Result<(), RosterError> {
        match (self, part) {
            (Self::Csv(out), Part::Csv(lines)) => {
                out.write_all(lines).map_err(refused)?;
                lines.clear();
                Ok(())
            }
            (Self::Parquet(table), Part::Parquet(columns)) => table.write(columns),
            (Self::Sheet(book), Part::Sheet(rows)) => book.write(rows),
            _ => Ok(()),
        }
    }

    /// Ends the table and puts it on disk; gives its SHA-256.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(self) -> Result<String, RosterError> {
        let out = match self {
            Self::Csv(out) => out,
            Self::Parquet(table) => table.finish()?,
            Self::Sheet(book) => book.finish()?,
        };
        out.file.sync_all().map_err(refused)?;
        Ok(hex::encode(out.hasher.finalize()))
    }
}

impl Part {
    /// Adds a row.
    pub fn push(&mut self, row: &[Value<'_>], headings: &[Heading]) {
        match self {
            Self::Csv(lines) => csv::push(lines, row, headings),
            Self::Parquet(columns) => columns.push(row),
            Self::Sheet(rows) => rows.push(row),
        }
    }

    /// Whether it is large enough to be written.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Csv(lines) => 1 << 20 <= lines.len(),
            Self::Parquet(columns) => columns.is_full(),
            Self::Sheet(_) => false,
        }
    }
}

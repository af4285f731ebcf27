//! Rosters in XLSX: the first sheet. A sheet has at most 1,048,576 rows and is read whole.

use std::{fs::File, io::BufReader};

use calamine::{Data, Range, Reader, Xlsx};

use super::{Row, RowFault, has_controls, row_number};
use crate::roster::{
    RosterError,
    columns::{Column, Fields, Layout},
};

/// Rows handed out at a time.
const ROWS: usize = 8192;
/// Most bytes that a packed sheet may unpack to.
const UNPACKED_MAX: u64 = 2 << 30;

/// A sheet being read.
pub struct SheetSource {
    rows: Vec<Vec<String>>,
    taken: usize,
    pub(super) digest: Option<String>,
}

/// Some of its rows.
pub struct SheetRows {
    first: u32,
    rows: Vec<Vec<String>>,
}

impl SheetSource {
    pub(super) fn open(
        file: File,
        digest: Option<String>,
    ) -> Result<(Vec<String>, Self), RosterError> {
        let wrong = |why: String| RosterError::Format { format: "XLSX", why };
        bounded(&file)?;
        let mut book: Xlsx<_> =
            Xlsx::new(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
        let sheet = book.worksheet_range_at(0).ok_or_else(|| wrong("it has no sheet".into()))?;
        let sheet = sheet.map_err(|error| wrong(error.to_string()))?;
        let mut rows = cells(&sheet);
        if rows.is_empty() {
            return Err(RosterError::header("", "a first row with the columns' names"));
        }
        let header = rows.remove(0);
        Ok((header, Self { rows, taken: 0, digest }))
    }

    pub(super) fn next(&mut self) -> Result<Option<SheetRows>, RosterError> {
        if self.taken == self.rows.len() {
            return Ok(None);
        }
        let end = (self.taken + ROWS).min(self.rows.len());
        let first = row_number(self.taken as u64 + 2)?;
        let rows = self.rows[self.taken..end].iter_mut().map(std::mem::take).collect();
        self.taken = end;
        Ok(Some(SheetRows { first, rows }))
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.taken as u64, self.rows.len() as u64)
    }

    pub(super) fn last_row(&self) -> u32 {
        self.taken as u32 + 1
    }
}

/// Refuses a file that unpacks to more than can be held.
fn bounded(file: &File) -> Result<(), RosterError> {
    let wrong = |why: String| RosterError::Format { format: "XLSX", why };
    let file = file.try_clone().map_err(RosterError::io("read the roster"))?;
    let mut packed =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
    let mut sum = 0_u64;
    for at in 0..packed.len() {
        let one = packed.by_index_raw(at).map_err(|error| wrong(error.to_string()))?;
        sum = sum.saturating_add(one.size());
    }
    match sum <= UNPACKED_MAX {
        true => Ok(()),
        false => Err(wrong(format!("it unpacks to {sum} bytes, expected at most {UNPACKED_MAX}"))),
    }
}

/// The cells as text, from the first column and row on.
fn cells(sheet: &Range<Data>) -> Vec<Vec<String>> {
    let (Some((top, left)), Some((bottom, right))) = (sheet.start(), sheet.end()) else {
        return Vec::new();
    };
    debug_assert!(top <= bottom);
    let above = (0..top).map(|_| Vec::new());
    let row = |cells: &[Data]| {
        let before = (0..left).map(|_| String::new());
        before.chain(cells.iter().map(text)).take(right as usize + 1).collect()
    };
    above.chain(sheet.rows().map(row)).collect()
}

/// A cell as text. A number is shown whole or not at all: an identity number typed as a number has
/// lost digits, which its check digit tells.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        Data::DateTime(day) => match day.as_datetime() {
            Some(day) => day.date().to_string(),
            None => String::new(),
        },
        Data::DateTimeIso(text) => text.chars().take(10).collect(),
        other => other.to_string(),
    }
}

impl SheetRows {
    pub(super) fn rows(&mut self, layout: &Layout, each: &mut dyn FnMut(Row<'_>)) {
        for (at, row) in self.rows.iter().enumerate() {
            let number = self.first + at as u32;
            if row.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if row.iter().any(|cell| has_controls(cell.as_bytes())) {
                each((number, Err(RowFault::Text)));
                continue;
            }
            if row.iter().map(String::len).sum::<usize>() > super::LINE_BYTES_MAX {
                each((number, Err(RowFault::Long)));
                continue;
            }
            let mut fields = Fields::default();
            for (cell, column) in row.iter().zip(&layout.columns) {
                if let Some(column) = *column {
                    fields.set(Column::ALL[column as usize], cell.as_bytes());
                }
            }
            each((number, Ok(fields)));
        }
    }
}

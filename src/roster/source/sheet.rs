//! Rosters in XLSX: the first sheet. A sheet has at most 1,048,576 rows and is read whole.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use calamine::{Data, DataRef, Reader, Xlsx};

use super::{Row, RowFault, has_controls, row_number};
use crate::roster::{
    RosterError,
    columns::{Column, Fields, Layout},
};

/// Rows handed out at a time.
const ROWS: usize = 8192;
/// Most bytes that a file may unpack to.
const UNPACKED_MAX: u64 = 1 << 30;
/// Most bytes of it that are not sheets: texts are held whole before a row is read.
const BESIDE_SHEETS_MAX: u64 = 256 << 20;
/// Most rows that a sheet can have.
const SHEET_ROWS_MAX: u32 = 1_048_576;
/// Most columns of a roster's sheet.
const COLUMNS_MAX: u32 = 256;
/// Most bytes that the cells may take as text, however often a text is repeated.
const CELLS_BYTES_MAX: usize = 512 << 20;

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

fn wrong(why: impl ToString) -> RosterError {
    RosterError::Format { format: "XLSX", why: why.to_string() }
}

impl SheetSource {
    pub(super) fn open(
        file: File,
        digest: Option<String>,
    ) -> Result<(Vec<String>, Self), RosterError> {
        bounded(&file)?;
        let mut book: Xlsx<_> = Xlsx::new(BufReader::new(file)).map_err(wrong)?;
        let mut rows = cells(&mut book)?;
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

/// Refuses a file that unpacks to more than can be held, whatever it says that it unpacks to.
fn bounded(file: &File) -> Result<(), RosterError> {
    let file = file.try_clone().map_err(RosterError::io("read the roster"))?;
    let mut packed = zip::ZipArchive::new(BufReader::new(file)).map_err(wrong)?;
    let (mut all, mut beside) = (0_u64, 0_u64);
    for at in 0..packed.len() {
        let part = packed.by_index(at).map_err(wrong)?;
        let is_sheet = part.name().is_ok_and(|name| name.starts_with("xl/worksheets/"));
        let left = match is_sheet {
            true => UNPACKED_MAX - all,
            false => (UNPACKED_MAX - all).min(BESIDE_SHEETS_MAX - beside),
        };
        let told = part.size();
        let size = match told <= left {
            true => io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(wrong)?,
            false => told,
        };
        if left < size {
            let most = if is_sheet { UNPACKED_MAX } else { BESIDE_SHEETS_MAX };
            return Err(wrong(format!("it unpacks to too much, expected at most {most} bytes")));
        }
        all += size;
        beside += if is_sheet { 0 } else { size };
    }
    Ok(())
}

/// The cells of the first sheet as text, from the first column and row on. Rows are as long as their
/// last cell that is there: a sheet with cells in two far corners must not be held as a rectangle.
fn cells(book: &mut Xlsx<BufReader<File>>) -> Result<Vec<Vec<String>>, RosterError> {
    let name = book.sheet_names().first().cloned().ok_or_else(|| wrong("it has no sheet"))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(wrong)?;
    let (mut rows, mut bytes) = (Vec::<Vec<String>>::new(), 0_usize);
    while let Some(cell) = cells.next_cell().map_err(wrong)? {
        let ((row, column), value) = (cell.get_position(), cell.get_value());
        if matches!(value, DataRef::Empty) {
            continue;
        }
        if SHEET_ROWS_MAX <= row || COLUMNS_MAX <= column {
            let most = format!("at most {SHEET_ROWS_MAX} rows and {COLUMNS_MAX} columns");
            return Err(wrong(format!("a cell in row {}: expected {most}", u64::from(row) + 1)));
        }
        let (row, column) = (row as usize, column as usize);
        if rows.len() <= row {
            rows.resize_with(row + 1, Vec::new);
        }
        let fields = &mut rows[row];
        let before = fields.len();
        if before <= column {
            fields.resize_with(column + 1, String::new);
        }
        bytes += (fields.len() - before) * size_of::<String>() + length(value);
        if CELLS_BYTES_MAX < bytes {
            let most = format!("expected at most {CELLS_BYTES_MAX} bytes of cells");
            return Err(wrong(format!("too much text: {most}; CSV and Parquet may be longer")));
        }
        fields[column] = text(&Data::from(value.clone()));
    }
    Ok(rows)
}

/// How many bytes a cell takes as text, before that is made; what is no text is short.
fn length(value: &DataRef<'_>) -> usize {
    match value {
        DataRef::SharedString(text) => text.len(),
        DataRef::String(text) | DataRef::DateTimeIso(text) => text.len(),
        _ => 0,
    }
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

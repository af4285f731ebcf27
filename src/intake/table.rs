//! Tables as offices send them: CSV in UTF-8 or GB18030, headers in Chinese or English.
//!
//! **Invariant:** every bad row is reported at once, with line, column, value and what was
//! expected; a table with a problem yields no rows.

use std::{borrow::Cow, fmt};

use crate::domain::text::is_unseen;

/// Largest file read, in bytes.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most rows read.
pub const ROWS_MAX: usize = 1_000_000;
/// Longest field read, in bytes.
pub const FIELD_BYTES_MAX: usize = 64 * 1024;
/// Most problems told one by one.
pub const PROBLEMS_MAX: usize = 1_000;

/// One thing wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowProblem {
    /// Line in the file, from 1; the header is line 1.
    pub line: u64,
    /// The column, as the table calls it.
    pub column: String,
    /// What was given, cut to 60 characters.
    pub value: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, value, expected } = self;
        write!(f, "line {line}, column {column}, value {value:?}: expected {expected}")
    }
}

/// Everything wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The problems, in order of lines.
    pub problems: Vec<RowProblem>,
    /// How many more there are.
    pub more: usize,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}

/// Gathers problems up to the limit.
#[derive(Debug, Default)]
pub struct Gathered {
    problems: Vec<RowProblem>,
    more: usize,
}

impl Gathered {
    /// Adds a problem.
    pub fn push(&mut self, line: u64, column: &str, value: &str, expected: impl Into<String>) {
        if PROBLEMS_MAX <= self.problems.len() {
            self.more += 1;
            return;
        }
        let value = value.chars().take(60).collect();
        let (column, expected) = (column.to_owned(), expected.into());
        self.problems.push(RowProblem { line, column, value, expected });
    }

    /// The rows, if nothing is wrong.
    ///
    /// # Errors
    /// Everything gathered, in order of lines.
    pub fn finish<T>(mut self, rows: T) -> Result<T, Problems> {
        if self.problems.is_empty() {
            return Ok(rows);
        }
        self.problems.sort_by_key(|problem| problem.line);
        Err(Problems { problems: self.problems, more: self.more })
    }

    /// Whether anything is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

/// A column: its English name, its Chinese names, and whether the table must have it.
pub struct Column {
    /// English name.
    pub name: &'static str,
    /// Other names.
    pub also: &'static [&'static str],
    /// Whether it must be there.
    pub required: bool,
}

/// A table as text, its columns in the order asked for; a column that is absent is empty.
pub struct Table {
    rows: csv::StringRecordsIntoIter<std::io::Cursor<Vec<u8>>>,
    places: Vec<Option<usize>>,
    width: usize,
    of_persons: bool,
}

/// A row: its line and its fields, trimmed.
pub struct Row {
    /// Line in the file.
    pub line: u64,
    record: csv::StringRecord,
    places: Vec<Option<usize>>,
}

impl Row {
    /// The field of the n-th column asked for, empty when absent.
    pub fn get(&self, column: usize) -> &str {
        let place = self.places.get(column).copied().flatten();
        place.and_then(|at| self.record.get(at)).unwrap_or("").trim()
    }
}

/// The text of a file in UTF-8, with or without a mark, or in GB18030.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let (text, broken) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    if broken {
        return Err("a text in UTF-8 or GB18030".to_owned());
    }
    Ok(text)
}

impl Table {
    /// Opens a table and finds its columns. O(bytes).
    ///
    /// # Errors
    /// The file is too large, no text, or its header lacks, repeats or adds a column.
    pub fn open(bytes: &[u8], columns: &[Column]) -> Result<Self, Problems> {
        Self::opened(bytes, columns, false)
    }

    /// As [`Self::open`], for tables of persons: other columns are passed over, and no problem quotes
    /// what stands in a row.
    ///
    /// # Errors
    /// As [`Self::open`], but for columns it adds.
    pub fn open_of_persons(bytes: &[u8], columns: &[Column]) -> Result<Self, Problems> {
        Self::opened(bytes, columns, true)
    }

    fn opened(bytes: &[u8], columns: &[Column], of_persons: bool) -> Result<Self, Problems> {
        let mut problems = Gathered::default();
        if BYTES_MAX < bytes.len() {
            let expected = format!("at most {BYTES_MAX} bytes");
            problems.push(1, "file", &bytes.len().to_string(), expected);
            return problems.finish(()).map(|()| unreachable!("a problem was pushed"));
        }
        let text = match decode(bytes) {
            Ok(text) => text.into_owned(),
            Err(expected) => {
                problems.push(1, "file", "", expected);
                String::new()
            }
        };
        let source = std::io::Cursor::new(text.into_bytes());
        let mut reader =
            csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(source);
        let header = reader.headers().cloned().unwrap_or_default();
        let known = |column: &Column, title: &str| {
            column.name.eq_ignore_ascii_case(title) || column.also.contains(&title)
        };
        let mut places = vec![None; columns.len()];
        for (at, title) in header.iter().map(str::trim).enumerate() {
            match columns.iter().position(|column| known(column, title)) {
                Some(found) if places[found].is_some() => {
                    problems.push(1, title, title, "each column once");
                }
                Some(found) => places[found] = Some(at),
                None if of_persons => {}
                None => {
                    let names: Vec<_> = columns.iter().map(|column| column.name).collect();
                    problems.push(1, "header", title, format!("one of {}", names.join(", ")));
                }
            }
        }
        for (column, place) in columns.iter().zip(&places) {
            if column.required && place.is_none() && problems.is_empty() {
                let names = [&[column.name], column.also].concat().join(" or ");
                problems.push(1, "header", "", format!("a column {names}"));
            }
        }
        let width = header.len();
        problems.finish(Self { rows: reader.into_records(), places, width, of_persons })
    }

    /// The next row; rows that cannot be read are reported and passed over.
    pub fn next(&mut self, problems: &mut Gathered) -> Option<Row> {
        loop {
            let record = match self.rows.next()? {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    problems.push(line, "row", "", "a row of comma-separated text");
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            if record.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            if record.len() != self.width {
                let expected = format!("{} fields, as in the header", self.width);
                problems.push(line, "row", &record.len().to_string(), expected);
                continue;
            }
            let odd = |field: &&str| FIELD_BYTES_MAX < field.len() || field.chars().any(is_unseen);
            if let Some(field) = record.iter().find(odd) {
                let field = if self.of_persons { "" } else { field };
                let expected = "text without control or unseen characters, at most 64 KiB";
                problems.push(line, "row", field, expected);
                continue;
            }
            return Some(Row { line, record, places: self.places.clone() });
        }
    }
}

//! Tables in XLSX, a sheet for each million rows, headers in Chinese. Text is written as text, so
//! that nothing is taken for a formula.

use rust_xlsxwriter::{Format, FormatAlign, Workbook, Worksheet, XlsxError};

use super::{Heading, Kind, Out, RosterError, Value};

/// Rows on a sheet below its header.
const ROWS_MAX: u32 = 1_000_000;

fn wrong(error: XlsxError) -> RosterError {
    RosterError::Format { format: "XLSX", why: error.to_string() }
}

/// A workbook being written.
pub struct Book {
    out: Out,
    book: Workbook,
    title: &'static str,
    headings: &'static [Heading],
    sheets: usize,
    row: u32,
    yuan: Format,
}

enum Cell {
    Text(String),
    Number(u64),
}

/// Some rows.
#[derive(Default)]
pub struct Rows(Vec<Vec<Cell>>);

impl Rows {
    pub(super) fn push(&mut self, row: &[Value<'_>]) {
        let cell = |value: &Value<'_>| match value {
            Value::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
            Value::Number(number) => Cell::Number(*number),
        };
        self.0.push(row.iter().map(cell).collect());
    }
}

impl Book {
    pub(super) fn new(
        out: Out,
        title: &'static str,
        headings: &'static [Heading],
    ) -> Result<Self, RosterError> {
        let book = Workbook::new();
        let yuan = Format::new().set_num_format("#,##0.00");
        let mut book = Self { out, book, title, headings, sheets: 0, row: 0, yuan };
        book.sheet()?;
        Ok(book)
    }

    /// Begins a sheet.
    fn sheet(&mut self) -> Result<(), RosterError> {
        self.sheets += 1;
        self.row = 0;
        let name = match self.sheets {
            1 => self.title.to_owned(),
            more => format!("{}{more}", self.title),
        };
        let sheet = self.book.add_worksheet_with_constant_memory().map_err(wrong)?;
        header(sheet, &name, self.headings).map_err(wrong)
    }

    pub(super) fn write(&mut self, rows: &mut Rows) -> Result<(), RosterError> {
        for row in rows.0.drain(..) {
            if self.row == ROWS_MAX {
                self.sheet()?;
            }
            self.row += 1;
            let at = self.row;
            let sheet = self.book.worksheet_from_index(self.sheets - 1).map_err(wrong)?;
            for ((column, heading), cell) in (0..).zip(self.headings).zip(row) {
                let written = match (cell, heading.kind) {
                    (Cell::Text(text), _) => sheet.write_string(at, column, text),
                    (Cell::Number(fen), Kind::Yuan) => {
                        let yuan = rust_decimal::Decimal::new(fen as i64, 2);
                        sheet.write_with_format(at, column, yuan, &self.yuan)
                    }
                    (Cell::Number(number), _) => sheet.write_number(at, column, number as u32),
                };
                written.map_err(wrong)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Out, RosterError> {
        self.book.save_to_writer(&mut self.out).map_err(wrong)?;
        Ok(self.out)
    }
}

fn header(sheet: &mut Worksheet, name: &str, headings: &[Heading]) -> Result<(), XlsxError> {
    let bold = Format::new().set_bold().set_align(FormatAlign::Center);
    sheet.set_name(name)?;
    for (column, heading) in (0..).zip(headings) {
        sheet.set_column_width(column, heading.width)?;
        sheet.write_string_with_format(0, column, heading.zh, &bold)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

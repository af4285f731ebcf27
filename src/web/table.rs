//! Tables: one value shown as HTML, as CSV and as a spreadsheet, so that all three say the same.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use rust_decimal::Decimal;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::engine::reason::Text;

use super::{frame::Shown, refusal::Refusal, visit::Visit};

/// Rows of a table that a page shows; its files have all.
const ROWS_SHOWN_MAX: usize = 300;

/// A table.
pub(super) struct Table {
    /// Its name in addresses.
    pub id: &'static str,
    pub caption: Text,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: Text,
    /// Numbers stand to the right and are numbers in a spreadsheet.
    pub is_number: bool,
}

/// A field of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub text: String,
    pub href: Option<String>,
    /// How it is set off, a class of the style sheet; never the only carrier of a meaning.
    pub tone: Option<&'static str>,
}

pub(super) fn words(zh: &str, en: &str) -> Column {
    Column { name: Text::new(zh, en), is_number: false }
}

pub(super) fn numbers(zh: &str, en: &str) -> Column {
    Column { name: Text::new(zh, en), is_number: true }
}

impl Cell {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn linked(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: Some(href.into()), tone: None }
    }

    /// A figure that leads to where it comes from; nothing where there is none.
    pub fn figure(text: impl Into<String>, href: impl Into<String>) -> Self {
        let text = text.into();
        let href = Some(href.into()).filter(|_| !text.is_empty());
        Self { text, href, tone: None }
    }

    pub fn toned(self, tone: &'static str) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

impl Table {
    /// As HTML, with links to the other forms.
    pub fn shown(&self, visit: &Visit) -> Markup {
        let caption = visit.say(&self.caption.zh, &self.caption.en);
        if self.rows.is_empty() {
            return html! { p.hint { (caption) (visit.say(":没有记录。", ": nothing.")) } };
        }
        html! {
            div.table role="region" aria-label=(caption) tabindex="0" {
                table id=(self.id) {
                    caption { (caption) }
                    thead { tr {
                        @for column in &self.columns {
                            th scope="col" class=[column.is_number.then_some("n")] {
                                (visit.say(&column.name.zh, &column.name.en))
                            }
                        }
                    } }
                    tbody {
                        @for row in self.rows.iter().take(ROWS_SHOWN_MAX) { tr {
                            @for (cell, column) in row.iter().zip(&self.columns) {
                                td class=[column.is_number.then_some("n")]
                                    data-name=(visit.say(&column.name.zh, &column.name.en)) {
                                    (cell.shown())
                                }
                            }
                        } }
                    }
                }
            }
            @if ROWS_SHOWN_MAX < self.rows.len() {
                p.hint {
                    (visit.say("这里列出前 ", "The first ")) (ROWS_SHOWN_MAX)
                    (visit.say(" 行,共 ", " of ")) (self.rows.len())
                    (visit.say(" 行;全部见下载的文件。", " rows; all are in the files to download."))
                }
            }
            (self.links(visit))
        }
    }

    /// Links to it as CSV and as a spreadsheet.
    pub fn links(&self, visit: &Visit) -> Markup {
        if !visit.is_reading {
            return html! {};
        }
        let caption = visit.say(&self.caption.zh, &self.caption.en);
        html! {
            p.downloads {
                @for (kind, name) in [("csv", "CSV"), ("xlsx", "XLSX")] {
                    a href=(visit.here(&[("as", kind), ("table", self.id)])) download {
                        (visit.say("下载 ", "Download ")) (name)
                        span.unseen { (visit.say(":", ": ")) (caption) }
                    }
                }
            }
        }
    }

    fn csv(&self, visit: &Visit) -> Result<Vec<u8>, csv::Error> {
        // Office programs read UTF-8 as such only behind this mark.
        let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
        writer.write_record(
            self.columns.iter().map(|column| visit.say(&column.name.zh, &column.name.en)),
        )?;
        for row in &self.rows {
            writer.write_record(row.iter().zip(&self.columns).map(|(cell, column)| {
                if column.is_number { cell.text.clone() } else { inert(&cell.text) }
            }))?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }

    fn sheet(&self, visit: &Visit, book: &mut Workbook) -> Result<(), XlsxError> {
        let name: String = visit.say(&self.caption.zh, &self.caption.en).chars().take(31).collect();
        let head = Format::new().set_bold();
        let sheet = book.add_worksheet();
        sheet.set_freeze_panes(1, 0)?;
        sheet.set_name(name.replace(['/', '\\', '?', '*', ':', '[', ']'], " "))?;
        for (at, column) in (0..).zip(&self.columns) {
            let name = visit.say(&column.name.zh, &column.name.en);
            sheet.write_string_with_format(0, at, name, &head)?;
            sheet.set_column_width(at, if column.is_number { 14 } else { 24 })?;
        }
        for (line, row) in (1..).zip(&self.rows) {
            for (at, (cell, column)) in (0..).zip(row.iter().zip(&self.columns)) {
                match cell.text.parse::<Decimal>() {
                    Ok(number) if column.is_number => sheet.write(line, at, number)?,
                    _ => sheet.write_string(line, at, &cell.text)?,
                };
            }
        }
        Ok(())
    }
}

/// A text that a spreadsheet does not take for a formula.
fn inert(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

impl Cell {
    fn shown(&self) -> Markup {
        let inner = html! {
            @match &self.href {
                Some(href) => a href=(href) { (self.text) },
                None => (self.text),
            }
        };
        match self.tone {
            Some(tone) => html! { span class=(tone) { (inner) } },
            None => inner,
        }
    }
}

/// The table that the address names, or the first, as a file.
pub(super) fn download(visit: &Visit, shown: &Shown, kind: &str) -> Response {
    let named = match visit.field("table") {
        "" => shown.tables.first(),
        name => shown.tables.iter().find(|table| table.id == name),
    };
    let Some(table) = named else { return Refusal::not_found().response(visit) };
    let made = match kind {
        "csv" => table.csv(visit).map(|bytes| (bytes, "text/csv; charset=utf-8")).ok(),
        "xlsx" => workbook(visit, table).ok().map(|bytes| (bytes, XLSX)),
        _ => return Refusal::field("as", kind, "csv").response(visit),
    };
    match made {
        Some((bytes, kind_of)) => {
            file(&format!("{}.{kind}", file_name(visit, table)), kind_of, bytes)
        }
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Media type of a spreadsheet.
pub(super) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A file to be saved under a name.
pub(super) fn file(name: &str, kind: &str, bytes: Vec<u8>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    (headers, bytes).into_response()
}

fn workbook(visit: &Visit, table: &Table) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    table.sheet(visit, &mut book)?;
    book.save_to_buffer()
}

/// What a table is saved as: the page's path, what it was asked about, and the table.
fn file_name(visit: &Visit, table: &Table) -> String {
    let asked = ["within", "area", "month"].map(|name| visit.field(name));
    let steps = visit.path.split('/').chain(asked).chain([table.id]);
    let tame = |step: &str| {
        step.chars().filter(|one| one.is_ascii_alphanumeric() || *one == '-').take(40).collect()
    };
    let steps: Vec<String> = steps.map(tame).filter(|step: &String| !step.is_empty()).collect();
    steps.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_begins_like_a_formula_is_kept_from_being_one() {
        assert_eq!(inert("=1+1"), "'=1+1");
        assert_eq!(inert("@cmd"), "'@cmd");
        assert_eq!(inert("乌海市"), "乌海市");
        assert_eq!(inert(""), "");
    }
}

//! The head of a document: what it is, where and when it holds.

use toml::{Spanned, de::DeValue};

use crate::domain::{
    area::AreaCode,
    month::{Month, Span},
};

use super::{
    cite::{Head, Kind},
    reader::{Reader, Table},
    value::Value,
};

/// Reads the head; none when something that must be there is missing or wrong.
pub(super) fn read_head(
    reader: &mut Reader,
    table: &mut Table<'_>,
    digest: String,
) -> Option<Head> {
    let kind = required(reader, table, "kind").and_then(|word| checked_kind(reader, &word));
    let reform = kind == Some(Kind::Reform);
    // A reform need say no more than what it changes.
    let mut text = |reader: &mut Reader, key: &str, of_reform: &str| match reform && !table.has(key)
    {
        true => Some(of_reform.to_owned()),
        false => required(reader, table, key),
    };
    // Several reforms without a name of their own must be told apart.
    let id = text(reader, "id", &format!("reform-{}", &digest[..12]));
    let title_zh = text(reader, "title_zh", "假设的规则");
    let title_en = text(reader, "title_en", "A supposed rule");
    let jurisdiction = text(reader, "jurisdiction", "000000");
    let id = id.and_then(|id| checked_id(reader, id));
    let jurisdiction = jurisdiction.and_then(|code| checked_area(reader, &code));
    let mut months = table.read_with(reader, "index_months", read_span);
    if !table.has("index_months") {
        match Month::new(2010, 1).filter(|_| reform) {
            Some(from) => months = Some(Span { from, until: None }),
            None => {
                wrong(reader, "index_months", "", "{ from = \"YYYY-MM\", until = \"YYYY-MM\" }")
            }
        }
    }
    let issuers = texts(reader, table, "issuers");
    let amends = texts(reader, table, "amends");
    let sources = texts(reader, table, "sources");
    let number = table.optional(reader, "number");
    let gap_before = table.optional(reader, "gap_before");
    let author = table.optional(reader, "author");
    let reason = table.optional(reader, "reason");
    let issued = table.read_with(reader, "issued", Reader::date);
    let date = table.read_with(reader, "date", Reader::date);
    let signed = author.is_some() && date.is_some() && reason.is_some();
    if kind == Some(Kind::Assumption) && !signed {
        wrong(reader, "kind", "assumption", "author, date and reason in the head");
    }
    let note = reader.take_note();
    let file = reader.file().to_owned();
    Some(Head {
        id: id?,
        kind: kind?,
        title_zh: title_zh?,
        title_en: title_en?,
        number,
        issuers,
        issued,
        jurisdiction: jurisdiction?,
        months: months?,
        amends,
        gap_before,
        sources,
        note,
        author,
        date,
        reason,
        file,
        digest,
    })
}

fn required(reader: &mut Reader, table: &mut Table<'_>, key: &str) -> Option<String> {
    if !table.has(key) {
        let en = format!("{key} is missing from the head of the document");
        let zh = format!("文件头缺少 {key}");
        reader.error("head", 1, en, zh);
    }
    table.optional::<String>(reader, key)
}

fn texts(reader: &mut Reader, table: &mut Table<'_>, key: &str) -> Vec<String> {
    let list = table
        .read_with(reader, key, |reader, item| reader.list(item, "a list of texts", String::read));
    list.unwrap_or_default()
}

fn wrong(reader: &mut Reader, key: &str, value: &str, expected: &str) {
    let value: String = value.chars().take(60).collect();
    let en = format!("{key} {value:?}: expected {expected}");
    let zh = format!("{key} {value:?}:应为 {expected}");
    reader.error("head", 1, en, zh);
}

fn checked_id(reader: &mut Reader, id: String) -> Option<String> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !id.is_empty() && id.len() <= 60 && id.bytes().all(letter) {
        return Some(id);
    }
    wrong(reader, "id", &id, "1 to 60 characters of a-z, 0-9 and -");
    None
}

fn checked_kind(reader: &mut Reader, word: &str) -> Option<Kind> {
    let kinds = [Kind::National, Kind::Regional, Kind::Overlay, Kind::Assumption, Kind::Reform];
    let found = kinds.into_iter().find(|kind| kind.as_str() == word);
    if found.is_none() {
        wrong(reader, "kind", word, "national, regional, overlay, assumption or reform");
    }
    found
}

fn checked_area(reader: &mut Reader, code: &str) -> Option<AreaCode> {
    let found = code.parse().ok();
    if found.is_none() {
        wrong(reader, "jurisdiction", code, "a six-digit area code");
    }
    found
}

fn read_span(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Span> {
    let mut table = reader.table(item, "{ from = \"2014-07\", until = \"2017-03\" }")?;
    let from = table.read_with(reader, "from", Reader::month);
    let open = !table.has("until");
    let until = table.read_with(reader, "until", Reader::month);
    table.finish(reader);
    if !open && until.is_none() {
        return None;
    }
    let Some(from) = from else { return reader.expected(item, "a table with from = \"YYYY-MM\"") };
    if until.is_some_and(|until| until < from) {
        return reader.expected(item, "an until that is not before from");
    }
    Some(Span { from, until })
}

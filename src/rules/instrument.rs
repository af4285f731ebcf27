//! One legal document, read from its file.
//!
//! **Invariant:** an instrument that exists was read without an error finding.

use std::{fmt::Write, sync::Arc};

use sha2::{Digest, Sha256};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::domain::code::Code;

use super::{
    bounds::{self, TEXT_BYTES_MAX},
    case::{RuleCase, read_case},
    cite::{Head, Kind},
    finding::Finding,
    head::read_head,
    reader::{Reader, Table},
    terms::{
        AmountTerms, ConditionTerms, Discretion, FundingTerms, GroupChange, LimitTerms,
        PaymentTerms, StepTerms, Terms, TriggerTerms,
    },
    word::Unit,
};

/// A legal document or an assumption.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// Its head.
    pub head: Arc<Head>,
    /// What it sets.
    pub terms: Terms,
    /// Its own examples.
    pub cases: Vec<RuleCase>,
}

impl Instrument {
    /// Whether it is a reform.
    pub fn is_reform(&self) -> bool {
        self.head.kind == Kind::Reform
    }

    /// Whether it says itself when the mechanism starts.
    pub fn decides(&self) -> bool {
        !self.terms.trigger.when.is_unset()
    }

    /// Reads a document from the text of its file.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        match Self::read(file, text) {
            (Some(instrument), findings) if findings.is_empty() => Ok(instrument),
            (_, findings) => Err(findings),
        }
    }

    /// As much of a document as can be read, with everything that is wrong with it; none when it is
    /// no TOML or its head cannot be read. Only for checking: law is what [`Self::parse`] accepts.
    pub fn read(file: &str, text: &str) -> (Option<Self>, Vec<Finding>) {
        let mut reader = Reader::new(file, text);
        if TEXT_BYTES_MAX < text.len() {
            let (bytes, most) = (text.len(), TEXT_BYTES_MAX);
            let en = format!("the document has {bytes} bytes, expected at most {most}");
            let zh = format!("文件有 {bytes} 字节,最多 {most} 字节");
            reader.error("too_large", 1, en, zh);
            return (None, reader.findings);
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(0, |span| reader.line_at(span.start));
            let why = error.message().replace('\n', "; ");
            let (hint_en, hint_zh) = match chinese_mark(text, line) {
                Some(mark) => (
                    format!("; the line has {mark:?}, expected the marks of an English keyboard"),
                    format!(";该行有中文标点 {mark},引号、等号、逗号应为英文半角"),
                ),
                None => (String::new(), String::new()),
            };
            let (en, zh) = (format!("{why}{hint_en}"), format!("不是有效的 TOML:{why}{hint_zh}"));
            reader.error("not_toml", line, en, zh);
        }
        if !reader.findings.is_empty() {
            return (None, reader.findings);
        }
        let mut table = reader.open(document.get_ref());
        reader.enter(&mut table);
        let digest = Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
            hex
        });
        let head = read_head(&mut reader, &mut table, digest);
        let readable = head.is_some();
        let head = Arc::new(head.unwrap_or_else(|| Head::unread(file)));
        reader.cite_as(head.clone());
        let terms = read_terms(&mut reader, &mut table);
        let cases = read_tables(&mut reader, &mut table, "cases", read_case);
        bounds::check(&mut reader, &terms, cases.len());
        table.finish(&mut reader);
        reader.leave();
        let instrument = readable.then_some(Self { head, terms, cases });
        (instrument, reader.findings)
    }
}

/// The first mark of Chinese writing in a line that stands where TOML needs another.
fn chinese_mark(text: &str, line: u32) -> Option<char> {
    let line = text.lines().nth(line.checked_sub(1)? as usize)?;
    let code = line.split('#').next()?;
    // Between quotes any mark may stand.
    let outside = code.split('"').step_by(2);
    // Quotation marks, equals sign, comma, brackets and braces as Chinese keyboards write them.
    const MARKS: &str =
        "\u{201C}\u{201D}\u{2018}\u{2019}\u{FF1D}\u{FF0C}\u{3010}\u{3011}\u{FF5B}\u{FF5D}";
    outside.flat_map(str::chars).find(|mark| MARKS.contains(*mark))
}

/// Reads a section; what it cites holds for everything in it.
fn section<T: Default>(
    reader: &mut Reader,
    table: &mut Table<'_>,
    key: &str,
    read: impl FnOnce(&mut Reader, &mut Table<'_>) -> T,
) -> T {
    let found = table.read_with(reader, key, |reader, item| {
        let mut inner = reader.table(item, "a table")?;
        reader.enter(&mut inner);
        let value = read(reader, &mut inner);
        inner.finish(reader);
        reader.leave();
        Some(value)
    });
    found.unwrap_or_default()
}

/// Reads a table whose keys are names.
fn by_name<T: Default>(
    reader: &mut Reader,
    table: &mut Table<'_>,
    key: &str,
    mut read: impl FnMut(&mut Reader, &mut Table<'_>) -> T,
) -> std::collections::BTreeMap<Code, T> {
    section(reader, table, key, |reader, inner| {
        let mut all = std::collections::BTreeMap::new();
        for (name, line, item) in inner.rest() {
            let Ok(code) = name.parse::<Code>() else {
                let shown: String = name.chars().take(60).collect();
                let en = format!("name {shown:?}: expected a-z, 0-9 and _");
                let zh = format!("名称 {shown:?}:应为 a-z、0-9 和 _");
                reader.error("bad_name", line, en, zh);
                continue;
            };
            let Some(mut one) = reader.table(item, "a table") else { continue };
            reader.enter(&mut one);
            all.insert(code, read(reader, &mut one));
            one.finish(reader);
            reader.leave();
        }
        all
    })
}

fn read_terms(reader: &mut Reader, table: &mut Table<'_>) -> Terms {
    let (trigger, conditions) = section(reader, table, "trigger", |reader, table| {
        let conditions = by_name(reader, table, "conditions", ConditionTerms::read);
        (TriggerTerms::read(reader, table), conditions)
    });
    let (amount, steps) = section(reader, table, "amount", |reader, table| {
        let steps = by_name(reader, table, "steps", StepTerms::read);
        (AmountTerms::read(reader, table), steps)
    });
    let payment = section(reader, table, "payment", PaymentTerms::read);
    let funding = section(reader, table, "funding", FundingTerms::read);
    let limits = section(reader, table, "limits", LimitTerms::read);
    let groups = read_tables(reader, table, "groups", read_groups);
    let discretion = read_tables(reader, table, "discretion", read_discretion);
    let classes = section(reader, table, "classes", |reader, table| {
        let mut all = std::collections::BTreeMap::new();
        for (name, line, item) in table.rest() {
            match (name.parse::<Code>(), reader.areas(item)) {
                (Ok(code), Some(areas)) => drop(all.insert(code, areas)),
                (Err(error), _) => {
                    let zh = format!("名称有误:{error}");
                    reader.error("bad_name", line, error.to_string(), zh);
                }
                (Ok(_), None) => {}
            }
        }
        all
    });
    Terms {
        trigger,
        conditions,
        amount,
        steps,
        payment,
        funding,
        limits,
        groups,
        discretion,
        classes,
    }
}

/// Reads an array of tables (`[[key]]`).
fn read_tables<T>(
    reader: &mut Reader,
    table: &mut Table<'_>,
    key: &str,
    mut read: impl FnMut(&mut Reader, &mut Table<'_>, &Spanned<DeValue<'_>>) -> Option<T>,
) -> Vec<T> {
    let found = table.read_with(reader, key, |reader, item| {
        let what = format!("one or more [[{key}]] tables");
        let mut all = Vec::new();
        let Some(array) = item.get_ref().as_array() else { return reader.expected(item, &what) };
        for item in array {
            let Some(mut one) = reader.table(item, &what) else { continue };
            reader.enter(&mut one);
            all.extend(read(reader, &mut one, item));
            one.finish(reader);
            reader.leave();
        }
        Some(all)
    });
    found.unwrap_or_default()
}

fn read_groups(
    reader: &mut Reader,
    table: &mut Table<'_>,
    item: &Spanned<DeValue<'_>>,
) -> Option<GroupChange> {
    let add: Vec<Code> = table.optional(reader, "add").unwrap_or_default();
    let remove: Vec<Code> = table.optional(reader, "remove").unwrap_or_default();
    let from = table.read_with(reader, "from", Reader::month);
    let until = table.read_with(reader, "until", Reader::month);
    let areas = table.read_with(reader, "areas", Reader::areas);
    if add.is_empty() && remove.is_empty() {
        return reader.expected(item, "a table with add = [ … ] or remove = [ … ]");
    }
    let cite = reader.cite_here(reader.line(item))?;
    Some(GroupChange { add, remove, from, until, areas, cite })
}

fn read_discretion(
    reader: &mut Reader,
    table: &mut Table<'_>,
    item: &Spanned<DeValue<'_>>,
) -> Option<Discretion> {
    let groups = table.required(reader, "groups", item);
    let residence = table.read_with(reader, "residence", Reader::residence);
    let from = table.read_with(reader, "from", Reader::month);
    let until = table.read_with(reader, "until", Reader::month);
    let yuan = table.required(reader, "yuan", item);
    let unit = table.optional(reader, "unit").unwrap_or(Unit::Person);
    let each_further_yuan = table.optional(reader, "each_further_yuan");
    if (unit == Unit::HouseholdAndHeads) != each_further_yuan.is_some() {
        let what = "each_further_yuan with unit = \"household_and_heads\", and only with it";
        reader.expected::<()>(item, what);
    }
    let reason = table.required(reader, "reason", item);
    let (Some(from), Some(until)) = (from, until) else {
        return reader.expected(item, "a table with from = … and until = …");
    };
    let cite = reader.cite_here(reader.line(item))?;
    let (groups, yuan, reason) = (groups?, yuan?, reason?);
    Some(Discretion { groups, residence, from, until, yuan, unit, each_further_yuan, reason, cite })
}

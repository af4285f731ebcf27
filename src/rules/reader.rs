//! Reading a TOML document with the line of every value, reporting all problems at once.
//!
//! **Invariant:** reading never panics and never stops at the first problem; a value that could
//! not be read is reported and left out.

use std::sync::Arc;

use chrono::NaiveDate;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::domain::{area::AreaCode, code::Code, group::Residence, month::Month};

use super::{
    cite::{Cite, Head, Mark},
    expected::expected_zh,
    finding::{Finding, Severity},
    param::{Case, Param, Selector, Setting},
    value::Value,
};

/// A document being read.
pub struct Reader {
    file: String,
    line_starts: Vec<usize>,
    head: Option<Arc<Head>>,
    scope: Vec<(Arc<str>, Mark, Arc<str>)>,
    /// The keys whose values are being read, the innermost last.
    keys: Vec<String>,
    /// What was found wrong so far.
    pub findings: Vec<Finding>,
}

/// A table being read; every key must be taken or it is reported as unknown.
pub struct Table<'a> {
    entries: Vec<(&'a str, u32, &'a Spanned<DeValue<'a>>, bool)>,
}

impl Reader {
    /// A reader for the text of a file.
    pub fn new(file: &str, text: &str) -> Self {
        let scope = vec![("".into(), Mark::U, "".into())];
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let file = file.to_owned();
        Self { file, line_starts, head: None, scope, keys: Vec::new(), findings: Vec::new() }
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The remark on the document as a whole, which is not repeated for each parameter.
    pub fn take_note(&mut self) -> String {
        let Some((_, _, note)) = self.scope.last_mut() else { return String::new() };
        std::mem::replace(note, "".into()).to_string()
    }

    /// From now on, citations are of this document.
    pub fn cite_as(&mut self, head: Arc<Head>) {
        self.head = Some(head);
    }

    /// The line of a byte offset, from 1.
    pub fn line_at(&self, offset: usize) -> u32 {
        self.line_starts.partition_point(|start| *start <= offset) as u32
    }

    /// The line of a value.
    pub fn line(&self, item: &Spanned<DeValue<'_>>) -> u32 {
        self.line_at(item.span().start)
    }

    /// Reports an error at a line.
    pub fn error(&mut self, code: &'static str, line: u32, en: String, zh: String) {
        let clause = self.scope.last().map_or(String::new(), |(clause, ..)| clause.to_string());
        let file = self.file.clone();
        let severity = Severity::Error;
        self.findings.push(Finding { severity, code, file, line, clause, en, zh });
    }

    /// Reports that a value is not what was expected; always none, so that it can be returned.
    pub fn expected<T>(&mut self, item: &Spanned<DeValue<'_>>, expected: &str) -> Option<T> {
        let shown: String = match item.get_ref() {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => other.type_str().to_owned(),
        };
        let shown: String = shown.chars().take(60).collect();
        let key = self.keys.last().map_or(String::new(), |key| format!("{key} "));
        let en = format!("{key}{shown}: expected {expected}");
        let expected = expected_zh(expected);
        let gap = if expected.starts_with(|first: char| first.is_ascii()) { " " } else { "" };
        let zh = format!("{key}{shown}:应为{gap}{expected}");
        self.error("bad_value", self.line(item), en, zh);
        None
    }

    /// The text of a quoted value.
    pub fn text<'b>(&mut self, item: &'b Spanned<DeValue<'_>>) -> Option<&'b str> {
        match item.get_ref().as_str() {
            Some(text) => Some(text),
            None => self.expected(item, "a text in quotes"),
        }
    }

    /// A non-empty list, each element read by `read`.
    pub fn list<T>(
        &mut self,
        item: &Spanned<DeValue<'_>>,
        what: &str,
        mut read: impl FnMut(&mut Self, &Spanned<DeValue<'_>>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(array) = item.get_ref().as_array().filter(|array| !array.is_empty()) else {
            return self.expected(item, what);
        };
        let read: Vec<_> = array.iter().map(|item| read(self, item)).collect();
        read.into_iter().collect()
    }

    /// A table.
    pub fn table<'b>(&mut self, item: &'b Spanned<DeValue<'b>>, what: &str) -> Option<Table<'b>> {
        match item.get_ref().as_table() {
            Some(table) => Some(self.open(table)),
            None => self.expected(item, what),
        }
    }

    /// Starts reading a table.
    pub fn open<'b>(&self, table: &'b DeTable<'b>) -> Table<'b> {
        let entry = |(key, value): (&'b Spanned<_>, &'b Spanned<DeValue<'b>>)| {
            let key: &'b Spanned<std::borrow::Cow<'b, str>> = key;
            (&**key.get_ref(), self.line_at(key.span().start), value, false)
        };
        Table { entries: table.iter().map(entry).collect() }
    }

    /// Takes `clause`, `confidence` and `note` of a table and lets them hold until [`Self::leave`].
    pub fn enter(&mut self, table: &mut Table<'_>) {
        let (clause, mark, note) = self.cited(table);
        self.scope.push((clause, mark, note));
    }

    /// Ends what [`Self::enter`] began.
    pub fn leave(&mut self) {
        self.scope.pop();
    }

    fn cited(&mut self, table: &mut Table<'_>) -> (Arc<str>, Mark, Arc<str>) {
        let outer = self.scope.last().cloned();
        let (clause, mark, note) = outer.unwrap_or_else(|| ("".into(), Mark::U, "".into()));
        let own = |text: Option<String>, or| text.map_or(or, Arc::<str>::from);
        let own_clause = table.optional::<String>(self, "clause");
        let own_note = table.optional::<String>(self, "note");
        let own_mark = table.read_with(self, "confidence", |reader, item| {
            match Mark::parse(reader.text(item)?) {
                Some(mark) => Some(mark),
                None => reader.expected(item, "A, B, C, M, H, L or U"),
            }
        });
        (own(own_clause, clause), own_mark.unwrap_or(mark), own(own_note, note))
    }

    fn cite(&self, scope: (Arc<str>, Mark, Arc<str>), line: u32) -> Option<Cite> {
        let (clause, mark, note) = scope;
        self.head.clone().map(|head| Cite { head, clause, mark, note, line })
    }

    /// The citation that holds here.
    pub fn cite_here(&self, line: u32) -> Option<Cite> {
        self.cite(self.scope.last()?.clone(), line)
    }

    /// A parameter in any of the ways it may be written.
    pub fn param<T: Value>(&mut self, table: &mut Table<'_>, key: &str) -> Param<T> {
        let setting = table.read_with(self, key, Self::setting);
        Param { layers: setting.into_iter().collect() }
    }

    fn setting<T: Value>(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Setting<T>> {
        match item.get_ref() {
            DeValue::Table(entries) => self.setting_of_table(item, entries),
            DeValue::Array(array) => {
                let is_case = |item: &Spanned<DeValue<'_>>| {
                    item.get_ref().as_table().is_some_and(|table| table.contains_key("value"))
                };
                if T::IS_LIST && !array.iter().any(is_case) {
                    return self.plain(item);
                }
                self.list(item, "a value or a list of cases with value = …", Self::case)
                    .map(Setting::Cases)
            }
            _ => self.plain(item),
        }
    }

    fn plain<T: Value>(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Setting<T>> {
        let value = T::read(self, item)?;
        let cite = self.cite_here(self.line(item))?;
        Some(Setting::Cases(vec![Case { when: Selector::default(), value, cite }]))
    }

    fn setting_of_table<T: Value>(
        &mut self,
        item: &Spanned<DeValue<'_>>,
        entries: &DeTable<'_>,
    ) -> Option<Setting<T>> {
        let has = |key: &str| entries.contains_key(key);
        if has("value") {
            return self.case(item).map(|case| Setting::Cases(vec![case]));
        }
        if !has("open") && !has("inherited") && !has("lower_to") {
            return self.plain(item);
        }
        let mut table = self.table(item, "a table")?;
        let scope = self.cited(&mut table);
        let cite = self.cite(scope, self.line(item))?;
        let open = table.flag(self, "open");
        let inherited = table.flag(self, "inherited");
        let lower_to = table.optional::<T>(self, "lower_to");
        let (mut at_least, mut at_most) = (None, None);
        if open && T::IS_NUMBER {
            at_least = table.optional(self, "at_least");
            at_most = table.optional(self, "at_most");
        }
        table.finish(self);
        match (open, inherited, lower_to) {
            (true, false, None) => Some(Setting::Open { cite, at_least, at_most }),
            (false, true, None) => Some(Setting::Inherited(cite)),
            (false, false, Some(value)) if value.is_number() => Some(Setting::LowerTo(value, cite)),
            _ => self.expected(
                item,
                "one of value, open = true, inherited = true or, for a number, lower_to",
            ),
        }
    }

    fn case<T: Value>(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Case<T>> {
        let mut table = self.table(item, "a case such as { residence = \"urban\", value = … }")?;
        let scope = self.cited(&mut table);
        let cite = self.cite(scope, self.line(item));
        let when = self.selector(&mut table);
        let value = table.required(self, "value", item);
        table.finish(self);
        Some(Case { when, value: value?, cite: cite? })
    }

    /// The conditions of a case.
    pub fn selector(&mut self, table: &mut Table<'_>) -> Selector {
        Selector {
            groups: table.optional(self, "groups"),
            residence: table.read_with(self, "residence", Self::residence),
            areas: table.read_with(self, "areas", Self::areas),
            class: table.optional(self, "class"),
            from: table.read_with(self, "from", Self::month),
            until: table.read_with(self, "until", Self::month),
            calendar_months: table.read_with(self, "calendar_months", |reader, item| {
                let what = "a list of months of the year, 1 to 12";
                reader.list(item, what, |reader, item| match u32::read(reader, item)? {
                    month @ 1..=12 => Some(month),
                    _ => reader.expected(item, what),
                })
            }),
            pay_from: table.read_with(self, "pay_from", Self::month),
            pay_until: table.read_with(self, "pay_until", Self::month),
            carried_by: table.optional::<Code>(self, "carried_by"),
        }
    }

    /// A month.
    pub fn month(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Month> {
        match self.text(item)?.parse() {
            Ok(month) => Some(month),
            Err(_) => self.expected(item, "a month such as \"2019-07\""),
        }
    }

    /// A day.
    pub fn date(&mut self, item: &Spanned<DeValue<'_>>) -> Option<NaiveDate> {
        match NaiveDate::parse_from_str(self.text(item)?, "%Y-%m-%d") {
            Ok(date) => Some(date),
            Err(_) => self.expected(item, "a date such as \"2014-01-28\""),
        }
    }

    /// A residence.
    pub fn residence(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Residence> {
        match self.text(item)?.parse() {
            Ok(residence) => Some(residence),
            Err(_) => self.expected(item, "urban or rural"),
        }
    }

    /// An area.
    pub fn area(&mut self, item: &Spanned<DeValue<'_>>) -> Option<AreaCode> {
        match self.text(item)?.parse() {
            Ok(area) => Some(area),
            Err(_) => self.expected(item, "a six-digit area code in quotes"),
        }
    }

    /// A list of areas.
    pub fn areas(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Vec<AreaCode>> {
        self.list(item, "a list of area codes", Self::area)
    }
}

impl<'a> Table<'a> {
    /// Takes a key, read by `read`; none when absent or wrong.
    pub fn read_with<T>(
        &mut self,
        reader: &mut Reader,
        key: &str,
        read: impl FnOnce(&mut Reader, &'a Spanned<DeValue<'a>>) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entries.iter_mut().find(|(name, ..)| *name == key)?;
        entry.3 = true;
        let item = entry.2;
        reader.keys.push(key.to_owned());
        let value = read(reader, item);
        reader.keys.pop();
        value
    }

    /// Takes a key that may be absent.
    pub fn optional<T: Value>(&mut self, reader: &mut Reader, key: &str) -> Option<T> {
        self.read_with(reader, key, T::read)
    }

    /// Takes a key that must be there.
    pub fn required<T: Value>(
        &mut self,
        reader: &mut Reader,
        key: &str,
        at: &Spanned<DeValue<'_>>,
    ) -> Option<T> {
        if !self.has(key) {
            return reader.expected(at, &format!("a table with {key} = …"));
        }
        self.optional(reader, key)
    }

    /// Takes a key that can only be `true`; absent counts as false.
    pub fn flag(&mut self, reader: &mut Reader, key: &str) -> bool {
        let read = |reader: &mut Reader, item: &Spanned<DeValue<'_>>| match item.get_ref().as_bool()
        {
            Some(true) => Some(()),
            _ => reader.expected(item, "true, or leave the key out"),
        };
        self.read_with(reader, key, read).is_some()
    }

    /// Whether the key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, ..)| *name == key)
    }

    /// The entries not taken so far, all taken now: for tables whose keys are names.
    pub fn rest(&mut self) -> Vec<(&'a str, u32, &'a Spanned<DeValue<'a>>)> {
        let left = self.entries.iter_mut().filter(|entry| !entry.3);
        left.map(|entry| {
            entry.3 = true;
            (entry.0, entry.1, entry.2)
        })
        .collect()
    }

    /// Reports every key that was not taken.
    pub fn finish(self, reader: &mut Reader) {
        for (key, line, _, taken) in self.entries {
            if !taken {
                let shown: String = key.chars().take(60).collect();
                let en = format!("unknown key {shown:?}");
                let zh = format!("未知的键 {shown:?}");
                reader.error("unknown_key", line, en, zh);
            }
        }
    }
}

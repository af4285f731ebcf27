//! One legal document, read from its file.
//!
//! **Invariant:** an instrument that exists was read without an error finding.

use std::{fmt::Write, sync::Arc};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::domain::{
    area::AreaCode,
    code::Code,
    decision::{State, Triggered},
    exact::parse_decimal,
    group::Residence,
    month::{Month, Span},
};

use super::{
    cite::{Head, Kind},
    finding::Finding,
    reader::{Reader, Table},
    terms::{
        AmountTerms, ConditionTerms, Discretion, FundingTerms, GroupChange, LimitTerms,
        PaymentTerms, StepTerms, Terms, TriggerTerms,
    },
    value::Value,
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

/// An example that a document carries; `rules check` runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCase {
    /// A sentence.
    pub name: String,
    /// The area asked about.
    pub area: AreaCode,
    /// The index month asked about.
    pub month: Month,
    /// The figures recorded: area, series, month, value.
    pub figures: Vec<(AreaCode, Code, Month, Decimal)>,
    /// The standards recorded: area, code, first month, yuan.
    pub standards: Vec<(AreaCode, Code, Month, Decimal)>,
    /// Whether it is triggered.
    pub triggered: Option<Triggered>,
    /// The state.
    pub state: Option<State>,
    /// Sums by group and residence.
    pub amounts: Vec<(Code, Residence, Decimal)>,
    /// The line of the case.
    pub line: u32,
}

impl Instrument {
    /// Reads a document from the text of its file.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Finding>> {
        let mut reader = Reader::new(file, text);
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(0, |span| reader.line_at(span.start));
            let why = error.message().replace('\n', "; ");
            reader.error("not_toml", line, why.clone(), format!("不是有效的 TOML:{why}"));
        }
        if !reader.findings.is_empty() {
            return Err(reader.findings);
        }
        let mut table = reader.open(document.get_ref());
        reader.enter(&mut table);
        let digest = Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
            hex
        });
        let head = read_head(&mut reader, &mut table, digest);
        let Some(head) = head.map(Arc::new) else {
            table.finish(&mut reader);
            return Err(reader.findings);
        };
        reader.cite_as(head.clone());
        let terms = read_terms(&mut reader, &mut table);
        let cases = read_tables(&mut reader, &mut table, "cases", read_case);
        table.finish(&mut reader);
        reader.leave();
        if reader.findings.is_empty() {
            return Ok(Self { head, terms, cases });
        }
        Err(reader.findings)
    }
}

fn read_head(reader: &mut Reader, table: &mut Table<'_>, digest: String) -> Option<Head> {
    let text = |reader: &mut Reader, table: &mut Table<'_>, key: &str| {
        if !table.has(key) {
            let en = format!("{key} is missing from the head of the document");
            let zh = format!("文件头缺少 {key}");
            reader.error("head", 1, en, zh);
        }
        table.optional::<String>(reader, key)
    };
    let id = text(reader, table, "id");
    let kind = text(reader, table, "kind");
    let title_zh = text(reader, table, "title_zh");
    let title_en = text(reader, table, "title_en");
    let jurisdiction = text(reader, table, "jurisdiction");
    let months = table.read_with(reader, "index_months", read_span);
    let texts = |reader: &mut Reader, table: &mut Table<'_>, key: &str| {
        let list = table.read_with(reader, key, |reader, item| {
            reader.list(item, "a list of texts", String::read)
        });
        list.unwrap_or_default()
    };
    let issuers = texts(reader, table, "issuers");
    let amends = texts(reader, table, "amends");
    let sources = texts(reader, table, "sources");
    let number = table.optional(reader, "number");
    let gap_before = table.optional(reader, "gap_before");
    let (author, reason) = (table.optional(reader, "author"), table.optional(reader, "reason"));
    let issued = table.read_with(reader, "issued", read_date);
    let date = table.read_with(reader, "date", read_date);
    let note = reader.take_note();
    let named = |text: &String| {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !text.is_empty() && text.len() <= 60 && text.bytes().all(letter)
    };
    let kinds = [Kind::National, Kind::Regional, Kind::Overlay, Kind::Assumption];
    let mut wrong = |key: &str, value: &str, expected: &str| {
        let en = format!("{key} {value:?}: expected {expected}");
        let zh = format!("{key} {value:?}:应为 {expected}");
        reader.error("head", 1, en, zh);
    };
    let id = id.filter(|id| {
        let good = named(id);
        if !good {
            wrong("id", id, "1 to 60 characters of a-z, 0-9 and -");
        }
        good
    });
    let kind = kind.and_then(|word| {
        let found = kinds.into_iter().find(|kind| kind.as_str() == word);
        if found.is_none() {
            wrong("kind", &word, "national, regional, overlay or assumption");
        }
        found
    });
    let jurisdiction = jurisdiction.and_then(|code| {
        let found = code.parse().ok();
        if found.is_none() {
            wrong("jurisdiction", &code, "a six-digit area code");
        }
        found
    });
    if months.is_none() {
        wrong("index_months", "", "{ from = \"YYYY-MM\", until = \"YYYY-MM\" }");
    }
    if kind == Some(Kind::Assumption) && (author.is_none() || date.is_none() || reason.is_none()) {
        wrong("kind", "assumption", "author, date and reason in the head");
    }
    let file = reader.file().to_owned();
    let (id, kind, jurisdiction, months) = (id?, kind?, jurisdiction?, months?);
    let (title_zh, title_en) = (title_zh?, title_en?);
    Some(Head {
        id,
        kind,
        title_zh,
        title_en,
        number,
        issuers,
        issued,
        jurisdiction,
        months,
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

fn read_span(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Span> {
    let mut table = reader.table(item, "{ from = \"2014-07\", until = \"2017-03\" }")?;
    let from = table.read_with(reader, "from", Reader::month);
    let until = table.read_with(reader, "until", Reader::month);
    table.finish(reader);
    let Some(from) = from else { return reader.expected(item, "a table with from = \"YYYY-MM\"") };
    if until.is_some_and(|until| until < from) {
        return reader.expected(item, "an until that is not before from");
    }
    Some(Span { from, until })
}

fn read_date(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<NaiveDate> {
    match NaiveDate::parse_from_str(reader.text(item)?, "%Y-%m-%d") {
        Ok(date) => Some(date),
        Err(_) => reader.expected(item, "a date such as \"2014-01-28\""),
    }
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
    let reason = table.required(reader, "reason", item);
    let (Some(from), Some(until)) = (from, until) else {
        return reader.expected(item, "a table with from = … and until = …");
    };
    let cite = reader.cite_here(reader.line(item))?;
    let (groups, yuan, reason) = (groups?, yuan?, reason?);
    Some(Discretion { groups, residence, from, until, yuan, unit, reason, cite })
}

fn read_case(
    reader: &mut Reader,
    table: &mut Table<'_>,
    item: &Spanned<DeValue<'_>>,
) -> Option<RuleCase> {
    let line = reader.line(item);
    let name = table.required(reader, "name", item);
    let area = table.read_with(reader, "area", Reader::area);
    let month = table.read_with(reader, "month", Reader::month);
    let (Some(area), Some(month)) = (area, month) else {
        return reader.expected(item, "a case with area = … and month = …");
    };
    let figures = read_facts(reader, table, "figures", area, ["series", "month", "value"]);
    let standards =
        read_facts(reader, table, "standards", area, ["standard", "valid_from", "yuan"]);
    let mut expect = None;
    table.read_with(reader, "expect", |reader, item| {
        let mut inner = reader.table(item, "a table")?;
        expect = Some(read_expect(reader, &mut inner, item));
        inner.finish(reader);
        Some(())
    });
    let Some((triggered, state, amounts)) = expect else {
        return reader.expected(item, "a case with expect = { … }");
    };
    let name = name?;
    Some(RuleCase { name, area, month, figures, standards, triggered, state, amounts, line })
}

fn read_facts(
    reader: &mut Reader,
    table: &mut Table<'_>,
    key: &str,
    default_area: AreaCode,
    [code, month, value]: [&str; 3],
) -> Vec<(AreaCode, Code, Month, Decimal)> {
    let found = table.read_with(reader, key, |reader, item| {
        reader.list(item, &format!("a list of tables with {code}, {month}, {value}"), |r, item| {
            let mut table = r.table(item, "a table")?;
            let area = table.read_with(r, "area", Reader::area).unwrap_or(default_area);
            let code = table.required(r, code, item);
            let at = table.read_with(r, month, Reader::month);
            let value = table.required(r, value, item);
            table.finish(r);
            if at.is_none() {
                return r.expected(item, &format!("a table with {month} = \"YYYY-MM\""));
            }
            Some((area, code?, at?, value?))
        })
    });
    found.unwrap_or_default()
}

type Expected = (Option<Triggered>, Option<State>, Vec<(Code, Residence, Decimal)>);

fn read_expect(reader: &mut Reader, table: &mut Table<'_>, at: &Spanned<DeValue<'_>>) -> Expected {
    let triggered = table.read_with(reader, "triggered", |reader, item| {
        let all = [Triggered::Yes, Triggered::No, Triggered::Undecidable];
        let word = reader.text(item)?;
        let found = all.into_iter().find(|one| one.as_str() == word);
        found.or_else(|| reader.expected(item, "yes, no or undecidable"))
    });
    let state = table.read_with(reader, "state", |reader, item| {
        let word = reader.text(item)?;
        let found = State::ALL.into_iter().find(|one| one.as_str() == word);
        found.or_else(|| reader.expected(item, "a state such as started"))
    });
    let amounts = table.read_with(reader, "amounts", |reader, item| {
        reader.list(item, "a list of tables with group, residence, yuan", |reader, item| {
            let mut table = reader.table(item, "a table")?;
            let group = table.required(reader, "group", item);
            let residence = table.read_with(reader, "residence", Reader::residence);
            let yuan: Option<String> = table.required(reader, "yuan", item);
            table.finish(reader);
            let Some(residence) = residence else {
                return reader.expected(item, "a table with residence = urban or rural");
            };
            let yuan = yuan.and_then(|text| parse_decimal(&text).ok());
            Some((group?, residence, yuan?))
        })
    });
    if triggered.is_none() && state.is_none() && amounts.is_none() {
        reader.expected::<()>(at, "an expectation: triggered, state or amounts");
    }
    (triggered, state, amounts.unwrap_or_default())
}

//! The examples that a document carries, with what they expect.

use rust_decimal::Decimal;
use toml::{Spanned, de::DeValue};

use crate::domain::{
    area::AreaCode,
    code::Code,
    decision::{State, Triggered},
    group::Residence,
    month::Month,
};

use super::reader::{Reader, Table};

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

pub(super) fn read_case(
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
            let yuan: Option<Decimal> = table.required(reader, "yuan", item);
            table.finish(reader);
            let Some(residence) = residence else {
                return reader.expected(item, "a table with residence = urban or rural");
            };
            Some((group?, residence, yuan?))
        })
    });
    if triggered.is_none() && state.is_none() && amounts.is_none() {
        reader.expected::<()>(at, "an expectation: triggered, state or amounts");
    }
    (triggered, state, amounts.unwrap_or_default())
}

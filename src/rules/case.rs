//! The examples that a document carries, with what they expect.
//!
//! **Invariant:** whatever a case states and cannot be read is reported; nothing stated is dropped.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use toml::{Spanned, de::DeValue};

use crate::domain::{
    area::AreaCode,
    code::Code,
    decision::{State, Triggered},
    group::Residence,
    month::Month,
};

use super::{
    reader::{Reader, Table},
    word::Outcome,
};

/// An example that a document carries; `rules check` runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleCase {
    /// A sentence.
    pub name: String,
    /// The area asked about.
    pub area: AreaCode,
    /// The index month asked about.
    pub month: Month,
    /// The figures recorded.
    pub figures: Vec<Fact>,
    /// The standards recorded.
    pub standards: Vec<Fact>,
    /// What should come out.
    pub expect: Expect,
    /// The line of the case.
    pub line: u32,
}

/// A figure or a standard recorded for a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Where.
    pub area: AreaCode,
    /// Of which series, or which standard.
    pub code: Code,
    /// The index month, or the first month in which the standard holds.
    pub month: Month,
    /// Per cent, or yuan.
    pub value: Decimal,
    /// When the figure was released; never of a standard.
    pub released_on: Option<NaiveDate>,
}

/// What a case expects; only what is stated is compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expect {
    /// Whether the month is paid.
    pub triggered: Option<Triggered>,
    /// The state.
    pub state: Option<State>,
    /// The first month of the episode.
    pub since: Option<Month>,
    /// The conditions that carry it, in any order.
    pub carried_by: Option<Vec<Code>>,
    /// The last day on which it may be paid.
    pub pay_by: Option<NaiveDate>,
    /// Sums by group and residence.
    pub amounts: Vec<Amount>,
    /// Payments by discretion.
    pub discretion: Vec<Given>,
}

/// What a case expects of one group and residence.
#[derive(Debug, Clone, PartialEq)]
pub struct Amount {
    /// The group.
    pub group: Code,
    /// The residence.
    pub residence: Residence,
    /// The sum; zero when the month is not paid.
    pub yuan: Option<Decimal>,
    /// What each further person of a household adds.
    pub each_further_yuan: Option<Decimal>,
    /// Why there is a sum, or none.
    pub outcome: Option<Outcome>,
    /// The last day on which this group may be paid.
    pub pay_by: Option<NaiveDate>,
}

/// A payment by discretion that a case expects to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// To whom.
    pub group: Code,
    /// How much.
    pub yuan: Decimal,
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
    let expect = table.read_with(reader, "expect", |reader, item| {
        let mut inner = reader.table(item, "a table")?;
        let expect = read_expect(reader, &mut inner);
        inner.finish(reader);
        if expect == Expect::default() {
            return reader.expected(item, "an expectation such as triggered, state or amounts");
        }
        Some(expect)
    });
    let Some(expect) = expect else {
        return reader.expected(item, "a case with expect = { … }");
    };
    Some(RuleCase { name: name?, area, month, figures, standards, expect, line })
}

fn read_facts(
    reader: &mut Reader,
    table: &mut Table<'_>,
    key: &str,
    default_area: AreaCode,
    [code, month, value]: [&str; 3],
) -> Vec<Fact> {
    let found = table.read_with(reader, key, |reader, item| {
        reader.list(item, &format!("a list of tables with {code}, {month}, {value}"), |r, item| {
            let mut table = r.table(item, "a table")?;
            let area = table.read_with(r, "area", Reader::area).unwrap_or(default_area);
            let code = table.required(r, code, item);
            let at = table.read_with(r, month, Reader::month);
            let value = table.required(r, value, item);
            let released_on = match key {
                "figures" => table.read_with(r, "released_on", Reader::date),
                _ => None,
            };
            table.finish(r);
            if at.is_none() {
                return r.expected(item, &format!("a table with {month} = \"YYYY-MM\""));
            }
            Some(Fact { area, code: code?, month: at?, value: value?, released_on })
        })
    });
    found.unwrap_or_default()
}

fn read_expect(reader: &mut Reader, table: &mut Table<'_>) -> Expect {
    let triggered = table.read_with(reader, "triggered", |reader, item| {
        let all = [Triggered::Yes, Triggered::No, Triggered::Undecidable];
        let word = reader.text(item)?;
        let found = all.into_iter().find(|one| one.as_str() == word);
        found.or_else(|| reader.expected(item, "yes, no or undecidable"))
    });
    let state = table.read_with(reader, "state", |reader, item| {
        let word = reader.text(item)?;
        let found = State::ALL.into_iter().find(|one| one.as_str() == word);
        let all = State::ALL.map(State::as_str).join(", ");
        found.or_else(|| reader.expected(item, &all))
    });
    let since = table.read_with(reader, "since", Reader::month);
    let carried_by = table.optional(reader, "carried_by");
    let pay_by = table.read_with(reader, "pay_by", Reader::date);
    let amounts = table.read_with(reader, "amounts", |reader, item| {
        reader.list(item, "a list of tables with group, residence, yuan", read_amount)
    });
    let discretion = table.read_with(reader, "discretion", |reader, item| {
        reader.list(item, "a list of tables with group, yuan", |reader, item| {
            let mut table = reader.table(item, "a table")?;
            let group = table.required(reader, "group", item);
            let yuan = table.required(reader, "yuan", item);
            table.finish(reader);
            Some(Given { group: group?, yuan: yuan? })
        })
    });
    Expect {
        triggered,
        state,
        since,
        carried_by,
        pay_by,
        amounts: amounts.unwrap_or_default(),
        discretion: discretion.unwrap_or_default(),
    }
}

fn read_amount(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Amount> {
    let mut table = reader.table(item, "a table")?;
    let expectations = ["yuan", "each_further_yuan", "outcome", "pay_by"];
    let says_something = expectations.into_iter().any(|key| table.has(key));
    let group = table.required(reader, "group", item);
    let residence = table.read_with(reader, "residence", Reader::residence);
    let yuan = table.optional(reader, "yuan");
    let each_further_yuan = table.optional(reader, "each_further_yuan");
    let outcome = table.optional(reader, "outcome");
    let pay_by = table.read_with(reader, "pay_by", Reader::date);
    table.finish(reader);
    let Some(residence) = residence else {
        return reader.expected(item, "a table with residence = urban or rural");
    };
    if !says_something {
        return reader.expected(item, "a table with yuan = … or outcome = …");
    }
    Some(Amount { group: group?, residence, yuan, each_further_yuan, outcome, pay_by })
}

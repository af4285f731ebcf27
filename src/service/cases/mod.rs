//! Published decisions and payouts, recomputed.
//!
//! **Invariant:** a row counts as reproduced only in a respect that the law computes from facts
//! stated apart from the outcome; every published row has a case or a reason why it has none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{engine::reason::Text, store::ledger::Ledger};

use super::reference::Reference;

mod check;
mod file;

use check::{Comparison, compare, respects};
use file::{CaseFile, CaseRow, Uncheckable};

/// How a published row fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The law, applied to facts stated apart from the outcome, gives the published outcome.
    Reproduced,
    /// The published numbers agree with each other, with what is recorded, or with inputs taken
    /// from the outcome; that proves nothing about the law.
    Consistent,
    /// Something does not come out.
    Contradicted,
    /// It cannot be checked.
    NotCheckable,
}

impl Verdict {
    /// All, in the order of outputs.
    pub const ALL: [Self; 4] =
        [Self::Reproduced, Self::Consistent, Self::Contradicted, Self::NotCheckable];

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Consistent => "consistent",
            Self::Contradicted => "contradicted",
            Self::NotCheckable => "not_checkable",
        }
    }

    /// The word in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Reproduced => "重现",
            Self::Consistent => "相符",
            Self::Contradicted => "不符",
            Self::NotCheckable => "无法核对",
        }
    }
}

/// In what respect a row is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Respect {
    /// Whether it is triggered.
    Decision,
    /// The band the rise lies in.
    Band,
    /// The sum for one person and month.
    Amount,
    /// The sum for one person over several months.
    Sum,
    /// Sum × people.
    Total,
    /// A payment by discretion, as recorded.
    Discretion,
    /// Published numbers against each other.
    Arithmetic,
    /// Published total ÷ people, within published sums.
    Mean,
}

impl Respect {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Band => "band",
            Self::Amount => "amount",
            Self::Sum => "sum",
            Self::Total => "total",
            Self::Discretion => "discretion",
            Self::Arithmetic => "arithmetic",
            Self::Mean => "mean",
        }
    }

    /// The word in Chinese.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Decision => "启动",
            Self::Band => "档次",
            Self::Amount => "金额",
            Self::Sum => "多月合计",
            Self::Total => "总额",
            Self::Discretion => "酌情发放记录",
            Self::Arithmetic => "公布数互核",
            Self::Mean => "人均互核",
        }
    }

    /// Whether the law computes it.
    fn is_computed(self) -> bool {
        !matches!(self, Self::Discretion | Self::Arithmetic | Self::Mean)
    }
}

/// A published row with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The row's id.
    pub id: String,
    /// The area as published.
    pub area: String,
    /// The index month or months as published; the pay month in brackets where there is none.
    pub months: String,
    /// The verdict.
    pub verdict: Verdict,
    /// In which respects it was checked, and whether its inputs were derived from the outcome.
    pub respects: Vec<(Respect, bool)>,
    /// Where it was published; empty when it cannot be checked.
    pub source: String,
    /// What it shows and what differs, or why it cannot be checked.
    pub why: Text,
}

/// A row of the published table, as far as it is shown.
#[derive(Deserialize)]
struct Published {
    case_id: String,
    area: String,
    index_month: String,
    pay_month: String,
}

/// Runs every case of the data, in the order of the published table.
///
/// # Errors
/// A file that cannot be read, or a row without a case, by name.
pub fn run(reference: &Reference, shipped: &Ledger) -> Result<Vec<Checked>, String> {
    let mut told: BTreeMap<String, Checked> = BTreeMap::new();
    for (file, text) in &reference.data.cases {
        let failed = |why: String| format!("{file}: {why}");
        let found = match file.ends_with("not-checkable.toml") {
            true => uncheckable(text),
            false => checked(reference, shipped, text),
        };
        for one in found.map_err(failed)? {
            if let Some(twice) = told.insert(one.id.clone(), one) {
                return Err(failed(format!("row {} is told twice", twice.id)));
            }
        }
    }
    let mut rows = Vec::new();
    for (file, text) in &reference.data.published {
        for row in csv::Reader::from_reader(text.as_bytes()).deserialize::<Published>() {
            let row = row.map_err(|error| format!("{file}: {error}"))?;
            let Some(mut one) = told.remove(&row.case_id) else {
                return Err(format!("{file}: row {} has no case and no reason", row.case_id));
            };
            one.area = row.area;
            one.months = match row.index_month.is_empty() {
                true => format!("({})", row.pay_month),
                false => row.index_month,
            };
            rows.push(one);
        }
    }
    match told.into_keys().collect::<BTreeSet<_>>() {
        none if none.is_empty() => Ok(rows),
        some => Err(format!("cases of rows that were not published: {some:?}")),
    }
}

fn uncheckable(text: &str) -> Result<Vec<Checked>, String> {
    let all: Uncheckable = toml::from_str(text).map_err(|error| error.to_string())?;
    let told = all.rows.into_iter().map(|row| Checked {
        id: row.id,
        area: String::new(),
        months: String::new(),
        verdict: Verdict::NotCheckable,
        respects: Vec::new(),
        source: String::new(),
        why: Text::new(row.zh, row.en),
    });
    Ok(told.collect())
}

fn checked(reference: &Reference, shipped: &Ledger, text: &str) -> Result<Vec<Checked>, String> {
    let file: CaseFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let ledger = file.ledger(shipped);
    let world = reference.world(&ledger);
    let one = |row: &CaseRow| Ok(told(row, compare(world, row)?, &file.source));
    file.rows.iter().map(one).collect()
}

fn told(row: &CaseRow, comparison: Comparison, source: &str) -> Checked {
    // Whatever rests on a payment by discretion rests on the record of its outcome.
    let derived = |one: &Respect| row.derived.contains(one) || !row.expect.discretion.is_empty();
    let respects: Vec<_> = respects(row).into_iter().map(|one| (one, derived(&one))).collect();
    let proves = |(one, derived): &(Respect, bool)| one.is_computed() && !derived;
    let verdict = match comparison.differences.is_empty() {
        false => Verdict::Contradicted,
        true if respects.iter().any(proves) => Verdict::Reproduced,
        true => Verdict::Consistent,
    };
    let said = Text::new(row.zh.clone(), row.en.clone());
    let why = Text::join(comparison.differences.into_iter().chain([said]), ";", "; ");
    let (id, source) = (row.id.clone(), source.to_owned());
    Checked { id, area: String::new(), months: String::new(), verdict, respects, source, why }
}

#[cfg(test)]
mod tests {
    use crate::service::Service;

    use super::*;

    const ROW: &str = r#"
source = "a newspaper"
facts = "own"
figures = [ { area = "320400", series = "cpi", month = "2019-08", until = "2019-09", value = "3.4" } ]
standards = [ { area = "320400", standard = "dibao_urban", valid_from = "2019-07", yuan = "850" } ]

[[rows]]
id = "ROW"
area = "320400"
month = "2019-08"
until = "2019-09"
derived = []
zh = "说明"
en = "what it shows"

[rows.expect]
triggered = "yes"
bands = [ { group = "subsistence_allowance", residence = "urban", range = "3.0 ≤ rise < 5.0" } ]
amounts = [ { group = "subsistence_allowance", residence = "urban", yuan = "71.00" } ]
sums = [ { group = "subsistence_allowance", residence = "urban", yuan = "142.00" } ]
totals = [ { group = "subsistence_allowance", residence = "urban", headcount = 105, total = { yuan = "15000", rounded_to = 1000 } } ]
arithmetic = [ { terms = [ { yuan = "2.5", times = 3 }, { yuan = "1", times = 1 } ], total = { yuan = "8.5" } } ]
means = [ { total = "30", headcount = 3, at_least = "10", at_most = "10" } ]
"#;

    const GIVEN: &str = r#"
source = "a newspaper"
facts = "own"

[[rows]]
id = "ROW"
area = "230100"
month = "2010-12"
zh = "说明"
en = "what it shows"

[rows.expect]
discretion = [ { group = "subsistence_allowance", yuan = "150", unit = "household_and_heads", each_further_yuan = "50" } ]
"#;

    fn verdict(service: &Service, text: &str) -> Verdict {
        checked(&service.reference, &Ledger::default(), text).unwrap()[0].verdict
    }

    fn with(service: &Service, text: &str, from: &str, to: &str) -> Verdict {
        assert!(text.contains(from), "{from}");
        verdict(service, &text.replacen(from, to, 1))
    }

    #[test]
    fn every_respect_of_a_case_can_fail() {
        let service = Service::in_memory(&[]).unwrap();
        assert_eq!(verdict(&service, ROW), Verdict::Reproduced);
        for (from, to) in [
            (r#"triggered = "yes""#, r#"triggered = "no""#),
            ("3.0 ≤ rise < 5.0", "5.0 ≤ rise"),
            (r#"yuan = "71.00""#, r#"yuan = "70.99""#),
            (r#"yuan = "142.00""#, r#"yuan = "142.01""#),
            ("headcount = 105", "headcount = 110"),
            (r#"yuan = "15000", rounded_to = 1000"#, r#"yuan = "15000""#),
            (r#"yuan = "15000", rounded_to"#, r#"yuan = "14000", rounded_to"#),
            ("times = 3", "times = 4"),
            (r#"at_least = "10""#, r#"at_least = "10.01""#),
            (r#"at_most = "10""#, r#"at_most = "9.99""#),
        ] {
            assert_eq!(with(&service, ROW, from, to), Verdict::Contradicted, "{from} to {to}");
        }
        // 142 × 105 = 14,910: nearest thousand 15,000, cut to 14,000.
        let cut =
            (r#""15000", rounded_to = 1000"#, r#""14000", rounded_to = 1000, rounded = "down""#);
        assert_eq!(with(&service, ROW, cut.0, cut.1), Verdict::Reproduced);
    }

    #[test]
    fn what_is_derived_from_the_outcome_or_only_recorded_is_not_reproduced() {
        let service = Service::in_memory(&[]).unwrap();
        let all = r#"derived = ["decision", "band", "amount", "sum", "total"]"#;
        assert_eq!(with(&service, ROW, "derived = []", all), Verdict::Consistent);
        let but_one = r#"derived = ["decision", "amount", "sum", "total"]"#;
        assert_eq!(with(&service, ROW, "derived = []", but_one), Verdict::Reproduced);
        assert_eq!(verdict(&service, GIVEN), Verdict::Consistent);
        for (from, to) in [
            (r#""150""#, r#""149""#),
            (r#""50""#, r#""51""#),
            ("household_and_heads", "household"),
            ("230100", "230200"),
        ] {
            assert_eq!(with(&service, GIVEN, from, to), Verdict::Contradicted, "{from} to {to}");
        }
    }
}

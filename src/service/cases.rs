//! Published decisions and payouts, recomputed.
//!
//! **Invariant:** a case compares with exact equality, and only what its source states.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::Triggered,
        exact::parse_decimal,
        figure::{Figure, Figures},
        group::Residence,
        month::Month,
        standard::{Standard, Standards},
    },
    engine::{
        question::{Terms, World},
        timeline::Timeline,
    },
    store::ledger::Ledger,
};

use super::{
    reference::Reference,
    status::{Answer, answer},
};

/// How a published row fared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything its case states comes out.
    Reproduced,
    /// Something does not.
    Contradicted,
    /// It cannot be checked.
    NotCheckable,
}

impl Verdict {
    /// The word used in outputs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Contradicted => "contradicted",
            Self::NotCheckable => "not_checkable",
        }
    }
}

/// A published row with its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The row's id.
    pub id: String,
    /// The area, empty when it cannot be checked.
    pub area: String,
    /// The index month or months.
    pub months: String,
    /// The verdict.
    pub verdict: Verdict,
    /// In which respects it was checked: decision, amount, total, discretion.
    pub respects: Vec<&'static str>,
    /// The statement, the differences, or why it cannot be checked; Chinese and English.
    pub why_zh: String,
    /// The same in English.
    pub why_en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    name: String,
    source: String,
    area: AreaCode,
    month: Month,
    until: Option<Month>,
    facts: Facts,
    #[serde(default)]
    note: String,
    #[serde(default)]
    figures: Vec<CaseFigure>,
    #[serde(default)]
    standards: Vec<CaseStandard>,
    expect: Expect,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Facts {
    Own,
    Shipped,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFigure {
    area: AreaCode,
    series: Code,
    month: Month,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseStandard {
    area: AreaCode,
    standard: Code,
    valid_from: Month,
    yuan: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    triggered: Option<Triggered>,
    #[serde(default)]
    amounts: Vec<Amount>,
    #[serde(default)]
    discretion: Vec<Given>,
    #[serde(default)]
    totals: Vec<Total>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    group: Code,
    residence: Residence,
    yuan: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    group: Code,
    yuan: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Total {
    yuan: String,
    headcount: u64,
    total: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Uncheckable {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    zh: String,
    en: String,
}

/// Runs every case of the data, in order of ids.
///
/// # Errors
/// A case file that cannot be read, by name.
pub fn run(reference: &Reference, shipped: &Ledger) -> Result<Vec<Checked>, String> {
    let mut checked = BTreeMap::new();
    for (file, text) in &reference.data.cases {
        if file.ends_with("not-checkable.toml") {
            let rows: Uncheckable =
                toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
            for Row { id, zh, en } in rows.rows {
                checked.insert(id.clone(), uncheckable(id, zh, en));
            }
            continue;
        }
        let case: Case = toml::from_str(text).map_err(|error| format!("{file}: {error}"))?;
        let one = check(reference, shipped, &case).map_err(|why| format!("{file}: {why}"))?;
        checked.insert(case.id.clone(), one);
    }
    Ok(checked.into_values().collect())
}

fn uncheckable(id: String, why_zh: String, why_en: String) -> Checked {
    let (area, months, respects) = (String::new(), String::new(), Vec::new());
    let verdict = Verdict::NotCheckable;
    Checked { id, area, months, verdict, respects, why_zh, why_en }
}

fn decimal(text: &str) -> Result<Decimal, String> {
    parse_decimal(text).map_err(|error| error.to_string())
}

fn check(reference: &Reference, shipped: &Ledger, case: &Case) -> Result<Checked, String> {
    let (figures, standards) = match case.facts {
        Facts::Own => facts(case)?,
        Facts::Shipped => (shipped.figures.clone(), shipped.standards.clone()),
    };
    let mut own = Ledger::default();
    (own.figures, own.standards) = (figures, standards);
    let world = reference.world(&own);
    let last = case.until.unwrap_or(case.month);
    let mut differences = Vec::new();
    for month in case.month.through(last) {
        let found = answered(world, case.area, month, last)?;
        compare(&case.expect, &found, month, &mut differences)?;
    }
    for Total { yuan, headcount, total } in &case.expect.totals {
        let product = decimal(yuan)?.checked_mul(Decimal::from(*headcount));
        if product != Some(decimal(total)?) {
            differences.push(format!("{yuan} × {headcount} ≠ {total}"));
        }
    }
    let Expect { triggered, amounts, discretion, totals } = &case.expect;
    let respects = [
        ("decision", triggered.is_some()),
        ("amount", !amounts.is_empty()),
        ("discretion", !discretion.is_empty()),
        ("total", !totals.is_empty()),
    ];
    let respects = respects.into_iter().filter_map(|(name, said)| said.then_some(name)).collect();
    let (verdict, why) = match differences.as_slice() {
        [] => (Verdict::Reproduced, format!("{}({}){}", case.name, case.source, case.note)),
        all => (Verdict::Contradicted, all.join("; ")),
    };
    let months = match case.until {
        Some(until) => format!("{}…{until}", case.month),
        None => case.month.to_string(),
    };
    let area = case.area.to_string();
    let (id, why_zh, why_en) = (case.id.clone(), why.clone(), why);
    Ok(Checked { id, area, months, verdict, respects, why_zh, why_en })
}

fn answered(world: World<'_>, area: AreaCode, month: Month, last: Month) -> Result<Answer, String> {
    let terms = Terms::default();
    let newest = world.figures.newest().map_or(last, |newest| newest.max(last));
    let timeline = Timeline::through(world, area, newest, &terms);
    let timeline = timeline.map_err(|error| error.to_string())?;
    answer(world, &timeline, month, &terms, true).map_err(|error| error.to_string())
}

fn compare(
    expect: &Expect,
    found: &Answer,
    month: Month,
    differences: &mut Vec<String>,
) -> Result<(), String> {
    let got = found.status.outcome.triggered;
    if let Some(expected) = expect.triggered.filter(|expected| *expected != got) {
        let (expected, got) = (expected.as_str(), got.as_str());
        differences.push(format!("{month}: triggered: published {expected}, computed {got}"));
    }
    let quote = found.quote.as_ref();
    for Amount { group, residence, yuan } in &expect.amounts {
        let lines = quote.into_iter().flat_map(|quote| &quote.lines);
        let mut wanted = lines.filter(|one| one.group == *group && one.residence == *residence);
        let got = wanted.next().and_then(|line| line.yuan());
        if got != Some(decimal(yuan)?) {
            let got = got.map_or_else(|| "nothing".to_owned(), |yuan| yuan.to_string());
            differences
                .push(format!("{month}: {group} {residence}: published {yuan}, computed {got}"));
        }
    }
    for Given { group, yuan } in &expect.discretion {
        let yuan = decimal(yuan)?;
        let mut recorded = quote.into_iter().flat_map(|quote| &quote.discretion);
        if !recorded.any(|one| one.groups.contains(group) && one.yuan == yuan) {
            differences.push(format!("{month}: {group}: no payment of {yuan} by discretion"));
        }
    }
    Ok(())
}

fn facts(case: &Case) -> Result<(Figures, Standards), String> {
    let recorded_at = DateTime::<Utc>::UNIX_EPOCH;
    let (mut figures, mut standards) = (Figures::default(), Standards::default());
    for one in &case.figures {
        figures.insert(Figure {
            area: one.area,
            series: one.series.clone(),
            month: one.month,
            value: decimal(&one.value)?,
            released_on: None,
            source: case.source.clone(),
            revision: 1,
            recorded_at,
        });
    }
    for one in &case.standards {
        standards.insert(Standard {
            area: one.area,
            standard: one.standard.clone(),
            valid_from: one.valid_from,
            yuan: decimal(&one.yuan)?,
            headcount: None,
            source: case.source.clone(),
            revision: 1,
            recorded_at,
        });
    }
    Ok((figures, standards))
}

//! Subsidy runs: what is to be paid to whom, on what it rests, and what an approver should know.
//!
//! **Invariant:** a run never changes after it was made; what is done with it is its
//! [`super::life::Life`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{area::AreaCode, code::Code, group::Residence, month::Month};

/// How many people of a group are to be paid, as the maker states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headcount {
    /// The index month.
    pub month: Month,
    /// Where they are paid.
    pub area: AreaCode,
    /// Which group.
    pub group: Code,
    /// Urban or rural.
    pub residence: Residence,
    /// How many persons.
    pub persons: u64,
    /// How many households they form; needed where the rule pays by household.
    pub households: Option<u64>,
}

/// On what an amount rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Computed under the rule, since the mechanism pays for the month.
    Computed,
    /// Recorded as decided by discretion (酌情发放), without a trigger.
    Discretion,
}

impl Basis {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Computed => "computed",
            Self::Discretion => "discretion",
        }
    }
}

/// What one source of funds pays of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// The source, for example `city`; `unstated` where no document in force says who pays.
    pub source: String,
    /// Yuan with two places.
    #[serde(with = "super::exact::text")]
    pub yuan: Decimal,
}

/// What one group in one area is paid for one index month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunLine {
    /// Who is paid.
    pub payees: Headcount,
    /// On what the amount rests.
    pub basis: Basis,
    /// The first and the last month that the amount is for: the index month, or the period (quarter,
    /// term) of which it is the one sum.
    pub covers: (Month, Month),
    /// Yuan a person (or household) and month, two places.
    #[serde(with = "super::exact::text")]
    pub rate_yuan: Decimal,
    /// What each further person of a household adds.
    #[serde(with = "super::exact::optional_text", default)]
    pub each_further_yuan: Option<Decimal>,
    /// Yuan in all, two places.
    #[serde(with = "super::exact::text")]
    pub yuan: Decimal,
    /// How much of it the rule calls the increment (增支), two places.
    #[serde(with = "super::exact::text")]
    pub increment_yuan: Decimal,
    /// Who pays how much; adds up to `yuan` exactly.
    pub charges: Vec<Charge>,
    /// By when it must be paid, where that is known.
    pub pay_by: Option<NaiveDate>,
    /// In an adjustment: what the run it adjusts and its earlier adjustments pay of today's amount,
    /// two places; none where none of them has a line for the payees. `yuan` is what is missing.
    #[serde(
        with = "super::exact::optional_text",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub paid_before: Option<Decimal>,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// The run cannot be approved unless it is overruled with a reason.
    Blocking,
    /// Someone should look.
    Warning,
}

impl Weight {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocking => "blocking",
            Self::Warning => "warning",
        }
    }
}

/// Something the approver should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFinding {
    /// How much it weighs.
    pub weight: Weight,
    /// Stable name of the kind, such as `no_sum`.
    pub code: String,
    /// The index month it is about.
    pub month: Month,
    /// The area it is about.
    pub area: AreaCode,
    /// The group it is about, where it is about one.
    pub group: Option<Code>,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// What a run rests on, so that it can be computed again years later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pins {
    /// Everything recorded by this instant was used as it was then.
    pub known_at: DateTime<Utc>,
    /// The documents applied: id → sha-256 of the text.
    pub documents: BTreeMap<String, String>,
    /// The figures used: `area/month/series` → revision.
    pub figures: BTreeMap<String, u32>,
    /// The standards used: `area/first month/code` → revision.
    pub standards: BTreeMap<String, u32>,
    /// Sha-256 of the headcounts in canonical form.
    pub headcounts: String,
    /// The version of the program that made it.
    pub engine: String,
    /// Whether assumptions were refused.
    pub strict: bool,
}

/// The list of persons that a roster run pays, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RosterPin {
    /// The index month.
    pub month: Month,
    /// Sha-256 of the roster's bytes.
    pub roster: String,
    /// Rows it has below the header.
    pub rows: u64,
    /// Sha-256 of the claims: who is paid, under a keyed hash.
    pub claims: String,
    /// The name of that key.
    pub key: String,
    /// How many rows are not paid since another row of the person pays at least as much.
    pub beaten: u64,
    /// How many rows are not paid for each other reason.
    pub rejects: BTreeMap<String, u64>,
    /// How many persons are paid although they are on a list of those paid elsewhere.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conflicts: u64,
    /// The released run that it follows: it pays those whom that run did not reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a run is for: to ask for the money of groups, or to pay persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunKind {
    /// 资金测算: from headcounts.
    Budget,
    /// 名册发放: from a roster.
    Roster,
}

impl RunKind {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Roster => "roster",
        }
    }
}

/// What each kind of run may do once: a group, urban or rural, in an area for an index month.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Of which kind of run.
    pub kind: RunKind,
    /// The area.
    pub area: AreaCode,
    /// The index month.
    pub month: Month,
    /// The group.
    pub group: Code,
    /// Urban or rural.
    pub residence: Residence,
}

/// What an adjustment makes up for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjusted {
    /// The released or closed run whose underpayments it pays.
    pub run: String,
    /// Its earlier adjustments that were live when this one was made, in order; what they pay counts
    /// as paid.
    pub after: Vec<String>,
}

/// A run as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Its id, `R` and the number of the entry that recorded it.
    pub id: String,
    /// Who made it.
    pub made_by: String,
    /// How many approvals it needs.
    pub approvals_needed: u32,
    /// What the maker says about it.
    pub note: String,
    /// What it rests on.
    pub pins: Pins,
    /// What it makes up for, when it is an adjustment (补发).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusts: Option<Adjusted>,
    /// The list of persons of a roster run; none for a budget run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roster: Option<RosterPin>,
    /// The headcounts it was made from, those without a sum included; of a roster run the persons
    /// that are paid; none in an adjustment, which is made from those of the run it adjusts.
    pub headcounts: Vec<Headcount>,
    /// What is paid, by index month, area, group and residence.
    pub lines: Vec<RunLine>,
    /// What the approver should know.
    pub findings: Vec<RunFinding>,
    /// The sum of all lines, two places.
    #[serde(with = "super::exact::text")]
    pub yuan: Decimal,
}

impl Run {
    /// What it is for.
    pub fn kind(&self) -> RunKind {
        if self.roster.is_some() { RunKind::Roster } else { RunKind::Budget }
    }

    /// What it pays: a group, urban or rural, in an area for a month, each once. What an adjustment
    /// adds to lines of the run it adjusts, that run holds.
    pub fn claims(&self) -> impl Iterator<Item = Claim> {
        let kind = self.kind();
        self.lines.iter().filter(|line| line.paid_before.is_none()).flat_map(move |line| {
            let Headcount { area, group, residence, .. } = &line.payees;
            let (area, residence) = (*area, *residence);
            let claim = |month| Claim { kind, area, month, group: group.clone(), residence };
            line.covers.0.through(line.covers.1).map(claim).collect::<Vec<_>>()
        })
    }

    /// Whether a finding stops its approval.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|finding| finding.weight == Weight::Blocking)
    }
}

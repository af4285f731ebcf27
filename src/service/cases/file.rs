//! How a case file is written: one notice or report, the facts it states, and its published rows.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::Triggered,
        exact::{RoundingMode, text},
        figure::Figure,
        group::Residence,
        month::Month,
        standard::Standard,
    },
    rules::word::Unit,
    store::ledger::Ledger,
};

use super::Respect;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    /// Where it was published.
    pub source: String,
    /// Which facts it stands on.
    pub facts: Facts,
    #[serde(default)]
    pub figures: Vec<CaseFigure>,
    #[serde(default)]
    pub standards: Vec<CaseStandard>,
    pub rows: Vec<CaseRow>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Facts {
    /// Those of the file alone.
    Own,
    /// The shipped ones, with those of the file added.
    Shipped,
}

/// A figure that the source states; with `until`, the same for every month up to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFigure {
    area: AreaCode,
    series: Code,
    month: Month,
    until: Option<Month>,
    #[serde(with = "text")]
    value: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseStandard {
    area: AreaCode,
    standard: Code,
    valid_from: Month,
    #[serde(with = "text")]
    yuan: Decimal,
}

/// A published row and what is compared with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseRow {
    pub id: String,
    pub area: AreaCode,
    pub month: Month,
    /// The last month, where the row speaks of several.
    pub until: Option<Month>,
    /// Respects whose inputs were taken from the outcome itself or stand in for what the source
    /// leaves out. They are compared, but prove nothing about the law.
    #[serde(default)]
    pub derived: Vec<Respect>,
    /// What the row shows, and what was derived or left out.
    pub zh: String,
    pub en: String,
    pub expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Of every month.
    pub triggered: Option<Triggered>,
    #[serde(default)]
    pub bands: Vec<Band>,
    /// Of every month.
    #[serde(default)]
    pub amounts: Vec<Sum>,
    /// Over all months together.
    #[serde(default)]
    pub sums: Vec<Sum>,
    #[serde(default)]
    pub totals: Vec<Total>,
    #[serde(default)]
    pub discretion: Vec<Given>,
    #[serde(default)]
    pub arithmetic: Vec<Arithmetic>,
    #[serde(default)]
    pub means: Vec<Mean>,
}

/// The range of the band in which the rise of every month lies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Band {
    pub group: Code,
    pub residence: Residence,
    pub range: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sum {
    pub group: Code,
    pub residence: Residence,
    #[serde(with = "text")]
    pub yuan: Decimal,
}

/// Published people × the sum the program finds = the published total.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Total {
    pub group: Code,
    pub residence: Residence,
    pub headcount: u64,
    pub total: Published,
}

/// A published total, exact or rounded by its source to a unit such as 10000 (万).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Published {
    #[serde(with = "text")]
    pub yuan: Decimal,
    pub rounded_to: Option<u32>,
    pub rounded: Option<RoundingMode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    pub group: Code,
    pub residence: Option<Residence>,
    #[serde(with = "text")]
    pub yuan: Decimal,
    pub unit: Option<GivenUnit>,
    #[serde(default, with = "optional_text")]
    pub each_further_yuan: Option<Decimal>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum GivenUnit {
    Person,
    Household,
    HouseholdAndHeads,
}

impl From<GivenUnit> for Unit {
    fn from(unit: GivenUnit) -> Self {
        match unit {
            GivenUnit::Person => Self::Person,
            GivenUnit::Household => Self::Household,
            GivenUnit::HouseholdAndHeads => Self::HouseholdAndHeads,
        }
    }
}

/// Published numbers against each other: the products add up to the total.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arithmetic {
    pub terms: Vec<Term>,
    pub total: Published,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Term {
    #[serde(with = "text")]
    pub yuan: Decimal,
    pub times: u64,
}

/// Published total ÷ published people lies between what was paid to one and another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mean {
    #[serde(with = "text")]
    pub total: Decimal,
    pub headcount: u64,
    #[serde(default, with = "optional_text")]
    pub at_least: Option<Decimal>,
    #[serde(default, with = "optional_text")]
    pub at_most: Option<Decimal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Uncheckable {
    pub rows: Vec<UncheckableRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UncheckableRow {
    pub id: String,
    pub zh: String,
    pub en: String,
}

mod optional_text {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer};

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super::text")] Decimal);
        Option::<Text>::deserialize(from).map(|text| text.map(|Text(value)| value))
    }
}

impl CaseFile {
    /// The facts that the rows stand on.
    pub fn ledger(&self, shipped: &Ledger) -> Ledger {
        let mut ledger = Ledger::default();
        if self.facts == Facts::Shipped {
            ledger.figures = shipped.figures.clone();
            ledger.standards = shipped.standards.clone();
        }
        let recorded_at = DateTime::<Utc>::UNIX_EPOCH;
        for one in &self.figures {
            for month in one.month.through(one.until.unwrap_or(one.month)) {
                ledger.figures.insert(Figure {
                    area: one.area,
                    series: one.series.clone(),
                    month,
                    value: one.value,
                    released_on: None,
                    source: self.source.clone(),
                    revision: 1,
                    recorded_at,
                });
            }
        }
        for one in &self.standards {
            ledger.standards.insert(Standard {
                area: one.area,
                standard: one.standard.clone(),
                valid_from: one.valid_from,
                yuan: one.yuan,
                headcount: None,
                source: self.source.clone(),
                revision: 1,
                recorded_at,
            });
        }
        ledger
    }
}

//! The series that figures are recorded of, and their units.

use std::collections::BTreeMap;

use super::{code::Code, group::Named};

/// The unit of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A year-on-year rise in per cent.
    RisePct,
    /// The same of a broad index such as the CPI or food, which moves within narrower bounds, so that
    /// an index typed as a rise (102.9 for 2.9) is noticed.
    BroadRisePct,
    /// Yuan.
    Yuan,
    /// A recorded fact: 1 for yes, 0 for no.
    YesNo,
}

impl Unit {
    /// Whether it is a rise in per cent.
    pub fn is_rise(self) -> bool {
        matches!(self, Self::RisePct | Self::BroadRisePct)
    }

    /// The word used in data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RisePct => "rise_pct",
            Self::BroadRisePct => "broad_rise_pct",
            Self::Yuan => "yuan",
            Self::YesNo => "yes_no",
        }
    }
}

/// Every series by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesList(BTreeMap<Code, (Named, Unit)>);

impl SeriesList {
    /// Adds or replaces a series.
    pub fn insert(&mut self, named: Named, unit: Unit) {
        self.0.insert(named.code.clone(), (named, unit));
    }

    /// The names of a series.
    pub fn get(&self, code: &Code) -> Option<&Named> {
        self.0.get(code).map(|(named, _)| named)
    }

    /// Its unit.
    pub fn unit(&self, code: &Code) -> Option<Unit> {
        self.0.get(code).map(|(_, unit)| *unit)
    }

    /// The Chinese name, or the code itself when the list lacks it.
    pub fn zh<'a>(&'a self, code: &'a Code) -> &'a str {
        self.get(code).map_or(code.as_str(), |named| &named.zh)
    }

    /// The English name, or the code itself when the list lacks it.
    pub fn en<'a>(&'a self, code: &'a Code) -> &'a str {
        self.get(code).map_or(code.as_str(), |named| &named.en)
    }

    /// Every series by code.
    pub fn all(&self) -> impl Iterator<Item = (&Named, Unit)> {
        self.0.values().map(|(named, unit)| (named, *unit))
    }
}

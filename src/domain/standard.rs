//! Assistance standards (保障标准): dated yuan amounts that serve as the base of a subsidy.
//!
//! **Invariant:** a standard holds from its month until the next one of the same area and code
//! begins; a correction is a further revision of the same month.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{area::AreaCode, code::Code, figure::View, month::Month};

/// One revision of one standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standard {
    /// Where it holds.
    pub area: AreaCode,
    /// Which standard, for example `dibao_urban`.
    pub standard: Code,
    /// First month in which it holds.
    pub valid_from: Month,
    /// Yuan per person and month.
    #[serde(with = "super::exact::text")]
    pub yuan: Decimal,
    /// How many people drew it, when the source says so.
    pub headcount: Option<u64>,
    /// Where the figure was published.
    pub source: String,
    /// 1 for the first of this area, code and month, then 2, 3, …
    pub revision: u32,
    /// When this service recorded it.
    pub recorded_at: DateTime<Utc>,
}

type Revisions = BTreeMap<Month, Vec<Standard>>;

/// All recorded standards. A clone shares them, and writing copies only what it touches.
#[derive(Debug, Clone, Default)]
pub struct Standards {
    by_key: HashMap<(AreaCode, Code), Arc<Revisions>>,
    count: usize,
}

impl Standards {
    /// Adds a revision.
    pub fn insert(&mut self, standard: Standard) {
        self.count += 1;
        let key = (standard.area, standard.standard.clone());
        let by_month = Arc::make_mut(self.by_key.entry(key).or_default());
        let revisions = by_month.entry(standard.valid_from).or_default();
        let place = revisions.partition_point(|other| other.revision <= standard.revision);
        revisions.insert(place, standard);
    }

    /// The standard in force in the month, as far as the view shows. O(log n).
    pub fn get(
        &self,
        area: AreaCode,
        standard: &Code,
        month: Month,
        view: &View,
    ) -> Option<&Standard> {
        let by_month = self.by_key.get(&(area, standard.clone()))?;
        by_month.range(..=month).rev().find_map(|(_, revisions)| visible(revisions, view))
    }

    /// The standard that begins in exactly this month.
    pub fn beginning(
        &self,
        area: AreaCode,
        standard: &Code,
        month: Month,
        view: &View,
    ) -> Option<&Standard> {
        let by_month = self.by_key.get(&(area, standard.clone()))?;
        by_month.get(&month).and_then(|revisions| visible(revisions, view))
    }

    /// The revisions recorded for one area, code and first month, oldest first.
    pub fn revisions(&self, area: AreaCode, standard: &Code, valid_from: Month) -> &[Standard] {
        let by_month = self.by_key.get(&(area, standard.clone()));
        by_month.and_then(|map| map.get(&valid_from)).map_or(&[], Vec::as_slice)
    }

    /// Every revision, ordered by area, code, month and revision. O(n log n).
    pub fn all(&self) -> Vec<&Standard> {
        let mut all: Vec<_> = self.by_key.values().flat_map(|map| map.values().flatten()).collect();
        all.sort_by_key(|s| (s.area, s.standard.clone(), s.valid_from, s.revision));
        all
    }

    /// How many revisions are recorded.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

fn visible<'a>(revisions: &'a [Standard], view: &View) -> Option<&'a Standard> {
    revisions.iter().rev().find(|standard| view.knows(standard.recorded_at))
}

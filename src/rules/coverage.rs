//! When what a document says changes, and whom it covers.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    month::Month,
};

use super::{
    cite::Cite,
    terms::{GroupChange, Terms},
};

impl GroupChange {
    /// Whether the change holds for an area in an index month.
    pub fn holds(&self, areas: &Areas, area: AreaCode, month: Month) -> bool {
        let here = |named: &Vec<AreaCode>| named.iter().any(|above| areas.within(area, *above));
        self.from.is_none_or(|from| from <= month)
            && self.until.is_none_or(|until| month <= until)
            && self.areas.as_ref().is_none_or(here)
    }
}

impl Terms {
    /// The groups covered for an area in an index month, with where that stands, by code.
    pub fn covered(&self, areas: &Areas, area: AreaCode, month: Month) -> BTreeMap<Code, Cite> {
        let mut covered = BTreeMap::new();
        for change in self.groups.iter().filter(|change| change.holds(areas, area, month)) {
            for group in &change.add {
                covered.entry(group.clone()).or_insert_with(|| change.cite.clone());
            }
            for group in &change.remove {
                covered.remove(group);
            }
        }
        covered
    }

    /// The months in which what these terms say changes.
    pub fn changes(&self, into: &mut BTreeSet<Month>) {
        let mut span = |from: Option<Month>, until: Option<Month>| {
            into.extend(from);
            into.extend(until.and_then(|until| until.plus(1)));
        };
        for said in self.list().iter().flat_map(|shown| &shown.says) {
            span(said.when.from, said.when.until);
            // A pay month lies in the index month or one or two months after it.
            let earlier = |month: Option<Month>, months: i32| month.and_then(|m| m.plus(-months));
            for months in 0..=2 {
                span(earlier(said.when.pay_from, months), earlier(said.when.pay_until, months));
            }
        }
        for change in &self.groups {
            span(change.from, change.until);
        }
    }
}

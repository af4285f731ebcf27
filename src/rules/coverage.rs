//! When what a document says changes, and whom it covers.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    month::Month,
};

use super::{
    cite::Cite,
    param::{Param, values},
    shape::Place,
    terms::{ConditionTerms, GroupChange, StepTerms, Terms},
};

fn is_paying(param: &Param<Place>) -> bool {
    values(param).any(|(place, _)| *place == Place::Paying)
}

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

    /// The areas that these terms name as those where something holds.
    pub(super) fn areas_named(&self, into: &mut HashSet<AreaCode>) {
        for said in self.list().iter().flat_map(|shown| &shown.says) {
            into.extend(said.when.areas.iter().flatten());
        }
        into.extend(self.classes.values().flatten());
        into.extend(self.groups.iter().filter_map(|change| change.areas.as_ref()).flatten());
    }

    /// Whether an index or a threshold of the paying area's own may decide.
    pub(super) fn decide_by_paying(&self) -> bool {
        let of_conditions =
            |one: &'_ ConditionTerms| is_paying(&one.index_area) || is_paying(&one.threshold_area);
        is_paying(&self.trigger.index_area) || self.conditions.values().any(of_conditions)
    }

    /// Whether a standard or a rise of the paying area's own may go into a sum.
    pub fn pay_by_paying(&self) -> bool {
        let of_step = |one: &StepTerms| {
            let mut places = one.bases().flat_map(|(base, _)| &base.places);
            is_paying(&one.rise_area) || places.any(|place| *place == Place::Paying)
        };
        self.steps.values().any(of_step)
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

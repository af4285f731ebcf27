//! What does not change while the service runs.

use std::collections::BTreeSet;

use crate::{
    domain::area::AreaCode,
    engine::{question::World, reason::Vocabulary},
    intake::{figures::Known, folder::Dataset},
    rules::{library::Library, param::Setting, shape::Place, terms::Terms},
    store::ledger::Ledger,
};

/// What does not change while the service runs: areas, names, calendar, law.
#[derive(Debug)]
pub struct Reference {
    /// The data.
    pub data: Dataset,
    /// Areas whose index a document names by code.
    pub index_areas: BTreeSet<AreaCode>,
}

impl Reference {
    pub(super) fn new(data: Dataset) -> Self {
        let all = data.library.instruments().iter().map(|one| &one.terms);
        let index_areas = all.flat_map(named_index_areas).collect();
        Self { data, index_areas }
    }

    /// Everything answers rest on, with what is recorded, under the present law.
    pub fn world<'a>(&'a self, ledger: &'a Ledger) -> World<'a> {
        self.world_under(ledger, &self.data.library)
    }

    /// The same under another law.
    pub fn world_under<'a>(&'a self, ledger: &'a Ledger, library: &'a Library) -> World<'a> {
        World {
            areas: &self.data.areas,
            series: &self.data.series,
            library,
            figures: &ledger.figures,
            standards: &ledger.standards,
            calendar: &self.data.calendar,
        }
    }

    /// The names.
    pub fn words(&self) -> Vocabulary<'_> {
        let Dataset { areas, series, groups, standard_names, .. } = &self.data;
        Vocabulary { areas, series, groups, standards: standard_names }
    }

    /// What names in a table are checked against.
    pub fn known(&self) -> Known<'_> {
        let Dataset { areas, series, standard_names, .. } = &self.data;
        Known { areas, series, standards: standard_names }
    }
}

fn named_index_areas(terms: &Terms) -> Vec<AreaCode> {
    let conditions = terms.conditions.values().map(|one| &one.index_area);
    let steps = terms.steps.values().map(|one| &one.rise_area);
    let params = conditions.chain(steps).chain([&terms.trigger.index_area]);
    let cases = params.flat_map(|param| &param.layers).filter_map(|layer| match layer {
        Setting::Cases(cases) => Some(cases),
        _ => None,
    });
    let named = cases.flatten().filter_map(|case| match case.value {
        Place::Area(area) => Some(area),
        _ => None,
    });
    named.collect()
}

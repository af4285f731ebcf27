//! Areas that the law cannot tell apart, so that what is worked out for one holds for all of them.
//!
//! **Invariant:** two areas share a history only when both have the same parent and level, kept their
//! codes, are named by no document and have no document of their own, decide nothing themselves, and
//! no index of the paying area's own decides: then every rule, case and figure is the same for both.

use std::collections::HashMap;

use crate::{
    domain::{
        area::{AreaCode, Level},
        month::Month,
    },
    rules::library::Law,
};

use super::{
    question::{Terms, World},
    timeline::{Timeline, TimelineError},
};

/// Histories through one month, worked out once for areas that are alike.
pub struct Histories<'a> {
    world: World<'a>,
    terms: &'a Terms,
    last: Month,
    first_of_kind: HashMap<(AreaCode, Level), AreaCode>,
    known: HashMap<AreaCode, (AreaCode, Timeline)>,
}

impl<'a> Histories<'a> {
    /// Nothing worked out yet; histories go through `last`.
    pub fn new(world: World<'a>, terms: &'a Terms, last: Month) -> Self {
        Self { world, terms, last, first_of_kind: HashMap::new(), known: HashMap::new() }
    }

    /// The history of an area, and the area that stands for all that are like it. O(months ×
    /// conditions × run) for the first of a kind, else O(months).
    ///
    /// # Errors
    /// See [`Timeline::through`].
    pub fn of(&mut self, area: AreaCode) -> Result<&(AreaCode, Timeline), TimelineError> {
        if !self.known.contains_key(&area) {
            let found = self.found(area)?;
            self.known.insert(area, found);
        }
        Ok(&self.known[&area])
    }

    fn found(&mut self, area: AreaCode) -> Result<(AreaCode, Timeline), TimelineError> {
        let kind = self.kind(area);
        let first = kind.map(|kind| *self.first_of_kind.entry(kind).or_insert(area));
        let shared = first.and_then(|first| self.known.get(&first));
        if let Some((first, timeline)) = shared
            && timeline.outcomes().iter().all(|outcome| outcome.deciding != *first)
        {
            return Ok((*first, timeline.for_another(area)));
        }
        Ok((area, Timeline::through(self.world, area, self.last, self.terms)?))
    }

    fn kind(&self, area: AreaCode) -> Option<(AreaCode, Level)> {
        let World { areas, library, .. } = self.world;
        // A document asked for by name is ordered by where it stands to the area.
        let alike = self.terms.law == Law::InForce
            && areas.keeps_its_code(area)
            && library.tells_nothing_of(areas, area);
        let found = areas.get(area).filter(|_| alike)?;
        Some((found.parent?, found.level))
    }
}

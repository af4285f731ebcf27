//! Questions: under the law known then, on one snapshot, with the ordinary histories kept.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use crate::{
    domain::{area::AreaCode, figure::View, month::Month},
    engine::{
        question::{Applied, Terms},
        timeline::Timeline,
    },
    intake::folder::Dataset,
    rules::library::Library,
    store::ledger::Ledger,
};

use super::{
    Cached, Service, ServiceError,
    status::{self, Answer, answer},
};

/// How many months after the newest figure histories are kept for: what falls due is looked for there.
const MONTHS_AHEAD: i32 = 12;

impl Service {
    /// The law as it was known at the instant of the view.
    ///
    /// # Errors
    /// A document adopted by then cannot be read any more.
    pub fn law(&self, ledger: &Ledger, view: &View) -> Result<Arc<Library>, ServiceError> {
        let Dataset { library, areas, .. } = &self.reference.data;
        Ok(self.earlier.seen(ledger, view, library, areas)?)
    }

    /// The law as it was known at the instant of the view, under the reforms asked for.
    ///
    /// # Errors
    /// A document adopted by then cannot be read any more, or a reform does not fit.
    pub fn law_under(&self, ledger: &Ledger, terms: &Terms) -> Result<Arc<Library>, ServiceError> {
        let law = self.law(ledger, &terms.view)?;
        match terms.reforms.is_empty() {
            true => Ok(law),
            false => self.supposed.under(&self.reference, ledger, &law, &terms.reforms),
        }
    }

    /// The history of an area through a month. The ordinary question (law in force, everything
    /// known, not far ahead of the newest figure) is kept until something is recorded; others are
    /// worked out each time.
    ///
    /// # Errors
    /// The area or document does not exist, or a figure is out of range.
    pub fn timeline(
        &self,
        ledger: &Ledger,
        area: AreaCode,
        month: Month,
        terms: &Terms,
    ) -> Result<Arc<Timeline>, ServiceError> {
        let law = self.law_under(ledger, terms)?;
        let world = self.reference.world_under(ledger, &law);
        let newest = ledger.figures.newest_seen(&terms.view);
        let ordinary = Terms { strict: terms.strict, ..Terms::default() } == *terms;
        let last = newest.unwrap_or(month).max(month);
        let near = newest.and_then(|newest| newest.plus(MONTHS_AHEAD)).unwrap_or(Month::FIRST);
        if !ordinary || near < last {
            return Ok(Arc::new(Timeline::through(world, area, last, terms)?));
        }
        let key = (area, terms.strict, last);
        let cached = self.timelines.read().unwrap_or_else(PoisonError::into_inner);
        if cached.of == ledger.sequence()
            && let Some(timeline) = cached.by_area.get(&key)
        {
            return Ok(timeline.clone());
        }
        drop(cached);
        let timeline = Arc::new(Timeline::through(world, area, last, terms)?);
        let mut cached = self.timelines.write().unwrap_or_else(PoisonError::into_inner);
        if cached.of != ledger.sequence() {
            *cached = Cached { of: ledger.sequence(), by_area: HashMap::new() };
        }
        cached.by_area.insert(key, timeline.clone());
        Ok(timeline)
    }

    /// The areas that decide the month in this one and below, with or without an index, in code
    /// order. O(areas below).
    ///
    /// # Errors
    /// The area or document does not exist.
    pub fn deciding_areas(
        &self,
        ledger: &Ledger,
        within: AreaCode,
        month: Month,
        terms: &Terms,
    ) -> Result<Vec<AreaCode>, ServiceError> {
        let law = self.law_under(ledger, terms)?;
        let world = self.reference.world_under(ledger, &law);
        status::known(world, within)?;
        let mut deciding = Vec::new();
        for area in world.areas.subtree(within) {
            if let Ok(applied) = Applied::new(world, area, month, terms)?
                && applied.deciding == area
                && !applied.indicative
            {
                deciding.push(area);
            }
        }
        Ok(deciding)
    }

    /// The answer for an area and month.
    ///
    /// # Errors
    /// The area or document does not exist, or a figure is out of range.
    pub fn answer(
        &self,
        ledger: &Ledger,
        area: AreaCode,
        month: Month,
        terms: &Terms,
        with_amounts: bool,
    ) -> Result<Answer, ServiceError> {
        let timeline = self.timeline(ledger, area, month, terms)?;
        let law = self.law_under(ledger, terms)?;
        let world = self.reference.world_under(ledger, &law);
        Ok(answer(world, &timeline, month, terms, with_amounts)?)
    }
}

//! Which cases a selector can fit at all, and which an earlier one leaves to it.

use crate::domain::{
    area::{AreaCode, Areas},
    group::Residence,
    month::{Month, Span},
};

use super::param::{Classes, Selector};

/// What the areas and classes of a selector are looked up in.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub areas: &'a Areas,
    pub classes: &'a Classes,
}

impl Places<'_> {
    /// Whether every area that `narrow` fits is one that `wide` fits. The nation's areas are all.
    fn cover(self, wide: &Selector, narrow: &Selector) -> bool {
        let named = |selector: &Selector| -> Vec<Vec<AreaCode>> {
            let class = selector.class.as_ref();
            let class = class.map(|class| self.classes.get(class).cloned().unwrap_or_default());
            selector.areas.iter().cloned().chain(class).collect()
        };
        // An area must lie in each list of a selector; one narrow list inside a wide one suffices.
        let narrow_lists = named(narrow);
        let inside = |wide: &Vec<AreaCode>| {
            narrow_lists.iter().any(|narrow| {
                let below = |area: &AreaCode| wide.iter().any(|w| self.areas.within(*area, *w));
                !narrow.is_empty() && narrow.iter().all(below)
            })
        };
        let same_class = wide.class.is_some() && wide.class == narrow.class;
        let of_areas = wide.areas.as_ref().is_none_or(inside);
        let of_class = same_class
            || (wide.class.as_ref())
                .is_none_or(|class| self.classes.get(class).is_some_and(inside));
        of_areas && of_class
    }
}

impl Selector {
    /// Whether everything that fits `other` fits `self` as well. Conservative: `false` when it
    /// cannot be seen from the conditions alone.
    pub(super) fn covers(&self, other: &Self, places: Places<'_>) -> bool {
        fn subset<T: PartialEq>(wide: &Option<Vec<T>>, narrow: &Option<Vec<T>>) -> bool {
            match (wide, narrow) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(wide), Some(narrow)) => narrow.iter().all(|item| wide.contains(item)),
            }
        }
        fn same<T: PartialEq>(wide: &Option<T>, narrow: &Option<T>) -> bool {
            wide.is_none() || wide == narrow
        }
        let from = |wide: Option<Month>, narrow: Option<Month>| {
            wide.is_none_or(|wide| narrow.is_some_and(|narrow| wide <= narrow))
        };
        let until = |wide: Option<Month>, narrow: Option<Month>| {
            wide.is_none_or(|wide| narrow.is_some_and(|narrow| narrow <= wide))
        };
        subset(&self.groups, &other.groups)
            && subset(&self.calendar_months, &other.calendar_months)
            && same(&self.residence, &other.residence)
            && places.cover(self, other)
            && same(&self.carried_by, &other.carried_by)
            && from(self.from, other.from)
            && until(self.until, other.until)
            && from(self.pay_from, other.pay_from)
            && until(self.pay_until, other.pay_until)
    }

    /// The place among `earlier` of the last selector it takes to leave nothing to this one.
    pub(super) fn covered_by(&self, earlier: &[&Self], places: Places<'_>) -> Option<usize> {
        let one = |narrow: &Self| earlier.iter().position(|wide| wide.covers(narrow, places));
        if let Some(at) = one(self) {
            return Some(at);
        }
        // Two cases, one for each residence, together cover a case for both.
        if self.residence.is_some() {
            return None;
        }
        let of = |residence| one(&Self { residence: Some(residence), ..self.clone() });
        Residence::ALL.into_iter().map(of).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The selector cut to the index months in which its document holds, so that a case that names
    /// them is seen to cover one that does not.
    pub(super) fn within(&self, span: Span) -> Self {
        let from = Some(self.from.map_or(span.from, |from| from.max(span.from)));
        let until = match (self.until, span.until) {
            (Some(own), Some(end)) => Some(own.min(end)),
            (own, end) => own.or(end),
        };
        Self { from, until, ..self.clone() }
    }

    /// What is left of the selector in an index month and its pay month; none when it does not fit
    /// them.
    pub(super) fn at(&self, month: Month, pay_month: Month) -> Option<Self> {
        let fits = self.from.is_none_or(|from| from <= month)
            && self.until.is_none_or(|until| month <= until)
            && self.pay_from.is_none_or(|from| from <= pay_month)
            && self.pay_until.is_none_or(|until| pay_month <= until);
        fits.then(|| Self {
            from: None,
            until: None,
            pay_from: None,
            pay_until: None,
            ..self.clone()
        })
    }
}

//! Payments as they fall due, and those that no live run pays yet.
//!
//! **Invariant:** what is paid in an area above or below an area is looked for there as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};

use crate::{
    domain::{
        area::{AreaCode, Areas},
        code::Code,
        month::Month,
    },
    engine::{
        deadline::PayBy,
        due::{Kind, Payment, payments},
        question::{Applied, Missing, Terms},
    },
    store::{ledger::Ledger, runs::Runs},
};

use super::{Service, ServiceError};

/// Index months looked back for payments of a month: a year paid at its end, and another for late
/// releases.
const MONTHS_BACK: i32 = 24;

/// How many index months back runs are missed, unless told otherwise.
pub const MISSING_MONTHS: i32 = 12;

/// A payment of an area.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The area that decides, or one below it.
    pub area: AreaCode,
    /// What is paid together.
    pub payment: Payment,
    /// Days left until it must be paid, negative when overdue; none while the day is unknown.
    pub days_left: Option<i64>,
}

impl Due {
    fn day(&self) -> Option<NaiveDate> {
        day(&self.payment.pay_by)
    }
}

fn day(pay_by: &PayBy) -> Option<NaiveDate> {
    match pay_by {
        PayBy::Day { day, .. } => Some(*day),
        _ => None,
    }
}

impl Service {
    /// The payments that fall due in a month, by area, with their index months. O(areas × months ×
    /// groups).
    ///
    /// # Errors
    /// The area does not exist, or a figure is out of range.
    pub fn due(&self, within: AreaCode, pay_month: Month) -> Result<Vec<Due>, ServiceError> {
        let ledger = self.writer.snapshot();
        let first = pay_month.plus(-MONTHS_BACK).unwrap_or(Month::FIRST);
        let mut found: BTreeMap<(AreaCode, Kind, Option<NaiveDate>, BTreeSet<Code>), Due> =
            BTreeMap::new();
        for month in first.through(pay_month) {
            for area in self.deciding_areas(&ledger, within, month, &Terms::default())? {
                let all = self.payments(&ledger, area, month)?;
                for payment in all.into_iter().filter(|one| one.pay_month == Some(pay_month)) {
                    let groups = payment.groups.clone();
                    let key = (area, payment.kind, day(&payment.pay_by), groups);
                    let months = payment.months.clone();
                    let due = found.entry(key).or_insert(Due { area, payment, days_left: None });
                    let fresh =
                        months.into_iter().filter(|month| !due.payment.months.contains(month));
                    let fresh: Vec<_> = fresh.collect();
                    due.payment.months.extend(fresh);
                }
            }
        }
        let mut found: Vec<_> = found.into_values().collect();
        found.iter_mut().for_each(|due| due.payment.months.sort());
        Ok(found)
    }

    /// Payments for index months of a span, of which the end may be open, that are due so many days after
    /// `on`, and that no live run pays yet; also those whose day is unknown. The longest overdue first. A
    /// group is paid in an area when a live run pays it there or above, urban or rural; where one pays it
    /// in a part of the area, the other parts are told. O(areas × months × groups).
    ///
    /// # Errors
    /// The area does not exist, or a figure is out of range.
    pub fn missing_runs(
        &self,
        within: AreaCode,
        (since, last): (Month, Option<Month>),
        on: NaiveDate,
        within_days: u32,
    ) -> Result<Vec<Due>, ServiceError> {
        let ledger = self.writer.snapshot();
        let paying = Paying::of(&ledger.runs);
        let until = on.checked_add_days(Days::new(within_days.into())).unwrap_or(NaiveDate::MAX);
        let mut found = Vec::new();
        // A month that nothing is measured for is not decided, and so owes nothing.
        let Some(newest) = ledger.figures.newest() else { return Ok(Vec::new()) };
        let newest = last.map_or(newest, |last| last.min(newest));
        for month in since.through(Month::of(until).unwrap_or(since).min(newest)) {
            for area in self.deciding_areas(&ledger, within, month, &Terms::default())? {
                let mut unpaid: BTreeMap<AreaCode, BTreeSet<Code>> = BTreeMap::new();
                let groups = self.payments(&ledger, area, month)?.into_iter();
                let decided_with_it = |part| self.decides(&ledger, area, part, month);
                for group in groups.flat_map(|payment| payment.groups) {
                    let areas = &self.reference.data.areas;
                    for area in paying.unpaid(areas, area, (month, &group), &decided_with_it) {
                        unpaid.entry(area).or_default().insert(group.clone());
                    }
                }
                for (area, groups) in unpaid {
                    // A part of the area may have a rule of its own.
                    for payment in self.payments(&ledger, area, month)? {
                        let groups: BTreeSet<_> = (&payment.groups & &groups).into_iter().collect();
                        if !groups.is_empty() && day(&payment.pay_by).is_none_or(|day| day <= until)
                        {
                            let payment = Payment { groups, ..payment };
                            found.push(Due { area, payment, days_left: None });
                        }
                    }
                }
            }
        }
        let left = |due: &Due| due.day().map(|day| (day - on).num_days());
        found.iter_mut().for_each(|due| due.days_left = left(due));
        found.sort_by_key(|due| {
            (due.day().is_none(), due.day(), due.area, due.payment.months.clone())
        });
        Ok(found)
    }

    /// Whether a part of an area has its code in the month and is decided with the area.
    fn decides(&self, ledger: &Ledger, area: AreaCode, part: AreaCode, month: Month) -> bool {
        let applied = Applied::new(self.reference.world(ledger), part, month, &Terms::default());
        applied.is_ok_and(|applied| {
            applied.is_ok_and(|applied| applied.area == part && applied.deciding == area)
        })
    }

    fn payments(
        &self,
        ledger: &Ledger,
        area: AreaCode,
        month: Month,
    ) -> Result<Vec<Payment>, ServiceError> {
        let terms = Terms::default();
        let timeline = self.timeline(ledger, area, month, &terms)?;
        let applied: Result<Applied<'_>, Missing> =
            Applied::new(self.reference.world(ledger), area, month, &terms)?;
        Ok(match (applied, timeline.get(month)) {
            (Ok(applied), Some(outcome)) => payments(&applied, &timeline, outcome),
            _ => Vec::new(),
        })
    }
}

/// Where groups are paid by live runs.
struct Paying<'a>(HashMap<(Month, &'a Code), BTreeSet<AreaCode>>);

impl<'a> Paying<'a> {
    fn of(runs: &'a Runs) -> Self {
        let mut all: HashMap<_, BTreeSet<_>> = HashMap::new();
        for claim in runs.claims() {
            all.entry((claim.month, &claim.group)).or_default().insert(claim.area);
        }
        Self(all)
    }

    /// The area when nobody is paid in it, above or below; else those parts that are decided with it
    /// of which that holds.
    fn unpaid(
        &self,
        areas: &Areas,
        area: AreaCode,
        (month, group): (Month, &Code),
        decided_with_it: &dyn Fn(AreaCode) -> bool,
    ) -> Vec<AreaCode> {
        let Some(paid) = self.0.get(&(month, group)) else { return vec![area] };
        if areas.line(area).any(|above| paid.contains(&above.code)) {
            return Vec::new();
        }
        if areas.subtree(area).is_disjoint(paid) {
            return vec![area];
        }
        let children = areas.children(area).iter().filter(|child| decided_with_it(**child));
        let part = |child: &AreaCode| self.unpaid(areas, *child, (month, group), decided_with_it);
        children.flat_map(part).collect()
    }
}

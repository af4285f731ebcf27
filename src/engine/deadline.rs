//! By when a month must be paid.
//!
//! **Invariant:** a due date rests on a recorded release date and a recorded holiday schedule; when
//! one is missing the date is unknown and says why.

use chrono::{Days, NaiveDate};

use crate::{
    domain::{calendar::UnknownYear, code::Code, decision::Triggered, month::Month},
    rules::{
        cite::Cite,
        param::{Context, Pick},
        shape::Term,
        word::{CountedFrom, Due, Period, Rhythm},
    },
};

use super::{
    question::{Applied, Missing, optional, required},
    timeline::Timeline,
    trigger::MonthOutcome,
};

/// By when the subsidy for an index month must be paid.
#[derive(Debug, Clone, PartialEq)]
pub enum PayBy {
    /// Nothing is owed.
    NothingOwed,
    /// By this day.
    Day {
        /// The day, included.
        day: NaiveDate,
        /// The release it is counted from; none for a fixed day.
        released_on: Option<NaiveDate>,
        /// The index month with which it is paid; later than the month itself when months are paid
        /// together.
        with: Month,
        /// Where the rule stands.
        cite: Cite,
    },
    /// It cannot be said.
    Unknown(Why),
}

/// Why a due date is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The release date of this month's index is not recorded.
    ReleaseDate(Month),
    /// The holiday schedule of a year is not recorded.
    Holidays(UnknownYear),
    /// The law does not say.
    Rule(Missing),
    /// Whether anything is owed cannot be said.
    Undecided,
    /// The months are paid together, and when that will be is not yet known.
    NotYet,
}

/// The due date of a month, in the case at hand.
pub fn pay_by(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    context: &Context<'_>,
) -> PayBy {
    match outcome.triggered {
        Triggered::No => return PayBy::NothingOwed,
        Triggered::Undecidable => return PayBy::Unknown(Why::Undecided),
        Triggered::Yes => {}
    }
    let with = match paid_with(applied, timeline, outcome, context) {
        Ok(with) => with,
        Err(why) => return PayBy::Unknown(why),
    };
    day(applied, timeline, outcome, with, context).unwrap_or_else(PayBy::Unknown)
}

fn day(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    with: Month,
    context: &Context<'_>,
) -> Result<PayBy, Why> {
    let payment = &applied.rules.terms.payment;
    let path = |key: &str| format!("payment.{key}");
    let due = required(&payment.due, context, || path("due")).map_err(Why::Rule)?;
    let cite = due.cite.clone();
    let number = |param, key: &str| {
        required(param, context, || path(key)).map(|days| *days.value).map_err(Why::Rule)
    };
    if *due.value == Due::Fixed {
        let day = number(&payment.due_day, "due_day")?;
        let months = number(&payment.due_months_after, "due_months_after")?;
        let month = with.plus(months as i32).ok_or(Why::NotYet)?;
        let day = month.first_day().checked_add_days(Days::new(u64::from(day.max(1)) - 1));
        let day = day.unwrap_or(month.last_day()).min(month.last_day());
        return Ok(PayBy::Day { day, released_on: None, with, cite });
    }
    let ending = timeline.get(with).ok_or(Why::NotYet)?;
    let released = released_on(applied, ending, outcome).ok_or(Why::ReleaseDate(with))?;
    let day = match due.value {
        Due::WorkingDays => {
            let days = number(&payment.due_days, "due_days")?;
            let calendar = applied.world.calendar;
            calendar.workdays_after(released, days).map_err(Why::Holidays)?
        }
        Due::Days => {
            let days = number(&payment.due_days, "due_days")?;
            released.checked_add_days(Days::new(u64::from(days))).ok_or(Why::NotYet)?
        }
        _ => Month::of(released).ok_or(Why::NotYet)?.last_day(),
    };
    Ok(PayBy::Day { day, released_on: Some(released), with, cite })
}

/// The latest release among the figures that carry the decision, in the month it is paid with.
fn released_on(
    applied: &Applied<'_>,
    ending: &MonthOutcome,
    outcome: &MonthOutcome,
) -> Option<NaiveDate> {
    let carries = |name: &Code| {
        ending.carried_by.contains(name)
            || (ending.carried_by.is_empty()
                // A month paid although nothing holds is carried by none; then all were looked at.
                && (outcome.carried_by.is_empty() || outcome.carried_by.contains(name)))
    };
    let figures = applied.world.figures;
    let mut latest = None;
    for condition in ending.conditions.iter().filter(|condition| carries(&condition.name)) {
        let reading = condition.readings.first()?;
        let last = reading.used.iter().map(|used| used.month).max()?;
        figures.get(reading.area, &reading.series, last, &applied.view)?;
        // The first release counts: a later correction does not put the day off.
        let column = figures.column(reading.area, &reading.series)?;
        latest = latest.max(Some(column.first_released(last, &applied.view)?));
    }
    latest
}

/// The first and the last month of the period that one sum is for, which the month lies in.
pub(super) fn period(
    applied: &Applied<'_>,
    context: &Context<'_>,
    month: Month,
) -> Result<(Month, Month), Missing> {
    let terms = &applied.rules.terms;
    let path = || "amount.period".to_owned();
    let months = match optional(&terms.amount.period, context, path, Period::Month)? {
        Period::Month => Some(1),
        Period::Quarter => Some(3),
        Period::HalfYear => Some(6),
        Period::Year => Some(12),
        Period::Term => None,
    };
    let (first, last) = match months {
        Some(months) => {
            let into = (month.month() as i32 - 1) % months;
            (month.plus(-into), month.plus(months - 1 - into))
        }
        None => {
            let path = || "payment.terms".to_owned();
            let terms = required(&terms.payment.terms, context, path)?.value;
            (term_start(terms, month), term_end(terms, month))
        }
    };
    Ok((first.unwrap_or(month), last.unwrap_or(month)))
}

/// The later month of the period with which a month is owed as one sum: the last one that is paid or
/// may still be; none for that month itself.
pub(super) fn owed_with(
    applied: &Applied<'_>,
    timeline: &Timeline,
    context: &Context<'_>,
    month: Month,
) -> Result<Option<Month>, Missing> {
    let (_, last) = period(applied, context, month)?;
    let unpaid = |month: &Month| {
        timeline.get(*month).is_some_and(|outcome| outcome.triggered == Triggered::No)
    };
    let later: Vec<_> = month.through(last).skip(1).collect();
    Ok(later.into_iter().rev().find(|month| !unpaid(month)))
}

/// The index month with which a month is paid.
pub(super) fn paid_with(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    context: &Context<'_>,
) -> Result<Month, Why> {
    let payment = &applied.rules.terms.payment;
    let month = outcome.paid_with.unwrap_or(outcome.month);
    let later = owed_with(applied, timeline, context, month).map_err(Why::Rule)?;
    let month = later.unwrap_or(month);
    let path = || "payment.rhythm".to_owned();
    let rhythm = optional(&payment.rhythm, context, path, Rhythm::Monthly).map_err(Why::Rule)?;
    let months = match rhythm {
        Rhythm::Monthly => return Ok(month),
        Rhythm::Quarterly => 3,
        Rhythm::HalfYearly => 6,
        Rhythm::Yearly => 12,
        Rhythm::Term => {
            let path = || "payment.terms".to_owned();
            let terms = required(&payment.terms, context, path).map_err(Why::Rule)?;
            return term_end(terms.value, month).ok_or(Why::NotYet);
        }
    };
    let counted_from = match payment.counted_from.pick(context) {
        Pick::Set(picked) => *picked.value,
        _ => CountedFrom::Calendar,
    };
    let scheduled = match counted_from {
        CountedFrom::Calendar => {
            let ordinal = month.month() as i32 - 1;
            month.plus(months - 1 - ordinal % months).ok_or(Why::NotYet)?
        }
        CountedFrom::Start => {
            let since = outcome.since.ok_or(Why::NotYet)?;
            let after = month.months_since(since).max(0);
            since.plus((after + months - 1) / months * months).ok_or(Why::NotYet)?
        }
    };
    // What remains is paid at the end of the episode.
    let last = timeline.last_paid_of_episode(month).unwrap_or(month);
    match timeline.has_ended_after(last) {
        true => Ok(last.min(scheduled)),
        false => Ok(scheduled),
    }
}

/// The month that begins the term a month belongs to.
fn term_start(terms: &[Term], month: Month) -> Option<Month> {
    let at = month.month();
    let term = terms.iter().find(|term| term.contains(at))?;
    month.plus(-(at as i32 - term.from as i32).rem_euclid(12))
}

/// The month that ends the term a month belongs to.
fn term_end(terms: &[Term], month: Month) -> Option<Month> {
    let at = month.month();
    let term = terms.iter().find(|term| term.contains(at))?;
    let ahead = (term.until as i32 - at as i32).rem_euclid(12);
    month.plus(ahead)
}

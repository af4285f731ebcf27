//! The history of an area: every index month decided, with what later months make of earlier ones.
//!
//! **Invariant:** a month's outcome in a timeline is the outcome of asking about that month alone.

use std::sync::Arc;

use crate::domain::{
    area::AreaCode,
    decision::{State, Triggered},
    exact::RangeError,
    month::Month,
};

use super::{
    question::{Applied, Missing, QuestionError, Terms, World},
    trigger::{Follower, MonthOutcome, back_pay_months},
};

/// Why a timeline cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimelineError {
    /// The question is about something unknown.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// A figure leaves the range of exact arithmetic.
    #[error(transparent)]
    Range(#[from] RangeError),
}

/// The outcomes of consecutive months for one area. A clone shares them.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The area asked about.
    pub area: AreaCode,
    first: Month,
    outcomes: Arc<[MonthOutcome]>,
}

impl Timeline {
    /// Decides every month from the first with law or figures through `last`. O(months ×
    /// conditions × run).
    ///
    /// # Errors
    /// The area or the named document does not exist, or a figure is out of range.
    pub fn through(
        world: World<'_>,
        area: AreaCode,
        last: Month,
        terms: &Terms,
    ) -> Result<Self, TimelineError> {
        let law = world.library.oldest().into_iter();
        let first = law.chain(world.figures.oldest()).min().unwrap_or(last).min(last);
        let mut follower = Follower::default();
        let mut outcomes = Vec::with_capacity(first.through(last).count());
        let mut back_pay = Vec::new();
        for month in first.through(last) {
            match Applied::new(world, area, month, terms)? {
                Ok(applied) => {
                    let outcome = follower.step(&applied)?;
                    let months = back_pay_months(&applied).unwrap_or(1);
                    if 1 < months && may_start(&outcome) {
                        back_pay.push((outcomes.len(), months as usize - 1));
                    }
                    outcomes.push(outcome);
                }
                Err(missing) => outcomes.push(MonthOutcome::undecidable(area, month, missing)),
            }
        }
        if !back_pay.is_empty() {
            let newest = world.figures.newest_seen(&terms.view);
            for (start, months) in back_pay {
                pay_back(&mut outcomes, start, months, newest);
            }
        }
        Ok(Self { area, first, outcomes: outcomes.into() })
    }

    /// The same history for another area that the law cannot tell apart from this one.
    pub(super) fn for_another(&self, area: AreaCode) -> Self {
        Self { area, ..self.clone() }
    }

    /// The outcome of a month; none outside the timeline.
    pub fn get(&self, month: Month) -> Option<&MonthOutcome> {
        let at = month.months_since(self.first);
        self.outcomes.get(usize::try_from(at).ok()?)
    }

    /// Every outcome in order.
    pub fn outcomes(&self) -> &[MonthOutcome] {
        &self.outcomes
    }

    /// The last paid month of the episode that the month belongs to, as far as the timeline goes.
    pub fn last_paid_of_episode(&self, month: Month) -> Option<Month> {
        let outcomes = self.outcomes.iter().skip_while(|outcome| outcome.month < month);
        let runs = |outcome: &&MonthOutcome| {
            !matches!(outcome.state, State::Inactive | State::Ended)
                && (outcome.month == month || outcome.state != State::Started)
        };
        let paid = outcomes.take_while(runs).filter(|one| one.triggered == Triggered::Yes);
        paid.last().map(|outcome| outcome.month)
    }

    /// Whether the timeline shows that the episode of this month has ended.
    pub fn has_ended_after(&self, month: Month) -> bool {
        let mut later = self.outcomes.iter().filter(|outcome| month < outcome.month);
        later.any(|one| matches!(one.state, State::Ended | State::Inactive | State::Suspended))
    }
}

fn may_start(outcome: &MonthOutcome) -> bool {
    matches!(outcome.state, State::Started | State::Undecidable)
}

/// A start pays the idle months before it; where it cannot be told whether it is a start, or whether
/// they were idle, they are undecidable.
fn pay_back(outcomes: &mut [MonthOutcome], start: usize, months: usize, newest: Option<Month>) {
    let (earlier, rest) = outcomes.split_at_mut(start);
    let Some(starting) = rest.first() else { return };
    let known = starting.state == State::Started && starting.state_agreed;
    if !known && newest.is_none_or(|newest| newest < starting.month) {
        return;
    }
    for outcome in earlier.iter_mut().rev().take(months) {
        if outcome.state != State::Inactive {
            break;
        }
        if known && outcome.state_agreed {
            outcome.state = State::BackPaid;
            outcome.triggered = Triggered::Yes;
            outcome.paid_with = Some(starting.month);
            outcome.since = starting.since;
            outcome.carried_by = starting.carried_by.clone();
            continue;
        }
        outcome.state = State::Undecidable;
        outcome.triggered = Triggered::Undecidable;
        outcome.missing.push(Missing::Before { month: starting.month });
    }
}

//! What falls due: the groups that are paid together for an index month, how and by when.
//!
//! **Invariant:** a month that is owed as one sum with a later one falls due with that one, and only
//! there.

use std::collections::BTreeSet;

use crate::{
    domain::{code::Code, decision::Triggered, group::Residence, month::Month},
    rules::word::{Period, Rhythm},
};

use super::{
    amount::covered,
    deadline::{PayBy, owed_with, paid_with, pay_by, period},
    question::{Applied, optional},
    timeline::Timeline,
    trigger::MonthOutcome,
};

/// In what rhythm a month is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// By itself.
    Monthly,
    /// With the quarter.
    Quarterly,
    /// With the half-year.
    HalfYearly,
    /// With the year.
    Yearly,
    /// With the school term.
    Term,
    /// With the start that came after it (补发).
    BackPay,
}

impl Kind {
    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::HalfYearly => "half_yearly",
            Self::Yearly => "yearly",
            Self::Term => "term",
            Self::BackPay => "back_pay",
        }
    }
}

/// What is paid together for an index month, or for months that are one sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    /// The index months paid.
    pub months: Vec<Month>,
    /// The groups.
    pub groups: BTreeSet<Code>,
    /// The rhythm.
    pub kind: Kind,
    /// By when.
    pub pay_by: PayBy,
    /// The month of that day; while the day is unknown, the pay month of the rule; none while it is
    /// open with which month it is paid.
    pub pay_month: Option<Month>,
}

/// The payments for an index month; none when the mechanism does not pay for it. O(groups).
pub fn payments(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
) -> Vec<Payment> {
    let mut all: Vec<Payment> = Vec::new();
    if outcome.triggered != Triggered::Yes || applied.indicative {
        return all;
    }
    for (group, _) in covered(applied) {
        for residence in Residence::ALL {
            let Some(one) = payment(applied, timeline, outcome, &group, residence) else {
                continue;
            };
            let same = |known: &&mut Payment| {
                (&known.months, known.kind, &known.pay_by, known.pay_month)
                    == (&one.months, one.kind, &one.pay_by, one.pay_month)
            };
            match all.iter_mut().find(same) {
                Some(known) => drop(known.groups.insert(group.clone())),
                None => all.push(one),
            }
        }
    }
    all
}

fn payment(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    group: &Code,
    residence: Residence,
) -> Option<Payment> {
    let month = outcome.month;
    let context = applied.context_of(group, residence, &outcome.carried_by);
    if let Ok(Some(_)) = owed_with(applied, timeline, &context, month) {
        return None;
    }
    let (first, last) = period(applied, &context, month).unwrap_or((month, month));
    let paid = |month: &Month| {
        timeline.get(*month).is_some_and(|outcome| outcome.triggered == Triggered::Yes)
    };
    let terms = &applied.rules.terms;
    let of_sum = optional(&terms.amount.period, &context, String::new, Period::Month);
    let of_payment = optional(&terms.payment.rhythm, &context, String::new, Rhythm::Monthly);
    let kind = match (of_sum, of_payment) {
        _ if outcome.paid_with.is_some() => Kind::BackPay,
        (Ok(Period::Quarter), _) | (_, Ok(Rhythm::Quarterly)) => Kind::Quarterly,
        (Ok(Period::HalfYear), _) | (_, Ok(Rhythm::HalfYearly)) => Kind::HalfYearly,
        (Ok(Period::Year), _) | (_, Ok(Rhythm::Yearly)) => Kind::Yearly,
        (Ok(Period::Term), _) | (_, Ok(Rhythm::Term)) => Kind::Term,
        _ => Kind::Monthly,
    };
    let pay_by = pay_by(applied, timeline, outcome, &context);
    let pay_month = match &pay_by {
        PayBy::Day { day, .. } => Month::of(*day),
        _ => {
            let offset = applied.pay_month.months_since(applied.month);
            let with = paid_with(applied, timeline, outcome, &context).ok();
            with.and_then(|with| with.plus(offset))
        }
    };
    let months = first.through(last.min(month)).filter(paid).collect();
    let groups = BTreeSet::from([group.clone()]);
    Some(Payment { months, groups, kind, pay_by, pay_month })
}

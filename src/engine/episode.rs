//! One month of an episode: from where the mechanism may stand to where it may stand next.
//!
//! **Invariant:** a phase keeps only what the rules in force can still ask of the past, so that the
//! number of possible pasts stays bounded.

use crate::{
    domain::{code::Code, decision::State, month::Month},
    rules::{
        expr::Expr,
        param::Pick,
        word::{Below, HoldsOn, Start},
    },
};

use super::{
    condition::{ConditionReading, Truth},
    question::{Applied, Missing, optional, required},
};

/// A possible past: where the mechanism stands after a month.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Not running; `blocked` until a month in which it would not hold, `paused` until a month.
    Idle { blocked: bool, paused: Option<Month> },
    /// Starts with the next month if it still holds.
    Pending { carrying: Vec<Code> },
    /// Running.
    Running(Run),
}

/// A running episode, reduced to what the rules in force can still ask of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Run {
    /// Its first month, where known.
    pub since: Option<Month>,
    /// The conditions that carry it; empty when any may.
    pub carrying: Vec<Code>,
    /// Months paid, counted only where the rules bound them.
    pub paid: u32,
    /// Months in a row in which it did not hold.
    pub below: u32,
}

pub(super) const IDLE: Phase = Phase::Idle { blocked: false, paused: None };

/// What one possible past makes of a month.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Branch {
    pub phase: Phase,
    pub state: State,
    pub paid: bool,
    pub since: Option<Month>,
    pub carrying: Vec<Code>,
}

/// The tests of a month, as the rules in force state them.
pub(super) struct Tests {
    pub start: Truth,
    pub hold: Expr,
    pub hold_is_own: bool,
    pub end: Truth,
    pub holds_on: HoldsOn,
    pub first_paid: Start,
    pub below: Below,
    pub end_after: EndAfter,
    pub longest_run: Option<u32>,
    pub pause: Option<u32>,
    /// Whether the rules in force can end an episode for another reason than falling below.
    pub bounded: bool,
    pub met: Vec<Code>,
}

/// After how many months below it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndAfter {
    /// After so many in a row.
    Months(u32),
    /// Each such month only suspends; a new start needs the start test again.
    Never,
    /// The law leaves it open.
    Open,
}

pub(super) fn tests(
    applied: &Applied<'_>,
    conditions: &[ConditionReading],
) -> Result<Tests, Missing> {
    let trigger = &applied.rules.terms.trigger;
    let context = applied.context();
    let path = |key: &str| format!("trigger.{key}");
    let when = required(&trigger.when, &context, || path("when"))?.value;
    let own_hold = match trigger.hold_when.pick(&context) {
        Pick::Set(expr) => Some(expr.value.clone()),
        _ => None,
    };
    let met = |name: &Code| find(conditions, name).map_or(Truth::Unknown, |found| found.met);
    let end = match trigger.end_when.pick(&context) {
        Pick::Set(expr) => truth(expr.value, &met),
        _ => Truth::No,
    };
    let end_after = match trigger.end_after_months.pick(&context) {
        Pick::Set(months) => EndAfter::Months(*months.value),
        Pick::Open { .. } => EndAfter::Open,
        Pick::Unset => EndAfter::Never,
    };
    let number = |param: &crate::rules::param::Param<u32>| match param.pick(&context) {
        Pick::Set(number) => Some(*number.value),
        _ => None,
    };
    Ok(Tests {
        start: truth(when, &met),
        hold_is_own: own_hold.is_some(),
        hold: own_hold.unwrap_or_else(|| when.clone()),
        end,
        holds_on: optional(&trigger.holds_on, &context, || path("holds_on"), HoldsOn::Any)?,
        first_paid: optional(&trigger.start, &context, || path("start"), Start::SameMonth)?,
        below: optional(&trigger.below, &context, || path("below"), Below::Suspend)?,
        end_after,
        longest_run: number(&trigger.longest_run_months),
        pause: number(&trigger.pause_months),
        bounded: !matches!(trigger.end_when.pick(&context), Pick::Unset)
            || number(&trigger.longest_run_months).is_some(),
        met: (when.names().into_iter()).filter(|name| met(name) != Truth::No).cloned().collect(),
    })
}

fn find<'a>(conditions: &'a [ConditionReading], name: &Code) -> Option<&'a ConditionReading> {
    conditions.iter().find(|condition| condition.name == *name)
}

/// Kleene's three-valued logic.
fn truth(expr: &Expr, of: &dyn Fn(&Code) -> Truth) -> Truth {
    match expr {
        Expr::Name(name) => of(name),
        Expr::Any(parts) => parts.iter().map(|part| truth(part, of)).max().unwrap_or(Truth::No),
        Expr::All(parts) => parts.iter().map(|part| truth(part, of)).min().unwrap_or(Truth::Yes),
    }
}

impl Tests {
    /// The months paid, as far as the rules count them.
    fn counted(&self, paid: u32) -> u32 {
        self.longest_run.map_or(0, |longest| paid.min(longest))
    }

    /// The carrying conditions, as far as the rules ask for them.
    fn kept(&self, carrying: Vec<Code>) -> Vec<Code> {
        if self.holds_on == HoldsOn::Carrying { carrying } else { Vec::new() }
    }

    /// Whether it goes on, for an episode carried by these conditions.
    fn holds(&self, conditions: &[ConditionReading], carrying: &[Code]) -> Truth {
        let of = |name: &Code| {
            let Some(condition) = find(conditions, name) else { return Truth::Unknown };
            let counts = self.counts(name, carrying);
            match (self.hold_is_own, counts) {
                (true, _) => condition.met,
                (false, true) => condition.holds,
                (false, false) => Truth::No,
            }
        };
        truth(&self.hold, &of)
    }

    /// Whether a condition may keep an episode running that is carried by these.
    fn counts(&self, name: &Code, carrying: &[Code]) -> bool {
        self.holds_on == HoldsOn::Any || carrying.is_empty() || carrying.contains(name)
    }

    /// The conditions that started an episode, or came to carry it as well.
    fn carrying(&self, conditions: &[ConditionReading], before: &[Code]) -> Vec<Code> {
        let mut carrying: Vec<Code> = before.to_vec();
        for name in self.met.iter().filter(|name| {
            find(conditions, name).is_some_and(|condition| condition.met == Truth::Yes)
        }) {
            if !carrying.contains(name) {
                carrying.push(name.clone());
            }
        }
        carrying
    }
}

/// The conditions of an episode that hold in this very month.
fn holding(conditions: &[ConditionReading], carrying: &[Code], tests: &Tests) -> Vec<Code> {
    let holds = |name: &&&Code| {
        find(conditions, name).is_some_and(|found| {
            let truth = if tests.hold_is_own { found.met } else { found.holds };
            tests.counts(name, carrying) && truth == Truth::Yes
        })
    };
    tests.hold.names().iter().filter(holds).map(|name| (*name).clone()).collect()
}

/// Both sides of what cannot be said.
fn sides(truth: Truth) -> &'static [bool] {
    match truth {
        Truth::Yes => &[true],
        Truth::No => &[false],
        Truth::Unknown => &[true, false],
    }
}

fn unpaid(phase: Phase, state: State) -> Branch {
    Branch { phase, state, paid: false, since: None, carrying: Vec::new() }
}

pub(super) fn follow(
    phase: &Phase,
    month: Month,
    tests: &Tests,
    conditions: &[ConditionReading],
) -> Vec<Branch> {
    match phase {
        Phase::Idle { blocked, paused } => idle(*blocked, *paused, month, tests, conditions),
        Phase::Pending { carrying } => {
            let mut branches = Vec::new();
            for ends in sides(tests.end) {
                if *ends {
                    branches.push(unpaid(IDLE, State::Inactive));
                    continue;
                }
                for holds in sides(tests.holds(conditions, carrying)) {
                    match holds {
                        true => branches.push(started(month, carrying.clone(), conditions, tests)),
                        false => branches.extend(idle(false, None, month, tests, conditions)),
                    }
                }
            }
            branches
        }
        Phase::Running(run) => running(run, month, tests, conditions),
    }
}

fn started(
    month: Month,
    carrying: Vec<Code>,
    conditions: &[ConditionReading],
    tests: &Tests,
) -> Branch {
    let now = match holding(conditions, &carrying, tests) {
        none if none.is_empty() => carrying.clone(),
        some => some,
    };
    let since = Some(month);
    let run = Run { since, carrying: tests.kept(carrying), paid: tests.counted(1), below: 0 };
    Branch { phase: Phase::Running(run), state: State::Started, paid: true, since, carrying: now }
}

fn idle(
    blocked: bool,
    paused: Option<Month>,
    month: Month,
    tests: &Tests,
    conditions: &[ConditionReading],
) -> Vec<Branch> {
    // A block or pause under earlier rules ends with them.
    let (blocked, paused) = if tests.bounded { (blocked, paused) } else { (false, None) };
    let paused = paused.filter(|until| month <= *until);
    if paused.is_some() {
        return vec![unpaid(Phase::Idle { blocked, paused }, State::Inactive)];
    }
    let start = |starts: &bool| match (starts, tests.first_paid) {
        (false, _) => unpaid(IDLE, State::Inactive),
        (true, Start::SameMonth) => {
            started(month, tests.carrying(conditions, &[]), conditions, tests)
        }
        (true, Start::NextMonth) => {
            let carrying = tests.carrying(conditions, &[]);
            unpaid(Phase::Pending { carrying }, State::Inactive)
        }
    };
    let freed = unpaid(IDLE, State::Inactive);
    let mut branches = Vec::new();
    let stays = if blocked { tests.holds(conditions, &tests.met) } else { Truth::No };
    for stays in sides(stays) {
        if *stays {
            branches.push(unpaid(Phase::Idle { blocked, paused: None }, State::Inactive));
            continue;
        }
        for ends in sides(tests.end) {
            match ends {
                true => branches.push(freed.clone()),
                // A month that lifts the block is one in which the start test fails as well.
                false if blocked && !tests.hold_is_own => branches.push(freed.clone()),
                false => branches.extend(sides(tests.start).iter().map(start)),
            }
        }
    }
    branches
}

fn running(run: &Run, month: Month, tests: &Tests, conditions: &[ConditionReading]) -> Vec<Branch> {
    let mut branches = Vec::new();
    // The longest run is over whether or not the month after it would hold.
    let spent = tests.longest_run.is_some_and(|longest| longest <= run.paid);
    for ends in sides(tests.end) {
        for holds in sides(tests.holds(conditions, &run.carrying)) {
            match holds {
                _ if *ends || spent => {
                    branches.push(unpaid(after(month, tests, *holds), State::Ended));
                }
                true => branches.push(holding_on(run, tests, conditions)),
                false => branches.extend(falling(run, tests)),
            }
        }
    }
    branches
}

fn holding_on(run: &Run, tests: &Tests, conditions: &[ConditionReading]) -> Branch {
    let carrying = tests.carrying(conditions, &run.carrying);
    let now = holding(conditions, &carrying, tests);
    let paid = tests.counted(run.paid.saturating_add(1));
    let next = Run { since: run.since, carrying: tests.kept(carrying), paid, below: 0 };
    Branch {
        phase: Phase::Running(next),
        state: State::Continuing,
        paid: true,
        since: run.since,
        carrying: now,
    }
}

fn falling(run: &Run, tests: &Tests) -> Vec<Branch> {
    let below = run.below.saturating_add(1);
    let goes_on = || match tests.below {
        Below::Suspend => unpaid(Phase::Running(Run { below, ..run.clone() }), State::Suspended),
        Below::Pay => {
            let paid = tests.counted(run.paid.saturating_add(1));
            Branch {
                phase: Phase::Running(Run { below, paid, ..run.clone() }),
                state: State::Continuing,
                paid: true,
                since: run.since,
                carrying: run.carrying.clone(),
            }
        }
    };
    match tests.end_after {
        EndAfter::Never => vec![unpaid(IDLE, State::Suspended)],
        EndAfter::Months(months) if months <= below => vec![unpaid(IDLE, State::Ended)],
        EndAfter::Months(_) => vec![goes_on()],
        EndAfter::Open => vec![unpaid(IDLE, State::Ended), goes_on()],
    }
}

/// Where it stands after the longest run or an end for another reason, in a month that would hold or
/// would not.
fn after(month: Month, tests: &Tests, holds: bool) -> Phase {
    match tests.pause {
        Some(months) => Phase::Idle { blocked: false, paused: month.plus(months as i32) },
        None => Phase::Idle { blocked: holds, paused: None },
    }
}

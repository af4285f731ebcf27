//! The trigger as a thing with state and history: month after month, what the law makes of the
//! figures.
//!
//! **Invariant:** where the past cannot be told, every possible past is followed; a month is decided
//! exactly when all of them agree.

use std::collections::{HashMap, HashSet};

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::{State, Triggered},
        exact::RangeError,
        month::Month,
    },
    rules::{expr::Expr, param::Pick, word::CountsFrom},
};

use super::{
    condition::{ConditionReading, Truth, evaluate},
    episode::{Branch, EndAfter, IDLE, Phase, Run, Tests, follow, tests},
    question::{Applied, Missing, optional, required},
};

/// The outcome for one month.
#[derive(Debug, Clone, PartialEq)]
pub struct MonthOutcome {
    /// The index month.
    pub month: Month,
    /// The area that decided.
    pub deciding: AreaCode,
    /// Whether it pays.
    pub triggered: Triggered,
    /// The state.
    pub state: State,
    /// Whether every possible past gives this state; else it is the one that says least.
    pub state_agreed: bool,
    /// First month of the running episode, where it is known.
    pub since: Option<Month>,
    /// The conditions that carry it.
    pub carried_by: Vec<Code>,
    /// The later start that pays this month as well.
    pub paid_with: Option<Month>,
    /// The conditions as evaluated.
    pub conditions: Vec<ConditionReading>,
    /// What is missing to decide it.
    pub missing: Vec<Missing>,
}

impl MonthOutcome {
    fn open(deciding: AreaCode, month: Month) -> Self {
        Self {
            month,
            deciding,
            triggered: Triggered::Undecidable,
            state: State::Undecidable,
            state_agreed: true,
            since: None,
            carried_by: Vec::new(),
            paid_with: None,
            conditions: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// A month that cannot be decided for one reason.
    pub fn undecidable(area: AreaCode, month: Month, missing: Missing) -> Self {
        Self { missing: vec![missing], ..Self::open(area, month) }
    }
}

/// Follows the mechanism through the months. Feed it consecutive months in order.
#[derive(Debug, Clone)]
pub struct Follower {
    phases: Vec<Phase>,
    undecided: Option<Month>,
}

impl Default for Follower {
    fn default() -> Self {
        Self { phases: vec![IDLE], undecided: None }
    }
}

impl Follower {
    /// Decides the next month. O(possible pasts × conditions).
    ///
    /// # Errors
    /// A figure leaves the range of exact arithmetic.
    pub fn step(&mut self, applied: &Applied<'_>) -> Result<MonthOutcome, RangeError> {
        let mut outcome = MonthOutcome::open(applied.deciding, applied.month);
        if applied.rules.law().next().is_none() {
            // Nothing runs on through months without law.
            *self = Self::default();
            outcome.missing.push(Missing::Law);
            return Ok(outcome);
        }
        let names = match named(applied) {
            Ok(names) => names,
            Err(missing) => {
                outcome.missing.push(missing);
                self.lose_track(applied.month);
                return Ok(outcome);
            }
        };
        let counts_from = counts_from(applied);
        if counts_from == Some(applied.month) {
            // The document begins anew; what was before it does not count.
            *self = Self::default();
        }
        for name in &names {
            outcome.conditions.push(evaluate(applied, name, counts_from)?);
        }
        match tests(applied, &outcome.conditions) {
            Ok(tests) => self.conclude(applied.month, &tests, &mut outcome),
            Err(missing) => {
                outcome.missing.push(missing);
                self.lose_track(applied.month);
            }
        }
        Ok(outcome)
    }

    fn conclude(&mut self, month: Month, tests: &Tests, outcome: &mut MonthOutcome) {
        let pasts = self.phases.iter();
        let branches = pasts.flat_map(|phase| follow(phase, month, tests, &outcome.conditions));
        let branches = distinct(branches.collect());
        let paid = branches.iter().filter(|branch| branch.paid).count();
        outcome.triggered = match paid {
            0 => Triggered::No,
            paid if paid == branches.len() => Triggered::Yes,
            _ => Triggered::Undecidable,
        };
        agree(&branches, outcome);
        if outcome.triggered == Triggered::Undecidable {
            for condition in &outcome.conditions {
                let fresh = condition.missing.iter().filter(|one| !outcome.missing.contains(one));
                outcome.missing.extend(fresh.cloned().collect::<Vec<_>>());
            }
            let settled = tests.start != Truth::Unknown || outcome.missing.is_empty();
            if settled && self.phases.len() > 1 {
                outcome.missing.extend(self.undecided.map(|month| Missing::Before { month }));
            }
            if outcome.missing.is_empty() && tests.end_after == EndAfter::Open {
                let path = "trigger.end_after_months".to_owned();
                outcome.missing.push(Missing::Parameter { path, left_open_by: None });
            }
            self.undecided = Some(month);
        }
        self.phases = merged(branches.into_iter().map(|branch| branch.phase).collect());
    }

    /// After a month whose rule is incomplete, it may be running or not.
    fn lose_track(&mut self, month: Month) {
        self.undecided = Some(month);
        let running = Run { since: None, carrying: Vec::new(), paid: 0, below: 0 };
        let known = self.phases.drain(..);
        self.phases = merged(known.chain([IDLE, Phase::Running(running)]).collect());
    }
}

/// So few are compared one by one, which is faster than hashing them.
const FEW: usize = 8;

/// The branches, each once, in order of appearance.
fn distinct(branches: Vec<Branch>) -> Vec<Branch> {
    if FEW < branches.len() {
        let mut seen = HashSet::new();
        let fresh = |branch: &Branch| seen.insert(branch.clone());
        return branches.into_iter().filter(fresh).collect();
    }
    let mut all: Vec<Branch> = Vec::with_capacity(branches.len());
    for branch in branches {
        if !all.contains(&branch) {
            all.push(branch);
        }
    }
    all
}

/// The possible pasts, each once; two that differ only in when the episode began become one. Their
/// number is bounded by the conditions, the months below and the months paid that the rules count.
fn merged(phases: Vec<Phase>) -> Vec<Phase> {
    let many = FEW < phases.len();
    let mut all: Vec<(Phase, Option<Month>)> = Vec::with_capacity(phases.len());
    let mut places: HashMap<Phase, usize> = HashMap::new();
    for mut phase in phases {
        let since = match &mut phase {
            Phase::Running(run) => run.since.take(),
            _ => None,
        };
        let known = match many {
            true => places.get(&phase).copied(),
            false => all.iter().position(|(known, _)| *known == phase),
        };
        match known {
            Some(at) => all[at].1 = all[at].1.filter(|known| Some(*known) == since),
            None => {
                if many {
                    places.insert(phase.clone(), all.len());
                }
                all.push((phase, since));
            }
        }
    }
    let with_since = |(mut phase, since)| {
        if let Phase::Running(run) = &mut phase {
            run.since = since;
        }
        phase
    };
    all.into_iter().map(with_since).collect()
}

/// The common answer of the branches.
fn agree(branches: &[Branch], outcome: &mut MonthOutcome) {
    let Some(first) = branches.first() else { return };
    let same_state = branches.iter().all(|branch| branch.state == first.state);
    outcome.state_agreed = same_state;
    outcome.state = match outcome.triggered {
        Triggered::Undecidable => State::Undecidable,
        _ if same_state => first.state,
        // The first month known to be paid after months that cannot be told.
        Triggered::Yes => State::Started,
        Triggered::No => State::Inactive,
    };
    if outcome.triggered == Triggered::Yes {
        let since = first.since.filter(|_| branches.iter().all(|b| b.since == first.since));
        outcome.since = since;
        let all = branches.iter().flat_map(|branch| branch.carrying.iter());
        for name in all {
            if !outcome.carried_by.contains(name) {
                outcome.carried_by.push(name.clone());
            }
        }
    }
}

/// The conditions named by the tests, each once, in order of appearance.
fn named(applied: &Applied<'_>) -> Result<Vec<Code>, Missing> {
    let trigger = &applied.rules.terms.trigger;
    let context = applied.context();
    let when = required(&trigger.when, &context, || "trigger.when".to_owned())?;
    let mut names: Vec<Code> = Vec::new();
    let mut add = |expr: &Expr| {
        for name in expr.names() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
    };
    add(when.value);
    for other in [&trigger.hold_when, &trigger.end_when] {
        if let Pick::Set(expr) = other.pick(&context) {
            add(expr.value);
        }
    }
    Ok(names)
}

/// The month from which months count in a run, where the rule says that earlier ones do not.
fn counts_from(applied: &Applied<'_>) -> Option<Month> {
    let trigger = &applied.rules.terms.trigger;
    match trigger.counts_from.pick(&applied.context()) {
        Pick::Set(picked) if *picked.value == CountsFrom::Rule => {
            Some(picked.cite.head.months.from)
        }
        _ => None,
    }
}

/// How many months the start pays, itself the last.
pub fn back_pay_months(applied: &Applied<'_>) -> Result<u32, Missing> {
    let param = &applied.rules.terms.trigger.back_pay_months;
    optional(param, &applied.context(), || "trigger.back_pay_months".to_owned(), 1)
}

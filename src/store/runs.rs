//! The recorded runs with their lives, and which of them pays what.
//!
//! **Invariant:** no two live runs of a kind pay the same group, urban or rural, in the same area for
//! the same index month, but for a roster run and those that follow it, which pay other persons; and
//! no two live adjustments of a run pay the same difference, since each counts every live one before
//! it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use crate::domain::{
    life::{Life, MoveError, RunEvent, RunState},
    run::{Adjusted, Claim, Run},
};

/// Why a run or a move cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// No run has this id.
    #[error("run {run:?}: not recorded")]
    Unknown {
        /// The id.
        run: String,
    },
    /// The id is not that of the entry.
    #[error("run {run:?}: expected the id {expected}")]
    Id {
        /// The id.
        run: String,
        /// What it should be.
        expected: String,
    },
    /// A live run pays it already.
    #[error(
        "{} ({}) of {} for {} are paid by run {holder}: expected no other live run",
        claim.group, claim.residence, claim.area, claim.month
    )]
    Held {
        /// What.
        claim: Claim,
        /// The run.
        holder: String,
    },
    /// The run cannot be adjusted.
    #[error("run {run} cannot be adjusted: {why}")]
    NotAdjustable {
        /// The run.
        run: String,
        /// Why.
        why: String,
    },
    /// An adjustment rests on other earlier adjustments than those that are live.
    #[error("run {run}: made after {after:?}, expected {expected:?}, the live adjustments")]
    After {
        /// The adjustment.
        run: String,
        /// Those it counts.
        after: Vec<String>,
        /// Those it should.
        expected: Vec<String>,
    },
    /// A live adjustment counts what this one pays.
    #[error("run {by} counts what {run} pays: expected it to be taken back first")]
    Counted {
        /// The run.
        run: String,
        /// The adjustment.
        by: String,
    },
    /// The move cannot be made.
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// Every run. A clone shares them, and writing copies only what it touches.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    by_id: BTreeMap<u64, Arc<Life>>,
    /// The live runs that pay each: one, or several that follow each other.
    held: Arc<HashMap<Claim, Vec<String>>>,
    /// The adjustments of a run, in order.
    adjustments: BTreeMap<u64, Vec<u64>>,
}

/// The id of the run that an entry makes.
pub fn run_id(sequence: u64) -> String {
    format!("R{sequence}")
}

fn number(id: &str) -> Option<u64> {
    let number = id.strip_prefix('R')?.parse().ok()?;
    (run_id(number) == id).then_some(number)
}

impl Runs {
    /// The run with this id.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&self, id: &str) -> Result<&Arc<Life>, RunError> {
        let found = number(id).and_then(|number| self.by_id.get(&number));
        found.ok_or_else(|| RunError::Unknown { run: id.chars().take(60).collect() })
    }

    /// The live adjustments of a run, the oldest first.
    pub fn adjustments(&self, id: &str) -> impl Iterator<Item = &Arc<Life>> {
        let numbers = number(id).and_then(|number| self.adjustments.get(&number));
        let lives = numbers.into_iter().flatten().filter_map(|number| self.by_id.get(number));
        lives.filter(|life| life.state().is_live())
    }

    /// A run that may be adjusted: it was released, and is no adjustment itself.
    ///
    /// # Errors
    /// There is none with this id, or why it may not be.
    pub fn adjustable(&self, id: &str) -> Result<&Arc<Life>, RunError> {
        let life = self.get(id)?;
        let refused = |why| Err(RunError::NotAdjustable { run: life.run.id.clone(), why });
        if let Some(Adjusted { run, .. }) = &life.run.adjusts {
            return refused(format!(
                "it is an adjustment itself; expected {run}, which it adjusts"
            ));
        }
        if life.run.roster.is_some() {
            return refused("it pays persons by a roster; expected a budget run".to_owned());
        }
        match life.state() {
            RunState::Released | RunState::Closed => Ok(life),
            state => refused(format!("it is {}, expected released or closed", state.as_str())),
        }
    }

    /// Every run, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Life>> {
        self.by_id.values().rev()
    }

    /// The digests of the files that runs refer to.
    pub fn kept(&self) -> BTreeSet<String> {
        let pins = self.by_id.values().filter_map(|life| life.run.roster.as_ref());
        let events = self.by_id.values().flat_map(|life| &life.events);
        let settled = events.filter_map(|event| event.settlement.as_ref());
        let claims = pins.map(|pin| pin.claims.clone());
        claims.chain(settled.map(|one| one.outcomes.clone())).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The live run that pays it.
    pub fn holder(&self, claim: &Claim) -> Option<&str> {
        self.holders(claim).next()
    }

    fn holders(&self, claim: &Claim) -> impl Iterator<Item = &str> {
        self.held.get(claim).into_iter().flatten().map(String::as_str)
    }

    /// Everything that live runs pay, in no order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.held.iter().filter(|(_, holders)| !holders.is_empty()).map(|(claim, _)| claim)
    }

    /// Checks a run that is to be recorded with an entry.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn check_run(&self, run: &Run, sequence: u64) -> Result<(), RunError> {
        let expected = run_id(sequence);
        if run.id != expected {
            return Err(RunError::Id { run: run.id.clone(), expected });
        }
        if let Some(Adjusted { run: adjusted, after }) = &run.adjusts {
            self.adjustable(adjusted)?;
            let live = self.adjustments(adjusted).map(|life| life.run.id.clone());
            let expected: Vec<_> = live.collect();
            if *after != expected {
                let (run, after) = (run.id.clone(), after.clone());
                return Err(RunError::After { run, after, expected });
            }
        }
        self.check_free(run)
    }

    /// Checks that no live run of its kind pays what a run pays, but the one it follows.
    ///
    /// # Errors
    /// The run that does.
    pub fn check_free(&self, run: &Run) -> Result<(), RunError> {
        let follows = run.roster.as_ref().and_then(|pin| pin.follows.as_deref());
        let mut own = HashSet::new();
        for claim in run.claims() {
            self.check_claim(&claim, follows)?;
            if !own.insert(claim.clone()) {
                return Err(RunError::Held { claim, holder: run.id.clone() });
            }
        }
        Ok(())
    }

    /// Checks that no live run pays it, but the one followed and others that follow it: they tell
    /// the persons of a cell apart.
    ///
    /// # Errors
    /// The run that does.
    pub fn check_claim(&self, claim: &Claim, follows: Option<&str>) -> Result<(), RunError> {
        let first = follows.map(|run| self.first_of(run));
        match self.holders(claim).find(|holder| Some(self.first_of(holder)) != first) {
            None => Ok(()),
            Some(holder) => Err(RunError::Held { claim: claim.clone(), holder: holder.to_owned() }),
        }
    }

    /// The run at the head of those that follow each other.
    fn first_of<'a>(&'a self, run: &'a str) -> &'a str {
        let next = |run: &&'a str| {
            let pin = self.get(run).ok()?.run.roster.as_ref()?;
            pin.follows.as_deref()
        };
        std::iter::successors(Some(run), next).last().unwrap_or(run)
    }

    /// Checks a move that is to be recorded.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn check_move(&self, event: &RunEvent) -> Result<(), RunError> {
        let life = self.get(&event.run)?;
        life.check(event)?;
        if let (Some(Adjusted { run: adjusted, .. }), true) = (&life.run.adjusts, event.made.ends())
        {
            let counts = |later: &&Arc<Life>| {
                let counted = later.run.adjusts.iter().flat_map(|adjusts| &adjusts.after);
                counted.into_iter().any(|id| *id == event.run)
            };
            if let Some(later) = self.adjustments(adjusted).find(counts) {
                let (run, by) = (event.run.clone(), later.run.id.clone());
                return Err(RunError::Counted { run, by });
            }
        }
        Ok(())
    }

    pub(super) fn add_run(&mut self, run: Arc<Run>, made_at: DateTime<Utc>) {
        let Some(number) = number(&run.id) else { return };
        let held = Arc::make_mut(&mut self.held);
        for claim in run.claims() {
            held.entry(claim).or_default().push(run.id.clone());
        }
        let adjusted = run.adjusts.as_ref().and_then(|adjusts| self::number(&adjusts.run));
        if let Some(adjusted) = adjusted {
            self.adjustments.entry(adjusted).or_default().push(number);
        }
        let life = Life { run, made_at, events: Vec::new() };
        self.by_id.insert(number, Arc::new(life));
    }

    pub(super) fn add_event(&mut self, event: RunEvent) {
        let Some(life) = number(&event.run).and_then(|number| self.by_id.get_mut(&number)) else {
            return;
        };
        let life = Arc::make_mut(life);
        life.events.push(event);
        let state = life.state();
        if !state.is_live() {
            let held = Arc::make_mut(&mut self.held);
            for claim in life.run.claims() {
                if let Some(holders) = held.get_mut(&claim) {
                    holders.retain(|holder| *holder != life.run.id);
                }
            }
        }
        debug_assert!(state != RunState::Draft);
    }
}

//! The recorded runs with their lives, and which of them holds an area and month.
//!
//! **Invariant:** no two live runs hold the same area and index month.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};

use crate::domain::{
    area::AreaCode,
    life::{Life, MoveError, RunEvent, RunState},
    month::Month,
    run::Run,
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
    /// A live run holds an area and month.
    #[error("{area} for {month} is paid by run {holder}: expected no other live run")]
    Held {
        /// The area.
        area: AreaCode,
        /// The index month.
        month: Month,
        /// The run.
        holder: String,
    },
    /// The move cannot be made.
    #[error(transparent)]
    Move(#[from] MoveError),
}

/// Every run. A clone shares them, and writing copies only what it touches.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    by_id: BTreeMap<u64, Arc<Life>>,
    held: Arc<HashMap<(AreaCode, Month), String>>,
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

    /// Every run, the newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Life>> {
        self.by_id.values().rev()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The live run that pays the area for the month.
    pub fn holder(&self, area: AreaCode, month: Month) -> Option<&str> {
        self.held.get(&(area, month)).map(String::as_str)
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
        for (area, month) in run.places() {
            if let Some(holder) = self.holder(area, month) {
                return Err(RunError::Held { area, month, holder: holder.to_owned() });
            }
        }
        Ok(())
    }

    /// Checks a move that is to be recorded.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn check_move(&self, event: &RunEvent) -> Result<(), RunError> {
        Ok(self.get(&event.run)?.check(event)?)
    }

    pub(super) fn add_run(&mut self, run: Arc<Run>, made_at: DateTime<Utc>) {
        let Some(number) = number(&run.id) else { return };
        let held = Arc::make_mut(&mut self.held);
        held.extend(run.places().map(|place| (place, run.id.clone())));
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
            for place in life.run.places() {
                held.remove(&place);
            }
        }
        debug_assert!(state != RunState::Draft);
    }
}

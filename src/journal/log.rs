//! What the journal says of its entries without their facts: the list an auditor begins with.
//!
//! **Invariant:** one [`Logged`] for each entry that was read or appended, in order.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::entry::{Entry, Operation};
use crate::domain::life::Move;

/// What an entry records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Figures.
    Figures {
        /// Revisions.
        rows: usize,
        /// Decisions they led to.
        decisions: usize,
    },
    /// Standards.
    Standards {
        /// Revisions.
        rows: usize,
        /// Decisions they led to.
        decisions: usize,
    },
    /// Documents adopted or withdrawn.
    Law {
        /// Ids of the documents.
        documents: Vec<String>,
        /// Decisions they led to.
        decisions: usize,
    },
    /// A run made.
    MakeRun {
        /// Its id.
        run: String,
    },
    /// A step in a run's life.
    MoveRun {
        /// Its id.
        run: String,
        /// The step.
        made: Move,
    },
}

/// An entry without its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The entry's number.
    pub sequence: u64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it.
    pub principal: String,
    /// The id the client gave the request.
    pub request_id: String,
    /// Where the request came from; none for what the service records by itself.
    pub origin: Option<String>,
    /// The digest of its line.
    pub digest: String,
    /// What it records.
    pub subject: Subject,
}

impl From<&Entry> for Logged {
    fn from(entry: &Entry) -> Self {
        let decisions = entry.operation.decisions().len();
        let subject = match &entry.operation {
            Operation::RecordFigures { figures, .. } => {
                Subject::Figures { rows: figures.len(), decisions }
            }
            Operation::RecordStandards { standards, .. } => {
                Subject::Standards { rows: standards.len(), decisions }
            }
            Operation::AdoptLaw { documents, .. } => {
                let documents = documents.iter().map(|one| one.id.clone()).collect();
                Subject::Law { documents, decisions }
            }
            Operation::MakeRun { run } => Subject::MakeRun { run: run.id.clone() },
            Operation::MoveRun { event } => {
                Subject::MoveRun { run: event.run.clone(), made: event.made }
            }
        };
        Self {
            sequence: entry.sequence,
            recorded_at: entry.recorded_at,
            principal: entry.principal.clone(),
            request_id: entry.request_id.clone(),
            origin: entry.origin.clone(),
            digest: entry.digest.clone(),
            subject,
        }
    }
}

/// The entries so far; a clone sees what is appended later.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<RwLock<Vec<Logged>>>);

impl Log {
    /// Adds an entry.
    pub(super) fn push(&self, logged: Logged) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(logged);
    }

    /// The digest of an entry's line; none when there is no such entry. O(1).
    pub fn digest(&self, sequence: u64) -> Option<String> {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let at = usize::try_from(sequence.checked_sub(1)?).ok()?;
        log.get(at).map(|logged| logged.digest.clone())
    }

    /// The entries that are wanted, the newest first. O(entries looked at).
    pub fn newest<T>(&self, mut take: impl FnMut(&mut dyn Iterator<Item = &Logged>) -> T) -> T {
        let log = self.0.read().unwrap_or_else(PoisonError::into_inner);
        take(&mut log.iter().rev())
    }
}

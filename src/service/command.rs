//! A request to record something, its plan and its answer.

use chrono::{DateTime, Utc};

use crate::{journal::entry::Operation, store::ledger::Ledger};

/// What a plan decided to record and to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is recorded; none when there is nothing new. Its facts carry the next revisions and
    /// the instant the plan was given.
    pub operation: Option<Operation>,
    /// What is answered, now and whenever the request is repeated. Numbers in it are integers or
    /// text.
    pub answer: serde_json::Value,
}

/// Why a plan records nothing; the caller knows its type.
pub type PlanError = Box<dyn std::error::Error + Send + Sync>;

/// Decides what to record, given everything recorded so far and the instant it is recorded at.
/// Runs on the writer's thread: short, and without waiting for anything.
pub type PlanFn = Box<dyn FnOnce(&Ledger, DateTime<Utc>) -> Result<Plan, PlanError> + Send>;

/// A request to record something.
pub struct Command {
    /// Who asks.
    pub principal: String,
    /// The id the client gave the request.
    pub request_id: String,
    /// The sha-256 of the request's payload, in lower-case hex.
    pub request_digest: String,
    /// Where the request comes from; none for what the service records by itself.
    pub origin: Option<String>,
    /// What to do.
    pub plan: PlanFn,
}

/// The answer to a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// The entry that recorded it; none when there was nothing to record.
    pub sequence: Option<u64>,
    /// When it was recorded, or found to be nothing new.
    pub recorded_at: DateTime<Utc>,
    /// What the plan answered.
    pub answer: serde_json::Value,
    /// Whether the request had been recorded before, and this is what was answered then.
    pub repeated: bool,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The plan said no.
    #[error(transparent)]
    Refused(PlanError),
    /// The id was given to another request.
    #[error(
        "request id {request_id:?} was used for another request, recorded as entry {first_sequence}"
    )]
    RequestIdReused {
        /// The id.
        request_id: String,
        /// The entry of the first request.
        first_sequence: u64,
    },
    /// Too many commands wait.
    #[error("{waiting} requests are waiting, expected fewer; try again later")]
    Busy {
        /// The most that may wait.
        waiting: usize,
    },
    /// The plan panicked, or planned what contradicts the ledger.
    #[error("the request {request_id:?} could not be planned: {why}")]
    Broken {
        /// The request.
        request_id: String,
        /// What happened.
        why: String,
    },
    /// The journal could not be written; nothing is recorded until the service is started again.
    /// Whether this request was recorded is known by repeating it then.
    #[error("nothing can be recorded until the service is started again: {why}")]
    Unwritable {
        /// What happened.
        why: String,
    },
    /// The service follows another and records what that one has recorded.
    #[error("nothing is recorded here, since it follows {leader}: ask there")]
    Follows {
        /// Whom it follows.
        leader: String,
    },
    /// What a leader sent does not continue the journal.
    #[error("what was sent does not continue the journal: {why}")]
    Discontinued {
        /// What is wrong.
        why: String,
    },
    /// The writer has been shut down.
    #[error("the service is shutting down and records nothing any more")]
    Stopped,
}

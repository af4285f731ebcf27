//! The thread behind the writer's handle: plans, records, publishes and answers, in this order.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use tokio::sync::{broadcast, oneshot, watch};

use super::{
    backend::Backend,
    command::{Acknowledged, Command, Plan, SubmitError},
    now,
    pulse::Pulse,
};
use crate::{
    domain::decision::Decision,
    journal::entry::{Draft, Entry},
    store::{ledger::Ledger, record::RequestRecord},
};

/// How many commands are recorded with one sync.
const BATCH_COMMANDS: usize = 256;

/// How long the thread waits for a further command before it flushes the state.
const FLUSH_WHEN_IDLE: Duration = Duration::from_millis(500);

/// How long the state stays unflushed while commands keep coming. The journal has everything; this
/// bounds what a start after a crash must replay.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

pub(super) type Answer = Result<Acknowledged, SubmitError>;

/// A command that waits for the thread.
pub(super) struct Waiting {
    pub command: Command,
    pub reply: oneshot::Sender<Answer>,
}

/// What waits for the thread.
pub(super) enum Work {
    /// A command.
    Asked(Waiting),
    /// Entries that a leader has recorded.
    Shipped(Vec<Entry>, oneshot::Sender<Result<(), SubmitError>>),
}

/// What the thread works with.
pub(super) struct Worker {
    pub backend: Backend,
    pub ledger: Arc<ArcSwap<Ledger>>,
    /// Why nothing is recorded any more.
    pub unwritable: Option<String>,
    pub flushed: Instant,
    /// Whether something was recorded since the last flush.
    pub dirty: bool,
    pub decisions: broadcast::Sender<Decision>,
    pub heads: watch::Sender<u64>,
    pub pulse: Arc<Pulse>,
}

/// What a batch has planned so far.
struct Batch {
    draft: Ledger,
    entries: Vec<Entry>,
    /// The entries of the batch by request id.
    places: HashMap<String, usize>,
}

impl Worker {
    /// Works until nobody can send any more.
    pub fn run(mut self, queue: Receiver<Work>) {
        loop {
            let first = match self.dirty {
                true => queue.recv_timeout(FLUSH_WHEN_IDLE),
                false => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => {
                    let rest = queue.try_iter().take(BATCH_COMMANDS - 1);
                    let all: Vec<_> = std::iter::once(first).chain(rest).collect();
                    let works = all.len();
                    let mut asked = Vec::with_capacity(works);
                    for work in all {
                        match work {
                            Work::Asked(waiting) => asked.push(waiting),
                            Work::Shipped(entries, reply) => {
                                // Whoever follows may have stopped.
                                let _ = reply.send(self.take_over(entries));
                            }
                        }
                    }
                    self.carry_out(asked);
                    self.pulse.done(works);
                    if self.dirty && FLUSH_EVERY < self.flushed.elapsed() {
                        self.flush();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.flush(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        (self.dirty, self.flushed) = (false, Instant::now());
        let flushed = self.backend.flush();
        self.pulse.flushed(self.flushed.elapsed());
        if let Err(error) = flushed {
            tracing::error!(%error, "the state could not be flushed; the journal has everything");
        }
    }

    fn carry_out(&mut self, waiting: Vec<Waiting>) {
        if let Some(why) = self.unwritable.clone() {
            return refuse(waiting.into_iter().map(|waiting| waiting.reply), &why);
        }
        let draft = Ledger::clone(&self.ledger.load());
        let mut batch = Batch { draft, entries: Vec::new(), places: HashMap::new() };
        let mut answers = Vec::with_capacity(waiting.len());
        for Waiting { command, reply } in waiting {
            answers.push((reply, self.plan(&mut batch, command)));
        }
        if !batch.entries.is_empty()
            && let Err(why) = self.record(&batch.entries, batch.draft)
        {
            // Even a refusal may rest on an entry of the batch that is not recorded.
            return refuse(answers.into_iter().map(|(reply, _)| reply), &why);
        }
        for (reply, answer) in answers {
            // Whoever asked may have gone.
            let _ = reply.send(answer);
        }
        self.announce(&batch.entries);
    }

    /// Puts entries on disk and publishes the ledger that has applied them.
    fn record(&mut self, entries: &[Entry], ledger: Ledger) -> Result<(), String> {
        let begun = Instant::now();
        let committed = self.backend.commit(entries);
        self.pulse.committed(begun.elapsed());
        if let Err(error) = committed {
            self.pulse.unwritable();
            let why = error.to_string();
            tracing::error!(why, "nothing more is recorded");
            self.unwritable = Some(why.clone());
            return Err(why);
        }
        self.dirty = true;
        let head = ledger.sequence();
        self.ledger.store(Arc::new(ledger));
        self.heads.send_replace(head);
        Ok(())
    }

    /// Records what a leader has recorded.
    fn take_over(&mut self, entries: Vec<Entry>) -> Result<(), SubmitError> {
        if let Some(why) = self.unwritable.clone() {
            return Err(SubmitError::Unwritable { why });
        }
        let mut draft = Ledger::clone(&self.ledger.load());
        for entry in &entries {
            let previous = &draft.head().digest;
            if entry.previous != *previous {
                let why = format!("entry {} follows another entry", entry.sequence);
                return Err(SubmitError::Discontinued { why });
            }
            let applied = draft.apply(entry);
            applied.map_err(|error| SubmitError::Discontinued { why: error.to_string() })?;
        }
        self.record(&entries, draft).map_err(|why| SubmitError::Unwritable { why })?;
        self.announce(&entries);
        Ok(())
    }

    fn announce(&self, entries: &[Entry]) {
        for decision in entries.iter().flat_map(|entry| entry.operation.decisions()) {
            // Nobody may be watching.
            let _ = self.decisions.send(decision.clone());
        }
    }

    fn plan(&mut self, batch: &mut Batch, command: Command) -> Answer {
        let Command { principal, request_id, request_digest, origin, plan } = command;
        if let Some(first) = self.first(batch, &request_id)? {
            return repeat(first, &request_digest);
        }
        // Instants grow with every entry, so that what was known at one is what its entry and
        // those before it say.
        let last = batch.draft.recorded_at().unwrap_or_default();
        let recorded_at = now().max(last + TimeDelta::microseconds(1));
        let broken = |why: String| SubmitError::Broken { request_id: request_id.clone(), why };
        let planned = catch_unwind(AssertUnwindSafe(|| plan(&batch.draft, recorded_at)));
        let planned = planned.map_err(|_| broken("planning it panicked".into()))?;
        let Plan { operation, answer } = planned.map_err(SubmitError::Refused)?;
        let Some(operation) = operation else {
            return Ok(Acknowledged { sequence: None, recorded_at, answer, repeated: false });
        };
        let id = request_id.clone();
        let draft = Draft {
            recorded_at,
            principal,
            request_id: id,
            request_digest,
            origin,
            operation,
            answer,
        };
        let sealed = Entry::seal(batch.draft.head(), draft);
        let entry = sealed.map_err(|error| broken(error.to_string()))?;
        batch.draft.apply(&entry).map_err(|error| broken(error.to_string()))?;
        let answer = entry.answer.clone();
        let acknowledged =
            Acknowledged { sequence: Some(entry.sequence), recorded_at, answer, repeated: false };
        batch.places.insert(request_id, batch.entries.len());
        batch.entries.push(entry);
        Ok(acknowledged)
    }

    /// What the request led to when it was first carried out, recorded or in this batch.
    fn first(
        &mut self,
        batch: &Batch,
        request_id: &str,
    ) -> Result<Option<RequestRecord>, SubmitError> {
        if let Some(place) = batch.places.get(request_id) {
            return Ok(Some(RequestRecord::from(&batch.entries[*place])));
        }
        let found = self.backend.request(request_id);
        found.map_err(|error| SubmitError::Unwritable { why: error.to_string() })
    }
}

fn repeat(first: RequestRecord, request_digest: &str) -> Answer {
    let RequestRecord { request_id, sequence, recorded_at, answer, .. } = first;
    if first.request_digest != request_digest {
        return Err(SubmitError::RequestIdReused { request_id, first_sequence: sequence });
    }
    Ok(Acknowledged { sequence: Some(sequence), recorded_at, answer, repeated: true })
}

fn refuse(replies: impl Iterator<Item = oneshot::Sender<Answer>>, why: &str) {
    for reply in replies {
        let _ = reply.send(Err(SubmitError::Unwritable { why: why.into() }));
    }
}

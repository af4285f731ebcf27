//! The one writer: plans, makes durable, applies, publishes, and only then answers.
//!
//! **Invariant:** nobody sees or is told of a fact that is not on the disk; a request is accepted at
//! most once.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::{broadcast, oneshot};

use crate::{
    domain::decision::Decision,
    journal::{
        Head, JournalError,
        entry::{Entry, FORMAT, Operation, Sealed},
    },
    store::{Store, Verified, ledger::Ledger},
};

/// Most requests waiting.
pub const WAITING_MAX: usize = 1_024;
/// Most requests made durable together.
const BATCH_MAX: usize = 256;
/// Most decisions a slow watcher may lag behind.
const WATCH_LAG_MAX: usize = 65_536;

/// What a request would record.
pub struct Planned {
    /// The operation; none when there is nothing to record.
    pub operation: Option<Operation>,
    /// The answer; `{sequence}` is filled in by the caller.
    pub answer: Value,
}

/// Works out what to record, from the ledger as it will be and the instant of recording.
pub type Plan = Box<dyn FnOnce(&Ledger, DateTime<Utc>) -> Planned + Send>;

/// A request to record something.
pub struct Command {
    /// Who asks.
    pub principal: String,
    /// The request's id.
    pub request_id: String,
    /// SHA-256 of its content.
    pub request_digest: String,
    /// What to record.
    pub plan: Plan,
}

/// A request that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// The entry it became; 0 when there was nothing to record.
    pub sequence: u64,
    /// The answer.
    pub answer: Value,
}

/// Why a request was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The id was used for another content.
    #[error("request id {request_id:?} was used for another request, entry {sequence}")]
    Reused {
        /// The id.
        request_id: String,
        /// The entry of the first request.
        sequence: u64,
    },
    /// Too many requests are waiting.
    #[error("{WAITING_MAX} requests are waiting; try again")]
    Busy,
    /// The service is stopping.
    #[error("the service is stopping; try again")]
    Stopping,
    /// The journal failed.
    #[error(transparent)]
    Journal(Arc<JournalError>),
}

type Reply = oneshot::Sender<Result<Acknowledged, SubmitError>>;

enum Message {
    Submit(Command, Reply),
    Verify(oneshot::Sender<Result<Verified, SubmitError>>),
    Export(std::path::PathBuf, oneshot::Sender<Result<Head, SubmitError>>),
    Stop,
}

/// The handle to the writer. Dropping it stops the writer after what is waiting.
pub struct Writer {
    sender: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    ledger: Arc<ArcSwap<Ledger>>,
    decisions: broadcast::Sender<Decision>,
}

struct Loop {
    store: Option<Store>,
    draft: Ledger,
    ledger: Arc<ArcSwap<Ledger>>,
    decisions: broadcast::Sender<Decision>,
    in_memory: HashMap<String, (String, Acknowledged)>,
    last_instant: DateTime<Utc>,
    clock: fn() -> DateTime<Utc>,
}

impl Writer {
    /// Starts a writer over a store, or in memory only.
    pub fn start(store: Option<Store>, ledger: Ledger, clock: fn() -> DateTime<Utc>) -> Self {
        let (sender, receiver) = sync_channel(WAITING_MAX);
        let (decisions, _) = broadcast::channel(WATCH_LAG_MAX);
        let shared = Arc::new(ArcSwap::from_pointee(ledger.clone()));
        let writer = Loop {
            store,
            draft: ledger,
            ledger: shared.clone(),
            decisions: decisions.clone(),
            in_memory: HashMap::new(),
            last_instant: DateTime::<Utc>::MIN_UTC,
            clock,
        };
        let thread = std::thread::Builder::new().name("writer".to_owned());
        let thread = thread.spawn(move || writer.run(&receiver)).ok();
        Self { sender, thread: Mutex::new(thread), ledger: shared, decisions }
    }

    /// Everything recorded and durable so far.
    pub fn snapshot(&self) -> Arc<Ledger> {
        self.ledger.load_full()
    }

    /// Decisions recorded from now on.
    pub fn watch(&self) -> broadcast::Receiver<Decision> {
        self.decisions.subscribe()
    }

    /// Submits a request; the answer comes when it is durable.
    ///
    /// # Errors
    /// See [`SubmitError`]; then nothing was recorded.
    pub async fn submit(&self, command: Command) -> Result<Acknowledged, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Submit(command, reply))?;
        answer.await.unwrap_or(Err(SubmitError::Stopping))
    }

    /// As [`Self::submit`], for a thread that may wait.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn submit_blocking(&self, command: Command) -> Result<Acknowledged, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Submit(command, reply))?;
        answer.blocking_recv().unwrap_or(Err(SubmitError::Stopping))
    }

    /// Walks the chain and the state; none in memory.
    ///
    /// # Errors
    /// The journal is broken.
    pub async fn verify(&self) -> Result<Verified, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Verify(reply))?;
        answer.await.unwrap_or(Err(SubmitError::Stopping))
    }

    /// Writes a verified copy of the journal.
    ///
    /// # Errors
    /// The journal is broken or the copy cannot be written.
    pub async fn export(&self, target: std::path::PathBuf) -> Result<Head, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Export(target, reply))?;
        answer.await.unwrap_or(Err(SubmitError::Stopping))
    }

    fn send(&self, message: Message) -> Result<(), SubmitError> {
        self.sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => SubmitError::Busy,
            TrySendError::Disconnected(_) => SubmitError::Stopping,
        })
    }

    /// Finishes what is waiting, flushes and stops.
    pub fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Loop {
    fn run(mut self, receiver: &Receiver<Message>) {
        while let Ok(first) = receiver.recv() {
            let mut submitted = Vec::new();
            let mut next = Some(first);
            let mut stop = false;
            while let Some(message) = next.take() {
                match message {
                    Message::Submit(command, reply) => submitted.push((command, reply)),
                    Message::Verify(reply) => drop(reply.send(self.verify())),
                    Message::Export(target, reply) => drop(reply.send(self.export(&target))),
                    Message::Stop => stop = true,
                }
                if submitted.len() < BATCH_MAX && !stop {
                    next = receiver.try_recv().ok();
                }
            }
            self.accept(submitted);
            if stop {
                break;
            }
        }
        if let Some(store) = &self.store {
            store.flush();
        }
    }

    fn accept(&mut self, submitted: Vec<(Command, Reply)>) {
        let mut sealed: Vec<Sealed> = Vec::new();
        let mut answered = Vec::new();
        let mut fresh: HashMap<String, (String, Acknowledged)> = HashMap::new();
        for (command, reply) in submitted {
            let answer = match self.repeated(&command, &fresh) {
                Ok(Some(first)) => Ok(first),
                Ok(None) => Ok(self.plan(command, &mut sealed, &mut fresh)),
                Err(error) => Err(error),
            };
            answered.push((reply, answer));
        }
        if let Err(error) = self.make_durable(&sealed) {
            // Nobody is acknowledged, and what was planned is forgotten.
            self.draft = Ledger::clone(&self.ledger.load());
            for (reply, _) in answered {
                let _ = reply.send(Err(SubmitError::Journal(error.clone())));
            }
            return;
        }
        if self.store.is_none() {
            self.in_memory.extend(fresh);
        }
        self.ledger.store(Arc::new(self.draft.clone()));
        for (reply, answer) in answered {
            let _ = reply.send(answer);
        }
        for decision in sealed.iter().flat_map(|one| one.entry.operation.decisions()) {
            let _ = self.decisions.send(decision.clone());
        }
    }

    /// The first answer, when the request was accepted before.
    fn repeated(
        &mut self,
        command: &Command,
        fresh: &HashMap<String, (String, Acknowledged)>,
    ) -> Result<Option<Acknowledged>, SubmitError> {
        let id = &command.request_id;
        let known = fresh.get(id).or_else(|| self.in_memory.get(id)).cloned();
        let known = match (known, &mut self.store) {
            (None, Some(store)) => {
                let found = store.request(id);
                let found = found.map_err(|error| SubmitError::Journal(Arc::new(error)))?;
                found.map(|one| {
                    (one.digest, Acknowledged { sequence: one.sequence, answer: one.answer })
                })
            }
            (known, _) => known,
        };
        match known {
            None => Ok(None),
            Some((digest, first)) if digest == command.request_digest => Ok(Some(first)),
            Some((_, first)) => {
                Err(SubmitError::Reused { request_id: id.clone(), sequence: first.sequence })
            }
        }
    }

    fn plan(
        &mut self,
        command: Command,
        sealed: &mut Vec<Sealed>,
        fresh: &mut HashMap<String, (String, Acknowledged)>,
    ) -> Acknowledged {
        // A clock that jumps back must not make a later fact look earlier.
        let recorded_at = (self.clock)().max(self.last_instant);
        let Planned { operation, answer } = (command.plan)(&self.draft, recorded_at);
        let Some(operation) = operation else { return Acknowledged { sequence: 0, answer } };
        self.last_instant = recorded_at;
        let sequence = self.draft.head.sequence + 1;
        let entry = Entry {
            v: FORMAT,
            sequence,
            recorded_at,
            principal: command.principal,
            request_id: command.request_id.clone(),
            request_digest: command.request_digest.clone(),
            previous: self.draft.head.digest.clone(),
            operation,
            answer: answer.clone(),
        };
        let one = Sealed::seal(entry);
        let head = Head { sequence, digest: one.digest.clone() };
        self.draft.apply(&one.entry.operation, head);
        sealed.push(one);
        let acknowledged = Acknowledged { sequence, answer };
        fresh.insert(command.request_id, (command.request_digest, acknowledged.clone()));
        acknowledged
    }

    fn make_durable(&mut self, sealed: &[Sealed]) -> Result<(), Arc<JournalError>> {
        match &mut self.store {
            Some(store) if !sealed.is_empty() => store.append(sealed).map_err(Arc::new),
            _ => Ok(()),
        }
    }

    fn verify(&self) -> Result<Verified, SubmitError> {
        match &self.store {
            Some(store) => store.verify().map_err(|error| SubmitError::Journal(Arc::new(error))),
            None => Err(SubmitError::Stopping),
        }
    }

    fn export(&self, target: &std::path::Path) -> Result<Head, SubmitError> {
        match &self.store {
            Some(store) => crate::journal::copy::export(store.journal(), target)
                .map_err(|error| SubmitError::Journal(Arc::new(error))),
            None => Err(SubmitError::Stopping),
        }
    }
}

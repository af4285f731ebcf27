//! The writer: the one thread that changes anything.
//!
//! Commands wait in a bounded queue. The thread takes as many as are waiting, plans each against a
//! draft that has applied those before it, puts all their entries into the journal with one sync,
//! applies them to the state, publishes the new ledger, and answers — in this order.
//!
//! **Invariant:** nobody is answered, and no reader sees a fact, before its entry is on disk. An
//! entry follows from the ledger it was planned on, its instant and its command alone.

use std::{
    collections::HashMap,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use tokio::sync::{broadcast, oneshot};

pub use super::command::{Acknowledged, Command, Plan, PlanError, PlanFn, SubmitError};
use super::{backend::Backend, now, pulse::Pulse};
use crate::{
    domain::decision::Decision,
    journal::entry::{Draft, Entry},
    store::{Store, ledger::Ledger, record::RequestRecord},
};

/// How many commands may wait.
pub const QUEUE_COMMANDS: usize = 1024;

/// How many commands are recorded with one sync.
const BATCH_COMMANDS: usize = 256;

/// How many decisions a slow watcher may lag behind before it is told so.
const WATCH_DECISIONS: usize = 65_536;

/// How long the thread waits for a further command before it flushes the state.
const FLUSH_WHEN_IDLE: Duration = Duration::from_millis(500);

/// How long the state stays unflushed while commands keep coming. The journal has everything; this
/// bounds what a start after a crash must replay.
const FLUSH_EVERY: Duration = Duration::from_secs(5);

type Answer = Result<Acknowledged, SubmitError>;

struct Waiting {
    command: Command,
    reply: oneshot::Sender<Answer>,
}

/// The handle to the writer's thread; shared freely.
pub struct Writer {
    ledger: Arc<ArcSwap<Ledger>>,
    queue: Mutex<Option<SyncSender<Waiting>>>,
    queue_commands: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
    decisions: broadcast::Sender<Decision>,
    pulse: Arc<Pulse>,
}

impl Writer {
    /// Starts the writer of an open store, with room for [`QUEUE_COMMANDS`].
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(store: Store, ledger: Ledger) -> io::Result<Self> {
        Self::with_queue(store, ledger, QUEUE_COMMANDS)
    }

    /// [`Writer::start`] with room for so many waiting commands.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn with_queue(store: Store, ledger: Ledger, queue_commands: usize) -> io::Result<Self> {
        Self::over(Backend::Store(Box::new(store)), ledger, queue_commands)
    }

    /// A writer that keeps nothing beyond the process.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn in_memory() -> io::Result<Self> {
        Self::in_memory_from(Ledger::default())
    }

    /// A writer that keeps nothing beyond the process and starts from a ledger, for example of the
    /// shipped data.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn in_memory_from(ledger: Ledger) -> io::Result<Self> {
        Self::over(Backend::Memory(HashMap::new()), ledger, QUEUE_COMMANDS)
    }

    fn over(backend: Backend, ledger: Ledger, queue_commands: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(queue_commands);
        let published = Arc::new(ArcSwap::from_pointee(ledger));
        let (decisions, _) = broadcast::channel(WATCH_DECISIONS);
        let pulse = Arc::<Pulse>::default();
        let work = Work {
            backend,
            ledger: Arc::clone(&published),
            unwritable: None,
            flushed: Instant::now(),
            dirty: false,
            decisions: decisions.clone(),
            pulse: Arc::clone(&pulse),
        };
        let thread = thread::Builder::new().name("writer".into()).spawn(|| work.run(receiver))?;
        Ok(Self {
            ledger: published,
            queue: Mutex::new(Some(sender)),
            queue_commands,
            thread: Mutex::new(Some(thread)),
            decisions,
            pulse,
        })
    }

    /// Everything recorded and acknowledged so far. O(1).
    pub fn snapshot(&self) -> Arc<Ledger> {
        self.ledger.load_full()
    }

    /// How the writer is doing.
    pub fn pulse(&self) -> &Pulse {
        &self.pulse
    }

    /// Decisions recorded from now on, in order.
    pub fn watch(&self) -> broadcast::Receiver<Decision> {
        self.decisions.subscribe()
    }

    /// Carries out a command; waits for the disk. Not on an async thread.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub fn submit(&self, command: Command) -> Answer {
        let answer = self.enqueue(command)?;
        answer.blocking_recv().unwrap_or(Err(SubmitError::Stopped))
    }

    /// [`Writer::submit`] without blocking the thread. Once called, the command is carried out
    /// even if the future is dropped after its first poll.
    ///
    /// # Errors
    /// See [`SubmitError`].
    pub async fn submit_async(&self, command: Command) -> Answer {
        let answer = self.enqueue(command)?;
        answer.await.unwrap_or(Err(SubmitError::Stopped))
    }

    /// Carries out what is waiting, flushes and closes the store. Later commands are refused.
    /// Blocks until it is done; a second call does nothing.
    pub fn shutdown(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(_)) = thread.map(JoinHandle::join) {
            tracing::error!("the writer's thread panicked");
        }
    }

    fn enqueue(&self, command: Command) -> Result<oneshot::Receiver<Answer>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match queue.as_ref() {
            None => return Err(SubmitError::Stopped),
            Some(queue) => {
                // Before it is sent, since it may be carried out before this goes on.
                self.pulse.queued();
                queue.try_send(Waiting { command, reply }).inspect_err(|_| self.pulse.done(1))
            }
        };
        match sent {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => Err(SubmitError::Busy { waiting: self.queue_commands }),
            Err(TrySendError::Disconnected(_)) => Err(SubmitError::Stopped),
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("head", self.snapshot().head()).finish_non_exhaustive()
    }
}

/// Shuts down as [`Writer::shutdown`] does, which blocks.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shutdown();
    }
}

struct Work {
    backend: Backend,
    ledger: Arc<ArcSwap<Ledger>>,
    /// Why nothing is recorded any more.
    unwritable: Option<String>,
    flushed: Instant,
    /// Whether something was recorded since the last flush.
    dirty: bool,
    decisions: broadcast::Sender<Decision>,
    pulse: Arc<Pulse>,
}

/// What a batch has planned so far.
struct Batch {
    draft: Ledger,
    entries: Vec<Entry>,
    /// The entries of the batch by request id.
    places: HashMap<String, usize>,
}

impl Work {
    fn run(mut self, queue: Receiver<Waiting>) {
        loop {
            let first = match self.dirty {
                true => queue.recv_timeout(FLUSH_WHEN_IDLE),
                false => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match first {
                Ok(first) => {
                    let rest = queue.try_iter().take(BATCH_COMMANDS - 1);
                    let waiting: Vec<_> = std::iter::once(first).chain(rest).collect();
                    let commands = waiting.len();
                    self.carry_out(waiting);
                    self.pulse.done(commands);
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
        if !batch.entries.is_empty() {
            let begun = Instant::now();
            let committed = self.backend.commit(&batch.entries);
            self.pulse.committed(begun.elapsed());
            if let Err(error) = committed {
                self.pulse.unwritable();
                let why = error.to_string();
                tracing::error!(why, "nothing more is recorded");
                // Even a refusal may rest on an entry of the batch that is not recorded.
                refuse(answers.into_iter().map(|(reply, _)| reply), &why);
                self.unwritable = Some(why);
                return;
            }
            self.dirty = true;
            self.ledger.store(Arc::new(batch.draft));
        }
        for (reply, answer) in answers {
            // Whoever asked may have gone.
            let _ = reply.send(answer);
        }
        for decision in batch.entries.iter().flat_map(|entry| entry.operation.decisions()) {
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

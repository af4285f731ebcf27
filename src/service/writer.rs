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
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, oneshot, watch};

pub use super::command::{Acknowledged, Command, Plan, PlanError, PlanFn, SubmitError};
use super::{
    backend::Backend,
    pulse::Pulse,
    worker::{Answer, Waiting, Work, Worker},
};
use crate::{
    domain::decision::Decision,
    journal::entry::Entry,
    store::{Store, ledger::Ledger},
};

/// How many commands may wait.
pub const QUEUE_COMMANDS: usize = 1024;

/// How many decisions a slow watcher may lag behind before it is told so.
const WATCH_DECISIONS: usize = 65_536;

/// The handle to the writer's thread; shared freely.
pub struct Writer {
    ledger: Arc<ArcSwap<Ledger>>,
    queue: Mutex<Option<SyncSender<Work>>>,
    queue_commands: usize,
    thread: Mutex<Option<JoinHandle<()>>>,
    decisions: broadcast::Sender<Decision>,
    heads: watch::Sender<u64>,
    /// Whom it follows.
    leader: Option<String>,
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
        let heads = watch::Sender::new(published.load().sequence());
        let pulse = Arc::<Pulse>::default();
        let work = Worker {
            backend,
            ledger: Arc::clone(&published),
            unwritable: None,
            flushed: Instant::now(),
            dirty: false,
            decisions: decisions.clone(),
            heads: heads.clone(),
            pulse: Arc::clone(&pulse),
        };
        let thread = thread::Builder::new().name("writer".into()).spawn(|| work.run(receiver))?;
        Ok(Self {
            ledger: published,
            queue: Mutex::new(Some(sender)),
            queue_commands,
            thread: Mutex::new(Some(thread)),
            decisions,
            heads,
            leader: None,
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

    /// From now on takes only what a leader has recorded.
    #[must_use]
    pub fn following(self, leader: &str) -> Self {
        let mut follower = self;
        follower.leader = Some(leader.to_owned());
        follower
    }

    /// Refuses early what would be refused in the end because another service is followed.
    ///
    /// # Errors
    /// [`SubmitError::Follows`].
    pub fn accepts(&self) -> Result<(), SubmitError> {
        match &self.leader {
            None => Ok(()),
            Some(leader) => Err(SubmitError::Follows { leader: leader.clone() }),
        }
    }

    /// The last entry that is on disk and published, now and whenever it changes.
    pub fn heads(&self) -> watch::Receiver<u64> {
        self.heads.subscribe()
    }

    /// Records entries as a leader has recorded them, all or none.
    ///
    /// # Errors
    /// They do not continue the journal, it cannot be written, or nobody is followed.
    pub async fn ship(&self, entries: Vec<Entry>) -> Result<(), SubmitError> {
        if self.leader.is_none() {
            return Err(SubmitError::Discontinued { why: "nobody is followed".into() });
        }
        let (reply, answer) = oneshot::channel();
        self.send(Work::Shipped(entries, reply))?;
        answer.await.unwrap_or(Err(SubmitError::Stopped))
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
        self.accepts()?;
        let (reply, answer) = oneshot::channel();
        self.send(Work::Asked(Waiting { command, reply })).map(|()| answer)
    }

    fn send(&self, work: Work) -> Result<(), SubmitError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match queue.as_ref() {
            None => return Err(SubmitError::Stopped),
            Some(queue) => {
                // Before it is sent, since it may be carried out before this goes on.
                self.pulse.queued();
                queue.try_send(work).inspect_err(|_| self.pulse.done(1))
            }
        };
        match sent {
            Ok(()) => Ok(()),
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

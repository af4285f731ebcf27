//! A service that follows another: what it takes over, and whether what it has is fresh.
//!
//! **Invariant:** a follower records only what its leader has recorded, entry by entry under the same
//! chain; it answers only while what it has was, no longer ago than [`Following::max_age`], all that its
//! leader had.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{
    intake::folder::load,
    journal::entry::{Entry, Operation},
    store::kept::{Kept, Nameless},
};

use super::{
    OpenReport, Reference, SEGMENT_BYTES, Service, ServiceError, Stage, Store, Writer,
    record::fresh_law,
};

/// Whom a service follows, and how well.
#[derive(Debug)]
pub struct Following {
    leader: String,
    max_age: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When it last had all that the leader had.
    fresh_at: Option<Instant>,
    /// The last entry that the leader told of.
    announced: u64,
    /// Why it is not heard at present.
    lost: Option<String>,
    /// Why it does not follow any more.
    fault: Option<String>,
}

/// How well a service follows another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Entries that the leader told of and that are not here yet.
    pub behind: u64,
    /// How long ago it last had all that the leader had; none when it never had since it was started.
    pub age: Option<Duration>,
    /// Why it does not answer; none when it does.
    pub unfit: Option<String>,
}

impl Following {
    fn new(leader: &str, max_age: Duration) -> Self {
        Self { leader: leader.to_owned(), max_age, state: Mutex::default() }
    }

    /// Whom it follows.
    pub fn leader(&self) -> &str {
        &self.leader
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Is not heard for now, and says why.
    pub fn lose(&self, why: impl Into<String>) {
        let why = why.into();
        tracing::warn!(leader = self.leader, why, "the leader is not heard");
        self.change(|state| state.lost = Some(why));
    }

    /// Why it does not follow any more.
    pub fn fault(&self) -> Option<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fault.clone()
    }

    /// Follows no more, and says why.
    pub fn fail(&self, why: impl Into<String>) {
        let why = why.into();
        tracing::error!(leader = self.leader, why, "the service does not follow any more");
        self.change(|state| state.fault = Some(why));
    }

    fn seen(&self, head: u64) -> Followed {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let age = state.fresh_at.map(|at| at.elapsed());
        let behind = state.announced.saturating_sub(head);
        let lost = state.lost.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        let unfit = match (&state.fault, age) {
            (Some(fault), _) => Some(fault.clone()),
            (None, None) => Some(format!("it has not caught up with {} yet{lost}", self.leader)),
            (None, Some(age)) if self.max_age < age => Some(format!(
                "what it has is older than {} s, since {} was not heard{lost}",
                self.max_age.as_secs(),
                self.leader
            )),
            (None, Some(_)) => None,
        };
        Followed { behind, age, unfit }
    }
}

/// The file in a store that says whom it follows: whoever recorded there by mistake would have begun another
/// journal.
const MARK: &str = "follows";

fn mark(folder: &Path, leader: &str) -> Result<(), ServiceError> {
    fs::write(folder.join(MARK), leader).map_err(ServiceError::Mark)
}

/// Whom a store follows; none when it follows nobody.
pub(super) fn followed_by(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(MARK)).ok()
}

/// Lets a store record for itself; it must not be open.
///
/// # Errors
/// It follows nobody, is open, or the mark cannot be removed.
pub fn promote(folder: &Path) -> Result<String, ServiceError> {
    let leader = followed_by(folder).ok_or(ServiceError::FollowsNobody)?;
    // Nobody else has it open while this has.
    let (store, _, _) = Store::open(folder)?;
    fs::remove_file(folder.join(MARK)).map_err(ServiceError::Mark)?;
    store.close()?;
    Ok(leader)
}

impl Service {
    /// A service over a store folder that follows another: nothing is seeded, and nothing recorded but
    /// what the leader has recorded.
    ///
    /// # Errors
    /// The data or the store cannot be used.
    pub fn open_following(
        store: &Path,
        folders: &[PathBuf],
        (leader, max_age): (&str, Duration),
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<(Self, OpenReport), ServiceError> {
        let reference = std::sync::Arc::new(Reference::new(load(folders)?));
        let folder = store;
        let (store, ledger, opened) = Store::open_with(folder, SEGMENT_BYTES, &mut |at| {
            progress(Stage::Rebuild, at.done, at.total);
        })?;
        let kept = Kept::of(folder)?;
        kept.clear_unnamed()?;
        mark(folder, leader)?;
        let log = store.log();
        let writer = Writer::start(store, ledger)?.following(leader);
        let service = Self {
            kept: Some(kept),
            folder: Some(folder.to_owned()),
            log,
            following: Some(Following::new(leader, max_age)),
            ..Self::over(reference, writer)
        };
        Ok((service, opened))
    }

    /// How it follows; none for a service that follows nobody.
    pub fn followed(&self) -> Option<Followed> {
        let following = self.following.as_ref()?;
        Some(following.seen(self.writer.snapshot().sequence()))
    }

    /// Whom it follows.
    pub fn following(&self) -> Option<&Following> {
        self.following.as_ref()
    }

    /// Records entries of the leader, whose files are here.
    ///
    /// # Errors
    /// They do not continue the journal, or it cannot be written.
    pub async fn take_over(&self, entries: Vec<Entry>) -> Result<(), ServiceError> {
        Ok(self.writer.ship(entries).await?)
    }

    /// Notes that the leader's last entry was this one at an instant. Once everything up to it is here, the
    /// law must be the one that the leader adopted: answers rest on the documents in this program and its
    /// folders.
    pub fn heard(&self, head: u64, at: Instant) {
        let Some(following) = &self.following else { return };
        let ledger = self.writer.snapshot();
        following.change(|state| (state.announced, state.lost) = (head, None));
        if ledger.sequence() < head {
            return;
        }
        let differ: BTreeSet<_> =
            fresh_law(&self.reference, &ledger).into_iter().map(|one| one.id).collect();
        match differ.first() {
            None => following.change(|state| state.fresh_at = state.fresh_at.max(Some(at))),
            Some(first) => following.fail(format!(
                "{} of its documents, the first {first}, are not those that its leader adopted: start it \
                 with the same program and --data",
                differ.len()
            )),
        }
    }

    /// Files that an entry names and that are not here. O(bytes of those that are).
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn lacks(&self, entry: &Entry) -> Result<Option<String>, ServiceError> {
        let named = match &entry.operation {
            Operation::MakeRun { run } => run.roster.as_ref().map(|pin| &pin.claims),
            Operation::MoveRun { event } => event.settlement.as_ref().map(|one| &one.outcomes),
            _ => None,
        };
        match (named, &self.kept) {
            (Some(digest), Some(kept)) if !kept.is_intact(digest)? => Ok(Some(digest.clone())),
            _ => Ok(None),
        }
    }

    /// Begins a file of the leader's.
    ///
    /// # Errors
    /// Nothing is kept, or the disk refuses.
    pub fn begin_file(&self) -> Result<Nameless, ServiceError> {
        Ok(self.kept.as_ref().ok_or(ServiceError::NoStore)?.begin()?)
    }

    /// Gives a file, synced and checked, its name.
    ///
    /// # Errors
    /// Nothing is kept, or the disk refuses.
    pub fn name_file(&self, file: Nameless, digest: &str) -> Result<(), ServiceError> {
        Ok(self.kept.as_ref().ok_or(ServiceError::NoStore)?.name(file, digest)?)
    }

    /// Where a file lies that an entry names; none when no entry does, or it is missing.
    pub fn kept_file(&self, digest: &str) -> Option<PathBuf> {
        let path = self.kept.as_ref()?.path(digest);
        let named = self.writer.snapshot().runs.kept().contains(digest);
        Some(path).filter(|path| named && path.is_file())
    }

    /// The journal behind an entry, if that is one of it.
    ///
    /// # Errors
    /// Nothing is kept on disk, or the files cannot be read. None when the entry is not one of it.
    pub fn tail(
        &self,
        after: u64,
        digest: &str,
    ) -> Result<Option<crate::journal::tail::Tail>, ServiceError> {
        let folder = self.folder.as_ref().ok_or(ServiceError::NoStore)?;
        let is_own = match after {
            0 => digest.is_empty(),
            after => self.log.digest(after).is_some_and(|own| own == digest),
        };
        if !is_own {
            return Ok(None);
        }
        let tail = crate::journal::tail::Tail::after(folder, after);
        tail.map(Some).map_err(ServiceError::Journal)
    }
}

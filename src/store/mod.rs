//! The queryable state, rebuilt from the journal at will.
//!
//! **Invariant:** the store answers as the journal says or not at all: what is behind is replayed,
//! what is damaged or in doubt is thrown away and rebuilt.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::journal::{
    Head, Journal, JournalError,
    entry::{Entry, Sealed},
    file::{FileJournal, SEGMENT_BYTES, Torn, sync_parent},
};

pub mod ledger;

pub mod record;

mod sled_state;

use ledger::Ledger;
use record::{RequestRecord, Tree, read, records};
use sled_state::{Doubt, SledState};

/// What opening a store found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Bytes of an unfinished last journal line that were cut off.
    pub torn_bytes: u64,
    /// Entries replayed because the state was behind.
    pub replayed: u64,
    /// Why the state was rebuilt; none when it was not.
    pub rebuilt: Option<String>,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The last entry.
    pub head: Head,
    /// Records in the state.
    pub records: u64,
    /// Digest over them.
    pub state_digest: String,
}

/// Tells how far a rebuild is: entries done, entries in all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, u64);

/// A store folder: the journal and the state made from it. One process at a time.
pub struct Store {
    folder: PathBuf,
    journal: FileJournal,
    state: SledState,
    _lock: File,
}

impl Store {
    /// Opens or creates a store. O(journal) for the check, O(records) for the state.
    ///
    /// # Errors
    /// Another process has it open, the journal is broken, or it has lost entries that the state
    /// knows of. A damaged state is no error.
    pub fn open(
        folder: &Path,
        progress: Progress<'_>,
    ) -> Result<(Self, Ledger, OpenReport), JournalError> {
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(JournalError::io("create the store folder"))?;
            sync_parent(folder)?;
        }
        let lock = lock(folder)?;
        let (journal, Torn { bytes }) = FileJournal::open(&folder.join("journal"), SEGMENT_BYTES)?;
        let mut report = OpenReport { torn_bytes: bytes, ..OpenReport::default() };
        if 0 < bytes {
            tracing::warn!(bytes, "cut off an unfinished last line of the journal");
        }
        let (state, ledger) = match trusted(folder, &journal)? {
            Ok((mut state, mut ledger)) => {
                let from = state.meta().sequence;
                match replay(&journal, &mut state, &mut ledger, progress)? {
                    Ok(()) => {
                        report.replayed = journal.head().sequence - from;
                        (state, ledger)
                    }
                    Err(doubt) => {
                        drop(state);
                        report.rebuilt = Some(doubt.0);
                        rebuild(folder, &journal, progress)?
                    }
                }
            }
            Err(doubt) => {
                report.rebuilt = Some(doubt.0);
                rebuild(folder, &journal, progress)?
            }
        };
        if let Some(why) = &report.rebuilt {
            tracing::warn!(why, "rebuilt the state from the journal");
        }
        let folder = folder.to_owned();
        Ok((Self { folder, journal, state, _lock: lock }, ledger, report))
    }

    /// Where the journal ends.
    pub fn head(&self) -> Head {
        self.journal.head()
    }

    /// The journal.
    pub fn journal(&self) -> &FileJournal {
        &self.journal
    }

    /// What was answered to a request, if it was ever accepted.
    ///
    /// # Errors
    /// The state is broken and the journal as well.
    pub fn request(&mut self, id: &str) -> Result<Option<RequestRecord>, JournalError> {
        let found = self.state.get(Tree::Requests, id);
        let found = found.and_then(|bytes| bytes.map(|b| read(&b).map_err(Doubt)).transpose());
        match found {
            Ok(found) => Ok(found),
            Err(doubt) => {
                self.rebuild_because(&doubt)?;
                let again = self.state.get(Tree::Requests, id).ok().flatten();
                Ok(again.and_then(|bytes| read(&bytes).ok()))
            }
        }
    }

    /// Appends entries durably, then applies them to the state.
    ///
    /// # Errors
    /// They could not be made durable; then none counts. A failing state is rebuilt.
    pub fn append(&mut self, entries: &[Sealed]) -> Result<(), JournalError> {
        let after = self.journal.head().sequence;
        self.journal.append(after, entries)?;
        for sealed in entries {
            let head = Head { sequence: sealed.entry.sequence, digest: sealed.digest.clone() };
            if let Err(doubt) = self.state.apply(&records(&sealed.entry), &head) {
                return self.rebuild_because(&doubt);
            }
        }
        Ok(())
    }

    fn rebuild_because(&mut self, doubt: &Doubt) -> Result<(), JournalError> {
        tracing::warn!(why = doubt.0, "rebuilding the state from the journal");
        // sled holds a lock on its files until it is dropped, so the new one lives elsewhere first.
        let aside = self.folder.join("state.rebuilt");
        let _ = fs::remove_dir_all(&aside);
        let (state, _) = fill(&aside, &self.journal, &mut |_, _| {})?;
        self.state = state;
        Ok(())
    }

    /// Walks the chain and the state. O(journal + records).
    ///
    /// # Errors
    /// The journal is broken.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        let mut head = 0;
        self.journal.read_from(1, &mut |entry| {
            head = entry.sequence;
            Ok(())
        })?;
        let mut count = 0;
        let counted = self.state.each(&mut |_, _, _| {
            count += 1;
            Ok(())
        });
        if let Err(doubt) = counted {
            return Err(JournalError::Corrupt { segment: "state".into(), line: 0, why: doubt.0 });
        }
        assert_eq!(head, self.journal.head().sequence, "the chain ends where the journal says");
        let state_digest = self.state.digest();
        Ok(Verified { head: self.journal.head(), records: count, state_digest })
    }

    /// The digest over the state, in hex.
    pub fn state_digest(&self) -> String {
        self.state.digest()
    }

    /// Hands the state to the operating system, so that the next start need not replay.
    pub fn flush(&self) {
        if let Err(doubt) = self.state.flush() {
            tracing::warn!(why = doubt.0, "the state was not flushed; it will be replayed");
        }
    }
}

fn lock(folder: &Path) -> Result<File, JournalError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(JournalError::io("create the lock file"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(JournalError::InUse { folder: folder.display().to_string() })
        }
        Err(TryLockError::Error(error)) => {
            Err(JournalError::Io { what: "lock the store".to_owned(), error })
        }
    }
}

/// The state as found, if it can be trusted; the outer error is a journal that lost entries.
fn trusted(
    folder: &Path,
    journal: &FileJournal,
) -> Result<Result<(SledState, Ledger), Doubt>, JournalError> {
    let aside = folder.join("state.rebuilt");
    let place = folder.join("state");
    if aside.exists() {
        // A rebuild while running; it is checked like any other state.
        let _ = fs::remove_dir_all(&place);
        fs::rename(&aside, &place).map_err(JournalError::io("put the rebuilt state in place"))?;
    }
    let missing = !place.exists() && 0 < journal.head().sequence;
    if missing {
        return Ok(Err(Doubt("the state was missing".to_owned())));
    }
    let state = match SledState::open(&place) {
        Ok(state) => state,
        Err(doubt) => return Ok(Err(doubt)),
    };
    let (known, head) = (state.meta().sequence, journal.head());
    if head.sequence < known {
        return Err(JournalError::LostEntries { journal: head.sequence, store: known });
    }
    Ok(load(&state, journal).map(|ledger| (state, ledger)))
}

/// The ledger from a state whose digest was found right, if it belongs to this journal.
fn load(state: &SledState, journal: &FileJournal) -> Result<Ledger, Doubt> {
    let meta = state.meta();
    if 0 < meta.sequence {
        let mut digest = None;
        let found = journal.read_from(meta.sequence, &mut |entry| {
            if entry.sequence == meta.sequence {
                digest = Some(Sealed::seal(entry).digest);
            }
            Ok(())
        });
        found.map_err(|error| Doubt(error.to_string()))?;
        if digest.as_ref() != Some(&meta.head) {
            return Err(Doubt("the state belongs to another journal".to_owned()));
        }
    }
    let mut ledger = Ledger::default();
    let mut law = std::collections::BTreeMap::new();
    state.each(&mut |tree, _, value| {
        match tree {
            Tree::Figures => ledger.figures.insert(read(value).map_err(Doubt)?),
            Tree::Standards => ledger.standards.insert(read(value).map_err(Doubt)?),
            Tree::Decisions => ledger.insert_decision(read(value).map_err(Doubt)?),
            Tree::Law => {
                let one: crate::journal::entry::LawDocument = read(value).map_err(Doubt)?;
                law.insert(one.id.clone(), one);
            }
            Tree::Requests => {}
        }
        Ok(())
    })?;
    ledger.law = law.into();
    if 0 < meta.sequence {
        ledger.head = Head { sequence: meta.sequence, digest: meta.head.clone() };
    }
    Ok(ledger)
}

/// Applies the entries that the state lacks.
fn replay(
    journal: &FileJournal,
    state: &mut SledState,
    ledger: &mut Ledger,
    progress: Progress<'_>,
) -> Result<Result<(), Doubt>, JournalError> {
    let last = journal.head().sequence;
    let from = state.meta().sequence + 1;
    if last < from {
        return Ok(Ok(()));
    }
    let mut failed = None;
    journal.read_from(from, &mut |entry: Entry| {
        if failed.is_some() {
            return Ok(());
        }
        progress(entry.sequence, last);
        let made = records(&entry);
        let sealed = Sealed::seal(entry);
        let head = Head { sequence: sealed.entry.sequence, digest: sealed.digest };
        ledger.apply(&sealed.entry.operation, head.clone());
        failed = state.apply(&made, &head).err();
        Ok(())
    })?;
    Ok(failed.map_or(Ok(()), Err))
}

/// Throws the state away and makes it anew.
fn rebuild(
    folder: &Path,
    journal: &FileJournal,
    progress: Progress<'_>,
) -> Result<(SledState, Ledger), JournalError> {
    let place = folder.join("state");
    if place.exists() {
        fs::remove_dir_all(&place).map_err(JournalError::io("remove the damaged state"))?;
    }
    fill(&place, journal, progress)
}

fn fill(
    place: &Path,
    journal: &FileJournal,
    progress: Progress<'_>,
) -> Result<(SledState, Ledger), JournalError> {
    let failed = |doubt: Doubt| JournalError::Io {
        what: "rebuild the state".to_owned(),
        error: std::io::Error::other(doubt.0),
    };
    let mut state = SledState::open(place).map_err(failed)?;
    let mut ledger = Ledger::default();
    replay(journal, &mut state, &mut ledger, progress)?.map_err(failed)?;
    state.flush().map_err(failed)?;
    Ok((state, ledger))
}

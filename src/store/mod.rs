//! The store: a journal, and the state computed from it.
//!
//! The journal is the truth ([`crate::journal`]); sled holds what is asked for, one transaction
//! per entry. Opening reads both in full. Whatever is wrong with the state — missing, behind,
//! damaged, panicking — it is caught up or built anew from the journal, in a folder of its own, and
//! the [`OpenReport`] says why. Only two findings stop an open, since they speak against the
//! journal: a state that has applied more entries than the journal holds, and one that has applied
//! other entries. A folder of which both journal and state were cut back to an earlier entry cannot
//! be told from one that never went further.
//!
//! **Invariant:** no answer depends on what sled happens to return: the ledger comes from records
//! whose sum was checked, or from the journal; a request id is looked up in memory first, and its
//! answer in the journal when sled has lost it.

pub mod runs;

pub mod kept;

pub mod ledger;

pub mod record;

pub mod digest;

mod state;

mod folder;

mod error;

#[cfg(test)]
mod tests;

use std::{fmt, path::Path};

use self::{
    digest::Sum,
    folder::Generations,
    ledger::Ledger,
    record::RequestRecord,
    state::{Index, Loaded, State},
};
pub use self::{
    error::StoreError,
    state::{Seen, StateError},
};
use crate::journal::{
    Journal, Torn,
    chain::Head,
    entry::Entry,
    file::{FileJournal, SEGMENT_BYTES},
    log::Log,
};

/// How far a rebuild or replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries applied.
    pub done: u64,
    /// Entries to apply.
    pub total: u64,
}

/// Called after every entry that is applied while the store opens.
pub type OnProgress<'a> = &'a mut dyn FnMut(Progress);

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReport {
    /// The last entry of the journal.
    pub head: Head,
    /// How many entries at the journal's end the state had to catch up with.
    pub replayed: u64,
    /// Why the state was built anew, if it was.
    pub rebuilt: Option<String>,
    /// The unfinished line that was cut off the journal, if there was one.
    pub torn: Option<Torn>,
}

/// What [`Store::verify`] counted, and the digests it found to agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The last entry; its number is the number of entries.
    pub head: Head,
    /// Figures, every revision counted.
    pub figures: usize,
    /// Standards, every revision counted.
    pub standards: usize,
    /// Decisions, every revision counted.
    pub decisions: usize,
    /// Adopted documents.
    pub documents: usize,
    /// Records of the state.
    pub records: u64,
    /// The digest over the records.
    pub state_digest: String,
}

/// The journal with its state.
pub struct Store {
    journal: Box<dyn Journal>,
    generations: Generations,
    /// None while it is in doubt; [`Store::flush`] tries to rebuild it.
    state: Option<State>,
    index: Index,
}

impl Store {
    /// Opens or creates the store in the folder: verifies the journal and the state, catches up or
    /// rebuilds. Reads everything; blocks.
    ///
    /// # Errors
    /// See [`StoreError`]; a damaged state is not among them.
    pub fn open(folder: &Path) -> Result<(Self, Ledger, OpenReport), StoreError> {
        Self::open_with(folder, SEGMENT_BYTES, &mut |_| ())
    }

    /// [`Store::open`] with a segment size in bytes and a callback for a progress bar.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(
        folder: &Path,
        segment_bytes: u64,
        progress: OnProgress<'_>,
    ) -> Result<(Self, Ledger, OpenReport), StoreError> {
        let (journal, torn) = FileJournal::open(folder, segment_bytes)?;
        if let Some(torn) = &torn {
            let Torn { segment, line, bytes } = torn;
            tracing::warn!(segment, line, bytes, "cut off an unfinished last line of the journal");
        }
        let (store, ledger, report) = Self::over(Box::new(journal), folder, progress)?;
        Ok((store, ledger, OpenReport { torn, ..report }))
    }

    /// Opens the state in the folder over any journal.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn over(
        journal: Box<dyn Journal>,
        folder: &Path,
        progress: OnProgress<'_>,
    ) -> Result<(Self, Ledger, OpenReport), StoreError> {
        let generations = Generations::of(folder)?;
        let head = journal.head().clone();
        let mut store = Self { journal, generations, state: None, index: Index::new() };
        let mut report = OpenReport { head, replayed: 0, rebuilt: None, torn: None };
        let doubt = match store.generations.newest() {
            None if report.head.sequence == 0 => None,
            None => Some("it is missing".to_owned()),
            Some(newest) => match State::open(&newest) {
                Ok(loaded) => match store.catch_up(loaded, progress)? {
                    Ok((ledger, replayed)) => {
                        report.replayed = replayed;
                        return Ok((store, ledger, report));
                    }
                    Err(error) => Some(error.to_string()),
                },
                Err((error, applied)) => {
                    applied.map_or(Ok(()), |applied| store.agrees(&applied))?;
                    Some(error.to_string())
                }
            },
        };
        if let Some(reason) = &doubt {
            tracing::warn!(reason, "rebuilding the state from the journal");
        }
        let ledger = store.rebuild(progress)?;
        Ok((store, ledger, OpenReport { rebuilt: doubt, ..report }))
    }

    /// The last entry.
    pub fn head(&self) -> &Head {
        self.journal.head()
    }

    /// What the journal's entries are about, those recorded later included.
    pub fn log(&self) -> Log {
        self.journal.log()
    }

    /// The digest over the records of the state; none while the state is in doubt.
    pub fn state_digest(&self) -> Option<String> {
        self.state.as_ref().map(|state| state.sum().hex())
    }

    /// Where a request id was recorded, if it was. O(1), in memory.
    pub fn seen(&self, request_id: &str) -> Option<&Seen> {
        self.index.get(request_id)
    }

    /// What a request led to, if it was recorded.
    ///
    /// # Errors
    /// When sled has lost the answer and the journal cannot be read either.
    pub fn request(&mut self, request_id: &str) -> Result<Option<RequestRecord>, StoreError> {
        let Some(seen) = self.index.get(request_id) else { return Ok(None) };
        let found = self.state.as_ref().map(|state| state.request(request_id));
        if let Some(Ok(Some(found))) = &found
            && Seen::from(found) == *seen
        {
            return Ok(Some(found.clone()));
        }
        let sequence = seen.sequence;
        self.doubt(&format!("it lost request {request_id:?} of entry {sequence}"));
        let entry = self.journal.read_from(sequence)?.next().transpose()?;
        Ok(entry.as_ref().map(RequestRecord::from))
    }

    /// Appends the entries to the journal with one sync, then applies them to the state. Once they
    /// are in the journal this succeeds: a state that fails is rebuilt, now or at the next
    /// [`Store::flush`].
    ///
    /// # Errors
    /// When the journal refuses; then none of the entries is recorded, and none ever will be
    /// unless the journal is opened again and finds what it could not take back.
    pub fn commit(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        let last = self.journal.head().sequence;
        self.journal.append(last, entries)?;
        for entry in entries {
            self.index.insert(entry.request_id.clone(), Seen::from(entry));
        }
        let Some(state) = &mut self.state else { return Ok(()) };
        let applied = entries.iter().try_for_each(|entry| state.apply(entry));
        if let Err(error) = applied {
            self.doubt(&error.to_string());
            if let Err(error) = self.rebuild(&mut |_| ()) {
                tracing::error!(%error, "going on without the state; the journal has everything");
            }
        }
        Ok(())
    }

    /// Hands the state to the operating system, and rebuilds it if it is in doubt. Takes
    /// milliseconds; call it on a plain thread.
    ///
    /// # Errors
    /// When the state can be neither flushed nor rebuilt; nothing is lost by that.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if let Some(state) = &self.state {
            match state.flush() {
                Ok(()) => return Ok(()),
                Err(error) => self.doubt(&error.to_string()),
            }
        }
        self.rebuild(&mut |_| ())?;
        self.state.as_ref().map_or(Ok(()), State::flush)?;
        Ok(())
    }

    /// Writes the state anew from the journal, in a folder of its own, and removes the old one: sled does not
    /// give back what it no longer needs. O(entries); blocks.
    ///
    /// # Errors
    /// The journal cannot be read, or the new state not written; the old one is then gone, and the next open
    /// or flush builds it again.
    pub fn compact(&mut self, progress: OnProgress<'_>) -> Result<(), StoreError> {
        self.state = None;
        self.rebuild(progress).map(|_| ())
    }

    /// Reads the journal and the state from disk again, and compares the state with what the
    /// journal gives.
    ///
    /// # Errors
    /// Damage, or a difference.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        let (mut ledger, mut sum) = (Ledger::default(), Sum::default());
        for entry in self.journal.read_from(1)? {
            let entry = entry?;
            ledger.apply(&entry).map_err(StoreError::contradiction(entry.sequence))?;
            sum.add_entry(&entry).map_err(StateError::from)?;
        }
        let actual = self.state.as_ref().map(State::scan).transpose()?.unwrap_or_default();
        let head = ledger.head().clone();
        let kept = self.state.as_ref().map(State::sum);
        if actual != sum || kept != Some(sum) || head != *self.journal.head() {
            return Err(StoreError::Unequal { actual: actual.hex(), expected: sum.hex() });
        }
        Ok(Verification {
            head,
            figures: ledger.figures.len(),
            standards: ledger.standards.len(),
            decisions: ledger.decision_count(),
            documents: ledger.law().len(),
            records: sum.records(),
            state_digest: sum.hex(),
        })
    }

    /// Flushes and closes.
    ///
    /// # Errors
    /// As [`Store::flush`].
    pub fn close(mut self) -> Result<(), StoreError> {
        self.flush()
    }

    /// Checks what the state says it applied against the journal.
    fn agrees(&self, applied: &Head) -> Result<(), StoreError> {
        let (sequence, last) = (applied.sequence, self.journal.head().sequence);
        if last < sequence {
            return Err(StoreError::LostEntries { journal: last, state: sequence });
        }
        if sequence == 0 {
            return Ok(());
        }
        let entry = self.journal.read_from(sequence)?.next().transpose()?;
        let journal = entry.map_or(String::new(), |entry| entry.digest);
        match journal == applied.digest {
            true => Ok(()),
            false => Err(StoreError::Replaced { sequence, journal, state: applied.digest.clone() }),
        }
    }

    /// Takes the loaded state and applies what the journal has beyond it.
    fn catch_up(
        &mut self,
        loaded: Loaded,
        progress: OnProgress<'_>,
    ) -> Result<Result<(Ledger, u64), StateError>, StoreError> {
        let Loaded { mut state, mut ledger, mut index } = loaded;
        self.agrees(ledger.head())?;
        let applied = ledger.sequence();
        match self.apply_from(applied + 1, &mut state, &mut ledger, &mut index, progress) {
            Err(StoreError::State(error)) => Ok(Err(error)),
            Err(error) => Err(error),
            Ok(()) => {
                (self.state, self.index) = (Some(state), index);
                let replayed = ledger.sequence() - applied;
                Ok(Ok((ledger, replayed)))
            }
        }
    }

    /// Builds the state from the first entry on, in a folder of its own.
    fn rebuild(&mut self, progress: OnProgress<'_>) -> Result<Ledger, StoreError> {
        let (mut ledger, mut index) = (Ledger::default(), Index::new());
        let mut state = State::create(&self.generations.begin()?)?;
        self.apply_from(1, &mut state, &mut ledger, &mut index, progress)?;
        (self.state, self.index) = (Some(state), index);
        Ok(ledger)
    }

    fn apply_from(
        &self,
        first: u64,
        state: &mut State,
        ledger: &mut Ledger,
        index: &mut Index,
        progress: OnProgress<'_>,
    ) -> Result<(), StoreError> {
        let total = self.journal.head().sequence + 1 - first;
        if total == 0 {
            return Ok(());
        }
        for (done, entry) in (1..).zip(self.journal.read_from(first)?) {
            let entry = entry?;
            let sequence = entry.sequence;
            ledger.apply(&entry).map_err(StoreError::contradiction(sequence))?;
            if let Some(first) = index.insert(entry.request_id.clone(), Seen::from(&entry)) {
                let why = format!("entry {} has its request id", first.sequence);
                return Err(StoreError::Contradiction { sequence, why });
            }
            state.apply(&entry)?;
            progress(Progress { done, total });
        }
        state.flush()?;
        Ok(())
    }

    fn doubt(&mut self, reason: &str) {
        tracing::warn!(reason, "the state is in doubt and will be rebuilt from the journal");
        self.state = None;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("head", self.head()).finish_non_exhaustive()
    }
}

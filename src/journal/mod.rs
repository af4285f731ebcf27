//! The journal: every accepted fact as one line of a hash-chained, append-only log.
//!
//! The journal is the truth; everything else is computed from it and can be thrown away. Its
//! files are plain text, so that an auditor needs nothing of ours to recheck it: a line is
//! `<sha-256 of the JSON, 64 hex digits>` TAB `<JSON>` LF, and the JSON's `previous` is the digest
//! at the head of the line before (64 zeros for the first). In a shell:
//!
//! ```sh
//! cat journal/*.jsonl | while IFS=$'\t' read -r digest json; do
//!   [ "$digest" = "$(printf %s "$json" | sha256sum | cut -c1-64)" ] &&
//!   [ "$(jq -r .previous <<<"$json")" = "${last:-$(printf %064d 0)}" ] || echo "broken: $digest"
//!   last=$digest
//! done
//! ```
//!
//! **Invariant:** entries are numbered 1, 2, 3, … without a gap, each names the digest of the one
//! before, and an entry that was read or appended is never changed. What cannot be seen from the
//! journal alone is that whole lines are missing at its end: the store's applied sequence shows
//! that ([`crate::store`]), and nothing on this machine does once the store is deleted as well.
//! Keep the head digest that `export` prints somewhere else.

pub mod entry;

pub mod chain;

pub mod segment;

pub mod log;

pub mod file;

pub mod copy;

pub mod tail;

use std::{io, path::PathBuf};

use self::{
    chain::Head,
    entry::{Entry, EntryError},
    log::Log,
};

/// An append-only, hash-chained log of entries.
///
/// There is one implementation today, [`file::FileJournal`]; the trait is the seam at which a
/// replicated log, shared by several services that each keep a store of their own, will go in.
pub trait Journal: Send {
    /// The last entry's number and digest; [`Head::genesis`] when there is none.
    fn head(&self) -> &Head;

    /// What its entries are about, those appended later included.
    fn log(&self) -> Log;

    /// Appends the entries, all or none, if `last` is still the number of the last entry. They are
    /// on disk when this returns.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the journal has moved on, [`JournalError::Unchained`] for
    /// entries that do not follow it, [`JournalError::Io`] when they could not be written; after
    /// the latter the journal refuses everything until it is opened again.
    fn append(&mut self, last: u64, entries: &[Entry]) -> Result<(), JournalError>;

    /// The entries from the one numbered `sequence` to the last, verified while they are read.
    ///
    /// # Errors
    /// When the files cannot be listed.
    fn read_from(&self, sequence: u64) -> Result<Entries<'_>, JournalError>;
}

/// Entries as they are read, in order.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, JournalError>> + 'a>;

/// An unfinished last line that was cut off: an append that never came to its end and was never
/// acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment's file name.
    pub segment: String,
    /// The line, from 1.
    pub line: u64,
    /// How many bytes of it there were.
    pub bytes: u64,
}

/// Why the journal cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system refused.
    #[error("journal {}: cannot {action}: {source}", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// What is on disk is not what was written.
    #[error(
        "journal segment {segment:?} line {line}: {why}; recover with `price-linkage restore` \
         from a verified copy"
    )]
    Corrupt {
        /// The segment's file name.
        segment: String,
        /// The line, from 1.
        line: u64,
        /// What is wrong and what was expected.
        why: String,
    },
    /// Another process has the store open.
    #[error("store {}: expected to be its only user, but another process has it open", folder.display())]
    Locked {
        /// The store's folder.
        folder: PathBuf,
    },
    /// An append failed earlier.
    #[error("journal refuses to append until it is opened again, since an append failed: {why}")]
    Poisoned {
        /// How it failed.
        why: String,
    },
    /// The journal is not where the caller believed.
    #[error("journal ends at entry {actual}, expected {expected}")]
    Conflict {
        /// The last entry the caller knew.
        expected: u64,
        /// The last entry there is.
        actual: u64,
    },
    /// An entry to append does not follow the last one.
    #[error("journal entry {sequence}: {why}")]
    Unchained {
        /// The entry's number.
        sequence: u64,
        /// What is wrong and what was expected.
        why: String,
    },
    /// An entry cannot be written.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// A copy or restore would overwrite something.
    #[error("{}: expected no such file, or an empty folder", path.display())]
    Exists {
        /// What is in the way.
        path: PathBuf,
    },
}

impl JournalError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

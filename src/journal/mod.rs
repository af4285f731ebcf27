//! The truth: every accepted fact as one line of a hash-chained, append-only journal.
//!
//! **Invariant:** an entry that was acknowledged is on the disk; a journal that opens is unbroken
//! from its first entry to its last.

pub mod entry;

pub mod file;

pub mod copy;

use entry::{Entry, Sealed};

/// Where a journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Sequence of the last entry; 0 when there is none.
    pub sequence: u64,
    /// Its digest; 64 zeros when there is none.
    pub digest: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { sequence: 0, digest: "0".repeat(64) }
    }
}

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line is not what was written.
    #[error(
        "journal segment {segment}, line {line}: {why}; stop the service and restore a verified \
         copy with `price-linkage restore`"
    )]
    Corrupt {
        /// The segment's file name.
        segment: String,
        /// The line in it, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The store knows more than the journal.
    #[error(
        "the journal ends at entry {journal}, but entry {store} had been applied: acknowledged \
         entries are gone; restore a verified copy with `price-linkage restore`"
    )]
    LostEntries {
        /// Last sequence in the journal.
        journal: u64,
        /// Last sequence applied.
        store: u64,
    },
    /// Another writer appended first.
    #[error("the journal ends at entry {found}, expected {expected}: another writer appended")]
    Moved {
        /// Where it ends.
        found: u64,
        /// Where the caller thought it ends.
        expected: u64,
    },
    /// Another process has the store open.
    #[error("store {folder:?} is in use by another process; ask it with --server, or stop it")]
    InUse {
        /// The folder.
        folder: String,
    },
    /// Something is in the way of a new journal.
    #[error("folder {folder:?} is not empty: expected a new or empty folder")]
    NotEmpty {
        /// The folder.
        folder: String,
    },
    /// An earlier write failed, and what is on the disk is in doubt.
    #[error("an earlier write to the journal failed; restart the service to check it")]
    Poisoned,
    /// The disk or the file system failed.
    #[error("{what}: {error}")]
    Io {
        /// What was attempted.
        what: String,
        /// What happened.
        error: std::io::Error,
    },
}

impl JournalError {
    /// An I/O error with what was attempted.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| Self::Io { what, error }
    }
}

/// An append-only chain of entries. A shared, replicated one can take the file's place.
pub trait Journal: Send {
    /// Where it ends.
    fn head(&self) -> Head;

    /// Appends entries and makes them durable, if it still ends at `after`.
    ///
    /// # Errors
    /// It ends elsewhere, or the entries could not be made durable; then none counts.
    fn append(&mut self, after: u64, entries: &[Sealed]) -> Result<(), JournalError>;

    /// Hands over every entry from `sequence` on, in order.
    ///
    /// # Errors
    /// A line is broken, or cannot be read.
    fn read_from(
        &self,
        sequence: u64,
        visit: &mut dyn FnMut(Entry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError>;
}

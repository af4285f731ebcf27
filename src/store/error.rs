//! What stops a store: findings against its journal, and a machine that refuses.

use std::{io, path::PathBuf};

use super::{ledger::LedgerError, state::StateError};
use crate::journal::JournalError;

/// Why the store cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The journal is in the way.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The state has applied entries that the journal no longer has.
    #[error(
        "the journal ends at entry {journal}, but entry {state} was applied before: the journal \
         lost entries; recover with `price-linkage restore` from a verified copy"
    )]
    LostEntries {
        /// The journal's last entry.
        journal: u64,
        /// The last entry the state applied.
        state: u64,
    },
    /// The state was computed from another journal.
    #[error(
        "entry {sequence} of the journal has the digest {journal}, but {state} was applied before: \
         the journal was replaced; recover with `price-linkage restore` from a verified copy"
    )]
    Replaced {
        /// The entry.
        sequence: u64,
        /// Its digest in the journal.
        journal: String,
        /// The digest the state applied.
        state: String,
    },
    /// The chain is intact, but an entry contradicts those before it.
    #[error("journal entry {sequence} contradicts those before it: {why}")]
    Contradiction {
        /// The entry.
        sequence: u64,
        /// What is wrong.
        why: String,
    },
    /// The state can be neither used nor rebuilt.
    #[error("the state cannot be rebuilt from the journal: {0}")]
    State(#[from] StateError),
    /// The folder of the state cannot be used.
    #[error("the state's folder {} cannot be used: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The state is not what the journal gives.
    #[error("the state has the digest {actual}, expected {expected} as the journal gives it")]
    Unequal {
        /// The digest of the state.
        actual: String,
        /// The digest computed from the journal.
        expected: String,
    },
}

impl StoreError {
    pub(super) fn contradiction(sequence: u64) -> impl FnOnce(LedgerError) -> Self {
        move |error| Self::Contradiction { sequence, why: error.to_string() }
    }
}

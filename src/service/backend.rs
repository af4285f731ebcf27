//! Where the writer's entries go: into a store, or only into memory.

use std::collections::HashMap;

use crate::{
    journal::entry::Entry,
    store::{Store, StoreError, record::RequestRecord},
};

/// What keeps the entries.
pub(super) enum Backend {
    /// A journal with its state.
    Store(Box<Store>),
    /// Nothing that outlives the process: the requests by id.
    Memory(HashMap<String, RequestRecord>),
}

impl Backend {
    /// What a request led to, if it was recorded.
    pub fn request(&mut self, request_id: &str) -> Result<Option<RequestRecord>, StoreError> {
        match self {
            Self::Store(store) => store.request(request_id),
            Self::Memory(requests) => Ok(requests.get(request_id).cloned()),
        }
    }

    /// Keeps the entries; they are durable when this returns.
    pub fn commit(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        match self {
            Self::Store(store) => store.commit(entries),
            Self::Memory(requests) => {
                let record = |entry: &Entry| (entry.request_id.clone(), RequestRecord::from(entry));
                requests.extend(entries.iter().map(record));
                Ok(())
            }
        }
    }

    /// See [`Store::flush`].
    pub fn flush(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Store(store) => store.flush(),
            Self::Memory(_) => Ok(()),
        }
    }
}

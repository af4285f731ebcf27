//! The queryable state in sled, checked against its own digest whenever it is opened.
//!
//! **Invariant:** every call into sled is behind a boundary that turns a panic into doubt, and doubt
//! into a rebuild; nothing read here is trusted before the digest over all of it was found right.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde::{Deserialize, Serialize};
use sled::{
    Batch, Db,
    transaction::{TransactionError, Transactional},
};

use crate::journal::Head;

use super::record::{Record, StateDigest, Tree, read};

const META: &str = "meta";
const META_KEY: &str = "state";
/// The default is about a gigabyte.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Why the state in sled cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Doubt(pub String);

/// Takes a record: tree, key, value.
pub type Visit<'a> = &'a mut dyn FnMut(Tree, &[u8], &[u8]) -> Result<(), Doubt>;

/// What is known of the state as a whole, written with every entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Sequence of the last entry applied.
    pub sequence: u64,
    /// Its digest.
    pub head: String,
    /// Digest over all records.
    digest: [u64; 4],
}

/// The state.
pub struct SledState {
    db: Db,
    trees: Vec<sled::Tree>,
    meta_tree: sled::Tree,
    meta: Meta,
    digest: StateDigest,
}

fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, Doubt> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Doubt(format!("{what}: {error}"))),
        Err(_) => Err(Doubt(format!("{what}: sled panicked"))),
    }
}

impl SledState {
    /// Opens or creates the state in a folder and checks all of it. O(records).
    ///
    /// # Errors
    /// It is damaged in any way that shows.
    pub fn open(folder: &Path) -> Result<Self, Doubt> {
        let mut state = guarded("open the state", || {
            let config = sled::Config::new().path(folder).cache_capacity(CACHE_BYTES);
            let db = config.open()?;
            let trees: Result<Vec<_>, _> =
                Tree::ALL.iter().map(|tree| db.open_tree(tree.name())).collect();
            let meta_tree = db.open_tree(META)?;
            let (meta, digest) = (Meta::default(), StateDigest::default());
            Ok(Self { trees: trees?, meta_tree, db, meta, digest })
        })?;
        let meta = guarded("read the state", || state.meta_tree.get(META_KEY))?;
        if let Some(bytes) = meta {
            state.meta = read(&bytes).map_err(Doubt)?;
        }
        let mut found = StateDigest::default();
        state.each(&mut |tree, key, value| {
            found.add(tree, key, value);
            Ok(())
        })?;
        if found.limbs_of() != state.meta.digest {
            return Err(Doubt("records were lost or changed: the digest differs".to_owned()));
        }
        state.digest = found;
        Ok(state)
    }

    /// What is known of the state as a whole.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The digest over all records, in hex.
    pub fn digest(&self) -> String {
        self.digest.to_hex()
    }

    /// Hands over every record, tree by tree in key order. O(records).
    ///
    /// # Errors
    /// sled failed, or the visitor did.
    pub fn each(&self, visit: Visit<'_>) -> Result<(), Doubt> {
        for (tree, records) in Tree::ALL.into_iter().zip(&self.trees) {
            let mut iter = guarded("read the state", || Ok(records.iter()))?;
            while let Some((key, value)) = guarded("read the state", || iter.next().transpose())? {
                visit(tree, &key, &value)?;
            }
        }
        Ok(())
    }

    /// One record's value.
    ///
    /// # Errors
    /// sled failed.
    pub fn get(&self, tree: Tree, key: &str) -> Result<Option<Vec<u8>>, Doubt> {
        let at = Tree::ALL.iter().position(|one| *one == tree).unwrap_or(0);
        let value = guarded("read the state", || self.trees[at].get(key))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    /// Applies an entry's records in one transaction over all trees. O(records of the entry).
    ///
    /// # Errors
    /// sled failed; the state must be rebuilt.
    pub fn apply(&mut self, records: &[Record], head: &Head) -> Result<(), Doubt> {
        let mut batches: Vec<Batch> = Tree::ALL.iter().map(|_| Batch::default()).collect();
        let mut digest = self.digest;
        for Record { tree, key, value } in records {
            if let Some(old) = self.get(*tree, key)? {
                digest.remove(*tree, key.as_bytes(), &old);
            }
            digest.add(*tree, key.as_bytes(), value);
            let at = Tree::ALL.iter().position(|one| one == tree).unwrap_or(0);
            batches[at].insert(key.as_bytes(), value.as_slice());
        }
        let meta =
            Meta { sequence: head.sequence, head: head.digest.clone(), digest: digest.limbs_of() };
        let mut bytes = vec![super::record::FORMAT];
        serde_json::to_writer(&mut bytes, &meta).map_err(|error| Doubt(error.to_string()))?;
        let trees: Vec<&sled::Tree> = self.trees.iter().chain([&self.meta_tree]).collect();
        guarded("write the state", || {
            let written = trees.as_slice().transaction(|trees| {
                for (tree, batch) in trees.iter().zip(&batches) {
                    tree.apply_batch(batch)?;
                }
                trees[batches.len()].insert(META_KEY, bytes.as_slice())?;
                Ok(())
            });
            match written {
                Ok(()) => Ok(()),
                Err(TransactionError::Abort(())) => Ok(()),
                Err(TransactionError::Storage(error)) => Err(error),
            }
        })?;
        self.meta = meta;
        self.digest = digest;
        Ok(())
    }

    /// Hands everything to the operating system. The journal, not this, makes facts durable.
    ///
    /// # Errors
    /// sled failed.
    pub fn flush(&self) -> Result<(), Doubt> {
        guarded("flush the state", || self.db.flush()).map(|_| ())
    }
}

//! The state in sled. No sled type and no sled panic leaves this file.
//!
//! **Invariant:** an entry's records, the number and digest of the entry and the sum over all
//! records change in one transaction; a state that opened has been read in full and agrees with
//! that sum.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sled::{
    Transactional,
    transaction::{ConflictableTransactionError, TransactionError},
};

use super::{
    digest::Sum,
    ledger::Ledger,
    record::{self, Assembly, FORMAT, Record, RecordError, RequestRecord, Tree, part_key},
};
use crate::journal::{chain::Head, entry::Entry};

/// Bytes sled may cache; its own default is about 1 GiB.
const CACHE_BYTES: u64 = 64 << 20;
/// How often, and after what pause, a lock that is still held is tried again.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);
const APPLIED_TREE: &str = "meta";
const APPLIED_KEY: &str = "applied";

/// Why the state cannot be used. Every one is answered with a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// sled refused.
    #[error("cannot {action}: {why}")]
    Sled {
        /// What was attempted.
        action: &'static str,
        /// What sled said.
        why: String,
    },
    /// sled panicked.
    #[error("cannot {action}: the database panicked: {why}")]
    Panicked {
        /// What was attempted.
        action: &'static str,
        /// The panic's message.
        why: String,
    },
    /// It does not say which entries it holds.
    #[error("the format marker is missing or of another format than {FORMAT}")]
    Unmarked,
    /// The records are not those whose sum was kept.
    #[error(
        "the {actual_records} records have the digest {actual}, expected {expected_records} \
        with {expected}"
    )]
    Damaged {
        /// The sum over what is there.
        actual: String,
        /// How many records are there.
        actual_records: u64,
        /// The sum that was kept.
        expected: String,
        /// How many there should be.
        expected_records: u64,
    },
    /// A record does not read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// An entry's records cannot be written as JSON.
    #[error("cannot write records: {0}")]
    Json(String),
    /// A record of the entry was there before.
    #[error("entry {sequence}: its record {key:?} was there before")]
    Exists {
        /// The entry's number.
        sequence: u64,
        /// The record's key.
        key: String,
    },
}

/// Where a request was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The sha-256 of its payload.
    pub request_digest: String,
    /// The entry.
    pub sequence: u64,
}

/// Which request ids are recorded. Kept in memory, since a row that sled lost looks like one that
/// never was.
pub type Index = HashMap<String, Seen>;

#[derive(Debug, Serialize, Deserialize)]
struct Applied {
    format: u32,
    sequence: u64,
    head: String,
    recorded_at: Option<DateTime<Utc>>,
    records: u64,
    sum: String,
}

/// An open state.
pub struct State {
    /// None only while it is dropped.
    db: Option<sled::Db>,
    /// The trees of [`Tree::ALL`], then the one of the marker.
    pub(super) trees: Vec<sled::Tree>,
    sum: Sum,
}

/// What was read while opening.
pub struct Loaded {
    /// The state.
    pub state: State,
    /// Its facts.
    pub ledger: Ledger,
    /// Its requests.
    pub index: Index,
}

impl State {
    /// Makes an empty state in a folder that does not exist.
    pub fn create(folder: &Path) -> Result<Self, StateError> {
        guarded("create the state", || {
            let mut state = Self::open_trees(folder)?;
            state.put(&[], Head::genesis(), None, Sum::default())?;
            Ok(state)
        })
    }

    /// Opens a state and reads all of it. On failure gives, as far as it can be read, which entry
    /// the state had applied.
    pub fn open(folder: &Path) -> Result<Loaded, (StateError, Option<Head>)> {
        let mut head = None;
        guarded("open the state", || {
            let state = Self::open_trees(folder)?;
            let applied = state.applied()?;
            head = Some(Head { sequence: applied.sequence, digest: applied.head.clone() });
            state.load(applied)
        })
        .map_err(|error| (error, head))
    }

    fn open_trees(folder: &Path) -> Result<Self, StateError> {
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            // The writer flushes; a background flush would only add a thread that can panic.
            .flush_every_ms(None);
        let db = opened(&config).map_err(sled_error("open the state"))?;
        let names = Tree::ALL.map(Tree::name).into_iter().chain([APPLIED_TREE]);
        let trees = names.map(|name| db.open_tree(name)).collect::<Result<_, _>>();
        let trees = trees.map_err(sled_error("open the state's trees"))?;
        Ok(Self { db: Some(db), trees, sum: Sum::default() })
    }

    fn applied(&self) -> Result<Applied, StateError> {
        let found = self.trees[Tree::ALL.len()].get(APPLIED_KEY);
        let found = found.map_err(sled_error("read the format marker"))?;
        let applied: Option<Applied> =
            found.and_then(|value| serde_json::from_slice(record::head(&value)?.2).ok());
        applied.filter(|applied| applied.format == FORMAT).ok_or(StateError::Unmarked)
    }

    fn load(mut self, applied: Applied) -> Result<Loaded, StateError> {
        let (mut ledger, mut index) = (Ledger::default(), Index::new());
        let mut sum = Sum::default();
        for (tree, rows) in Tree::ALL.into_iter().zip(&self.trees) {
            let mut assembly = Assembly::new(tree);
            for row in rows {
                let (key, value) = row.map_err(sled_error("read the state"))?;
                sum.add(tree, &key, &value);
                let Some((key, json)) = assembly.take(&key, &value)? else { continue };
                if let Some(request) = record::load(&mut ledger, tree, key, json)? {
                    index.insert(request.request_id.clone(), Seen::from(&request));
                }
            }
            assembly.finish()?;
        }
        let (actual, actual_records) = (sum.hex(), sum.records());
        let Applied { sequence, head: digest, recorded_at, records, sum: expected, .. } = applied;
        if actual != expected || actual_records != records {
            let expected_records = records;
            return Err(StateError::Damaged { actual, actual_records, expected, expected_records });
        }
        ledger.reached(Head { sequence, digest }, recorded_at);
        self.sum = sum;
        Ok(Loaded { state: self, ledger, index })
    }

    /// Writes the records of an entry.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), StateError> {
        let action = "apply an entry to the state";
        let records = record::records(entry)?;
        let mut sum = self.sum;
        for Record { tree, key, value } in &records {
            sum.add(*tree, key, value);
        }
        guarded(action, || self.put(&records, entry.head(), Some(entry.recorded_at), sum))
    }

    fn put(
        &mut self,
        records: &[Record],
        head: Head,
        recorded_at: Option<DateTime<Utc>>,
        sum: Sum,
    ) -> Result<(), StateError> {
        let action = "write to the state";
        let Head { sequence, digest: head } = head;
        let (count, hex) = (sum.records(), sum.hex());
        let applied =
            Applied { format: FORMAT, sequence, head, recorded_at, records: count, sum: hex };
        let applied = format!("{FORMAT} 1/1\n{}", serde_json::to_string(&applied)?);
        let put = self.trees.as_slice().transaction(|views| {
            for Record { tree, key, value } in records {
                if views[*tree as usize].insert(key.as_slice(), value.as_slice())?.is_some() {
                    return Err(ConflictableTransactionError::Abort(key.clone()));
                }
            }
            views[Tree::ALL.len()].insert(APPLIED_KEY, applied.as_bytes())?;
            Ok(())
        });
        match put {
            Ok(()) => self.sum = sum,
            Err(TransactionError::Storage(error)) => return Err(sled_error(action)(error)),
            Err(TransactionError::Abort(key)) => {
                let key = String::from_utf8_lossy(&key).into_owned();
                return Err(StateError::Exists { sequence, key });
            }
        }
        Ok(())
    }

    /// What a request led to; none when sled has no such row.
    pub fn request(&self, request_id: &str) -> Result<Option<RequestRecord>, StateError> {
        let action = "read a request";
        guarded(action, || {
            let tree = &self.trees[Tree::Requests as usize];
            let key = record::request_key(request_id);
            let mut assembly = Assembly::new(Tree::Requests);
            for part in 1.. {
                let key = part_key(key.as_bytes(), part);
                let Some(value) = tree.get(&key).map_err(sled_error(action))? else { break };
                if let Some((key, json)) = assembly.take(&key, &value)? {
                    return Ok(record::load(&mut Ledger::default(), Tree::Requests, key, json)?);
                }
            }
            Ok(None)
        })
    }

    /// Reads every record again; gives the sum over them.
    pub fn scan(&self) -> Result<Sum, StateError> {
        guarded("read the state", || {
            let mut sum = Sum::default();
            for (tree, rows) in Tree::ALL.into_iter().zip(&self.trees) {
                for row in rows {
                    let (key, value) = row.map_err(sled_error("read the state"))?;
                    sum.add(tree, &key, &value);
                }
            }
            Ok(sum)
        })
    }

    /// The sum over all records.
    pub fn sum(&self) -> Sum {
        self.sum
    }

    /// Hands everything to the operating system. Takes milliseconds; never on an async thread.
    pub fn flush(&self) -> Result<(), StateError> {
        let action = "flush the state";
        let flush = |db: &sled::Db| db.flush().map(drop).map_err(sled_error(action));
        guarded(action, || self.db.as_ref().map_or(Ok(()), flush))
    }
}

impl Drop for State {
    /// Closes the database; a panic on the way out is as good as an end.
    fn drop(&mut self) {
        let closed = guarded("close the state", || {
            self.trees.clear();
            self.db = None;
            Ok(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the state did not close cleanly");
        }
    }
}

impl From<serde_json::Error> for StateError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}

impl From<&Entry> for Seen {
    fn from(entry: &Entry) -> Self {
        let Entry { request_digest, sequence, .. } = entry;
        Self { request_digest: request_digest.clone(), sequence: *sequence }
    }
}

impl From<&RequestRecord> for Seen {
    fn from(request: &RequestRecord) -> Self {
        let RequestRecord { request_digest, sequence, .. } = request;
        Self { request_digest: request_digest.clone(), sequence: *sequence }
    }
}

/// The journal's lock keeps other processes out, so whoever still has this one's lock is a child
/// just forked, until its program starts: worth waiting for, rather than rebuilding the state.
fn opened(config: &sled::Config) -> sled::Result<sled::Db> {
    let mut tries = 0;
    loop {
        match config.open() {
            Err(sled::Error::Io(error))
                if tries < LOCK_TRIES && error.to_string().contains("could not acquire lock") =>
            {
                tries += 1;
                thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
}

fn sled_error(action: &'static str) -> impl FnOnce(sled::Error) -> StateError {
    move |error| StateError::Sled { action, why: error.to_string() }
}

/// Turns a panic inside sled into an error. What was being changed is never used afterwards.
fn guarded<T>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, StateError>,
) -> Result<T, StateError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or(payload.downcast_ref::<&str>().copied());
        Err(StateError::Panicked { action, why: text.unwrap_or("without a message").into() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_inside_the_database_is_an_error() {
        for work in [|| -> Result<(), StateError> { panic!("a {}", "reason") }, || panic!("reason")]
        {
            let error = guarded("do it", work).unwrap_err().to_string();
            assert!(error.starts_with("cannot do it: the database panicked: "), "{error}");
            assert!(error.ends_with("reason"), "{error}");
        }
    }
}

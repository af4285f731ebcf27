//! What an entry becomes in the store: keyed, versioned records.
//!
//! **Invariant:** the records are a pure function of the entry; keys sort by what they name.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::journal::entry::{Entry, Operation};

/// Format of the records written now; the first byte of every value.
pub const FORMAT: u8 = b'1';

/// A tree of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// `area/2019-07/series/rev`.
    Figures,
    /// `area/standard/2021-01/rev`.
    Standards,
    /// `area/2019-07/rev`.
    Decisions,
    /// `id`.
    Law,
    /// `request id`.
    Requests,
}

impl Tree {
    /// Every tree.
    pub const ALL: [Self; 5] =
        [Self::Figures, Self::Standards, Self::Decisions, Self::Law, Self::Requests];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Figures => "figures",
            Self::Standards => "standards",
            Self::Decisions => "decisions",
            Self::Law => "law",
            Self::Requests => "requests",
        }
    }
}

/// A record of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its tree.
    pub tree: Tree,
    /// Its key.
    pub key: String,
    /// Its value, the format first.
    pub value: Vec<u8>,
}

/// What was answered to a request.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RequestRecord {
    /// SHA-256 of the request's content.
    pub digest: String,
    /// The entry it became.
    pub sequence: u64,
    /// The answer.
    pub answer: Value,
}

fn value(of: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, of).expect("a record has only text keys");
    bytes
}

/// Reads a value.
///
/// # Errors
/// It has another format or is damaged.
pub fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, String> {
    match value.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|error| error.to_string()),
        Some((format, _)) => Err(format!("record format {format}: expected {FORMAT}")),
        None => Err("an empty record".to_owned()),
    }
}

/// The records of an entry.
pub fn records(entry: &Entry) -> Vec<Record> {
    let mut records = Vec::new();
    let mut add = |tree, key: String, value| records.push(Record { tree, key, value });
    match &entry.operation {
        Operation::RecordFigures { figures, .. } => {
            for one in figures {
                let key = format!("{}/{}/{}/{:04}", one.area, one.month, one.series, one.revision);
                add(Tree::Figures, key, value(one));
            }
        }
        Operation::RecordStandards { standards, .. } => {
            for one in standards {
                let (area, code, from) = (one.area, &one.standard, one.valid_from);
                add(
                    Tree::Standards,
                    format!("{area}/{code}/{from}/{:04}", one.revision),
                    value(one),
                );
            }
        }
        Operation::AdoptLaw { documents, .. } => {
            for one in documents {
                add(Tree::Law, one.id.clone(), value(one));
            }
        }
    }
    for one in entry.operation.decisions() {
        let key = format!("{}/{}/{:04}", one.area, one.month, one.revision);
        add(Tree::Decisions, key, value(one));
    }
    let request = RequestRecord {
        digest: entry.request_digest.clone(),
        sequence: entry.sequence,
        answer: entry.answer.clone(),
    };
    add(Tree::Requests, entry.request_id.clone(), value(&request));
    records
}

/// An order-independent digest over records: the sum of their SHA-256, limb by limb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StateDigest([u64; 4]);

impl StateDigest {
    fn limbs(tree: Tree, key: &[u8], value: &[u8]) -> [u64; 4] {
        let mut hash = Sha256::new();
        for part in [tree.name().as_bytes(), key, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let bytes: [u8; 32] = hash.finalize().into();
        std::array::from_fn(|at| {
            let limb: [u8; 8] = std::array::from_fn(|byte| bytes[at * 8 + byte]);
            u64::from_be_bytes(limb)
        })
    }

    /// Takes a record in.
    pub fn add(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        for (sum, limb) in self.0.iter_mut().zip(Self::limbs(tree, key, value)) {
            *sum = sum.wrapping_add(limb);
        }
    }

    /// Takes a record out.
    pub fn remove(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        for (sum, limb) in self.0.iter_mut().zip(Self::limbs(tree, key, value)) {
            *sum = sum.wrapping_sub(limb);
        }
    }

    /// The sum, limb by limb.
    pub fn limbs_of(self) -> [u64; 4] {
        self.0
    }

    /// In hex.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|limb| format!("{limb:016x}")).collect()
    }
}

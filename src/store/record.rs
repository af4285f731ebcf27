//! The records an entry becomes, and back: the format of the state on disk.
//!
//! A record's value is one line `<format> <part>/<parts>` and then JSON, cut into parts of at most
//! 48 KiB. The first part has the fact's own key, a further one the key, a zero byte and its
//! number, so that parts lie side by side. Keys sort by area, then month.
//!
//! **Invariant:** records are a pure function of the entry; two entries never share a key.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ledger::{AdoptedLaw, Ledger};
use crate::{
    domain::run::Run,
    journal::entry::{Entry, Operation},
};

/// The format number that every value begins with.
pub const FORMAT: u32 = 1;

const PART_BYTES: usize = 48 << 10;

/// The trees of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tree {
    /// `area/month/series/revision` → figure.
    Figures,
    /// `area/month/standard/revision` → standard.
    Standards,
    /// `area/month/revision` → decision.
    Decisions,
    /// `sequence/index` → adopted document.
    Law,
    /// `request id` → what was answered.
    Requests,
    /// `sequence` → a run as it was made.
    Runs,
    /// `sequence` → a step in a run's life.
    Moves,
}

impl Tree {
    /// Every tree, in the order of the type.
    pub const ALL: [Self; 7] = [
        Self::Figures,
        Self::Standards,
        Self::Decisions,
        Self::Law,
        Self::Requests,
        Self::Runs,
        Self::Moves,
    ];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Figures => "figures",
            Self::Standards => "standards",
            Self::Decisions => "decisions",
            Self::Law => "law",
            Self::Requests => "requests",
            Self::Runs => "runs",
            Self::Moves => "moves",
        }
    }
}

/// One row of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it goes.
    pub tree: Tree,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value, at most 64 KiB.
    pub value: Vec<u8>,
}

/// A run with the moment it was made.
#[derive(Debug, Serialize, Deserialize)]
struct MadeRun {
    made_at: chrono::DateTime<chrono::Utc>,
    run: Arc<Run>,
}

/// What a request led to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The id the client gave it.
    pub request_id: String,
    /// The sha-256 of its payload, in lower-case hex.
    pub request_digest: String,
    /// The entry that recorded it.
    pub sequence: u64,
    /// When that was.
    pub recorded_at: chrono::DateTime<chrono::Utc>,
    /// What was answered.
    pub answer: serde_json::Value,
}

impl From<&Entry> for RequestRecord {
    fn from(entry: &Entry) -> Self {
        Self {
            request_id: entry.request_id.clone(),
            request_digest: entry.request_digest.clone(),
            sequence: entry.sequence,
            recorded_at: entry.recorded_at,
            answer: entry.answer.clone(),
        }
    }
}

/// The records of the entry, every key once.
///
/// # Errors
/// A value that cannot be written as JSON.
pub fn records(entry: &Entry) -> Result<Vec<Record>, serde_json::Error> {
    let mut records = Vec::new();
    match &entry.operation {
        Operation::RecordFigures { figures, .. } => {
            for figure in figures {
                let (area, month) = (figure.area, figure.month);
                let key = format!("{area}/{month}/{}/{:06}", figure.series, figure.revision);
                push(&mut records, Tree::Figures, key, figure)?;
            }
        }
        Operation::RecordStandards { standards, .. } => {
            for standard in standards {
                let (area, month) = (standard.area, standard.valid_from);
                let key = format!("{area}/{month}/{}/{:06}", standard.standard, standard.revision);
                push(&mut records, Tree::Standards, key, standard)?;
            }
        }
        Operation::AdoptLaw { documents, .. } => {
            for (index, document) in documents.iter().cloned().enumerate() {
                let (sequence, recorded_at) = (entry.sequence, Some(entry.recorded_at));
                let adopted = AdoptedLaw { sequence, recorded_at, document };
                push(&mut records, Tree::Law, format!("{sequence:012}/{index:06}"), &adopted)?;
            }
        }
        Operation::MakeRun { run } => {
            let made = MadeRun { made_at: entry.recorded_at, run: run.clone() };
            push(&mut records, Tree::Runs, format!("{:012}", entry.sequence), &made)?;
        }
        Operation::MoveRun { event } => {
            push(&mut records, Tree::Moves, format!("{:012}", entry.sequence), event)?;
        }
    }
    for decision in entry.operation.decisions() {
        let (area, month) = (decision.area, decision.month);
        let key = format!("{area}/{month}/{:06}", decision.revision);
        push(&mut records, Tree::Decisions, key, decision)?;
    }
    let request = RequestRecord::from(entry);
    push(&mut records, Tree::Requests, request_key(&entry.request_id), &request)?;
    Ok(records)
}

/// The key of a request. Its length comes first: no id then begins another's parts.
pub fn request_key(request_id: &str) -> String {
    format!("{:06}/{request_id}", request_id.len())
}

fn push(
    records: &mut Vec<Record>,
    tree: Tree,
    key: String,
    value: &impl Serialize,
) -> Result<(), serde_json::Error> {
    let json = serde_json::to_vec(value)?;
    let parts = json.chunks(PART_BYTES);
    let count = parts.len();
    for (part, piece) in (1..).zip(parts) {
        let mut value = format!("{FORMAT} {part}/{count}\n").into_bytes();
        value.extend_from_slice(piece);
        records.push(Record { tree, key: part_key(key.as_bytes(), part), value });
    }
    Ok(())
}

/// The key of a part, counted from 1.
pub fn part_key(key: &[u8], part: usize) -> Vec<u8> {
    match part {
        1 => key.to_vec(),
        _ => [key, format!("\0{part:06}").as_bytes()].concat(),
    }
}

/// Why stored values do not give a fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} record {key:?}: {why}", tree.name())]
pub struct RecordError {
    /// Where it lies.
    pub tree: Tree,
    /// Its key.
    pub key: String,
    /// What is wrong.
    pub why: String,
}

/// A fact's key and JSON.
pub type Whole<'a> = (&'a [u8], &'a [u8]);

/// Puts the parts of one tree together again, which come in key order.
pub struct Assembly {
    tree: Tree,
    part: usize,
    parts: usize,
    key: Vec<u8>,
    json: Vec<u8>,
}

impl Assembly {
    /// Nothing yet.
    pub fn new(tree: Tree) -> Self {
        Self { tree, part: 0, parts: 0, key: Vec::new(), json: Vec::new() }
    }

    /// Takes the next value; gives the fact's key and JSON when it was the last part.
    ///
    /// # Errors
    /// A value of another format, or a part that is missing.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> Result<Option<Whole<'_>>, RecordError> {
        let (part, parts, piece) = head(value).ok_or_else(|| self.error(key, "has no header"))?;
        if self.part == self.parts {
            self.key = key.to_vec();
            self.json.clear();
            (self.part, self.parts) = (0, parts);
        }
        self.part += 1;
        if (part, parts) != (self.part, self.parts) || key != part_key(&self.key, part) {
            return Err(self.error(key, "is not the next part"));
        }
        self.json.extend_from_slice(piece);
        Ok((self.part == self.parts).then_some((&self.key, &self.json)))
    }

    /// Checks that nothing is left unfinished.
    ///
    /// # Errors
    /// A fact whose last parts are missing.
    pub fn finish(self) -> Result<(), RecordError> {
        match self.part == self.parts {
            true => Ok(()),
            false => Err(self.error(&self.key, "its last parts are missing")),
        }
    }

    fn error(&self, key: &[u8], why: &str) -> RecordError {
        let key = String::from_utf8_lossy(key).into_owned();
        RecordError { tree: self.tree, key, why: why.into() }
    }
}

/// The part's number, the number of parts and the JSON of a value of this format.
pub fn head(value: &[u8]) -> Option<(usize, usize, &[u8])> {
    let end = value.iter().take(40).position(|byte| *byte == b'\n')?;
    let header = std::str::from_utf8(&value[..end]).ok()?;
    let (format, place) = header.split_once(' ')?;
    let (part, parts) = place.split_once('/')?;
    let known = format.parse() == Ok(FORMAT);
    known.then_some((part.parse().ok()?, parts.parse().ok()?, &value[end + 1..]))
}

/// Adds a stored fact to the ledger; gives a request back, which no ledger holds.
///
/// # Errors
/// JSON that is not such a fact.
pub fn load(
    ledger: &mut Ledger,
    tree: Tree,
    key: &[u8],
    json: &[u8],
) -> Result<Option<RequestRecord>, RecordError> {
    fn fact<T: DeserializeOwned>(tree: Tree, key: &[u8], json: &[u8]) -> Result<T, RecordError> {
        serde_json::from_slice(json).map_err(|error| {
            let key = String::from_utf8_lossy(key).into_owned();
            RecordError { tree, key, why: error.to_string() }
        })
    }
    match tree {
        Tree::Figures => ledger.add_figure(fact(tree, key, json)?),
        Tree::Standards => ledger.add_standard(fact(tree, key, json)?),
        Tree::Decisions => ledger.add_decision(fact(tree, key, json)?),
        Tree::Law => ledger.add_law(fact(tree, key, json)?),
        Tree::Requests => return fact(tree, key, json).map(Some),
        Tree::Runs => {
            let MadeRun { made_at, run } = fact(tree, key, json)?;
            ledger.runs.add_run(run, made_at);
        }
        Tree::Moves => ledger.runs.add_event(fact(tree, key, json)?),
    }
    Ok(None)
}

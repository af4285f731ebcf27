//! One entry of the journal and its line.
//!
//! **Invariant:** an [`Entry`] that [`Entry::seal`] or [`Entry::read`] gave has exactly one line,
//! reading that line gives the entry again, and its digest is the sha-256 of that line's JSON.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::chain::Head;
use crate::domain::{
    decision::Decision, figure::Figure, life::RunEvent, run::Run, standard::Standard,
};

/// The format number that every line carries.
pub const FORMAT: u32 = 1;

/// How many bytes one line may have, its line feed included.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// How many bytes a request id may have; it has at least one.
pub const REQUEST_ID_BYTES_MAX: usize = 200;

/// Length of a sha-256 in hex digits.
pub(super) const HEX: usize = 64;

/// One legal document, as it was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LawDocument {
    /// Its id, for example `150000/2014-linkage`.
    pub id: String,
    /// The sha-256 of `text`, in lower-case hex.
    pub sha256: String,
    /// The whole document file; empty when the document was withdrawn.
    pub text: String,
}

impl LawDocument {
    /// The record that a document is no longer among the deployment's.
    pub fn withdrawn(id: &str) -> Self {
        Self { id: id.to_owned(), sha256: sha256_hex(""), text: String::new() }
    }

    /// Whether it was withdrawn.
    pub fn is_withdrawn(&self) -> bool {
        self.text.is_empty()
    }
}

/// What was recorded. Later kinds become further variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// Figures, with the decisions they led to.
    RecordFigures {
        /// New revisions, in the order in which they were recorded.
        figures: Vec<Figure>,
        /// New decisions.
        decisions: Vec<Decision>,
    },
    /// Standards, with the decisions they led to.
    RecordStandards {
        /// New revisions, in the order in which they were recorded.
        standards: Vec<Standard>,
        /// New decisions.
        decisions: Vec<Decision>,
    },
    /// A change of the law, with the decisions it led to.
    AdoptLaw {
        /// The documents that are new, changed or withdrawn.
        documents: Vec<LawDocument>,
        /// New decisions.
        decisions: Vec<Decision>,
    },
    /// A subsidy run as it was made.
    MakeRun {
        /// The run.
        run: Arc<Run>,
    },
    /// A step in a run's life.
    MoveRun {
        /// The step.
        event: RunEvent,
    },
}

impl Operation {
    /// The decisions recorded with it.
    pub fn decisions(&self) -> &[Decision] {
        match self {
            Self::RecordFigures { decisions, .. }
            | Self::RecordStandards { decisions, .. }
            | Self::AdoptLaw { decisions, .. } => decisions,
            Self::MakeRun { .. } | Self::MoveRun { .. } => &[],
        }
    }
}

/// What an entry says, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it.
    pub principal: String,
    /// The id the client gave the request.
    pub request_id: String,
    /// The sha-256 of the request's payload, in lower-case hex.
    pub request_digest: String,
    /// Where the request came from: an address, `in process` or `page`; none for what the service
    /// recorded by itself.
    pub origin: Option<String>,
    /// What was recorded.
    pub operation: Operation,
    /// What was answered; numbers in it are integers or text.
    pub answer: serde_json::Value,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The format number, [`FORMAT`].
    pub format: u32,
    /// The entry's number, from 1.
    pub sequence: u64,
    /// When it was recorded; never before the entry in front of it.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it.
    pub principal: String,
    /// The id the client gave the request.
    pub request_id: String,
    /// The sha-256 of the request's payload, in lower-case hex.
    pub request_digest: String,
    /// Where the request came from; entries written before this was recorded have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The digest of the entry before, 64 zeros for the first.
    pub previous: String,
    /// What was recorded.
    pub operation: Operation,
    /// What was answered.
    pub answer: serde_json::Value,
    /// The sha-256 of the line's JSON, in lower-case hex.
    #[serde(skip)]
    pub digest: String,
}

/// Why an entry cannot be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// It would not be the same when read again, for example for a decimal of seven places.
    #[error("journal entry {sequence} would not read back as it was written: {why}")]
    Unstable {
        /// The entry's number.
        sequence: u64,
        /// What is wrong.
        why: String,
    },
    /// It is longer than a line may be.
    #[error("journal entry {sequence} has {bytes} bytes, expected at most {LINE_BYTES_MAX}")]
    TooLong {
        /// The entry's number.
        sequence: u64,
        /// The length of its line.
        bytes: usize,
    },
    /// Its request id is empty or too long.
    #[error("request id of {bytes} bytes: expected 1 to {REQUEST_ID_BYTES_MAX}")]
    RequestId {
        /// The id's length.
        bytes: usize,
    },
    /// A line has another shape.
    #[error("expected 64 hex digits, a tab and JSON")]
    Shape,
    /// The digest at the head of the line is not that of its JSON.
    #[error("the content has the digest {actual}, expected {expected} as the line says")]
    Digest {
        /// What the line says.
        expected: String,
        /// What its JSON has.
        actual: String,
    },
    /// The line is intact, but written by a newer version.
    #[error("written in format {format}, expected {FORMAT}; a newer price-linkage wrote it")]
    Format {
        /// The format it names.
        format: u32,
    },
    /// The line is intact, but does not read as an entry.
    #[error("does not read as an entry: {why}")]
    Unreadable {
        /// What is wrong.
        why: String,
    },
}

impl Entry {
    /// Gives the draft its place after `head`, and its digest.
    ///
    /// # Errors
    /// An entry that is too long, or that would read back differently.
    pub fn seal(head: &Head, draft: Draft) -> Result<Self, EntryError> {
        let sequence = head.sequence + 1;
        let Draft { request_id, origin, operation, answer, .. } = draft;
        let (recorded_at, principal) = (draft.recorded_at, draft.principal);
        let request_digest = draft.request_digest;
        if !(1..=REQUEST_ID_BYTES_MAX).contains(&request_id.len()) {
            return Err(EntryError::RequestId { bytes: request_id.len() });
        }
        let entry = Self {
            format: FORMAT,
            sequence,
            recorded_at,
            principal,
            request_id,
            request_digest,
            origin,
            previous: head.digest.clone(),
            operation,
            answer,
            digest: String::new(),
        };
        let unstable = |why: String| EntryError::Unstable { sequence, why };
        let json = entry.json()?;
        let bytes = HEX + 1 + json.len() + 1;
        if LINE_BYTES_MAX < bytes {
            return Err(EntryError::TooLong { sequence, bytes });
        }
        // What is applied is what a reader of the journal will apply: the entry read back.
        let sealed =
            parse(&json, sha256_hex(&json)).map_err(|error| unstable(error.to_string()))?;
        if sealed.json()? != json {
            return Err(unstable("expected decimals as text and numbers as integers".into()));
        }
        Ok(sealed)
    }

    /// The entry's line with its line feed.
    ///
    /// # Errors
    /// An entry whose fields were changed after it was sealed.
    pub fn line(&self) -> Result<Vec<u8>, EntryError> {
        let json = self.json()?;
        let actual = sha256_hex(&json);
        if actual != self.digest {
            return Err(EntryError::Digest { expected: self.digest.clone(), actual });
        }
        let mut line = Vec::with_capacity(HEX + 1 + json.len() + 1);
        line.extend_from_slice(self.digest.as_bytes());
        line.push(b'\t');
        line.extend_from_slice(&json);
        line.push(b'\n');
        Ok(line)
    }

    /// Reads a line without its line feed, and checks its digest.
    ///
    /// # Errors
    /// A line that is not what was written.
    pub fn read(line: &[u8]) -> Result<Self, EntryError> {
        let (expected, json) = split(line)?;
        let actual = sha256_hex(json);
        if actual != expected {
            return Err(EntryError::Digest { expected: expected.into(), actual });
        }
        parse(json, actual)
    }

    /// Where the chain stands after this entry.
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, digest: self.digest.clone() }
    }

    fn json(&self) -> Result<Vec<u8>, EntryError> {
        let unstable = |why: String| EntryError::Unstable { sequence: self.sequence, why };
        serde_json::to_vec(self).map_err(|error| unstable(error.to_string()))
    }
}

/// The digest and the JSON of a line.
pub(super) fn split(line: &[u8]) -> Result<(&str, &[u8]), EntryError> {
    let digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if line.len() <= HEX + 1 || line[HEX] != b'\t' || !line[..HEX].iter().all(digit) {
        return Err(EntryError::Shape);
    }
    let digest = std::str::from_utf8(&line[..HEX]).map_err(|_| EntryError::Shape)?;
    Ok((digest, &line[HEX + 1..]))
}

fn parse(json: &[u8], digest: String) -> Result<Entry, EntryError> {
    #[derive(Deserialize)]
    struct Marked {
        format: u32,
    }
    match serde_json::from_slice::<Entry>(json) {
        Ok(entry) if entry.format == FORMAT => Ok(Entry { digest, ..entry }),
        Ok(Entry { format, .. }) => Err(EntryError::Format { format }),
        Err(error) => match serde_json::from_slice(json) {
            Ok(Marked { format }) if format != FORMAT => Err(EntryError::Format { format }),
            _ => Err(EntryError::Unreadable { why: error.to_string() }),
        },
    }
}

/// The sha-256 of the bytes in lower-case hex, as `sha256sum` prints it.
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(Sha256::digest(bytes))
}

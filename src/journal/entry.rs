//! One entry of the journal and its line.
//!
//! A line is `<sha-256 of the JSON, hex>\t<JSON>\n`; the JSON names the digest of the line before in
//! `previous`. `cut -f2 | head -c -1 | sha256sum` recomputes the digest of a line.
//!
//! **Invariant:** what is parsed from a line prints as the same line again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::{decision::Decision, figure::Figure, standard::Standard};

/// The format of the lines written now.
pub const FORMAT: u32 = 1;

/// The text of a legal document, as it was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LawDocument {
    /// Its id.
    pub id: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its text.
    pub text: String,
}

/// A fact that was accepted, with the decisions that followed from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Operation {
    /// Figures were recorded.
    RecordFigures {
        /// The figures.
        figures: Vec<Figure>,
        /// What changed by them.
        decisions: Vec<Decision>,
    },
    /// Standards were recorded.
    RecordStandards {
        /// The standards.
        standards: Vec<Standard>,
        /// What changed by them.
        decisions: Vec<Decision>,
    },
    /// The service was started with other law than before.
    AdoptLaw {
        /// The documents that are new or changed.
        documents: Vec<LawDocument>,
        /// What changed by them.
        decisions: Vec<Decision>,
    },
}

impl Operation {
    /// The decisions recorded with it.
    pub fn decisions(&self) -> &[Decision] {
        match self {
            Self::RecordFigures { decisions, .. }
            | Self::RecordStandards { decisions, .. }
            | Self::AdoptLaw { decisions, .. } => decisions,
        }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Format of the line.
    pub v: u32,
    /// From 1, without gaps.
    pub sequence: u64,
    /// When it was accepted.
    pub recorded_at: DateTime<Utc>,
    /// Who asked for it.
    pub principal: String,
    /// The request's id.
    pub request_id: String,
    /// SHA-256 of the request's content.
    pub request_digest: String,
    /// Digest of the entry before.
    pub previous: String,
    /// What was accepted.
    pub operation: Operation,
    /// What was answered, so that a repeated request gets the same answer.
    pub answer: Value,
}

/// An entry as its line.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// The entry.
    pub entry: Entry,
    /// Its digest.
    pub digest: String,
    /// The line, with its end.
    pub line: Vec<u8>,
}

/// The digest of a text, in hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl Sealed {
    /// Writes an entry as its line.
    pub fn seal(entry: Entry) -> Self {
        let json = serde_json::to_string(&entry).expect("an entry has only text keys");
        let digest = sha256_hex(json.as_bytes());
        let line = format!("{digest}\t{json}\n").into_bytes();
        Self { entry, digest, line }
    }

    /// Reads a line, with or without its end, and checks its digest.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(line: &[u8]) -> Result<Self, String> {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let tab = bare.get(64).is_some_and(|byte| *byte == b'\t');
        if !tab {
            return Err("expected a digest of 64 hex digits and a tab".to_owned());
        }
        let (digest, json) = (&bare[..64], &bare[65..]);
        let found = sha256_hex(json);
        if found.as_bytes() != digest {
            return Err("its content does not match its digest".to_owned());
        }
        let entry: Entry = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if entry.v != FORMAT {
            return Err(format!("format {}: expected {FORMAT}", entry.v));
        }
        Ok(Self { entry, digest: found, line: [bare, b"\n"].concat() })
    }
}

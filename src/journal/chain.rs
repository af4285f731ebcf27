//! The chain: what makes a line the successor of another.
//!
//! **Invariant:** a [`Chain`] that accepted n entries holds the number and digest of the last, and
//! accepted no other line in between.

use chrono::{DateTime, Utc};

use super::entry::{Entry, HEX};

/// The end of a chain: the last entry's number and digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Head {
    /// The last entry's number, 0 when there is none.
    pub sequence: u64,
    /// The last entry's digest, 64 zeros when there is none.
    pub digest: String,
}

impl Head {
    /// The head of an empty journal.
    pub fn genesis() -> Self {
        Self { sequence: 0, digest: "0".repeat(HEX) }
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::genesis()
    }
}

/// Checks that entries follow one another.
#[derive(Debug, Clone)]
pub struct Chain {
    sequence: u64,
    /// Unknown only when reading starts in the middle.
    digest: Option<String>,
    recorded_at: Option<DateTime<Utc>>,
}

impl Chain {
    /// A chain that goes on after `head`.
    pub fn after(head: &Head) -> Self {
        let Head { sequence, digest } = head.clone();
        Self { sequence, digest: Some(digest), recorded_at: None }
    }

    /// A chain that starts after an entry whose digest is taken on trust from its successor.
    pub(super) fn from_middle(sequence: u64) -> Self {
        Self {
            sequence,
            digest: (sequence == 0).then(|| Head::genesis().digest),
            recorded_at: None,
        }
    }

    /// The number of the last entry.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The last entry, unless reading started in the middle and nothing was read.
    pub fn head(&self) -> Option<Head> {
        let digest = self.digest.clone()?;
        Some(Head { sequence: self.sequence, digest })
    }

    /// Steps over an entry that is not read, of which only the digest is known.
    pub(super) fn skip(&mut self, digest: &str) {
        self.sequence += 1;
        self.digest = Some(digest.into());
    }

    /// Takes the entry as the next, or says why it is not.
    ///
    /// # Errors
    /// What is wrong and what was expected.
    pub fn accept(&mut self, entry: &Entry) -> Result<(), String> {
        let expected = self.sequence + 1;
        if entry.sequence != expected {
            return Err(format!("has the sequence {}, expected {expected}", entry.sequence));
        }
        if let Some(digest) = &self.digest
            && entry.previous != *digest
        {
            return Err(format!("names the previous digest {}, expected {digest}", entry.previous));
        }
        if let Some(last) = self.recorded_at
            && entry.recorded_at < last
        {
            return Err(format!("was recorded at {}, expected {last} or later", entry.recorded_at));
        }
        self.sequence = expected;
        self.digest = Some(entry.digest.clone());
        self.recorded_at = Some(entry.recorded_at);
        Ok(())
    }
}

//! The digest of the state: a sum over its records that does not depend on their order.
//!
//! **Invariant:** the sum of a set of records is the same in whatever order they were added. It
//! guards against accidents, not against someone who chooses the records; for those the journal's
//! chain is there.

use sha2::{Digest, Sha256};

use super::record::{Record, Tree, records};
use crate::journal::entry::Entry;

/// The sum modulo 2²⁵⁶ of the sha-256 of every record, and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    limbs: [u64; 4],
    records: u64,
}

impl Sum {
    /// Adds one record.
    pub fn add(&mut self, tree: Tree, key: &[u8], value: &[u8]) {
        let mut hash = Sha256::new();
        for part in [tree.name().as_bytes(), key, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let bytes = hash.finalize();
        let mut carry = 0;
        for (limb, chunk) in self.limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            let addend = chunk.iter().fold(0, |word, byte| word << 8 | u128::from(*byte));
            let sum = u128::from(*limb) + addend + carry;
            *limb = sum as u64;
            carry = sum >> 64;
        }
        self.records += 1;
    }

    /// Adds the records of an entry.
    ///
    /// # Errors
    /// A record that cannot be written as JSON.
    pub fn add_entry(&mut self, entry: &Entry) -> Result<(), serde_json::Error> {
        for Record { tree, key, value } in records(entry)? {
            self.add(tree, &key, &value);
        }
        Ok(())
    }

    /// How many records were added.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The sum in 64 hex digits, the lowest 64 bits first.
    pub fn hex(&self) -> String {
        self.limbs.iter().map(|limb| format!("{limb:016x}")).collect()
    }
}

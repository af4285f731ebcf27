//! Persons under a keyed hash: what the store keeps of them.

use std::fmt;

use super::RosterError;
use crate::domain::identity::Identity;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// The key under which persons are hashed (BLAKE3, keyed). Whoever has it can tell whether a given
/// number is in a run; without it nobody can.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonKey([u8; KEY_BYTES]);

/// Why a text is not a key. It does not carry the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hex digits, as `price-linkage run key` prints them")]
pub struct ParseKeyError;

impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonKey({})", self.id())
    }
}

impl PersonKey {
    /// A fresh key.
    ///
    /// # Errors
    /// The system has no random numbers to give.
    pub fn fresh() -> Result<Self, RosterError> {
        let mut bytes = [0; KEY_BYTES];
        let filled = getrandom::fill(&mut bytes);
        let why = |error: getrandom::Error| error.to_string();
        filled.map_err(|error| RosterError::Io { action: "make a key", why: why(error) })?;
        Ok(Self(bytes))
    }

    /// As [`Self::read`] reads it.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// The key with these bytes.
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads a key from its hex digits.
    ///
    /// # Errors
    /// The text is no key.
    pub fn read(text: &str) -> Result<Self, ParseKeyError> {
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| ParseKeyError)?;
        Ok(Self(bytes))
    }

    /// Reads keys one a line; blank lines and those that start with `#` do not count.
    ///
    /// # Errors
    /// A line is no key, or there is none.
    pub fn read_all(text: &str) -> Result<Vec<Self>, ParseKeyError> {
        let lines = text.lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Self::read);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(ParseKeyError) } else { Ok(keys) }
    }

    /// Its name in what is recorded: tells keys apart and gives nothing away.
    pub fn id(&self) -> String {
        let derived = blake3::derive_key("price-linkage 2026 name of a person key", &self.0);
        hex::encode(&derived[..8])
    }

    /// The hash of a person.
    pub fn hash(&self, identity: &Identity) -> PersonHash {
        // One block: a byte for the kind of document, then its number.
        let number = identity.as_bytes();
        let mut block = [0; 64];
        block[0] = identity.kind() as u8;
        block[1..=number.len()].copy_from_slice(number);
        let hash = blake3::keyed_hash(&self.0, &block[..=number.len()]);
        let mut words = [0; 3];
        for (word, bytes) in words.iter_mut().zip(hash.as_bytes().chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        PersonHash(words)
    }
}

/// The first 96 bits of a person's keyed hash. Among a thousand million persons two have the same
/// with a chance of one in 150,000 million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonHash(pub(super) [u32; 3]);

/// Into how many parts persons are spread.
pub const PARTITIONS: usize = 256;

impl PersonHash {
    /// The part it belongs to; ascending with the hash.
    pub fn partition(self) -> usize {
        (self.0[0] >> 24) as usize
    }

    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (word, place) in self.0.iter().zip(bytes.chunks_exact_mut(4)) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identity::IdentityKind;

    fn identity(kind: IdentityKind, text: &str) -> Identity {
        Identity::read(kind, text.as_bytes()).unwrap()
    }

    #[test]
    fn the_hash_is_that_of_kind_and_number_under_the_key() {
        let key = PersonKey::read(&"0f".repeat(32)).unwrap();
        let person = identity(IdentityKind::Resident, "990101199003077719");
        let hash = key.hash(&person);
        let whole = blake3::keyed_hash(&[0x0f; 32], b"\x00990101199003077719");
        assert_eq!(hash.to_bytes(), whole.as_bytes()[..12]);
        assert_eq!(hash.partition(), usize::from(whole.as_bytes()[0]));
        let passport = identity(IdentityKind::Passport, "990101199003077719");
        assert_ne!(key.hash(&passport), hash);
        assert_ne!(PersonKey::new([0; 32]).hash(&person), hash);
    }

    #[test]
    fn keys_are_read_one_a_line_and_print_their_name_only() {
        let one = "00".repeat(32);
        let keys = PersonKey::read_all(&format!("# new\n{one}\n\n{}\n", "11".repeat(32))).unwrap();
        assert_eq!(keys, [PersonKey::new([0; 32]), PersonKey::new([0x11; 32])]);
        assert_ne!(keys[0].id(), keys[1].id());
        assert!(!format!("{:?}", keys[0]).contains(&one[..20]));
        for wrong in ["", "# only a note\n", "00", &one[1..], &format!("{one}0")] {
            assert_eq!(PersonKey::read_all(wrong), Err(ParseKeyError), "{wrong:?}");
        }
    }
}

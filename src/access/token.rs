//! Tokens: `pl_ID_SECRET`, of which only a slow hash is kept.
//!
//! **Invariant:** a secret leaves here once, when its token is made; the id is no secret.

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use sha2::{Digest, Sha256};

/// Bytes of an id.
const ID_BYTES: usize = 5;
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;
/// Bytes of the salt of a hash.
const SALT_BYTES: usize = 16;
/// Most KiB of memory that a hash may take.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Most passes that a hash may take.
const PASSES_MAX: u32 = 16;

/// A token that was just made.
pub struct NewToken {
    /// What its holder keeps; shown once.
    pub text: String,
    /// Its id.
    pub id: String,
    /// Its hash, for the file.
    pub hash: String,
}

/// Why a token cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The hash cannot be computed.
    #[error("hash the token: {0}")]
    Hash(String),
}

/// Makes a token of random bytes.
///
/// # Errors
/// See [`TokenError`].
pub fn make() -> Result<NewToken, TokenError> {
    make_with(Params::DEFAULT)
}

fn make_with(params: Params) -> Result<NewToken, TokenError> {
    let (mut id, mut secret, mut salt) = ([0; ID_BYTES], [0; SECRET_BYTES], [0; SALT_BYTES]);
    for bytes in [&mut id[..], &mut secret[..], &mut salt[..]] {
        getrandom::fill(bytes)?;
    }
    let id = hex::encode(id);
    let text = format!("pl_{id}_{}", hex::encode(secret));
    let hash = Argon2::from(params).hash_password_with_salt(text.as_bytes(), &salt);
    let hash: PasswordHash = hash.map_err(|error| TokenError::Hash(error.to_string()))?;
    Ok(NewToken { text, id, hash: hash.to_string() })
}

/// The id of a token of the right shape.
pub fn id_of(token: &str) -> Option<&str> {
    let (id, secret) = token.strip_prefix("pl_")?.split_once('_')?;
    (is_id(id) && is_hex(secret, SECRET_BYTES)).then_some(id)
}

/// Whether a text is the id of a token.
pub fn is_id(text: &str) -> bool {
    is_hex(text, ID_BYTES)
}

fn is_hex(text: &str, bytes: usize) -> bool {
    text.len() == 2 * bytes && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether a text is a hash that can be checked at a bounded cost.
pub fn is_hash(text: &str) -> bool {
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let Ok(params) = Params::try_from(&hash) else { return false };
    hash.algorithm.as_str() == "argon2id"
        && hash.salt.is_some()
        && hash.hash.is_some()
        && params.m_cost() <= MEMORY_KIB_MAX
        && params.t_cost() <= PASSES_MAX
}

/// Whether the token is the one that was hashed. Slow on purpose.
pub fn is_of(token: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    PasswordVerifier::<PasswordHash>::verify_password(&Argon2::default(), token.as_bytes(), &hash)
        .is_ok()
}

/// A quick digest, to recognise a token that was checked a moment ago.
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> NewToken {
        make_with(Params::new(8, 1, 1, None).unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_of_its_own_hash_only() {
        let (one, other) = (quick(), quick());
        assert_ne!(one.text, other.text);
        assert_eq!(id_of(&one.text), Some(&*one.id));
        assert!(is_hash(&one.hash), "{}", one.hash);
        assert!(is_of(&one.text, &one.hash));
        assert!(!is_of(&other.text, &one.hash));
        let mut changed = one.text.clone().into_bytes();
        let last = changed.len() - 1;
        changed[last] = if changed[last] == b'0' { b'1' } else { b'0' };
        assert!(!is_of(std::str::from_utf8(&changed).unwrap(), &one.hash));
    }

    #[test]
    fn what_has_not_the_shape_of_a_token_has_no_id() {
        let token = quick().text;
        let (short, long) = (&token[..token.len() - 1], format!("{token}0"));
        let upper = token.to_uppercase();
        for text in ["", "pl_", "pl__", "Bearer", short, &long, &upper, &token[3..]] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_hash_that_costs_too_much_or_is_another_is_refused() {
        let hash = quick().hash;
        let with = |from: &str, to: &str| hash.replace(from, to);
        assert!(is_hash(&with("m=8,t=1", "m=262144,t=16")), "{hash}");
        assert!(!is_hash(&with("m=8,t=1", "m=262145,t=1")));
        assert!(!is_hash(&with("m=8,t=1", "m=8,t=17")));
        assert!(!is_hash(&with("argon2id", "argon2i")));
        assert!(!is_hash("$2b$12$abcdefghijklmnopqrstuv"));
        assert!(!is_hash(hash.rsplit_once('$').unwrap().0), "without the hash itself");
        assert!(!is_hash(""));
    }
}

//! Tokens that an issuer has signed (JWT, as of OpenID Connect), checked by its public keys.
//!
//! **Invariant:** a token counts only with an asymmetric signature of a listed key, for this service, from
//! this issuer and within its time; whom it names has the grants that the file of principals says.

use std::{fmt, fs, io, path::Path, path::PathBuf, sync::Arc};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk},
};

use super::watched::Watched;

/// By how many seconds the issuer's clock may differ.
const LEEWAY_SECONDS: u64 = 30;

/// Which tokens count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The claim with the name of the principal.
    pub claim: String,
}

/// Why the keys of an issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The file cannot be read.
    #[error("keys {}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: io::Error,
    },
    /// The file is no set of keys.
    #[error("keys {}: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Whom a token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The name.
    pub name: String,
    /// When the token ends.
    pub until: DateTime<Utc>,
}

/// An issuer.
pub struct Issuer {
    expected: Expected,
    file: Watched,
    keys: ArcSwap<Vec<Key>>,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Key {
    /// A key that signs; none for one that is for something else or of an unknown kind.
    fn new(value: &serde_json::Value) -> Result<Option<Self>, String> {
        let text = |name: &str| value.get(name).and_then(|text| text.as_str());
        let id = text("kid").map(str::to_owned);
        let of = |why: &str| format!("key {:?}: {why}", id.clone().unwrap_or_default());
        if text("kty") == Some("oct") {
            return Err(of("expected a public key, and not a secret shared with the issuer"));
        }
        let skipped = |why: &str| {
            tracing::warn!(key = id, why, "a key of the issuer is not used");
            Ok(None)
        };
        if text("use").is_some_and(|name| name != "sig") {
            return skipped("it is not for signatures");
        }
        let Ok(jwk) = serde_json::from_value::<Jwk>(value.clone()) else {
            return skipped("it is of an unknown kind");
        };
        let by_kind = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(one) if one.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::EllipticCurve(_) => Algorithm::ES384,
            AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
            AlgorithmParameters::OctetKey(_) => return skipped("it is a secret"),
        };
        let named = jwk.common.key_algorithm.map(|named| named.to_string().parse());
        let Ok(algorithm) = named.unwrap_or(Ok(by_kind)) else {
            return skipped("its algorithm does not sign");
        };
        let key = DecodingKey::from_jwk(&jwk).map_err(|error| of(&error.to_string()))?;
        Ok(Some(Self { id, algorithm, key }))
    }
}

fn read(path: &Path) -> Result<Vec<Key>, IssuerError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|why| IssuerError::Io { path: path.to_owned(), why })?;
    let wrong = |why: String| IssuerError::Wrong { path: path.to_owned(), why };
    let set: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let keys = set.get("keys").and_then(|keys| keys.as_array());
    let keys = keys.ok_or_else(|| wrong("expected a JSON Web Key Set".to_owned()))?;
    let keys: Result<Vec<_>, _> = keys.iter().map(Key::new).collect();
    let keys: Vec<_> = keys.map_err(wrong)?.into_iter().flatten().collect();
    match keys.is_empty() {
        true => Err(wrong("expected at least one key that signs".to_owned())),
        false => Ok(keys),
    }
}

impl Issuer {
    /// Reads the issuer's keys from a JSON Web Key Set. The file is read again when it changes.
    ///
    /// # Errors
    /// See [`IssuerError`].
    pub fn open(path: &Path, expected: Expected) -> Result<Self, IssuerError> {
        let file = Watched::new(path);
        Ok(Self { expected, file, keys: ArcSwap::from_pointee(read(path)?) })
    }

    /// Whom a token names; none when it does not count.
    pub fn claimed(&self, token: &str) -> Option<Claimed> {
        let head = decode_header(token).ok()?;
        let keys = self.keys();
        let fits = |key: &&Key| {
            key.algorithm == head.alg
                && (head.kid.is_none() || key.id.is_none() || key.id == head.kid)
        };
        keys.iter().filter(fits).find_map(|key| self.by(key, token))
    }

    fn by(&self, key: &Key, token: &str) -> Option<Claimed> {
        let mut wanted = Validation::new(key.algorithm);
        wanted.leeway = LEEWAY_SECONDS;
        wanted.validate_nbf = true;
        wanted.set_issuer(&[&self.expected.issuer]);
        wanted.set_audience(&[&self.expected.audience]);
        wanted.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<serde_json::Value>(token, &key.key, &wanted).ok()?.claims;
        let name = claims.get(&self.expected.claim)?.as_str().filter(|name| !name.is_empty())?;
        let until = DateTime::from_timestamp(claims.get("exp")?.as_i64()?, 0)?;
        Some(Claimed { name: name.to_owned(), until })
    }

    fn keys(&self) -> Arc<Vec<Key>> {
        self.file.if_changed(|path| match read(path) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "read the issuer's keys again");
                self.keys.store(Arc::new(keys));
            }
            Err(error) => tracing::error!(%error, "the issuer's keys stay as they were"),
        });
        self.keys.load_full()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("expected", &self.expected).finish_non_exhaustive()
    }
}

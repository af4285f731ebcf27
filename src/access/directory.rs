//! The principals that may sign in, as their file says now.
//!
//! **Invariant:** a version of the file that is wrong changes nothing but the log; one that is right
//! holds within a second or so for every request that comes after.

use std::{
    collections::HashMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    file::{Listed, TokenHash, Wrong, parse},
    principal::Principal,
    token,
    watched::Watched,
};
use crate::domain::area::Areas;

/// How long a token counts as checked.
pub const CHECKED_FOR: Duration = Duration::from_secs(300);

/// Why the file of principals cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be read.
    #[error("principals {}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: io::Error,
    },
    /// It says something that cannot be.
    #[error("principals {}: {}", path.display(), told(wrong))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        wrong: Vec<Wrong>,
    },
}

fn told(wrong: &[Wrong]) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The principals that may sign in.
pub struct Directory {
    file: Watched,
    areas: Areas,
    clock: fn() -> DateTime<Utc>,
    loaded: ArcSwap<Loaded>,
}

/// One version of the file. What was checked under it is forgotten with it.
struct Loaded {
    listed: Vec<Listed>,
    by_name: HashMap<String, usize>,
    by_token: HashMap<String, (usize, usize)>,
    by_certificate: HashMap<[u8; 32], usize>,
    /// When which token of an id was last checked; at most one for each id.
    checked: Mutex<HashMap<String, ([u8; 32], Instant)>>,
}

impl Loaded {
    fn new(listed: Vec<Listed>) -> Self {
        let (mut by_name, mut by_token) = (HashMap::new(), HashMap::new());
        let mut by_certificate = HashMap::new();
        for (at, one) in listed.iter().enumerate() {
            by_name.insert(one.principal.name.clone(), at);
            let tokens = one.tokens.iter().enumerate();
            by_token.extend(tokens.map(|(place, token)| (token.id.clone(), (at, place))));
            by_certificate.extend(one.certificates.iter().map(|digest| (*digest, at)));
        }
        Self { listed, by_name, by_token, by_certificate, checked: Mutex::default() }
    }

    fn at(&self, at: usize, now: DateTime<Utc>) -> Option<Arc<Principal>> {
        let one = self.listed.get(at).filter(|one| lasts(one.expires, now))?;
        Some(one.principal.clone())
    }

    fn token(&self, id: &str, now: DateTime<Utc>) -> Option<(Arc<Principal>, &TokenHash)> {
        let (at, place) = *self.by_token.get(id)?;
        let token = self.listed.get(at)?.tokens.get(place)?;
        lasts(token.expires, now).then_some((self.at(at, now)?, token))
    }
}

fn lasts(expires: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    expires.is_none_or(|expires| now < expires)
}

impl Directory {
    /// Reads the file; `clock` tells the time of day, for what expires.
    ///
    /// # Errors
    /// The file cannot be read, or is wrong.
    pub fn open(
        path: &Path,
        areas: &Areas,
        clock: fn() -> DateTime<Utc>,
    ) -> Result<Self, DirectoryError> {
        let file = Watched::new(path);
        let loaded = ArcSwap::from_pointee(load(path, areas)?);
        Ok(Self { file, areas: areas.clone(), clock, loaded })
    }

    /// Who holds a token. Slow on purpose unless it was checked a moment ago; not on an async thread.
    pub fn by_token(&self, token: &str) -> Option<Arc<Principal>> {
        if let Some(known) = self.checked(token) {
            return Some(known);
        }
        let loaded = self.current();
        let (principal, kept) = loaded.token(token::id_of(token)?, (self.clock)())?;
        if !token::is_of(token, &kept.hash) {
            return None;
        }
        let fresh = (token::digest(token), Instant::now());
        let mut checked = loaded.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.insert(kept.id.clone(), fresh);
        Some(principal)
    }

    /// Who holds a token that was checked a moment ago. Quick.
    pub fn checked(&self, token: &str) -> Option<Arc<Principal>> {
        let loaded = self.current();
        let id = token::id_of(token)?;
        let (principal, _) = loaded.token(id, (self.clock)())?;
        let checked = loaded.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let (digest, at) = checked.get(id)?;
        let same = bool::from(digest.ct_eq(&token::digest(token)));
        (same && at.elapsed() < CHECKED_FOR).then_some(principal)
    }

    /// Whether a token is worth the slow check: it has an id that is kept.
    pub fn may_be_known(&self, token: &str) -> bool {
        token::id_of(token).is_some_and(|id| self.lasts(id))
    }

    /// Whether the token of an id is kept and has not expired.
    pub fn lasts(&self, id: &str) -> bool {
        self.current().token(id, (self.clock)()).is_some()
    }

    /// Who holds a certificate that the connection layer has verified, by its DER bytes.
    pub fn by_certificate(&self, der: &[u8]) -> Option<Arc<Principal>> {
        let digest: [u8; 32] = Sha256::digest(der).into();
        let loaded = self.current();
        loaded.at(*loaded.by_certificate.get(&digest)?, (self.clock)())
    }

    /// The principal of a name, as it is now.
    pub fn by_name(&self, name: &str) -> Option<Arc<Principal>> {
        let loaded = self.current();
        loaded.at(*loaded.by_name.get(name)?, (self.clock)())
    }

    /// How many principals are listed.
    pub fn len(&self) -> usize {
        self.loaded.load().listed.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn current(&self) -> Arc<Loaded> {
        self.file.if_changed(|path| self.read_again(path));
        self.loaded.load_full()
    }

    /// Looks at the file now instead of within a second.
    pub fn reread(&self) {
        self.file.if_changed_by_now(|path| self.read_again(path));
    }

    fn read_again(&self, path: &Path) {
        match load(path, &self.areas) {
            Ok(loaded) => {
                tracing::info!(principals = loaded.listed.len(), "read the principals again");
                self.loaded.store(Arc::new(loaded));
            }
            Err(error) => tracing::error!(%error, "the principals stay as they were"),
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("path", &self.file.path()).finish_non_exhaustive()
    }
}

fn load(path: &Path, areas: &Areas) -> Result<Loaded, DirectoryError> {
    Ok(Loaded::new(read(path, areas)?))
}

/// Reads and checks a file of principals.
///
/// # Errors
/// The file cannot be read, or is wrong.
pub fn read(path: &Path, areas: &Areas) -> Result<Vec<Listed>, DirectoryError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|why| DirectoryError::Io { path: path.to_owned(), why })?;
    parse(&text, areas).map_err(|wrong| DirectoryError::Wrong { path: path.to_owned(), wrong })
}

//! A file that is read again when it changes.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often such a file is looked at.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// What tells one version of a file from another without reading it.
type Stamp = Option<(u64, u64, i64, i64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let found = fs::metadata(path).ok()?;
    let (changed, modified) = (found.ctime(), found.mtime());
    let nanos = (found.ctime_nsec(), found.mtime_nsec());
    Some((found.ino(), found.len(), changed, nanos.0, modified, nanos.1))
}

/// A file and what is known of it.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    polled: Mutex<(Instant, Stamp)>,
}

impl Watched {
    /// The file as it is now. To be made before it is read, so that a change meanwhile is seen next time.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), polled: Mutex::new((Instant::now(), stamp(path))) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it again if it has changed since it was last looked at, at most every [`POLL_EVERY`]. One at
    /// a time, so that no older version comes after a newer; whoever comes meanwhile goes on with what
    /// there is.
    pub fn if_changed(&self, read: impl FnOnce(&Path)) {
        if let Ok(mut polled) = self.polled.try_lock()
            && POLL_EVERY <= polled.0.elapsed()
        {
            self.look(&mut polled, read);
        }
    }

    /// The same, looked at now.
    pub fn if_changed_by_now(&self, read: impl FnOnce(&Path)) {
        self.look(&mut self.polled.lock().unwrap_or_else(PoisonError::into_inner), read);
    }

    fn look(&self, polled: &mut (Instant, Stamp), read: impl FnOnce(&Path)) {
        let before = std::mem::replace(polled, (Instant::now(), stamp(&self.path)));
        if before.1 != polled.1 {
            read(&self.path);
        }
    }
}

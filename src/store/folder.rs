//! Where states lie: `state/000001`, `state/000002`, …, of which the newest counts.
//!
//! **Invariant:** a rebuild never writes where an earlier state was, so that nothing a failed
//! database still does in the background can reach the new one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::error::StoreError;

/// The folder of the states of one store.
#[derive(Debug)]
pub struct Generations {
    folder: PathBuf,
    newest: Option<u64>,
}

impl Generations {
    /// Those of the store folder; made if it does not exist.
    pub fn of(store: &Path) -> Result<Self, StoreError> {
        let folder = store.join("state");
        fs::create_dir_all(&folder).map_err(unusable(&folder))?;
        let mut newest = None;
        for path in paths(&folder)? {
            let name = path.file_name().and_then(|name| name.to_str());
            newest = newest.max(name.and_then(|name| name.parse().ok()));
        }
        Ok(Self { folder, newest })
    }

    /// The newest state, if there is one.
    pub fn newest(&self) -> Option<PathBuf> {
        self.newest.map(|number| self.path(number))
    }

    /// The folder for a new state, which does not exist yet; removes the others.
    pub fn begin(&mut self) -> Result<PathBuf, StoreError> {
        let next = self.newest.map_or(1, |number| number + 1);
        for path in paths(&self.folder)? {
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                // It is in nobody's way: its number is not used again.
                tracing::warn!(path = %path.display(), %error, "an old state could not be removed");
            }
        }
        self.newest = Some(next);
        Ok(self.path(next))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}"))
    }
}

fn paths(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let found = fs::read_dir(folder).map_err(unusable(folder))?;
    found.map(|found| found.map(|found| found.path()).map_err(unusable(folder))).collect()
}

fn unusable(folder: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Folder { path: folder.into(), source }
}

//! Files that entries of the journal refer to by their SHA-256: too large for a line of it.
//!
//! **Invariant:** a file under its name is whole and on disk; an entry is written only afterwards.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::{Digest, Sha256};

use super::error::StoreError;
use crate::journal::file::sync_folder;

/// The folder of such files.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    naming: Arc<Mutex<()>>,
}

/// A file that has no name yet, and vanishes if it gets none.
pub struct Nameless {
    file: tempfile::NamedTempFile,
}

impl Nameless {
    /// Another handle to write through.
    ///
    /// # Errors
    /// The system has none to give.
    pub fn handle(&self) -> io::Result<File> {
        self.file.as_file().try_clone()
    }
}

impl Kept {
    /// Those of a store folder; made if it does not exist.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn of(store: &Path) -> Result<Self, StoreError> {
        let folder = store.join("kept");
        fs::create_dir_all(&folder).map_err(unusable(&folder))?;
        sync_folder(store)?;
        Ok(Self::copied(folder))
    }

    /// Begins a file.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn begin(&self) -> Result<Nameless, StoreError> {
        let file = tempfile::Builder::new().prefix(".part").tempfile_in(&self.folder);
        Ok(Nameless { file: file.map_err(unusable(&self.folder))? })
    }

    /// Held from the name of a file to its entry. Two requests may have come to the same bytes; the
    /// one that is refused must not remove the file that the other is about to refer to.
    pub fn naming(&self) -> MutexGuard<'_, ()> {
        self.naming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a file, already synced, the name of its digest.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn name(&self, file: Nameless, digest: &str) -> Result<(), StoreError> {
        let path = self.path(digest);
        file.file.persist(&path).map_err(|error| unusable(&path)(error.error))?;
        Ok(sync_folder(&self.folder)?)
    }

    /// Where the file with this digest is.
    pub fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }

    /// Whether the file is there and has its digest. O(bytes).
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_intact(&self, digest: &str) -> Result<bool, StoreError> {
        let path = self.path(digest);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(unusable(&path))?,
        };
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer).map_err(unusable(&path))? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        Ok(hex::encode(hasher.finalize()) == digest)
    }

    /// Those of the digests whose files are missing or damaged. O(bytes).
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn damaged(&self, referred: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        for digest in referred {
            if !self.is_intact(digest)? {
                found.push(digest.clone());
            }
        }
        Ok(found)
    }

    /// Copies every named file into a folder, which is made if there is one to copy; gives how many.
    /// A running service may go on: a file under its name never changes.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn copy_to(&self, folder: &Path) -> Result<usize, StoreError> {
        let mut copied = 0;
        for found in fs::read_dir(&self.folder).map_err(unusable(&self.folder))? {
            let found = found.map_err(unusable(&self.folder))?;
            if found.file_name().len() != 64 {
                continue;
            }
            fs::create_dir_all(folder).map_err(unusable(folder))?;
            let path = folder.join(found.file_name());
            let copy = fs::copy(found.path(), &path).and_then(|_| File::open(&path)?.sync_all());
            copy.map_err(unusable(&path))?;
            copied += 1;
        }
        if 0 < copied {
            sync_folder(folder)?;
            sync_folder(folder.parent().filter(|above| above.is_dir()).unwrap_or(Path::new(".")))?;
        }
        Ok(copied)
    }

    /// Those of a copy.
    pub fn copied(folder: PathBuf) -> Self {
        Self { folder, naming: Arc::default() }
    }

    /// Removes a file that no entry refers to; if it cannot, the next start does.
    pub fn remove(&self, digest: &str) {
        if let Err(error) = fs::remove_file(self.path(digest)) {
            tracing::warn!(%error, "a file that nothing refers to could not be removed");
        }
    }

    /// Removes what has no name yet: left behind when the program was stopped in between.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn clear_unnamed(&self) -> Result<(), StoreError> {
        for found in fs::read_dir(&self.folder).map_err(unusable(&self.folder))? {
            let found = found.map_err(unusable(&self.folder))?;
            if found.file_name().len() != 64
                && let Err(error) = fs::remove_file(found.path())
            {
                tracing::warn!(%error, "an unfinished file could not be removed");
            }
        }
        Ok(())
    }

    /// Removes what no entry refers to: left behind when the program was stopped in between.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn collect(&self, referred: &BTreeSet<String>) -> Result<(), StoreError> {
        for found in fs::read_dir(&self.folder).map_err(unusable(&self.folder))? {
            let found = found.map_err(unusable(&self.folder))?;
            let name = found.file_name().into_string().unwrap_or_default();
            if !referred.contains(&name)
                && let Err(error) = fs::remove_file(found.path())
            {
                tracing::warn!(%error, "a file that nothing refers to could not be removed");
            }
        }
        Ok(())
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Folder { path: path.into(), source }
}

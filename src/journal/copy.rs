//! Verified copies: the backup of a store is its journal in one file.
//!
//! **Invariant:** a copy is byte for byte the lines of the journal, verified while they were
//! copied; nothing appears under its final name before all of it was verified and synced.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use super::{
    JournalError, Torn,
    chain::Head,
    entry::Entry,
    file::{SEGMENT_BYTES, parent, segments_folder, sync_folder},
    segment::{Segment, Walk, list},
};

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The last entry; its number is the number of entries. Keep its digest apart from the copy:
    /// only it shows whether lines are missing at the copy's end.
    pub head: Head,
    /// Length of all lines together.
    pub bytes: u64,
    /// An unfinished last line, which is not part of the copy.
    pub torn: Option<Torn>,
}

/// Copies the journal of a store folder into the file `out`, which must not exist. A running
/// service may go on; entries it is about to acknowledge may or may not be in the copy.
///
/// # Errors
/// Damage in the journal, or an `out` that exists or cannot be written.
pub fn export(folder: &Path, out: &Path) -> Result<Copied, JournalError> {
    export_after(folder, out, || Ok(()))
}

/// [`export`] that does something before the copy appears under its name, when everything its lines
/// refer to is there.
///
/// # Errors
/// As [`export`], and what is done before.
pub fn export_after<E: From<JournalError>>(
    folder: &Path,
    out: &Path,
    before: impl FnOnce() -> Result<(), E>,
) -> Result<Copied, E> {
    refuse_existing(out)?;
    let mut walk = Walk::all(list(&segments_folder(folder))?);
    let part = beside(out);
    let cleared = Cleared(&part);
    cleared.clear();
    let mut file = Output::create(&part)?;
    while let Some(entry) = walk.next() {
        entry?;
        file.line(walk.raw())?;
    }
    let bytes = file.finish()?;
    before()?;
    refuse_existing(out)?;
    fs::rename(&part, out).map_err(JournalError::io("rename a copy to", out))?;
    sync_folder(parent(out))?;
    let head = walk.head();
    Ok(Copied { head, bytes, torn: walk.torn().cloned() })
}

/// How much of a copy is restored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Until {
    /// All of it.
    #[default]
    End,
    /// Up to this entry, which it must have.
    Entry(u64),
    /// What was recorded by this instant.
    Instant(DateTime<Utc>),
}

impl Until {
    /// Whether an entry comes after it.
    fn ends_before(&self, entry: &Entry) -> bool {
        match self {
            Self::End => false,
            Self::Entry(last) => *last < entry.sequence,
            Self::Instant(last) => *last < entry.recorded_at,
        }
    }
}

/// Makes the store folder `folder`, which must not exist or be empty, from a copy. The state is
/// rebuilt when the store is opened.
///
/// # Errors
/// A copy that is damaged, cut off or empty, or a folder that holds something.
pub fn restore(copy: &Path, folder: &Path) -> Result<Copied, JournalError> {
    restore_with(copy, folder, (&Until::End, SEGMENT_BYTES), |_, _| Ok(()))
}

/// [`restore`] of a part, with segments of another size in bytes, and with what else belongs to the store:
/// it is put into the folder given, once the last entry is known and before the folder gets its name.
///
/// # Errors
/// As [`restore`], and what is put beside.
pub fn restore_with<E: From<JournalError>>(
    copy: &Path,
    folder: &Path,
    (until, segment_bytes): (&Until, u64),
    beside_journal: impl FnOnce(&Path, &Head) -> Result<(), E>,
) -> Result<Copied, E> {
    refuse_filled(folder)?;
    let part = beside(folder);
    let cleared = Cleared(&part);
    cleared.clear();
    let journal = segments_folder(&part);
    fs::create_dir_all(&journal).map_err(JournalError::io("create", &journal))?;
    let mut walk = Walk::file(copy);
    let mut bytes = 0;
    let mut output: Option<Output> = None;
    let mut head = Head::genesis();
    while let Some(entry) = walk.next() {
        let entry = entry?;
        if until.ends_before(&entry) {
            break;
        }
        head = entry.head();
        if output.as_ref().is_some_and(|output| segment_bytes <= output.bytes) {
            bytes += output.take().map_or(Ok(0), Output::finish)?;
        }
        let file = match &mut output {
            Some(file) => file,
            None => {
                output.insert(Output::create(&Segment::starting(&journal, entry.sequence).path)?)
            }
        };
        file.line(walk.raw())?;
    }
    bytes += output.take().map_or(Ok(0), Output::finish)?;
    if let Some(torn) = walk.torn() {
        let why = "ends without a line feed: the copy was cut off".into();
        let (segment, line) = (torn.segment.clone(), torn.line);
        return Err(JournalError::Corrupt { segment, line, why }.into());
    }
    let short = match until {
        _ if head.sequence == 0 => Some("expected at least one entry to restore".to_owned()),
        Until::Entry(last) if head.sequence < *last => Some(format!("expected entry {last}")),
        _ => None,
    };
    if let Some(why) = short {
        let segment = copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(JournalError::Corrupt { segment, line: head.sequence + 1, why }.into());
    }
    beside_journal(&part, &head)?;
    sync_folder(&journal)?;
    sync_folder(&part)?;
    refuse_filled(folder)?;
    // Renaming onto an empty folder replaces it, and fails if it has been filled meanwhile.
    fs::rename(&part, folder).map_err(JournalError::io("rename a restored store to", folder))?;
    sync_folder(parent(folder))?;
    Ok(Copied { head, bytes, torn: None })
}

struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Output {
    fn create(path: &Path) -> Result<Self, JournalError> {
        let file = File::create_new(path).map_err(JournalError::io("create", path))?;
        Ok(Self { path: path.into(), file: BufWriter::with_capacity(1 << 18, file), bytes: 0 })
    }

    fn line(&mut self, line: &[u8]) -> Result<(), JournalError> {
        let written = self.file.write_all(line).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(JournalError::io("write", &self.path))?;
        self.bytes += line.len() as u64 + 1;
        Ok(())
    }

    fn finish(mut self) -> Result<u64, JournalError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(JournalError::io("sync", &self.path))?;
        Ok(self.bytes)
    }
}

/// Removes what is left under the working name, whether the copy came to its end or not.
struct Cleared<'a>(&'a Path);

impl Cleared<'_> {
    /// Also before it begins: one that was killed leaves its part, and in a container the next
    /// process has the same number.
    fn clear(&self) {
        let removed = if self.0.is_dir() { fs::remove_dir_all(self.0) } else { Ok(()) };
        if self.0.is_file() || removed.is_err() {
            let _ = fs::remove_file(self.0);
        }
    }
}

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    parent(path).join(format!(".{name}.part-{}", std::process::id()))
}

fn refuse_existing(path: &Path) -> Result<(), JournalError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(JournalError::Exists { path: path.into() }),
        Err(_) => Ok(()),
    }
}

fn refuse_filled(folder: &Path) -> Result<(), JournalError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(JournalError::Exists { path: folder.into() }),
        },
        Err(_) => refuse_existing(folder),
    }
}

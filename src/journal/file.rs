//! The journal as files in a folder: `journal/000000000001.jsonl` and so on, each named after its
//! first entry, beside a `lock` file that keeps a second process out.
//!
//! **Invariant:** when an append returns, its lines are on disk (`fdatasync`) and the folder knows
//! the file; when it fails, none of them counts, and the journal refuses to go on until it is
//! opened and verified again.
//!
//! An append of several entries is one write and one sync. Should the machine lose power in
//! between, a file system that records a file's new length only after its data (ext4's default,
//! xfs, btrfs) leaves a prefix, which opening cuts back to the last whole line. A file system
//! that leaves holes shows up as corruption, never as missing entries.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{
    Entries, Journal, JournalError, Torn,
    chain::{Chain, Head},
    entry::Entry,
    log::Log,
    segment::{self, Segment, Walk},
};

/// Size in bytes from which on a new segment is begun.
pub const SEGMENT_BYTES: u64 = 64 << 20;

const FOLDER: &str = "journal";
const LOCK: &str = "lock";

/// The journal of one store folder, locked for this process.
#[derive(Debug)]
pub struct FileJournal {
    journal: PathBuf,
    segments: Vec<Segment>,
    file: File,
    /// Length of the last segment in bytes.
    length: u64,
    head: Head,
    chain: Chain,
    log: Log,
    segment_bytes: u64,
    /// Why nothing may be appended any more.
    poisoned: Option<String>,
    /// Held until the journal is dropped; the operating system frees it when the process ends.
    _lock: Lock,
}

/// Where the segments of a store folder are.
pub fn segments_folder(folder: &Path) -> PathBuf {
    folder.join(FOLDER)
}

impl FileJournal {
    /// Opens or creates the journal of the store folder, verifies all of it, cuts off and reports a
    /// torn last line. `segment_bytes` is the size from which on a new segment is begun, for
    /// example [`SEGMENT_BYTES`].
    ///
    /// # Errors
    /// [`JournalError::Locked`] for a second process, [`JournalError::Corrupt`] for damage.
    pub fn open(folder: &Path, segment_bytes: u64) -> Result<(Self, Option<Torn>), JournalError> {
        let journal = segments_folder(folder);
        fs::create_dir_all(&journal).map_err(JournalError::io("create", &journal))?;
        let lock = Lock::take(folder)?;
        make_lasting(folder)?;
        sync_folder(&journal)?;
        let mut segments = segment::list(&journal)?;
        if segments.is_empty() {
            segments.push(create(&journal, 1)?);
        }
        let mut walk = Walk::all(segments.clone());
        let log = Log::default();
        walk.try_for_each(|entry| entry.map(|entry| log.push((&entry).into())))?;
        let head = walk.head();
        let last = segments.last().map(|last| last.path.clone()).unwrap_or_default();
        let file = OpenOptions::new().append(true).open(&last);
        let file = file.map_err(JournalError::io("open", &last))?;
        let (length, torn) = (walk.offset(), walk.torn().cloned());
        let chain = walk.into_chain();
        if torn.is_some() {
            cut(&file, length).map_err(JournalError::io("cut the torn line of", &last))?;
        } else {
            // A process that was killed may have written lines that it did not sync. From now on
            // they count: a repeated request is acknowledged by them.
            file.sync_all().map_err(JournalError::io("sync", &last))?;
        }
        let journal = Self {
            journal,
            segments,
            file,
            length,
            head,
            chain,
            log,
            segment_bytes,
            poisoned: None,
            _lock: lock,
        };
        Ok((journal, torn))
    }

    /// The files, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The lines of the entries, and the chain with them.
    fn lines(&self, last: u64, entries: &[Entry]) -> Result<(Vec<u8>, Chain), JournalError> {
        if last != self.head.sequence {
            return Err(JournalError::Conflict { expected: last, actual: self.head.sequence });
        }
        let mut chain = self.chain.clone();
        let mut lines = Vec::new();
        for entry in entries {
            let unchained = |why| JournalError::Unchained { sequence: entry.sequence, why };
            chain.accept(entry).map_err(unchained)?;
            lines.extend_from_slice(&entry.line()?);
        }
        Ok((lines, chain))
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        if self.length == 0 || self.length < self.segment_bytes {
            return Ok(());
        }
        let segment = create(&self.journal, self.head.sequence + 1)?;
        let file = OpenOptions::new().append(true).open(&segment.path);
        self.file = file.map_err(JournalError::io("open", &segment.path))?;
        self.segments.push(segment);
        self.length = 0;
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.file.sync_data()
    }

    /// Takes back what a failed append may have left, and refuses from now on.
    fn poison(&mut self, failure: &dyn std::fmt::Display) {
        let mut why = failure.to_string();
        if let Err(error) = cut(&self.file, self.length) {
            why = format!("{why}; and what it wrote could not be taken back: {error}");
        }
        tracing::error!(why, "the journal refuses further entries");
        self.poisoned = Some(why);
    }
}

impl Journal for FileJournal {
    fn head(&self) -> &Head {
        &self.head
    }

    fn log(&self) -> Log {
        self.log.clone()
    }

    fn append(&mut self, last: u64, entries: &[Entry]) -> Result<(), JournalError> {
        if let Some(why) = self.poisoned.clone() {
            return Err(JournalError::Poisoned { why });
        }
        let (lines, chain) = self.lines(last, entries)?;
        let Some(newest) = entries.last() else { return Ok(()) };
        if let Err(error) = self.rotate() {
            self.poison(&error);
            return Err(error);
        }
        if let Err(source) = self.write(&lines) {
            self.poison(&source);
            let path = self.segments.last().map(|last| last.path.clone()).unwrap_or_default();
            return Err(JournalError::Io { action: "append to", path, source });
        }
        self.length += lines.len() as u64;
        (self.head, self.chain) = (newest.head(), chain);
        entries.iter().for_each(|entry| self.log.push(entry.into()));
        Ok(())
    }

    fn read_from(&self, sequence: u64) -> Result<Entries<'_>, JournalError> {
        Ok(Box::new(Walk::from(&self.segments, sequence)?))
    }
}

/// The lock of a store folder, given back also when what follows it fails.
#[derive(Debug)]
struct Lock(File);

impl Lock {
    fn take(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(LOCK);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(JournalError::io("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { folder: folder.into() }),
            Err(TryLockError::Error(source)) => {
                Err(JournalError::Io { action: "lock", path, source })
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough while a child process, just forked, still has the file open.
        let _ = self.0.unlock();
    }
}

fn create(journal: &Path, first: u64) -> Result<Segment, JournalError> {
    let segment = Segment::starting(journal, first);
    let path = &segment.path;
    let file = OpenOptions::new().create_new(true).append(true).open(path);
    let synced = file.and_then(|file| file.sync_all());
    synced.map_err(JournalError::io("create", path))?;
    sync_folder(journal)?;
    Ok(segment)
}

fn cut(file: &File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.sync_all()
}

/// Makes the name of the store folder durable, and those of the folders above, which may have been
/// made with it. Those further up may be closed to this process; then it did not make them.
fn make_lasting(folder: &Path) -> Result<(), JournalError> {
    sync_folder(folder)?;
    sync_folder(parent(folder))?;
    let above = fs::canonicalize(folder).map_err(JournalError::io("find", folder))?;
    for folder in above.ancestors().skip(2) {
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
    }
    Ok(())
}

/// The folder a path lies in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes new names in the folder durable.
///
/// # Errors
/// The folder cannot be synced.
pub fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(JournalError::io("sync", folder))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::entry::{Draft, Operation};

    fn next(head: &Head) -> Entry {
        let draft = Draft {
            recorded_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            principal: "test".into(),
            request_id: "request".into(),
            request_digest: "0".repeat(64),
            origin: None,
            operation: Operation::RecordFigures { figures: vec![], decisions: vec![] },
            answer: json!({}),
        };
        Entry::seal(head, draft).unwrap()
    }

    #[test]
    fn after_a_failed_append_the_journal_refuses_until_it_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
        let first = next(journal.head());
        journal.append(0, std::slice::from_ref(&first)).unwrap();
        let second = next(&first.head());
        // A file that is open for reading only fails like a disk that refuses.
        journal.file = File::open(&journal.segments[0].path).unwrap();
        let failed = journal.append(1, std::slice::from_ref(&second)).unwrap_err();
        assert!(matches!(failed, JournalError::Io { action: "append to", .. }), "{failed}");
        let path = journal.segments[0].path.clone();
        journal.file = OpenOptions::new().append(true).open(path).unwrap();
        let refused = journal.append(1, std::slice::from_ref(&second)).unwrap_err();
        assert!(matches!(refused, JournalError::Poisoned { .. }), "{refused}");
        assert_eq!(*journal.head(), first.head());
        drop(journal);
        let (mut journal, torn) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
        assert_eq!((journal.head(), torn), (&first.head(), None));
        journal.append(1, &[second]).unwrap();
    }

    #[test]
    fn what_a_failed_append_left_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, _) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
        let first = next(journal.head());
        journal.append(0, std::slice::from_ref(&first)).unwrap();
        journal.file.write_all(b"half a line").unwrap();
        journal.poison(&"the disk is full");
        drop(journal);
        let (journal, torn) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
        assert_eq!((journal.head(), torn), (&first.head(), None));
    }

    #[test]
    fn a_segment_of_just_the_size_is_followed_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = next(&Head::genesis());
        let length = first.line().unwrap().len() as u64;
        for (limit, segments) in [(length - 1, 2), (length, 2), (length + 1, 1)] {
            let folder = folder.path().join(limit.to_string());
            let (mut journal, _) = FileJournal::open(&folder, limit).unwrap();
            journal.append(0, std::slice::from_ref(&first)).unwrap();
            journal.append(1, &[next(&first.head())]).unwrap();
            assert_eq!(journal.segments().len(), segments, "limit {limit}, entry {length}");
        }
    }
}

//! The journal in segmented files of a folder.
//!
//! Segments are named by their first sequence, `000000000001.jsonl`. A last line without its end was
//! never acknowledged and is cut off; a journal cut exactly at the end of a line can only be told by
//! a store that knows more.
//!
//! **Invariant:** after `append` returns, the lines and the folder that names them are on the disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::{
    Head, Journal, JournalError,
    entry::{Entry, Sealed},
};

/// Size in bytes from which a new segment is begun.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// What opening a journal found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Torn {
    /// Bytes of an unfinished last line that were cut off.
    pub bytes: u64,
}

/// The journal of a store folder.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    segment_bytes: u64,
    head: Head,
    file: Option<File>,
    length: u64,
    poisoned: bool,
}

impl FileJournal {
    /// Opens the journal in a folder, creating it when it is missing. Every line is checked. O(bytes).
    ///
    /// # Errors
    /// A broken line, a gap, or a folder that cannot be read.
    pub fn open(folder: &Path, segment_bytes: u64) -> Result<(Self, Torn), JournalError> {
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(JournalError::io(shown("create", folder)))?;
            sync_parent(folder)?;
        }
        let mut journal = Self::at(folder, segment_bytes);
        let segments = journal.segments()?;
        let mut torn = Torn::default();
        let mut head = Head::default();
        for (at, (first, path)) in segments.iter().enumerate() {
            let last = at + 1 == segments.len();
            if *first != head.sequence + 1 {
                let why = format!("expected a segment beginning with entry {}", head.sequence + 1);
                return Err(corrupt(path, 1, why));
            }
            let end = walk(path, &mut head, &mut |_| Ok(()))?;
            if let Some(whole) = end.torn_at {
                if !last {
                    return Err(corrupt(path, end.lines + 1, "the line has no end".to_owned()));
                }
                let file = OpenOptions::new().write(true).open(path);
                let file = file.map_err(JournalError::io(shown("open", path)))?;
                torn.bytes = end.bytes - whole;
                file.set_len(whole).map_err(JournalError::io(shown("cut", path)))?;
                file.sync_all().map_err(JournalError::io(shown("sync", path)))?;
            }
        }
        journal.head = head;
        if let Some((_, path)) = segments.last() {
            let file = OpenOptions::new().append(true).open(path);
            let mut file = file.map_err(JournalError::io(shown("open", path)))?;
            let end = file.seek(SeekFrom::End(0));
            journal.length = end.map_err(JournalError::io(shown("measure", path)))?;
            journal.file = Some(file);
        }
        Ok((journal, torn))
    }

    /// Opens a journal that another process may be writing; nothing is changed. O(bytes).
    ///
    /// # Errors
    /// A broken line, a gap, or a folder that cannot be read.
    pub fn open_for_reading(folder: &Path) -> Result<Self, JournalError> {
        let mut journal = Self::at(folder, SEGMENT_BYTES);
        let mut head = Head::default();
        for (_, path) in journal.segments()? {
            walk(&path, &mut head, &mut |_| Ok(()))?;
        }
        journal.head = head;
        journal.poisoned = true;
        Ok(journal)
    }

    fn at(folder: &Path, segment_bytes: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            segment_bytes,
            head: Head::default(),
            file: None,
            length: 0,
            poisoned: false,
        }
    }

    /// The segments in order, with the sequence each is named by.
    pub fn segments(&self) -> Result<Vec<(u64, PathBuf)>, JournalError> {
        let mut found = Vec::new();
        let entries = fs::read_dir(&self.folder);
        for entry in entries.map_err(JournalError::io(shown("list", &self.folder)))? {
            let path = entry.map_err(JournalError::io(shown("list", &self.folder)))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let first = name.strip_suffix(".jsonl").and_then(|stem| stem.parse().ok());
            match first {
                Some(first) => found.push((first, path)),
                None => {
                    return Err(corrupt(&path, 0, "not a segment of the journal".to_owned()));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn begin_segment(&mut self, first: u64) -> Result<(), JournalError> {
        let path = self.folder.join(format!("{first:012}.jsonl"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        self.file = Some(file.map_err(JournalError::io(shown("create", &path)))?);
        self.length = 0;
        sync_folder(&self.folder)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let failed = |error| JournalError::Io { what: "write the journal".to_owned(), error };
        let Some(file) = self.file.as_mut() else { return Err(JournalError::Poisoned) };
        let written = file.write_all(bytes).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // What the disk holds is in doubt; nothing more is written until it is checked.
            let _ = file.set_len(self.length);
            self.poisoned = true;
            return Err(failed(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

impl Journal for FileJournal {
    fn head(&self) -> Head {
        self.head.clone()
    }

    fn append(&mut self, after: u64, entries: &[Sealed]) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if self.head.sequence != after {
            return Err(JournalError::Moved { found: self.head.sequence, expected: after });
        }
        let Some(last) = entries.last() else { return Ok(()) };
        if self.file.is_none() || self.segment_bytes <= self.length {
            self.begin_segment(after + 1)?;
        }
        let bytes: Vec<u8> =
            entries.iter().flat_map(|sealed| sealed.line.iter().copied()).collect();
        self.write(&bytes)?;
        self.head = Head { sequence: last.entry.sequence, digest: last.digest.clone() };
        Ok(())
    }

    fn read_from(
        &self,
        sequence: u64,
        visit: &mut dyn FnMut(Entry) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let mut head = Head::default();
        for (_, path) in self.segments()? {
            walk(&path, &mut head, &mut |sealed| {
                if sequence <= sealed.entry.sequence { visit(sealed.entry) } else { Ok(()) }
            })?;
        }
        Ok(())
    }
}

/// How a segment ended.
pub(super) struct End {
    pub lines: u64,
    pub bytes: u64,
    /// Where an unfinished last line begins.
    pub torn_at: Option<u64>,
}

/// Reads a segment line by line, checking the chain from `head` on.
pub(super) fn walk(
    path: &Path,
    head: &mut Head,
    visit: &mut dyn FnMut(Sealed) -> Result<(), JournalError>,
) -> Result<End, JournalError> {
    let file = File::open(path).map_err(JournalError::io(shown("open", path)))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut end = End { lines: 0, bytes: 0, torn_at: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        let read = read.map_err(JournalError::io(shown("read", path)))? as u64;
        if read == 0 {
            return Ok(end);
        }
        if line.last() != Some(&b'\n') {
            end.torn_at = Some(end.bytes);
            end.bytes += read;
            return Ok(end);
        }
        end.bytes += read;
        end.lines += 1;
        let sealed = Sealed::open(&line).map_err(|why| corrupt(path, end.lines, why))?;
        let Entry { sequence, previous, .. } = &sealed.entry;
        if *sequence != head.sequence + 1 {
            let why = format!("entry {sequence}: expected entry {}", head.sequence + 1);
            return Err(corrupt(path, end.lines, why));
        }
        if *previous != head.digest {
            let why = format!("entry {sequence} does not follow the entry before it");
            return Err(corrupt(path, end.lines, why));
        }
        *head = Head { sequence: *sequence, digest: sealed.digest.clone() };
        visit(sealed)?;
    }
}

fn corrupt(path: &Path, line: u64, why: String) -> JournalError {
    let segment = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    JournalError::Corrupt { segment, line, why }
}

pub(super) fn shown(what: &str, path: &Path) -> String {
    format!("{what} {}", path.display())
}

/// Makes a folder's list of files durable.
pub fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(JournalError::io(shown("sync", folder)))
}

/// Makes a folder itself durable in the one above.
pub fn sync_parent(folder: &Path) -> Result<(), JournalError> {
    match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_folder(parent),
        None => sync_folder(Path::new(".")),
    }
}

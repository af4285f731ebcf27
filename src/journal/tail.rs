//! The bytes of a journal behind an entry, read while another handle appends to it.
//!
//! **Invariant:** only whole lines are given, of entries that the caller knows to be on disk.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{
    JournalError,
    file::segments_folder,
    segment::{Segment, list},
};

/// A place in a journal.
#[derive(Debug)]
pub struct Tail {
    journal: PathBuf,
    /// The entry whose line comes next.
    next: u64,
    reader: Option<BufReader<File>>,
}

impl Tail {
    /// The place behind an entry of the journal in a store folder. O(bytes of the entry's segment).
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn after(folder: &Path, sequence: u64) -> Result<Self, JournalError> {
        let journal = segments_folder(folder);
        let segments = list(&journal)?;
        let next = sequence + 1;
        let holder = segments.iter().rev().find(|segment| segment.first <= next);
        let mut tail = Self { journal, next, reader: None };
        if let Some(segment) = holder {
            tail.next = segment.first;
            tail.open(segment)?;
            let mut skipped = Vec::new();
            while tail.next < next && tail.line(&mut skipped)? {
                skipped.clear();
            }
        }
        Ok(tail)
    }

    /// The entry whose line comes next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The lines up to an entry that is on disk, or fewer once they have so many bytes.
    ///
    /// # Errors
    /// The files cannot be read, or a line is missing.
    pub fn read(&mut self, last: u64, bytes: usize) -> Result<Vec<u8>, JournalError> {
        let mut lines = Vec::new();
        while self.next <= last && lines.len() < bytes {
            if !self.line(&mut lines)? {
                let segment = Segment::starting(&self.journal, self.next);
                self.open(&segment)?;
                if !self.line(&mut lines)? {
                    let why = format!("expected the line of entry {}", self.next);
                    return Err(JournalError::Corrupt { segment: segment.name(), line: 1, why });
                }
            }
        }
        Ok(lines)
    }

    fn open(&mut self, segment: &Segment) -> Result<(), JournalError> {
        let file = File::open(&segment.path).map_err(JournalError::io("open", &segment.path))?;
        self.reader = Some(BufReader::with_capacity(1 << 18, file));
        Ok(())
    }

    /// Adds the next line of the segment; false at its end.
    fn line(&mut self, lines: &mut Vec<u8>) -> Result<bool, JournalError> {
        let Some(reader) = &mut self.reader else { return Ok(false) };
        let read = reader.read_until(b'\n', lines);
        let read = read.map_err(JournalError::io("read", &self.journal))?;
        self.next += u64::from(0 < read);
        Ok(0 < read)
    }
}

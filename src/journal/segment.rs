//! The files of a journal, read one line after another.
//!
//! **Invariant:** a [`Walk`] gives only entries that continue the chain; a line without its line
//! feed is torn only at the very end of the last file, and anything else is corruption.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{
    JournalError, Torn,
    chain::{Chain, Head},
    entry::{Entry, LINE_BYTES_MAX, split},
};

const EXTENSION: &str = "jsonl";
const DIGITS: usize = 12;

/// One file of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The number of its first entry, which its name gives.
    pub first: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl Segment {
    /// The segment that begins with this entry.
    pub fn starting(journal: &Path, first: u64) -> Self {
        Self { first, path: journal.join(format!("{first:0DIGITS$}.{EXTENSION}")) }
    }

    /// Its file name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

/// The segments of the folder, in order. Files of other kinds are left alone.
///
/// # Errors
/// A folder that cannot be listed, or a `.jsonl` file that is no segment.
pub fn list(journal: &Path) -> Result<Vec<Segment>, JournalError> {
    let mut segments = Vec::new();
    for found in fs::read_dir(journal).map_err(JournalError::io("list", journal))? {
        let path = found.map_err(JournalError::io("list", journal))?.path();
        if path.extension().is_none_or(|extension| extension != EXTENSION) {
            continue;
        }
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let first = stem.parse().ok().filter(|_| stem.bytes().all(|byte| byte.is_ascii_digit()));
        let segment = Segment { first: first.unwrap_or_default(), path: path.clone() };
        if segment.first == 0 || Segment::starting(journal, segment.first).path != path {
            let why = format!("expected a name such as {:0DIGITS$}.{EXTENSION}", 1);
            return Err(JournalError::Corrupt { segment: segment.name(), line: 0, why });
        }
        segments.push(segment);
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// Reads segments line by line and verifies the chain.
pub struct Walk {
    segments: Vec<Segment>,
    /// How many segments were begun.
    begun: usize,
    reader: Option<BufReader<File>>,
    line: u64,
    /// Bytes of the current segment that belong to accepted lines.
    offset: u64,
    chain: Chain,
    raw: Vec<u8>,
    torn: Option<Torn>,
    ended: bool,
}

impl Walk {
    /// Reads everything from the first entry on.
    pub fn all(segments: Vec<Segment>) -> Self {
        Self::with(segments, Chain::after(&Head::genesis()))
    }

    /// Reads one file whose entries start the chain, whatever its name.
    pub fn file(path: &Path) -> Self {
        Self::all(vec![Segment { first: 1, path: path.into() }])
    }

    /// Reads from one entry on; the entries of its segment before it are stepped over.
    pub fn from(segments: &[Segment], sequence: u64) -> Result<Self, JournalError> {
        let at = segments.partition_point(|segment| segment.first <= sequence).saturating_sub(1);
        let rest = segments[at..].to_vec();
        let first = rest.first().map_or(1, |segment| segment.first);
        let mut walk = Self::with(rest, Chain::from_middle(first - 1));
        while walk.chain.sequence() + 1 < sequence && walk.advance()? {
            match split(&walk.raw) {
                Ok((digest, _)) => walk.chain.skip(digest),
                Err(error) => return Err(walk.corrupt(error)),
            }
        }
        Ok(walk)
    }

    fn with(segments: Vec<Segment>, chain: Chain) -> Self {
        Self {
            segments,
            begun: 0,
            reader: None,
            line: 0,
            offset: 0,
            chain,
            raw: Vec::new(),
            torn: None,
            ended: false,
        }
    }

    /// The last accepted line, without its line feed.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The last entry read.
    pub fn head(&self) -> Head {
        self.chain.head().unwrap_or_default()
    }

    /// The unfinished last line; known once everything was read.
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// How many bytes of the last segment are accepted lines; known once everything was read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The chain as far as it was read.
    pub(super) fn into_chain(self) -> Chain {
        self.chain
    }

    fn corrupt(&self, why: impl ToString) -> JournalError {
        let segment = self.segments[self.begun - 1].name();
        JournalError::Corrupt { segment, line: self.line, why: why.to_string() }
    }

    /// Reads the next whole line into `raw`; false at the end.
    fn advance(&mut self) -> Result<bool, JournalError> {
        loop {
            let Some(reader) = &mut self.reader else {
                if !self.begin()? {
                    return Ok(false);
                }
                continue;
            };
            let path = &self.segments[self.begun - 1].path;
            self.raw.clear();
            let bound = LINE_BYTES_MAX as u64 + 1;
            let read = reader.by_ref().take(bound).read_until(b'\n', &mut self.raw);
            let read = read.map_err(JournalError::io("read", path))?;
            if read == 0 {
                self.reader = None;
                continue;
            }
            self.line += 1;
            if LINE_BYTES_MAX < read {
                return Err(self.corrupt(format!("is longer than {LINE_BYTES_MAX} bytes")));
            }
            if self.raw.last() == Some(&b'\n') {
                self.raw.pop();
                self.offset += read as u64;
                return Ok(true);
            }
            return self.unfinished(read as u64).map(|()| false);
        }
    }

    /// Opens the next segment; false when there is none.
    fn begin(&mut self) -> Result<bool, JournalError> {
        let Some(segment) = self.segments.get(self.begun) else { return Ok(false) };
        self.begun += 1;
        (self.line, self.offset) = (0, 0);
        let expected = self.chain.sequence() + 1;
        if segment.first != expected {
            self.line = 1;
            let why = format!(
                "its name says {}, expected {expected}: lines or a whole segment \
                before it are missing or too many",
                segment.first
            );
            return Err(self.corrupt(why));
        }
        let file = File::open(&segment.path).map_err(JournalError::io("open", &segment.path))?;
        self.reader = Some(BufReader::with_capacity(1 << 18, file));
        Ok(true)
    }

    /// Takes the bytes after the last line feed: torn, unless an append cannot have left them.
    fn unfinished(&mut self, bytes: u64) -> Result<(), JournalError> {
        let segment = self.segments[self.begun - 1].name();
        if self.begun < self.segments.len() {
            return Err(self.corrupt("has no line feed, though another segment follows"));
        }
        // A torn line is a prefix of what was to be written, so nothing follows a whole one.
        let whole = self.raw.len().checked_sub(1).map(|end| Entry::read(&self.raw[..end]));
        if let Some(Ok(_)) = whole {
            return Err(self.corrupt("expected a line feed after the entry"));
        }
        self.raw.clear();
        self.torn = Some(Torn { segment, line: self.line, bytes });
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Entry>, JournalError> {
        if !self.advance()? {
            return Ok(None);
        }
        let entry = Entry::read(&self.raw).map_err(|error| self.corrupt(error))?;
        self.chain.accept(&entry).map_err(|why| self.corrupt(why))?;
        Ok(Some(entry))
    }
}

impl Iterator for Walk {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.step().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

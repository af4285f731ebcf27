//! Rosters in CSV (RFC 4180), UTF-8 or GB18030.
//!
//! Chunks end where a line ends outside quotes, so that each can be taken apart by itself. The bytes
//! of `,`, `"` and line ends are never part of another character in either encoding.

use std::{fs::File, io::Read};

use memchr::{memchr, memchr_iter, memchr2_iter, memrchr};
use sha2::{Digest, Sha256};

use super::{Row, RowFault, has_controls, row_number};
use crate::roster::{
    RosterError,
    columns::{Column, Fields, Layout, WIDTH_MAX},
};

/// Bytes taken from the file at a time.
const CHUNK: usize = 1 << 20;
/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 64 << 10;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// How the text is written; told by the first chunk that is not plain ASCII.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Gb18030,
}

/// A CSV being read.
pub struct TextSource {
    file: File,
    size: u64,
    taken: u64,
    /// Bytes after the last whole line, as they are in the file.
    rest: Vec<u8>,
    line: u64,
    ended: bool,
    encoding: Option<Encoding>,
    hasher: Option<Sha256>,
}

/// Whole lines of it.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8>,
    first: u32,
    quoted: bool,
    /// Whether lines that are no text may be among them.
    doubtful: bool,
}

impl TextSource {
    pub(super) fn open(file: File, digest: bool) -> Result<(Vec<String>, Self), RosterError> {
        let size = file.metadata().map_err(RosterError::io("read the roster"))?.len();
        let hasher = digest.then(Sha256::new);
        let (rest, encoding) = (Vec::new(), None);
        let mut source =
            Self { file, size, taken: 0, rest, line: 1, ended: false, encoding, hasher };
        let mut bytes = Vec::new();
        source.fill(&mut bytes)?;
        if bytes.starts_with(MARK) {
            bytes.drain(..MARK.len());
            source.encoding = Some(Encoding::Utf8);
        }
        if bytes.is_empty() {
            return Err(RosterError::header("", "a first line with the columns' names"));
        }
        let end = source.line_ends(&bytes)?.0;
        source.rest = bytes.split_off(end);
        source.line += newlines(&bytes);
        if std::str::from_utf8(&bytes).is_err() && !from_gb18030(&mut bytes) {
            return Err(RosterError::header("", "text in UTF-8 or GB18030"));
        }
        let mut reader =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
        let mut record = csv::StringRecord::new();
        let read = reader.read_record(&mut record);
        read.map_err(|_| RosterError::header("", "one line of text"))?;
        Ok((record.iter().map(str::to_owned).collect(), source))
    }

    /// The next whole lines, in the memory of `used`. O(bytes).
    pub(super) fn next(&mut self, used: Text) -> Result<Option<Text>, RosterError> {
        let mut bytes = used.bytes;
        bytes.clear();
        bytes.append(&mut self.rest);
        self.fill(&mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let quoted = memchr(b'"', &bytes).is_some();
        let end = match memrchr(b'\n', &bytes) {
            Some(at) if !quoted => at + 1,
            _ => self.line_ends(&bytes)?.1,
        };
        self.rest.extend_from_slice(&bytes[end..]);
        bytes.truncate(end);
        let first = row_number(self.line)?;
        self.line += newlines(&bytes);
        row_number(self.line)?;
        let doubtful = !self.decode(&mut bytes) || has_controls(&bytes);
        Ok(Some(Text { bytes, first, quoted, doubtful }))
    }

    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<(), RosterError> {
        if self.ended {
            return Ok(());
        }
        let before = bytes.len();
        let mut part = (&mut self.file).take(CHUNK as u64);
        let read = part.read_to_end(bytes).map_err(RosterError::io("read the roster"))?;
        self.ended = read < CHUNK;
        self.taken += read as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&bytes[before..]);
        }
        if self.ended && bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        Ok(())
    }

    /// Behind the first and behind the last line feed outside quotes.
    fn line_ends(&self, bytes: &[u8]) -> Result<(usize, usize), RosterError> {
        let (mut first, mut last) = (None, None);
        let (mut quoted, mut closed) = (false, None);
        for at in memchr2_iter(b'"', b'\n', bytes) {
            match (bytes[at], quoted) {
                (b'\n', false) => {
                    first = first.or(Some(at + 1));
                    last = Some(at + 1);
                }
                (b'\n', true) => {}
                (_, true) => (quoted, closed) = (false, Some(at + 1)),
                // A quote opens where a field starts; the second of a pair opens again.
                _ => {
                    let starts = at == 0 || matches!(bytes[at - 1], b',' | b'\n');
                    quoted = starts || closed == Some(at);
                }
            }
        }
        if let (Some(first), Some(last)) = (first, last) {
            return Ok((first, last));
        }
        let expected = match quoted {
            true => format!("every quote closed within {} KiB", CHUNK >> 10),
            false => format!("a line of at most {} KiB", LINE_BYTES_MAX >> 10),
        };
        Err(RosterError::Line { line: self.line, expected })
    }

    /// Makes the lines UTF-8; whether they all are.
    fn decode(&mut self, bytes: &mut Vec<u8>) -> bool {
        if bytes.is_ascii() {
            return true;
        }
        let is_utf8 = || simdutf8::basic::from_utf8(bytes).is_ok();
        match self.encoding {
            Some(Encoding::Utf8) => is_utf8(),
            Some(Encoding::Gb18030) => from_gb18030(bytes),
            None => {
                let found = is_utf8();
                let other = !found && from_gb18030(bytes);
                self.encoding = Some(if other { Encoding::Gb18030 } else { Encoding::Utf8 });
                found || other
            }
        }
    }

    pub(super) fn progress(&self) -> (u64, u64) {
        (self.taken, self.size)
    }

    pub(super) fn last_row(&self) -> u32 {
        u32::try_from(self.line).unwrap_or(u32::MAX)
    }

    pub(super) fn digest(&self) -> Option<String> {
        self.hasher.clone().map(|hasher| hex::encode(hasher.finalize()))
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// Turns the bytes into UTF-8 if they are GB18030.
fn from_gb18030(bytes: &mut Vec<u8>) -> bool {
    let (text, broken) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    if !broken {
        let text = text.into_owned();
        *bytes = text.into_bytes();
    }
    !broken
}

impl Text {
    /// Takes the lines apart. O(bytes).
    pub(super) fn rows(&mut self, layout: &Layout, each: impl FnMut(Row<'_>)) {
        let slots: Vec<_> =
            layout.columns.iter().map(|column| column.map(|one| one as u8)).collect();
        match self.quoted {
            false => self.plain(&slots, each),
            true => self.with_quotes(&slots, each),
        }
    }

    /// Lines without a quote: every comma parts fields.
    fn plain(&self, slots: &[Option<u8>], mut each: impl FnMut(Row<'_>)) {
        const NONE: usize = Column::ALL.len();
        let mut slot = [NONE as u8; WIDTH_MAX + 1];
        for (at, found) in slots.iter().enumerate() {
            slot[at] = found.unwrap_or(NONE as u8);
        }
        let bytes = self.bytes.as_slice();
        let (mut row, mut start, mut line, mut field) = (self.first, 0, 0, 0);
        let mut ranges = [(0, 0); NONE + 1];
        for at in memchr2_iter(b',', b'\n', bytes) {
            let ends = bytes[at] == b'\n';
            let end = if ends && line < at && bytes[at - 1] == b'\r' { at - 1 } else { at };
            ranges[usize::from(slot[field.min(WIDTH_MAX)])] = (start, end.max(start));
            field += 1;
            start = at + 1;
            if !ends {
                continue;
            }
            let whole = &bytes[line..end.max(line)];
            if !whole.is_empty() {
                let fault = self.fault(whole, field == slots.len());
                each((
                    row,
                    match fault {
                        Some(fault) => Err(fault),
                        None => Ok(fields(bytes, &ranges[..NONE])),
                    },
                ));
            }
            (row, line, field) = (row + 1, start, 0);
        }
    }

    fn fault(&self, line: &[u8], width: bool) -> Option<RowFault> {
        if self.doubtful && (std::str::from_utf8(line).is_err() || has_controls(line)) {
            Some(RowFault::Text)
        } else if LINE_BYTES_MAX < line.len() {
            Some(RowFault::Long)
        } else if !width {
            Some(RowFault::Width)
        } else {
            None
        }
    }

    /// Lines of which one has a quote. Pairs of quotes are made one in place.
    fn with_quotes(&mut self, slots: &[Option<u8>], mut each: impl FnMut(Row<'_>)) {
        const NONE: usize = Column::ALL.len();
        let (mut row, mut start) = (self.first, 0);
        while start < self.bytes.len() {
            let line_at = start;
            let mut ranges = [(0, 0); NONE + 1];
            let (mut field, mut broken, mut lines) = (0, false, 0);
            loop {
                let one = self.field(start);
                let slot = slots.get(field).copied().flatten().map_or(NONE, usize::from);
                ranges[slot] = one.range;
                (field, start, broken, lines) =
                    (field + 1, one.next, broken | one.broken, lines + one.lines);
                if one.last {
                    break;
                }
            }
            let whole = &self.bytes[line_at..start];
            if !matches!(whole, b"\n" | b"\r\n") {
                let fault = self.fault(whole, field == slots.len());
                let fault = fault.or(broken.then_some(RowFault::Quote));
                each((
                    row,
                    match fault {
                        Some(fault) => Err(fault),
                        None => Ok(fields(&self.bytes, &ranges[..NONE])),
                    },
                ));
            }
            row += lines + 1;
        }
    }

    fn field(&mut self, start: usize) -> OneField {
        let bytes = &mut self.bytes;
        let mut lines = 0;
        let mut end = start;
        let mut from = start;
        if bytes.get(start) == Some(&b'"') {
            let mut at = start + 1;
            from = at;
            end = at;
            while let Some(&byte) = bytes.get(at) {
                if byte == b'"' {
                    if bytes.get(at + 1) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                lines += u32::from(byte == b'\n');
                bytes[end] = byte;
                (at, end) = (at + 1, end + 1);
            }
            // What was moved leaves no second line feed behind.
            let next = memchr::memchr2(b',', b'\n', &bytes[(at + 1).min(bytes.len())..]);
            let next = next.map_or(bytes.len(), |found| at + 1 + found);
            let between = &bytes[(at + 1).min(next)..next];
            let broken = !matches!(between, b"" | b"\r");
            let last = bytes.get(next).is_none_or(|byte| *byte == b'\n');
            return OneField { range: (from, end), next: next + 1, last, broken, lines };
        }
        let next = memchr::memchr2(b',', b'\n', &bytes[start..]);
        let next = next.map_or(bytes.len(), |found| start + found);
        let last = bytes.get(next).is_none_or(|byte| *byte == b'\n');
        end = end.max(next);
        if last && from < end && bytes[end - 1] == b'\r' {
            end -= 1;
        }
        OneField { range: (from, end), next: next + 1, last, broken: false, lines }
    }
}

struct OneField {
    range: (usize, usize),
    next: usize,
    last: bool,
    broken: bool,
    lines: u32,
}

fn fields<'a>(bytes: &'a [u8], ranges: &[(usize, usize)]) -> Fields<'a> {
    let mut fields = Fields::default();
    for (column, &(start, end)) in Column::ALL.into_iter().zip(ranges) {
        fields.set(column, &bytes[start..end]);
    }
    fields
}

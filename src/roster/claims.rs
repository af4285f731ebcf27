//! The claims of a run as the store keeps them: who is paid, under the keyed hash, and for which row.
//!
//! A file holds entries of twenty bytes (hash, row, cell with the top bit set when the claim was
//! beaten), ascending by hash, those of a person together with the paid one in front; then a footer
//! in JSON, its length and a mark. Lines of the payment list are counted in this order, from 1.

use std::{
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Mutex,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    RosterError,
    cell::{Cell, CellId, Cells},
    person::{PARTITIONS, PersonHash},
    pick::Picked,
    pool::{ENTRY_BYTES, Entry},
    rates::Rates,
    reject::Reason,
};
use crate::domain::{area::AreaCode, code::Code, group::Residence, month::Month};

const MARK: &[u8; 8] = b"PLCLAIM1";
const BEATEN: u32 = 1 << 31;
/// Longest footer.
const FOOTER_MAX: u64 = 64 << 20;

/// What a file of claims says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// The index month.
    pub month: Month,
    /// The name of the key.
    pub key: String,
    /// The cells by the numbers of this file, and what a person of each is paid, in fen.
    cells: Vec<(AreaCode, Code, Residence, u64)>,
    /// For each partition how many claims it has, and how many of them are paid.
    partitions: Vec<(u32, u32)>,
}

/// A file of claims being written.
pub struct ClaimsWriter {
    file: BufWriter<File>,
    hasher: Sha256,
    footer: Footer,
    /// For each cell of the program its number in the file.
    numbers: Vec<u32>,
    buffer: Vec<u8>,
}

fn write_error(error: std::io::Error) -> RosterError {
    RosterError::io("write the claims")(error)
}

impl ClaimsWriter {
    /// Begins a file; cells are numbered by those that have a count.
    pub fn new(file: File, month: Month, key: String, cells: &Cells, counts: &[u64]) -> Self {
        let mut footer =
            Footer { month, key, cells: Vec::new(), partitions: Vec::with_capacity(PARTITIONS) };
        let mut numbers = vec![0; counts.len()];
        for (id, _) in (0..).zip(counts).filter(|(_, count)| 0 < **count) {
            if let Some(Cell { area, group, residence }) = cells.get(id) {
                numbers[id as usize] = footer.cells.len() as u32;
                footer.cells.push((area, group, residence, 0));
            }
        }
        let (file, hasher) = (BufWriter::with_capacity(1 << 20, file), Sha256::new());
        Self { file, hasher, footer, numbers, buffer: Vec::new() }
    }

    /// Adds a partition; called for each, in order.
    pub(super) fn add(&mut self, claims: &[(Entry, bool)]) -> Result<(), RosterError> {
        self.buffer.clear();
        let mut paid = 0;
        for (entry, is_paid) in claims {
            let beaten = if *is_paid { 0 } else { BEATEN };
            let cell = self.numbers[entry.cell as usize] | beaten;
            self.buffer.extend_from_slice(&Entry { cell, ..*entry }.to_bytes());
            paid += u32::from(*is_paid);
        }
        self.footer.partitions.push((claims.len() as u32, paid));
        self.hasher.update(&self.buffer);
        self.file.write_all(&self.buffer).map_err(write_error)
    }

    /// Ends the file and puts it on disk; gives its SHA-256.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(mut self, rates: &Rates) -> Result<String, RosterError> {
        for (id, number) in (0..).zip(&self.numbers) {
            if let Some((.., fen)) = self.footer.cells.get_mut(*number as usize)
                && 0 < rates.fen(id)
            {
                *fen = rates.fen(id);
            }
        }
        let footer = serde_json::to_vec(&self.footer);
        let mut footer = footer.map_err(|error| write_error(error.into()))?;
        let length = (footer.len() as u64).to_be_bytes();
        footer.extend_from_slice(&length);
        footer.extend_from_slice(MARK);
        self.hasher.update(&footer);
        self.file.write_all(&footer).map_err(write_error)?;
        let file = self.file.into_inner().map_err(|error| write_error(error.into_error()))?;
        file.sync_all().map_err(write_error)?;
        Ok(hex::encode(self.hasher.finalize()))
    }
}

/// The claims of a recorded run.
pub struct Earlier {
    file: Mutex<File>,
    footer: Footer,
    /// Lines whose payment failed, from line 1 on; shorter when the rest did not.
    failed: Vec<bool>,
}

fn damaged(why: &str) -> RosterError {
    RosterError::Format { format: "claims", why: why.to_owned() }
}

impl Earlier {
    /// Opens a file of claims.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn open(path: &Path) -> Result<Self, RosterError> {
        let read = || RosterError::io("read the claims");
        let mut file = File::open(path).map_err(read())?;
        let size = file.metadata().map_err(read())?.len();
        let tail = size.checked_sub(16).ok_or_else(|| damaged("it has no end"))?;
        file.seek(SeekFrom::Start(tail)).map_err(read())?;
        let mut end = [0; 16];
        file.read_exact(&mut end).map_err(read())?;
        let (length, mark) = end.split_at(8);
        if mark != MARK {
            return Err(damaged("it has no end"));
        }
        let length = length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let start = tail.checked_sub(length).filter(|_| length <= FOOTER_MAX);
        let start = start.ok_or_else(|| damaged("its footer is longer than it"))?;
        file.seek(SeekFrom::Start(start)).map_err(read())?;
        let mut footer = vec![0; length as usize];
        file.read_exact(&mut footer).map_err(read())?;
        let footer: Footer =
            serde_json::from_slice(&footer).map_err(|_| damaged("its footer does not read"))?;
        let claims: u64 = footer.partitions.iter().map(|(claims, _)| u64::from(*claims)).sum();
        if footer.partitions.len() != PARTITIONS || claims * ENTRY_BYTES as u64 != start {
            return Err(damaged("its length does not agree with its footer"));
        }
        Ok(Self { file: Mutex::new(file), footer, failed: Vec::new() })
    }

    /// The same without the lines whose payment failed: their persons may be paid by another run.
    pub fn without(self, failed: Vec<bool>) -> Self {
        Self { failed, ..self }
    }

    /// What it says about itself.
    pub fn footer(&self) -> &Footer {
        &self.footer
    }

    /// The persons paid in a partition, ascending, with their lines.
    pub(super) fn partition(&self, at: usize) -> Result<Vec<(PersonHash, u32)>, RosterError> {
        let before = self.footer.partitions.iter().take(at);
        let mut line = before.map(|(_, paid)| paid).sum::<u32>();
        let mut paid = Vec::new();
        self.claims(at, |entry| {
            if entry.cell & BEATEN == 0 {
                line += 1;
                if !self.failed.get(line as usize - 1).is_some_and(|failed| *failed) {
                    paid.push((entry.person, line));
                }
            }
            Ok(())
        })?;
        Ok(paid)
    }

    fn claims(
        &self,
        at: usize,
        mut each: impl FnMut(Entry) -> Result<(), RosterError>,
    ) -> Result<(), RosterError> {
        let read = || RosterError::io("read the claims");
        let partitions = &self.footer.partitions;
        let before: u64 = partitions.iter().take(at).map(|(claims, _)| u64::from(*claims)).sum();
        let mut bytes = vec![0; partitions[at].0 as usize * ENTRY_BYTES];
        let mut file = self.file.lock().map_err(|_| damaged("another reader failed"))?;
        file.seek(SeekFrom::Start(before * ENTRY_BYTES as u64)).map_err(read())?;
        file.read_exact(&mut bytes).map_err(read())?;
        drop(file);
        bytes.as_chunks().0.iter().map(Entry::from_bytes).try_for_each(&mut each)
    }

    /// The program's numbers of the file's cells.
    fn cells(&self, cells: &Cells) -> Result<Vec<CellId>, RosterError> {
        let known = self.footer.cells.iter().map(|(area, group, residence, _)| {
            let (area, group, residence) = (*area, group.clone(), *residence);
            cells.find(&Cell { area, group, residence })
        });
        let known: Option<_> = known.collect();
        known.ok_or_else(|| damaged("an area or group of it is in no list any more"))
    }

    /// What a person of each cell was paid.
    ///
    /// # Errors
    /// The file names a cell that is not among the program's.
    pub fn rates(&self, cells: &Cells) -> Result<Rates, RosterError> {
        let mut fen = vec![0; cells.len()];
        for (id, (.., paid)) in self.cells(cells)?.into_iter().zip(&self.footer.cells) {
            fen[id as usize] = *paid;
        }
        let rate = |id| match fen[id as usize] {
            0 => Err(Reason::NoSum),
            fen => Ok(fen),
        };
        Ok(Rates::new(cells, rate))
    }

    /// What was picked, as far as the file tells: lines by row, and what they beat.
    ///
    /// # Errors
    /// The file cannot be read, or names a cell that is not among the program's.
    pub fn picked(&self, cells: &Cells) -> Result<Picked, RosterError> {
        let known = self.cells(cells)?;
        let mut picked = Picked { persons: vec![0; cells.len()], ..Picked::default() };
        let mut paid_row = 0;
        for at in 0..PARTITIONS {
            self.claims(at, |entry| {
                let number = (entry.cell & !BEATEN) as usize;
                let cell =
                    *known.get(number).ok_or_else(|| damaged("a cell is not in its list"))?;
                if entry.cell & BEATEN != 0 {
                    picked.beats.push((paid_row, cell));
                    return Ok(());
                }
                paid_row = entry.row;
                picked.count += 1;
                picked.persons[cell as usize] += 1;
                let row = entry.row as usize;
                if picked.lines.len() <= row {
                    picked.lines.resize(row + 1, 0);
                }
                picked.lines[row] = picked.count;
                Ok(())
            })?;
        }
        picked.beats.sort_unstable();
        Ok(picked)
    }
}

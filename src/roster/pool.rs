//! What is kept of the rows between the two readings: twenty bytes each, spread over partitions,
//! past a budget of memory in a file without a name.
//!
//! **Invariant:** nothing of a person but the keyed hash is in it, in memory or on disk.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    mem,
    sync::{Mutex, PoisonError},
};

use super::{
    RosterError,
    cell::CellId,
    person::{PARTITIONS, PersonHash},
};

/// A row that may be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose.
    pub person: PersonHash,
    /// Which.
    pub row: u32,
    /// For what.
    pub cell: CellId,
}

/// Bytes of an entry.
pub const ENTRY_BYTES: usize = 20;
/// Entries of a partition gathered before they are handed over.
const BLOCK: usize = 1024;

impl Entry {
    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..12].copy_from_slice(&self.person.to_bytes());
        bytes[12..16].copy_from_slice(&self.row.to_be_bytes());
        bytes[16..].copy_from_slice(&self.cell.to_be_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let person = PersonHash([word(0), word(4), word(8)]);
        Self { person, row: word(12), cell: word(16) }
    }
}

#[derive(Default)]
struct Partition {
    blocks: Vec<Box<[Entry]>>,
    /// Where blocks are in the file: offset and number of entries.
    spilled: Vec<(u64, usize)>,
}

#[derive(Default)]
struct Inner {
    held: usize,
    file: Option<File>,
    written: u64,
}

/// The entries of all workers.
pub struct Pool {
    partitions: Vec<Mutex<Partition>>,
    inner: Mutex<Inner>,
    /// Most bytes held in memory.
    budget: usize,
}

impl Pool {
    /// An empty pool that holds at most so many bytes in memory.
    pub fn new(budget: usize) -> Self {
        let partitions = (0..PARTITIONS).map(|_| Mutex::default()).collect();
        Self { partitions, inner: Mutex::default(), budget }
    }

    fn add(&self, partition: usize, block: &mut Vec<Entry>) -> Result<(), RosterError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = block.len() * mem::size_of::<Entry>();
        if inner.held + bytes <= self.budget {
            inner.held += bytes;
            drop(inner);
            let kept = block.as_slice().into();
            block.clear();
            self.partition(partition, |one| one.blocks.push(kept));
            return Ok(());
        }
        let spill = RosterError::io("write what does not fit into memory");
        let at = inner.spill(block).map_err(spill)?;
        drop(inner);
        self.partition(partition, |one| one.spilled.push((at, block.len())));
        block.clear();
        Ok(())
    }

    fn partition<T>(&self, at: usize, work: impl FnOnce(&mut Partition) -> T) -> T {
        work(&mut self.partitions[at].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The entries of a partition, which the pool then has no more.
    ///
    /// # Errors
    /// What was spilled cannot be read.
    pub fn take(&self, at: usize) -> Result<Vec<Entry>, RosterError> {
        let Partition { blocks, spilled } = self.partition(at, mem::take);
        let spilled_entries: usize = spilled.iter().map(|(_, entries)| entries).sum();
        let held: usize = blocks.iter().map(|block| block.len()).sum();
        let mut entries = Vec::with_capacity(held + spilled_entries);
        for block in blocks {
            entries.extend_from_slice(&block);
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.held = inner.held.saturating_sub(held * mem::size_of::<Entry>());
        for (offset, count) in spilled {
            let read = inner.read(offset, count, &mut entries);
            read.map_err(RosterError::io("read back what did not fit into memory"))?;
        }
        Ok(entries)
    }

    /// Bytes written to disk so far.
    pub fn spilled(&self) -> u64 {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).written
    }
}

impl Inner {
    fn spill(&mut self, block: &[Entry]) -> std::io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let bytes: Vec<u8> = block.iter().flat_map(|entry| entry.to_bytes()).collect();
        let at = self.written;
        file.write_all(&bytes)?;
        self.written += bytes.len() as u64;
        Ok(at)
    }

    fn read(&mut self, at: u64, count: usize, entries: &mut Vec<Entry>) -> std::io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; count * ENTRY_BYTES];
        file.read_exact(&mut bytes)?;
        entries.extend(bytes.as_chunks().0.iter().map(Entry::from_bytes));
        Ok(())
    }
}

/// One worker's entries on their way into the pool.
pub struct Spread<'a> {
    pool: &'a Pool,
    open: Vec<Vec<Entry>>,
}

impl<'a> Spread<'a> {
    /// Nothing yet.
    pub fn new(pool: &'a Pool) -> Self {
        Self { pool, open: (0..PARTITIONS).map(|_| Vec::with_capacity(BLOCK)).collect() }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// The disk refuses what does not fit into memory.
    pub fn push(&mut self, entry: Entry) -> Result<(), RosterError> {
        let partition = entry.person.partition();
        let block = &mut self.open[partition];
        block.push(entry);
        if block.len() < BLOCK { Ok(()) } else { self.pool.add(partition, block) }
    }

    /// Hands over what is left.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<(), RosterError> {
        for (partition, block) in self.open.iter_mut().enumerate() {
            if !block.is_empty() {
                self.pool.add(partition, block)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u32) -> Entry {
        let person = PersonHash([at.wrapping_mul(0x9e37_79b9), at, !at]);
        Entry { person, row: at, cell: at % 7 }
    }

    #[test]
    fn what_goes_in_comes_out_by_partition_with_and_without_the_disk() {
        const ROWS: u32 = 300_000;
        let mut all = Vec::new();
        for budget in [usize::MAX, 1 << 20, 0] {
            let pool = Pool::new(budget);
            let mut spread = Spread::new(&pool);
            (0..ROWS).for_each(|at| spread.push(entry(at)).unwrap());
            spread.finish().unwrap();
            let expected = match budget {
                usize::MAX => 0,
                0 => u64::from(ROWS) * ENTRY_BYTES as u64,
                _ => pool.spilled(),
            };
            assert_eq!(pool.spilled(), expected);
            assert_eq!(pool.spilled() == 0, budget == usize::MAX);
            let mut rows = Vec::new();
            for partition in 0..PARTITIONS {
                for one in pool.take(partition).unwrap() {
                    assert_eq!((one.person.partition(), one), (partition, entry(one.row)));
                    rows.push(one.row);
                }
                assert_eq!(pool.take(partition), Ok(Vec::new()));
            }
            rows.sort_unstable();
            all.push(rows);
        }
        assert_eq!(all[0], (0..ROWS).collect::<Vec<_>>());
        assert!(all.iter().all(|rows| *rows == all[0]));
    }
}

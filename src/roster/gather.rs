//! The first reading: each row becomes an entry of a cell, or a reject.

use std::sync::Mutex;

use chrono::NaiveDate;

use crate::domain::{
    calendar::read_day,
    identity::{Identity, IdentityKind},
    month::Month,
};

use super::{
    RosterError,
    cell::Cells,
    columns::{Column, Fields, Layout},
    person::PersonKey,
    pool::{Entry, Pool, Spread},
    reject::{Reason, Reject},
    source::Source,
    work::{Shared, Watch},
};

/// How rows are read.
pub struct Reading<'a> {
    /// The numbers of cells.
    pub cells: &'a Cells,
    /// The key persons are hashed under.
    pub key: &'a PersonKey,
    /// The index month.
    pub month: Month,
    /// How many rows are taken apart at once.
    pub workers: usize,
    /// Most bytes of entries held in memory.
    pub memory: usize,
}

/// What the first reading found.
pub struct Gathered {
    /// The rows that may be paid.
    pub pool: Pool,
    /// How many there are of each cell.
    pub counts: Vec<u64>,
    /// Rows that cannot be, in no order.
    pub rejects: Vec<Reject>,
    /// How many rows there are in all.
    pub rows: u64,
    /// The largest number of a row.
    pub last_row: u32,
    /// The SHA-256 of the roster's bytes, if it was asked for.
    pub digest: Option<String>,
}

/// Reads a roster for the first time. O(bytes), in memory of twenty bytes a row.
///
/// # Errors
/// What cannot be read, or it was cancelled.
pub fn gather(
    source: Source,
    reading: &Reading<'_>,
    watch: &Watch<'_>,
) -> Result<Gathered, RosterError> {
    let layout = source.layout().clone();
    let pool = Pool::new(reading.memory);
    let shared = Shared::new(source, watch);
    let totals = Mutex::new((vec![0_u64; reading.cells.len()], Vec::new(), 0));
    let work = || {
        let mut worker = Worker::new(reading, &layout);
        let mut spread = Spread::new(&pool);
        let (mut used, mut failed) = (None, None);
        while let Some((_, mut batch)) = shared.next(used)? {
            batch.rows(&layout, |(row, fields)| {
                worker.rows += 1;
                match fields.map_err(Reason::from).and_then(|fields| worker.entry(row, &fields)) {
                    Ok(entry) => {
                        worker.counts[entry.cell as usize] += 1;
                        failed = spread.push(entry).err().or(failed.take());
                    }
                    Err(reason) => worker.rejects.push(Reject { row, reason }),
                }
            })?;
            if let Some(failed) = failed {
                return Err(failed);
            }
            used = Some(batch);
        }
        spread.finish()?;
        if let Ok(mut totals) = totals.lock() {
            totals.0.iter_mut().zip(&worker.counts).for_each(|(sum, count)| *sum += count);
            totals.1.append(&mut worker.rejects);
            totals.2 += worker.rows;
        }
        Ok(())
    };
    shared.run(reading.workers, work)?;
    let source = shared.into_source();
    let (counts, rejects, rows) =
        totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (last_row, digest) = (source.last_row(), source.digest());
    Ok(Gathered { pool, counts, rejects, rows, last_row, digest })
}

/// How an identity document is read from a row.
pub(super) fn identity(layout: &Layout, fields: &Fields<'_>) -> Result<Identity, Reason> {
    let kind = match layout.has(Column::Kind) {
        false => IdentityKind::Resident,
        true => {
            let kind = std::str::from_utf8(fields.get(Column::Kind)).ok();
            kind.and_then(IdentityKind::named).ok_or(Reason::Kind)?
        }
    };
    Ok(Identity::read(kind, fields.get(Column::Person))?)
}

struct Worker<'a> {
    reading: &'a Reading<'a>,
    layout: &'a Layout,
    first_day: NaiveDate,
    last_day: NaiveDate,
    dated: bool,
    counts: Vec<u64>,
    rejects: Vec<Reject>,
    rows: u64,
}

impl<'a> Worker<'a> {
    fn new(reading: &'a Reading<'a>, layout: &'a Layout) -> Self {
        let dated = [Column::Status, Column::From, Column::Until];
        Self {
            reading,
            layout,
            first_day: reading.month.first_day(),
            last_day: reading.month.last_day(),
            dated: dated.into_iter().any(|column| layout.has(column)),
            counts: vec![0; reading.cells.len()],
            rejects: Vec::new(),
            rows: 0,
        }
    }

    fn entry(&self, row: u32, fields: &Fields<'_>) -> Result<Entry, Reason> {
        let cells = self.reading.cells;
        let identity = identity(self.layout, fields)?;
        let area = cells.area(fields.get(Column::Area)).ok_or(Reason::Area)?;
        let group = cells.group(fields.get(Column::Group)).ok_or(Reason::Group)?;
        let residence = Cells::residence(fields.get(Column::Residence)).ok_or(Reason::Residence)?;
        if self.dated {
            self.entitled(fields)?;
        }
        let person = self.reading.key.hash(&identity);
        Ok(Entry { person, row, cell: cells.id(area, group, residence) })
    }

    /// Whether the person is on the group's list on a day of the index month.
    fn entitled(&self, fields: &Fields<'_>) -> Result<(), Reason> {
        if !is_active(fields.get(Column::Status)).ok_or(Reason::Status)? {
            return Err(Reason::Ended);
        }
        let (from, until) = (fields.get(Column::From), fields.get(Column::Until));
        let begins = match from {
            b"" => None,
            text => Some(read_day(text).ok_or(Reason::From)?),
        };
        let ends = match until {
            b"" => None,
            text => Some(read_day(text).ok_or(Reason::Until)?),
        };
        let late = begins.is_some_and(|day| self.last_day < day);
        let early = ends.is_some_and(|day| day < self.first_day);
        if late || early { Err(Reason::OutsideMonth) } else { Ok(()) }
    }
}

/// Whether a status says that the person is on the list; none when it is unknown.
fn is_active(text: &[u8]) -> Option<bool> {
    const ACTIVE: [&str; 5] = ["", "active", "正常", "在保", "在册"];
    const ENDED: [&str; 7] = ["ended", "cancelled", "dead", "suspended", "停发", "注销", "死亡"];
    let text = std::str::from_utf8(text).ok()?;
    if ACTIVE.contains(&text) {
        return Some(true);
    }
    ENDED.contains(&text).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_active_ended_or_unknown() {
        for (text, expected) in
            [("", Some(true)), ("正常", Some(true)), ("死亡", Some(false)), ("?", None)]
        {
            assert_eq!(is_active(text.as_bytes()), expected, "{text}");
        }
    }
}

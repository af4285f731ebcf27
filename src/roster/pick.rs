//! Which row of a person is paid: one, at the highest amount.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{
    RosterError,
    cell::{CellId, Cells},
    claims::{ClaimsWriter, Earlier},
    gather::Gathered,
    person::{PARTITIONS, PersonHash},
    pool::{Entry, Pool},
    rates::Rates,
    reject::{Reason, Reject},
    work::{InOrder, Watch, together},
};

/// A row whose person another run pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaidBefore {
    /// The row.
    pub row: u32,
    /// Which of the earlier runs, by its place among them.
    pub run: usize,
    /// Its line there.
    pub line: u32,
}

/// What is paid.
#[derive(Debug, Default)]
pub struct Picked {
    /// For each row its line in the payment list, counted from 1; 0 when it is not paid.
    pub lines: Vec<u32>,
    /// How many lines there are.
    pub count: u32,
    /// How many of each cell.
    pub persons: Vec<u64>,
    /// Claims that were beaten: the row that is paid, and the cell that is not; by row.
    pub beats: Vec<(u32, CellId)>,
    /// Rows that are not paid at all, by row.
    pub rejects: Vec<Reject>,
    /// Where rows were paid before, by row.
    pub paid_before: Vec<PaidBefore>,
    /// Rows that are paid although the person is on a list of those paid elsewhere, by row.
    pub conflicts: Vec<u32>,
    /// What is paid in all, in fen.
    pub fen: u64,
}

/// Persons a roster is matched against.
#[derive(Debug, Default)]
pub struct Watchlists {
    /// Who left the group before the index month.
    pub ended: HashSet<PersonHash>,
    /// Who is paid elsewhere, and the groups (their places) with which that conflicts; empty: all.
    pub elsewhere: HashMap<PersonHash, Vec<u32>>,
}

/// What the rows of a partition are settled by.
pub struct Picking<'a> {
    /// The numbers of cells.
    pub cells: &'a Cells,
    /// What each cell is paid.
    pub rates: &'a Rates,
    /// The runs that pay persons for the month already.
    pub earlier: &'a [Earlier],
    /// Persons to be matched.
    pub lists: &'a Watchlists,
}

/// Picks for each person the row that counts first. Gives the claims to `claims`.
/// O(entries log entries of a partition).
///
/// # Errors
/// What cannot be read or written, a sum out of range, or it was cancelled.
pub fn pick(
    gathered: Gathered,
    picking: &Picking<'_>,
    claims: Option<&mut ClaimsWriter>,
    workers: usize,
    watch: &Watch<'_>,
) -> Result<Picked, RosterError> {
    let Gathered { pool, counts, rejects, last_row, .. } = gathered;
    let picked = Picked {
        lines: vec![0; last_row as usize + 1],
        persons: vec![0; counts.len()],
        rejects,
        ..Picked::default()
    };
    let written = InOrder::new((picked, claims));
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), RosterError> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if PARTITIONS <= at {
                return Ok(());
            }
            let one = watch.check().and_then(|()| partition(&pool, at, picking));
            let one = one.inspect_err(|_| written.give_up())?;
            written.at(at as u64, |(picked, claims)| picked.add(one, picking.rates, claims))?;
        }
    };
    together(workers, work)?;
    let (mut picked, _) = written.into_inner();
    picked.beats.sort_unstable();
    picked.rejects.sort_unstable();
    picked.paid_before.sort_unstable();
    picked.conflicts.sort_unstable();
    Ok(picked)
}

/// The claims of a partition by person, the one that is paid in front.
struct Part {
    /// With the flag whether it is paid.
    claims: Vec<(Entry, bool)>,
    beats: Vec<(u32, CellId)>,
    rejects: Vec<Reject>,
    paid_before: Vec<PaidBefore>,
    conflicts: Vec<u32>,
}

fn partition(pool: &Pool, at: usize, picking: &Picking<'_>) -> Result<Part, RosterError> {
    let Picking { cells, rates, earlier, lists } = picking;
    let mut entries = pool.take(at)?;
    for entry in &mut entries {
        entry.cell = rates.rank(entry.cell);
    }
    entries.sort_unstable_by_key(|entry| (entry.person, entry.cell, entry.row));
    let mut part = Part {
        claims: Vec::with_capacity(entries.len()),
        beats: Vec::new(),
        rejects: Vec::new(),
        paid_before: Vec::new(),
        conflicts: Vec::new(),
    };
    let mut paid = Vec::with_capacity(earlier.len());
    for run in *earlier {
        paid.push(run.partition(at)?.into_iter().peekable());
    }
    for claims in entries.chunk_by(|a, b| a.person == b.person) {
        let person = claims[0].person;
        let before = paid.iter_mut().enumerate().find_map(|(run, lines)| {
            while lines.next_if(|(other, _)| *other < person).is_some() {}
            let (_, line) = *lines.peek().filter(|(other, _)| *other == person)?;
            Some((run, line))
        });
        let ended = lists.ended.contains(&person);
        let mut paid_row = None;
        for claim in claims {
            let row = claim.row;
            match (rates.ranked(claim.cell), before) {
                (Err(reason), _) => part.rejects.push(Reject { row, reason }),
                (Ok(_), _) if ended => part.rejects.push(Reject { row, reason: Reason::Ended }),
                (Ok(_), Some((run, line))) => {
                    part.rejects.push(Reject { row, reason: Reason::PaidBefore });
                    part.paid_before.push(PaidBefore { row, run, line });
                }
                (Ok(cell), None) => {
                    part.claims.push((Entry { cell, ..*claim }, paid_row.is_none()));
                    match paid_row {
                        None => {
                            paid_row = Some(row);
                            let elsewhere = lists.elsewhere.get(&person);
                            let meets = |groups: &Vec<u32>| {
                                groups.is_empty() || groups.contains(&cells.group_of(cell))
                            };
                            if elsewhere.is_some_and(meets) {
                                part.conflicts.push(row);
                            }
                        }
                        Some(paid) => part.beats.push((paid, cell)),
                    }
                }
            }
        }
    }
    Ok(part)
}

impl Picked {
    fn add(
        &mut self,
        part: Part,
        rates: &Rates,
        writer: &mut Option<&mut ClaimsWriter>,
    ) -> Result<(), RosterError> {
        for (entry, is_paid) in &part.claims {
            if *is_paid {
                self.count = self.count.checked_add(1).ok_or(RosterError::Range)?;
                self.lines[entry.row as usize] = self.count;
                self.persons[entry.cell as usize] += 1;
                let fen = rates.fen(entry.cell);
                self.fen = self.fen.checked_add(fen).ok_or(RosterError::Range)?;
            }
        }
        if let Some(writer) = writer {
            writer.add(&part.claims)?;
        }
        self.beats.extend(part.beats);
        self.rejects.extend(part.rejects);
        self.paid_before.extend(part.paid_before);
        self.conflicts.extend(part.conflicts);
        Ok(())
    }
}

//! The second reading: the rows that are paid become the payment list; and the list of rejects.

use std::fs::File;

use crate::domain::month::Month;

use super::{
    RosterError,
    cell::{Cell, CellId, Cells},
    columns::{Column, Fields, Layout},
    gather::identity,
    pick::Picked,
    rates::Rates,
    reject::{Reason, Reject},
    sink::{Heading, Kind, Sink, Value},
    source::{Format, Source},
    work::{InOrder, Shared, Watch},
};

const fn heading(name: &'static str, zh: &'static str, kind: Kind, width: u32) -> Heading {
    Heading { name, zh, kind, width }
}

/// The columns of a payment list.
pub const LIST: [Heading; 10] = [
    heading("reference", "发放编号", Kind::Text, 16),
    heading("index_month", "指数月份", Kind::Text, 10),
    heading("person_id", "证件号码", Kind::Text, 22),
    heading("name", "姓名", Kind::Text, 12),
    heading("area_code", "地区代码", Kind::Text, 10),
    heading("group", "保障对象", Kind::Text, 24),
    heading("residence", "城乡", Kind::Text, 8),
    heading("yuan", "金额(元)", Kind::Yuan, 12),
    heading("account", "发放账号", Kind::Text, 24),
    heading("beats", "就高后不再发放的身份", Kind::Text, 40),
];

/// The columns of a list of rejects.
pub const REJECTS: [Heading; 5] = [
    heading("row", "行号", Kind::Number, 10),
    heading("reason", "原因代码", Kind::Text, 18),
    heading("column", "列", Kind::Text, 14),
    heading("explanation", "原因", Kind::Text, 44),
    heading("paid_by", "已发放编号", Kind::Text, 20),
];

/// How a payment list is written.
pub struct Listing<'a> {
    /// The numbers of cells.
    pub cells: &'a Cells,
    /// What each cell is paid.
    pub rates: &'a Rates,
    /// What is paid.
    pub picked: &'a Picked,
    /// The index month.
    pub month: Month,
    /// The run whose list it is; none for a trial, whose lines then have no reference.
    pub run: Option<&'a str>,
    /// How many parts are written at once.
    pub workers: usize,
}

/// What a written list is checked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many lines it has below the header.
    pub lines: u64,
    /// Their sum, in fen.
    pub fen: u64,
    /// The SHA-256 of the file, in lower-case hex.
    pub sha256: String,
}

/// The reference of a line in a run's payment list, such as `R25-1042`.
pub fn reference(run: &str, line: u32) -> String {
    format!("{run}-{line}")
}

/// Checks that a list has every line that was picked.
///
/// # Errors
/// The roster was another one than that of the first reading.
pub fn complete(totals: &Totals, picked: &Picked) -> Result<(), RosterError> {
    if totals.lines == u64::from(picked.count) {
        return Ok(());
    }
    let expected = format!("the roster of the first reading, with {} rows to pay", picked.count);
    Err(RosterError::Line { line: 1, expected })
}

/// Writes the payment list, in the order of the roster. O(bytes), in bounded memory.
///
/// # Errors
/// What cannot be read or written, or it was cancelled; the file is then not to be used.
pub fn write_list(
    source: Source,
    file: File,
    format: Format,
    listing: &Listing<'_>,
    watch: &Watch<'_>,
) -> Result<(Totals, Option<String>), RosterError> {
    let layout = source.layout().clone();
    let sink = Sink::new(file, format, "发放清单", &LIST)?;
    let shown = Shown::new(listing);
    let fresh = || sink.part();
    let parts: Vec<_> = (0..listing.workers.max(1)).map(|_| fresh()).collect();
    let parts = std::sync::Mutex::new(parts);
    let written = InOrder::new((sink, 0_u64, 0_u64));
    let shared = Shared::new(source, watch);
    let work = || {
        let part = parts.lock().ok().and_then(|mut parts| parts.pop());
        let Some(mut part) = part else { return Ok(()) };
        let (mut used, mut worker) =
            (None, Worker { listing, shown: &shown, layout: &layout, beats: Vec::new() });
        while let Some((number, mut batch)) = shared.next(used)? {
            let (mut lines, mut fen) = (0, 0_u64);
            let read = batch.rows(&layout, |(row, fields)| {
                let line = listing.picked.lines.get(row as usize).copied().unwrap_or_default();
                if let (1.., Ok(fields)) = (line, fields)
                    && let Some(paid) = worker.line(row, line, &fields, &mut part)
                {
                    lines += 1;
                    fen = fen.saturating_add(paid);
                }
            });
            read?;
            written.at(number, |(sink, all, sum)| {
                *all += lines;
                *sum = sum.checked_add(fen).ok_or(RosterError::Range)?;
                sink.write(&mut part)
            })?;
            used = Some(batch);
        }
        Ok(())
    };
    shared.run(listing.workers, || work().inspect_err(|_| written.give_up()))?;
    let digest = shared.into_source().digest();
    let (sink, lines, fen) = written.into_inner();
    let totals = Totals { lines, fen, sha256: sink.finish()? };
    Ok((totals, digest))
}

/// Cells as they are written, made once each.
struct Shown {
    cells: Vec<Option<[String; 3]>>,
    claims: Vec<Option<String>>,
    month: String,
}

impl Shown {
    fn new(listing: &Listing<'_>) -> Self {
        let Listing { cells, rates, picked, month, .. } = listing;
        let text = |cell: Cell| {
            [cell.area.to_string(), cell.group.to_string(), cell.residence.to_string()]
        };
        let mut shown = vec![None; cells.len()];
        let mut claims = vec![None; cells.len()];
        for (id, _) in (0..).zip(&picked.persons).filter(|(_, persons)| 0 < **persons) {
            shown[id as usize] = cells.get(id).map(text);
        }
        for (_, id) in &picked.beats {
            let fen = rates.fen(*id);
            let claim = |cell: Cell| {
                let [area, group, residence] = text(cell);
                format!("{area}/{group}/{residence}/{}.{:02}", fen / 100, fen % 100)
            };
            let place = &mut claims[*id as usize];
            *place = place.take().or_else(|| cells.get(*id).map(claim));
        }
        Self { cells: shown, claims, month: month.to_string() }
    }
}

struct Worker<'a> {
    listing: &'a Listing<'a>,
    shown: &'a Shown,
    layout: &'a Layout,
    beats: Vec<u8>,
}

impl Worker<'_> {
    /// Adds a line; gives what it pays.
    fn line(
        &mut self,
        row: u32,
        line: u32,
        fields: &Fields<'_>,
        part: &mut super::sink::Part,
    ) -> Option<u64> {
        let Listing { cells, rates, run, .. } = self.listing;
        let identity = identity(self.layout, fields).ok()?;
        let cell = cells.id(
            cells.area(fields.get(Column::Area))?,
            cells.group(fields.get(Column::Group))?,
            Cells::residence(fields.get(Column::Residence))?,
        );
        let [area, group, residence] = self.shown.cells.get(cell as usize)?.as_ref()?;
        let fen = rates.fen(cell);
        self.beaten(row);
        let reference = run.map_or_else(String::new, |run| reference(run, line));
        let row = [
            Value::Text(reference.as_bytes()),
            Value::Text(self.shown.month.as_bytes()),
            Value::Text(identity.as_bytes()),
            Value::Text(fields.get(Column::Name)),
            Value::Text(area.as_bytes()),
            Value::Text(group.as_bytes()),
            Value::Text(residence.as_bytes()),
            Value::Number(fen),
            Value::Text(fields.get(Column::Account)),
            Value::Text(&self.beats),
        ];
        part.push(&row, &LIST);
        Some(fen)
    }

    /// The claims that the row beat, joined.
    fn beaten(&mut self, row: u32) {
        self.beats.clear();
        let beats = &self.listing.picked.beats;
        let first = beats.partition_point(|(paid, _)| *paid < row);
        let own = beats[first..].iter().take_while(|(paid, _)| *paid == row);
        for (_, cell) in own {
            if !self.beats.is_empty() {
                self.beats.push(b';');
            }
            if let Some(claim) = &self.shown.claims[*cell as usize] {
                self.beats.extend_from_slice(claim.as_bytes());
            }
        }
    }
}

/// A row that is not paid, as it is told.
pub struct Rejected {
    /// The row.
    pub row: u32,
    /// Why.
    pub reason: Reason,
    /// The line of another run that pays the person; empty otherwise.
    pub paid_by: String,
}

/// The rows that are not paid, and those to be looked at, by row. `runs` names the earlier runs.
pub fn rejected(picked: &Picked, runs: &[String]) -> impl Iterator<Item = Rejected> {
    let mut before = picked.paid_before.iter().peekable();
    let conflict = |row: &u32| Reject { row: *row, reason: Reason::Conflict };
    let mut all: Vec<_> = picked.rejects.clone();
    all.extend(picked.conflicts.iter().map(conflict));
    all.sort_unstable();
    all.into_iter().map(move |reject| {
        while before.next_if(|paid| paid.row < reject.row).is_some() {}
        let own = before.peek().filter(|paid| paid.row == reject.row);
        let run = |at: usize| runs.get(at).map_or("", String::as_str);
        let paid_by = own.map_or_else(String::new, |paid| reference(run(paid.run), paid.line));
        Rejected { row: reject.row, reason: reject.reason, paid_by }
    })
}

/// Writes the rows that are not paid, by row. `runs` names the earlier runs.
///
/// # Errors
/// The disk refuses.
pub fn write_rejects(
    picked: &Picked,
    runs: &[String],
    file: File,
    format: Format,
    watch: &Watch<'_>,
) -> Result<Totals, RosterError> {
    let mut sink = Sink::new(file, format, "未发放名单", &REJECTS)?;
    let mut part = sink.part();
    for Rejected { row, reason, paid_by } in rejected(picked, runs) {
        let row = [
            Value::Number(u64::from(row)),
            Value::Text(reason.as_str().as_bytes()),
            Value::Text(reason.column().map_or("", Column::as_str).as_bytes()),
            Value::Text(reason.zh().as_bytes()),
            Value::Text(paid_by.as_bytes()),
        ];
        part.push(&row, &REJECTS);
        if part.is_full() {
            watch.check()?;
            sink.write(&mut part)?;
        }
    }
    sink.write(&mut part)?;
    let lines = (picked.rejects.len() + picked.conflicts.len()) as u64;
    Ok(Totals { lines, fen: 0, sha256: sink.finish()? })
}

/// How many claims of a cell there are.
pub fn used(counts: &[u64]) -> impl Iterator<Item = (CellId, u64)> {
    (0..).zip(counts.iter().copied()).filter(|(_, count)| 0 < *count)
}

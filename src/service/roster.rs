//! Roster runs: from a list of persons to a run that says how many of each cell are paid, and to
//! the payment list.
//!
//! **Invariant:** nothing of a person but the keyed hash stays with the service.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, SeekFrom},
};

use crate::{
    domain::{
        figure::View,
        month::Month,
        run::{Headcount, RosterPin, Run},
    },
    engine::{budget::budget_of_each, draft::Budget, question::Terms},
    roster::{
        RosterError,
        cell::{Cell, CellId, Cells},
        columns::Mapping,
        gather::{Gathered, Reading, gather},
        list::{Listing, Totals, used, write_list, write_rejects},
        person::PersonKey,
        pick::{Picked, pick},
        rates::{Rate, Rates},
        reject::Reason,
        source::{Format, Source},
        work::Watch,
    },
    store::ledger::Ledger,
};

use super::{
    Service,
    reference::Reference,
    run::{RunRefused, RunSpec, assemble, worked_out},
};

/// A roster as it is given.
pub struct Roster {
    /// Its bytes.
    pub file: File,
    /// How they are written.
    pub format: Format,
    /// Headers of its own.
    pub mapping: Mapping,
}

impl Roster {
    fn open(&self, digest: bool) -> Result<Source, RosterError> {
        let again = || -> std::io::Result<File> {
            let mut file = self.file.try_clone()?;
            file.seek(SeekFrom::Start(0))?;
            Ok(file)
        };
        let file = again().map_err(RosterError::io("read the roster"))?;
        Source::open(file, self.format, &self.mapping, digest)
    }
}

/// What a roster run is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterSpec {
    /// The index month.
    pub month: Month,
    /// Refuse assumptions.
    pub strict: bool,
    /// Pay months without a trigger where a document records that it was so decided.
    pub discretion: bool,
    /// What the maker says about it.
    pub note: String,
}

/// What rosters may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// How many parts are worked on at once.
    pub workers: usize,
    /// Most bytes of rows held in memory; what does not fit goes to a file without a name.
    pub memory: usize,
}

/// Why a roster run was not made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RosterRefused {
    /// The roster cannot be worked through.
    #[error("the roster: {0}")]
    Roster(#[from] RosterError),
    /// There is no run to be made of it.
    #[error(transparent)]
    Run(#[from] RunRefused),
}

/// A roster worked out.
pub struct Worked {
    /// The run as it would be made.
    pub run: Run,
    /// Which rows are paid.
    pub picked: Picked,
    /// What each cell is paid.
    rates: Rates,
    cells: Cells,
    month: Month,
    /// The earlier runs that were looked into.
    earlier: Vec<String>,
}

impl Worked {
    /// Writes the payment list of a trial, whose lines have no reference.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn write_list(
        &self,
        roster: &Roster,
        (file, format): (File, Format),
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterError> {
        let Self { picked, rates, cells, month, .. } = self;
        let (month, workers) = (*month, means.workers);
        let listing = Listing { cells, rates, picked, month, run: None, workers };
        Ok(write_list(roster.open(false)?, file, format, &listing, watch)?.0)
    }

    /// Writes the rows that are not paid.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn write_rejects(
        &self,
        (file, format): (File, Format),
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterError> {
        write_rejects(&self.picked, &self.earlier, file, format, watch)
    }
}

impl Service {
    /// Works a roster out without recording anything.
    ///
    /// # Errors
    /// See [`RosterRefused`].
    pub fn try_roster(
        &self,
        roster: &Roster,
        spec: &RosterSpec,
        principal: &str,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Worked, RosterRefused> {
        let ledger = self.writer.snapshot();
        let key = PersonKey::fresh()?;
        let cells = Cells::new(&self.reference.data.areas, &self.reference.data.groups);
        let gathered = first_reading(roster, spec, &cells, &key, means, watch)?;
        let rates = rates(&self.reference, &ledger, &cells, &gathered, spec)?;
        let digest = gathered.digest.clone().unwrap_or_default();
        let rows = gathered.rows;
        let picked = pick(gathered, &rates, &[], None, means.workers, watch)?;
        let pin = pin(&picked, rows, digest, String::new(), key.id());
        let run = self.run_of(&ledger, &cells, &picked, spec, pin, principal)?;
        Ok(Worked { run, picked, rates, cells, month: spec.month, earlier: Vec::new() })
    }

    fn run_of(
        &self,
        ledger: &Ledger,
        cells: &Cells,
        picked: &Picked,
        spec: &RosterSpec,
        pin: RosterPin,
        principal: &str,
    ) -> Result<Run, RunRefused> {
        let reference = &self.reference;
        let RosterSpec { strict, discretion, note, .. } = spec.clone();
        let headcounts = headcounts(cells, &picked.persons, spec.month).map(|(_, one)| one);
        let spec = RunSpec {
            headcounts: headcounts.collect(),
            strict,
            discretion,
            note,
            roster: Some(pin),
        };
        let law = &reference.data.library;
        let budget = worked_out(reference, ledger, law, &spec, &View::default())?;
        let (by, at) = (principal.to_owned(), super::now());
        assemble(reference, ledger, spec, budget, by, self.approvals_needed, at)
    }
}

fn first_reading(
    roster: &Roster,
    spec: &RosterSpec,
    cells: &Cells,
    key: &PersonKey,
    means: Means,
    watch: &Watch<'_>,
) -> Result<Gathered, RosterError> {
    let Means { workers, memory } = means;
    let reading = Reading { cells, key, month: spec.month, workers, memory };
    gather(roster.open(true)?, &reading, watch)
}

fn pin(picked: &Picked, rows: u64, roster: String, claims: String, key: String) -> RosterPin {
    let mut rejects = BTreeMap::new();
    for reject in &picked.rejects {
        *rejects.entry(reject.reason.as_str().to_owned()).or_insert(0) += 1;
    }
    RosterPin { roster, rows, claims, key, beaten: picked.beats.len() as u64, rejects }
}

/// The cells that have a count, as headcounts.
fn headcounts<'a>(
    cells: &'a Cells,
    counts: &'a [u64],
    month: Month,
) -> impl Iterator<Item = (CellId, Headcount)> {
    used(counts).filter_map(move |(id, persons)| {
        let Cell { area, group, residence } = cells.get(id)?;
        Some((id, Headcount { month, area, group, residence, persons, households: None }))
    })
}

/// What a person of each cell is paid. The law runs once for each cell that has a row.
fn rates(
    reference: &Reference,
    ledger: &Ledger,
    cells: &Cells,
    gathered: &Gathered,
    spec: &RosterSpec,
) -> Result<Rates, RunRefused> {
    let (ids, rows): (Vec<_>, Vec<_>) = headcounts(cells, &gathered.counts, spec.month).unzip();
    let terms = Terms { strict: spec.strict, ..Terms::default() };
    let (world, words) = (reference.world(ledger), reference.words());
    let (budget, refusals) = budget_of_each(world, &words, &rows, &terms, spec.discretion)?;
    let mut found: Vec<Rate> = vec![Err(Reason::NoSum); cells.len()];
    let Budget { lines, without_line, .. } = &budget;
    for line in lines {
        let cell = Cell {
            area: line.payees.area,
            group: line.payees.group.clone(),
            residence: line.payees.residence,
        };
        let fen = line.rate_yuan.checked_mul(rust_decimal::Decimal::ONE_HUNDRED);
        let fen = fen.and_then(|fen| u64::try_from(fen).ok());
        if let (Some(id), Some(fen)) = (cells.find(&cell), fen) {
            found[id as usize] = Ok(fen);
        }
    }
    for (row, why) in without_line {
        if *why == "with_later" {
            found[ids[*row] as usize] = Err(Reason::WithLater);
        }
    }
    for refusal in &refusals {
        found[ids[refusal.row] as usize] = Err(reason(refusal.code));
    }
    Ok(Rates::new(cells, |id| found[id as usize]))
}

fn reason(code: &str) -> Reason {
    match code {
        "NOT_TRIGGERED" => Reason::NotTriggered,
        "UNDECIDABLE" => Reason::Undecidable,
        "INDICATIVE" => Reason::Indicative,
        "OTHER_CODE" => Reason::OtherCode,
        "NOT_COVERED" => Reason::NotCovered,
        "HOUSEHOLDS" => Reason::Household,
        _ => Reason::NoSum,
    }
}

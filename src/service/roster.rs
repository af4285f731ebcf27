//! Roster runs: from a list of persons to a run that says how many of each cell are paid, and to
//! the payment list.
//!
//! **Invariant:** nothing of a person but the keyed hash stays with the service.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, SeekFrom},
};

use rust_decimal::Decimal;

use crate::{
    domain::{
        figure::View,
        life::{Life, RunState},
        month::Month,
        run::{Claim, Headcount, RosterPin, Run, RunKind, RunLine},
    },
    engine::{budget::budget_of_each, draft::Budget, question::Terms},
    journal::entry::{Operation, sha256_hex},
    roster::{
        RosterError,
        cell::{Cell, CellId, Cells},
        claims::{ClaimsWriter, Earlier},
        columns::Mapping,
        gather::{Gathered, Reading, gather},
        list::{Listing, Totals, complete, used, write_list, write_rejects},
        person::PersonKey,
        pick::{Picked, pick},
        rates::{Rate, Rates},
        reject::Reason,
        source::{Format, Source},
        work::Watch,
    },
    store::{StoreError, ledger::Ledger, runs::RunError},
};

use super::{
    Request, Service, ServiceError,
    reference::Reference,
    run::{RunRefused, RunSpec, assemble, spec_of, worked_out},
    writer::{Acknowledged, Command, Plan, PlanFn, SubmitError},
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
    /// The released run that it follows: it pays those whom that run did not reach.
    pub follows: Option<String>,
}

/// What rosters may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Means {
    /// How many parts are worked on at once.
    pub workers: usize,
    /// Most bytes of rows held in memory; what does not fit goes to a file without a name.
    pub memory: usize,
}

/// Why a roster run was not made, or its list not written.
#[derive(Debug, thiserror::Error)]
pub enum RosterRefused {
    /// The roster cannot be worked through.
    #[error("the roster: {0}")]
    Roster(#[from] RosterError),
    /// There is no run to be made of it.
    #[error(transparent)]
    Run(#[from] RunRefused),
    /// It was not recorded.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// No key was given.
    #[error("expected a key for persons: make one with `run key` and give it as --person-keys")]
    NoKey,
    /// The month was begun under another key.
    #[error("run {run} of the same month has the key {key}: expected it among the keys given")]
    OtherKey {
        /// The run.
        run: String,
        /// The name of its key.
        key: String,
    },
    /// There is no folder to keep claims in.
    #[error("expected a store: roster runs are kept in one")]
    NoStore,
    /// The claims of a run are missing or damaged.
    #[error("the claims of run {run} are missing or damaged: expected file {digest} in the store")]
    Claims {
        /// The run.
        run: String,
        /// The SHA-256 of the file.
        digest: String,
    },
    /// Another roster run for the month came in between.
    #[error("something was recorded for {month} meanwhile: expected a repeat")]
    Overtaken {
        /// The index month.
        month: Month,
    },
    /// The run has no list of persons.
    #[error("run {run}: expected a roster run, for the same month where it is followed")]
    NoRoster {
        /// The run.
        run: String,
    },
    /// The run to be followed is not released yet.
    #[error("run {run} is {}: expected released or closed, to follow it", state.as_str())]
    NotReleased {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
    },
    /// The run is not approved yet.
    #[error("run {run} is {}: expected approved, released or closed", state.as_str())]
    NotApproved {
        /// The run.
        run: String,
        /// Its state.
        state: RunState,
    },
    /// It is not the roster the run was made from.
    #[error("the roster has the SHA-256 {found}, expected {expected}, from which {run} was made")]
    OtherRoster {
        /// The run.
        run: String,
        /// What was given.
        found: String,
        /// What was expected.
        expected: String,
    },
}

impl From<StoreError> for RosterRefused {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
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
        let (totals, _) = write_list(roster.open(false)?, file, format, &listing, watch)?;
        complete(&totals, picked)?;
        Ok(totals)
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
        let key = match self.key_of(&ledger, spec.month) {
            Err(RosterRefused::NoKey) => PersonKey::fresh()?,
            key => key?,
        };
        let first = self.first_reading(roster, spec, key, means, watch)?;
        self.work_out(&ledger, spec, principal, first, None, means, watch)
    }

    /// Makes a roster run. Blocks; not on an async thread. A repeat of the request gets the run that
    /// the first one made, without what was picked.
    ///
    /// # Errors
    /// See [`RosterRefused`].
    pub fn make_roster_run(
        &self,
        request: Request,
        roster: &Roster,
        spec: &RosterSpec,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<(Life, Option<Worked>), RosterRefused> {
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let ledger = self.writer.snapshot();
        let key = self.key_of(&ledger, spec.month)?;
        let first = self.first_reading(roster, spec, key, means, watch)?;
        let Request { principal, id: request_id, .. } = request;
        let digest = first.gathered.digest.clone().unwrap_or_default();
        let request_digest = sha256_hex(format!("{principal}|{digest}|{spec:?}"));
        let command = |plan| Command {
            principal: principal.clone(),
            request_id: request_id.clone(),
            request_digest: request_digest.clone(),
            plan,
        };
        let made =
            |answer: &Acknowledged| self.run(answer.answer["run"].as_str().unwrap_or_default());
        match self.writer.submit(command(Box::new(|_, _| Err(Box::new(NotSeen))))) {
            Ok(repeated) => return Ok((made(&repeated)?, None)),
            Err(SubmitError::Refused(why)) if why.is::<NotSeen>() => {}
            Err(error) => return Err(ServiceError::from(error).into()),
        }
        let nameless = kept.begin()?;
        let handle = nameless.handle().map_err(RosterError::io("keep the claims"))?;
        let (key, counts) = (first.key.id(), &first.gathered.counts);
        let mut claims = ClaimsWriter::new(handle, spec.month, key, &first.cells, counts);
        let writer = Some(&mut claims);
        let mut worked = self.work_out(&ledger, spec, &principal, first, writer, means, watch)?;
        let digest = claims.finish()?;
        if let Some(pin) = &mut worked.run.roster {
            pin.claims.clone_from(&digest);
        }
        kept.name(nameless, &digest)?;
        let plan = self.recording(&ledger, &worked);
        let submitted = self.writer.submit(command(plan)).map_err(|error| match error {
            SubmitError::Refused(why) if why.is::<Overtaken>() => {
                RosterRefused::Overtaken { month: spec.month }
            }
            error => ServiceError::from(error).into(),
        });
        Ok((made(&submitted?)?, Some(worked)))
    }

    /// Plans to record a run that was worked out on a ledger.
    fn recording(&self, seen: &Ledger, worked: &Worked) -> PlanFn {
        let (reference, approvals) = (self.reference.clone(), self.approvals_needed);
        let (run, month) = (worked.run.clone(), worked.month);
        let before = paying(seen, month);
        Box::new(move |ledger: &Ledger, at| {
            if paying(ledger, month) != before {
                return Err(Box::new(Overtaken));
            }
            let (spec, view) = (spec_of(&run), View::default());
            let budget = worked_out(&reference, ledger, &reference.data.library, &spec, &view)?;
            let by = run.made_by.clone();
            let again = assemble(&reference, ledger, spec, budget, by, approvals, at)?;
            // A rate that changed in between may have changed who is paid for what.
            if again.lines != run.lines {
                return Err(Box::new(Overtaken));
            }
            let answer = serde_json::json!({ "run": again.id });
            Ok(Plan { operation: Some(Operation::MakeRun { run: again.into() }), answer })
        })
    }

    /// Writes the payment list of an approved run from the roster it was made from.
    ///
    /// # Errors
    /// See [`RosterRefused`]; the file is then not to be used.
    pub fn write_run_list(
        &self,
        run: &str,
        roster: &Roster,
        (file, format): (File, Format),
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Totals, RosterRefused> {
        let life = self.run(run)?;
        let (run, state) = (life.run.id.clone(), life.state());
        let pin = life.run.roster.as_ref();
        let Some(pin) = pin else { return Err(RosterRefused::NoRoster { run }) };
        if !matches!(state, RunState::Approved | RunState::Released | RunState::Closed) {
            return Err(RosterRefused::NotApproved { run, state });
        }
        let cells = self.cells();
        let picked = self.claims(&life.run, pin)?.picked(&cells)?;
        let rates = paid_rates(&cells, &life.run);
        let (month, workers) = (pin.month, means.workers);
        let (cells, rates, picked) = (&cells, &rates, &picked);
        let listing = Listing { cells, rates, picked, month, run: Some(&run), workers };
        let (totals, found) = write_list(roster.open(true)?, file, format, &listing, watch)?;
        let (found, expected) = (found.unwrap_or_default(), pin.roster.clone());
        if found != expected {
            return Err(RosterRefused::OtherRoster { run, found, expected });
        }
        complete(&totals, picked)?;
        Ok(totals)
    }

    /// What speaks against the claims of a roster run: that they are gone, or damaged, or of others
    /// than its headcounts. O(persons).
    pub(super) fn claims_differ(&self, run: &Run) -> Option<String> {
        let pin = run.roster.as_ref()?;
        let cells = self.cells();
        let picked = self.claims(run, pin).and_then(|claims| Ok(claims.picked(&cells)?));
        match picked {
            Err(error) => Some(error.to_string()),
            Ok(picked) => {
                let counted = headcounts(&cells, &picked.persons, pin.month).map(|(_, one)| one);
                let equal = counted.eq(run.headcounts.iter().cloned());
                (!equal).then(|| "claims: they are of others than the headcounts".to_owned())
            }
        }
    }

    fn cells(&self) -> Cells {
        Cells::new(&self.reference.data.areas, &self.reference.data.groups)
    }

    /// The key for a month: that of its live runs, or else the first of those given.
    fn key_of(&self, ledger: &Ledger, month: Month) -> Result<PersonKey, RosterRefused> {
        let Some((run, pin)) = paying_runs(ledger, month).next() else {
            return self.person_keys.first().cloned().ok_or(RosterRefused::NoKey);
        };
        let found = self.person_keys.iter().find(|key| key.id() == pin.key);
        let (run, key) = (run.id.clone(), pin.key.clone());
        found.cloned().ok_or(RosterRefused::OtherKey { run, key })
    }

    /// The claims of a run, checked against their digest.
    fn claims(&self, run: &Run, pin: &RosterPin) -> Result<Earlier, RosterRefused> {
        let kept = self.kept.as_ref().ok_or(RosterRefused::NoStore)?;
        let (run, digest) = (run.id.clone(), pin.claims.clone());
        if !kept.is_intact(&digest)? {
            return Err(RosterRefused::Claims { run, digest });
        }
        Ok(Earlier::open(&kept.path(&digest))?)
    }

    fn first_reading(
        &self,
        roster: &Roster,
        spec: &RosterSpec,
        key: PersonKey,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<First, RosterError> {
        let Means { workers, memory } = means;
        let cells = self.cells();
        let reading = Reading { cells: &cells, key: &key, month: spec.month, workers, memory };
        let gathered = gather(roster.open(true)?, &reading, watch)?;
        Ok(First { gathered, cells, key })
    }

    #[expect(clippy::too_many_arguments, reason = "what is asked, of what, and by what means")]
    fn work_out(
        &self,
        ledger: &Ledger,
        spec: &RosterSpec,
        principal: &str,
        first: First,
        claims: Option<&mut ClaimsWriter>,
        means: Means,
        watch: &Watch<'_>,
    ) -> Result<Worked, RosterRefused> {
        let First { gathered, cells, key } = first;
        let rates = rates(&self.reference, ledger, &cells, &gathered, spec)?;
        if let Some(follows) = &spec.follows {
            followed(ledger, follows, spec.month)?;
        }
        free(ledger, &cells, &gathered, &rates, spec).map_err(RunRefused::from)?;
        let (digest, rows) = (gathered.digest.clone().unwrap_or_default(), gathered.rows);
        let (mut names, mut earlier) = (Vec::new(), Vec::new());
        for (run, pin) in paying_runs(ledger, spec.month) {
            names.push(run.id.clone());
            earlier.push(self.claims(run, pin)?);
        }
        let picked = pick(gathered, &rates, &earlier, claims, means.workers, watch)?;
        let mut rejects = BTreeMap::new();
        for reject in &picked.rejects {
            *rejects.entry(reject.reason.as_str().to_owned()).or_insert(0) += 1;
        }
        let (month, key, beaten) = (spec.month, key.id(), picked.beats.len() as u64);
        let (roster, claims) = (digest, String::new());
        let follows = spec.follows.clone();
        let pin = RosterPin { month, roster, rows, claims, key, beaten, rejects, follows };
        let run = self.run_of(ledger, &cells, &picked, spec, pin, principal)?;
        Ok(Worked { run, picked, rates, cells, month, earlier: names })
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
        let rejects = pin.rejects.clone();
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
        match assemble(reference, ledger, spec, budget, by, self.approvals_needed, at) {
            // Who reads it wants to know what became of the rows.
            Err(RunRefused::Empty { .. }) => {
                let why = rejects.iter().map(|(reason, rows)| format!("{rows} rows {reason}"));
                Err(RunRefused::Empty { why: why.collect::<Vec<_>>().join(", ") })
            }
            made => made,
        }
    }
}

/// What the first reading of a roster gave.
struct First {
    gathered: Gathered,
    cells: Cells,
    key: PersonKey,
}

/// Nothing was recorded for the request yet.
#[derive(Debug, thiserror::Error)]
#[error("not seen before")]
struct NotSeen;

/// What a run was worked out from is not what is recorded any more.
#[derive(Debug, thiserror::Error)]
#[error("something was recorded meanwhile")]
struct Overtaken;

/// The live runs that pay persons for a month, the newest first.
fn paying_runs(ledger: &Ledger, month: Month) -> impl Iterator<Item = (&Run, &RosterPin)> {
    let live = ledger.runs.newest_first().filter(|life| life.state().is_live());
    live.filter_map(move |life| {
        let pin = life.run.roster.as_ref().filter(|pin| pin.month == month)?;
        Some((&*life.run, pin))
    })
}

/// Their ids.
fn paying(ledger: &Ledger, month: Month) -> Vec<String> {
    paying_runs(ledger, month).map(|(run, _)| run.id.clone()).collect()
}

/// Checks that a run can be followed by another for the month.
fn followed(ledger: &Ledger, follows: &str, month: Month) -> Result<(), RosterRefused> {
    let life = ledger.runs.get(follows).map_err(RunRefused::from)?;
    let (run, state) = (life.run.id.clone(), life.state());
    let pin = life.run.roster.as_ref().filter(|pin| pin.month == month);
    if pin.is_none() {
        return Err(RosterRefused::NoRoster { run });
    }
    match state {
        RunState::Released | RunState::Closed => Ok(()),
        _ => Err(RosterRefused::NotReleased { run, state }),
    }
}

/// Checks that no live run but the one followed pays persons of the same cells.
fn free(
    ledger: &Ledger,
    cells: &Cells,
    gathered: &Gathered,
    rates: &Rates,
    spec: &RosterSpec,
) -> Result<(), RunError> {
    for (id, _) in used(&gathered.counts).filter(|(id, _)| rates.pays(*id)) {
        let Some(Cell { area, group, residence }) = cells.get(id) else { continue };
        let claim = Claim { kind: RunKind::Roster, area, month: spec.month, group, residence };
        ledger.runs.check_claim(&claim, spec.follows.as_deref())?;
    }
    Ok(())
}

/// What a person of each cell was paid by a run.
fn paid_rates(cells: &Cells, run: &Run) -> Rates {
    let rates = cell_rates(cells, run.lines.iter());
    Rates::new(cells, |id| rates[id as usize])
}

/// The rates of lines, by cell.
fn cell_rates<'a>(cells: &Cells, lines: impl Iterator<Item = &'a RunLine>) -> Vec<Rate> {
    let mut found: Vec<Rate> = vec![Err(Reason::NoSum); cells.len()];
    for RunLine { payees, rate_yuan, .. } in lines {
        let Headcount { area, group, residence, .. } = payees;
        let cell = Cell { area: *area, group: group.clone(), residence: *residence };
        let fen = rate_yuan.checked_mul(Decimal::ONE_HUNDRED);
        let fen = fen.and_then(|fen| u64::try_from(fen).ok());
        if let (Some(id), Some(fen)) = (cells.find(&cell), fen) {
            found[id as usize] = Ok(fen);
        }
    }
    found
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
    let Budget { lines, without_line, .. } = &budget;
    let mut found = cell_rates(cells, lines.iter());
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

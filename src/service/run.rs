//! Runs: made from headcounts and moved through their lives.
//!
//! **Invariant:** a run is computed on the ledger that its entry follows, so that the instant of the
//! entry pins everything it rests on.

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        area::{AreaCode, Areas},
        code::Code,
        exact::RangeError,
        figure::View,
        group::Residence,
        life::{Life, Move, RunEvent},
        month::Month,
        run::{Basis, Claim, Headcount, Pins, RosterPin, Run, RunFinding, RunKind},
    },
    engine::{
        budget::{budget, budget_of_each},
        draft::{Budget, BudgetError},
        jump::{Counted, counted, jumps},
        question::Terms,
        sums::total,
    },
    journal::entry::{Operation, sha256_hex},
    rules::library::Library,
    store::{
        ledger::Ledger,
        runs::{RunError, Runs, run_id},
    },
};

use super::{
    Request, Service, ServiceError,
    other_kind::other_kind,
    recheck::stale_lines,
    reference::Reference,
    writer::{Command, Plan, SubmitError},
};

/// What a run is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSpec {
    /// The headcounts, each month, area, group and residence once.
    pub headcounts: Vec<Headcount>,
    /// Refuse assumptions.
    pub strict: bool,
    /// Pay months without a trigger where a document records that it was so decided.
    pub discretion: bool,
    /// What the maker says about it.
    pub note: String,
    /// The list of persons, of whom the headcounts are those that are paid.
    pub roster: Option<RosterPin>,
    /// What the approver should know beside what the budget shows.
    pub findings: Vec<RunFinding>,
}

/// Why a run was not made or moved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RunRefused {
    /// Headcounts that cannot be budgeted.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// Another run stands in the way, or the move cannot be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What the run rests on has changed since it was made, so that it would pay otherwise today.
    #[error(
        "run {run} would pay otherwise today in {lines} lines, see drift: expected a reason to go on, \
         or a new run"
    )]
    Stale {
        /// The run.
        run: String,
        /// How many lines.
        lines: usize,
    },
    /// Nothing is to be paid in addition to what a run and its adjustments pay.
    #[error(
        "run {run}: nothing is to be paid in addition to what it and its adjustments pay; {overpaid} \
         payments are above today's, see drift"
    )]
    NothingToAdjust {
        /// The run.
        run: String,
        /// How many payments are above what would be paid today.
        overpaid: usize,
    },
    /// No headcount leads to a line.
    #[error("no headcount leads to a sum: {why}")]
    Empty {
        /// The first finding.
        why: String,
    },
}

impl From<RangeError> for RunRefused {
    fn from(error: RangeError) -> Self {
        Self::Budget(error.into())
    }
}

impl Service {
    /// Makes a run; with `validate_only` only works it out.
    ///
    /// # Errors
    /// [`SubmitError::Refused`] with a [`RunRefused`], or see [`SubmitError`].
    pub async fn make_run(&self, request: Request, spec: RunSpec) -> Result<Life, ServiceError> {
        let mut spec = spec;
        spec.headcounts.sort_by(|a, b| key(a).cmp(&key(b)));
        let content = format!(
            "{}|{}|{}|{}|{}",
            request.principal,
            canonical(&spec.headcounts),
            spec.strict,
            spec.discretion,
            spec.note
        );
        let request_digest = sha256_hex(&content);
        let snapshot = self.writer.snapshot();
        let early = self.budget_of(&snapshot, &spec);
        let (reference, approvals_needed) = (self.reference.clone(), self.approvals_needed);
        let (made_by, percent) = (request.principal.clone(), self.jump_percent);
        let make = move |ledger: &Ledger, at: DateTime<Utc>| -> Result<Run, RunRefused> {
            // Worked out before it was the writer's turn, unless something came in between.
            let budget = match ledger.sequence() == snapshot.sequence() {
                true => early?,
                false => worked_out(
                    &reference,
                    ledger,
                    &reference.data.library,
                    &spec,
                    &View::default(),
                )?,
            };
            let counted = counted(&spec.headcounts, &budget.lines)?;
            let before = |month, area, group: &Code| paid_before(&ledger.runs, month, area, group);
            spec.findings.extend(jumps(&reference.words(), &counted, percent, before)?);
            assemble(&reference, ledger, spec, budget, made_by, approvals_needed, at)
        };
        self.record_run(request, request_digest, make).await
    }

    /// Records a run, or with `validate_only` only works it out.
    pub(super) async fn record_run(
        &self,
        request: Request,
        request_digest: String,
        make: impl FnOnce(&Ledger, DateTime<Utc>) -> Result<Run, RunRefused> + Send + 'static,
    ) -> Result<Life, ServiceError> {
        let Request { principal, id: request_id, validate_only, origin } = request;
        if validate_only {
            let (ledger, at) = (self.writer.snapshot(), super::now());
            let run = make(&ledger, at).map_err(|why| SubmitError::Refused(why.into()))?;
            return Ok(Life { run: run.into(), made_at: at, events: Vec::new() });
        }
        let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
            let run = make(ledger, at)?;
            let answer = serde_json::json!({ "run": run.id });
            Ok(Plan { operation: Some(Operation::MakeRun { run: run.into() }), answer })
        };
        let plan = Box::new(plan);
        let command = Command { principal, request_id, request_digest, origin, plan };
        let acknowledged = self.writer.submit_async(command).await?;
        self.run(acknowledged.answer["run"].as_str().unwrap_or_default())
    }

    /// Makes a step in a run's life.
    ///
    /// # Errors
    /// [`SubmitError::Refused`] with a [`RunRefused`], or see [`SubmitError`].
    pub async fn move_run(
        &self,
        request: Request,
        run: String,
        made: Move,
        reason: String,
    ) -> Result<Life, ServiceError> {
        let Request { principal, id: request_id, validate_only, origin } = request;
        let content = format!("{principal}|{run}|{}|{reason}", made.as_str());
        let request_digest = sha256_hex(content);
        let (by, id) = (principal.clone(), run.clone());
        let spends = matches!(made, Move::Approve | Move::Release) && reason.trim().is_empty();
        let (snapshot, reference) = (self.writer.snapshot(), self.reference.clone());
        let stale = move |reference: &Reference, ledger: &Ledger, run: &str| match spends {
            true => ledger.runs.get(run).map_or(0, |life| stale_lines(reference, ledger, life)),
            false => 0,
        };
        let early = stale(&reference, &snapshot, &run);
        let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
            let event = RunEvent { run, made, by, at, reason, settlement: None };
            ledger.runs.check_move(&event).map_err(RunRefused::from)?;
            let lines = match ledger.sequence() == snapshot.sequence() {
                true => early,
                false => stale(&reference, ledger, &event.run),
            };
            if 0 < lines {
                return Err(RunRefused::Stale { run: event.run, lines }.into());
            }
            let answer = serde_json::json!({ "run": event.run });
            Ok(Plan { operation: Some(Operation::MoveRun { event }), answer })
        };
        if validate_only {
            plan(&self.writer.snapshot(), super::now()).map_err(SubmitError::Refused)?;
            return self.run(&id);
        }
        let plan = Box::new(plan);
        let command = Command { principal, request_id, request_digest, origin, plan };
        self.writer.submit_async(command).await?;
        self.run(&id)
    }

    /// A run with its life.
    ///
    /// # Errors
    /// No run has this id.
    pub fn run(&self, id: &str) -> Result<Life, ServiceError> {
        let ledger = self.writer.snapshot();
        let life = ledger.runs.get(id).map_err(RunRefused::from);
        Ok(life.map(|life| Life::clone(life)).map_err(|why| SubmitError::Refused(why.into()))?)
    }

    fn budget_of(&self, ledger: &Ledger, spec: &RunSpec) -> Result<Budget, RunRefused> {
        worked_out(&self.reference, ledger, &self.reference.data.library, spec, &View::default())
    }
}

/// What is paid once.
pub(super) type Key<'a> = (Month, AreaCode, &'a Code, Residence);

pub(super) fn key(row: &Headcount) -> Key<'_> {
    (row.month, row.area, &row.group, row.residence)
}

/// The headcounts as text, one a line, in order.
pub(super) fn canonical(rows: &[Headcount]) -> String {
    let line = |row: &Headcount| {
        let Headcount { month, area, group, residence, persons, households } = row;
        let households = households.map_or_else(String::new, |count| count.to_string());
        format!("{month}|{area}|{group}|{residence}|{persons}|{households}\n")
    };
    rows.iter().map(line).collect()
}

pub(super) fn spec_of(run: &Run) -> RunSpec {
    let discretion = run.lines.iter().any(|line| line.basis == Basis::Discretion);
    let headcounts = run.headcounts.clone();
    let (strict, note, roster) = (run.pins.strict, run.note.clone(), run.roster.clone());
    let findings = Vec::new();
    RunSpec { headcounts, strict, discretion, note, roster, findings }
}

pub(super) fn worked_out(
    reference: &Reference,
    ledger: &Ledger,
    law: &Library,
    spec: &RunSpec,
    view: &View,
) -> Result<Budget, RunRefused> {
    let terms = Terms { view: *view, strict: spec.strict, ..Terms::default() };
    let world = reference.world_under(ledger, law);
    let (words, rows) = (reference.words(), &spec.headcounts);
    if spec.roster.is_some() {
        return Ok(budget_of_each(world, &words, rows, &terms, spec.discretion)?.0);
    }
    Ok(budget(world, &words, rows, &terms, spec.discretion)?)
}

/// What the newest live run that pays a group in an area for a month counts of it.
fn paid_before(runs: &Runs, month: Month, area: AreaCode, group: &Code) -> Option<Counted> {
    let holders = Residence::ALL.map(|residence| {
        let (kind, group) = (RunKind::Budget, group.clone());
        let holder = runs.holder(&Claim { kind, area, month, group, residence })?;
        runs.get(holder).ok()
    });
    let Life { run, .. } = &**holders.into_iter().flatten().max_by_key(|life| life.made_at)?;
    let wanted = (month, area, group);
    let place = |row: &Headcount| (row.month, row.area, &row.group).cmp(&wanted);
    let rows = &run.headcounts[run.headcounts.partition_point(|row| place(row).is_lt())..];
    let lines = &run.lines[run.lines.partition_point(|line| place(&line.payees).is_lt())..];
    let rows = &rows[..rows.partition_point(|row| place(row).is_eq())];
    let lines = &lines[..lines.partition_point(|line| place(&line.payees).is_eq())];
    let (_, counted) = counted(rows, lines).ok()?.pop_first()?;
    Some(Counted { run: run.id.clone(), ..counted })
}

pub(super) fn assemble(
    reference: &Reference,
    ledger: &Ledger,
    spec: RunSpec,
    budget: Budget,
    made_by: String,
    approvals_needed: u32,
    known_at: DateTime<Utc>,
) -> Result<Run, RunRefused> {
    let Budget { lines, mut findings, documents, figures, standards, .. } = budget;
    findings.extend(spec.findings);
    if lines.is_empty() {
        let why = findings.first().map(|one| one.en.clone()).unwrap_or_default();
        return Err(RunRefused::Empty { why });
    }
    let pins = Pins {
        known_at,
        documents,
        figures,
        standards,
        headcounts: sha256_hex(canonical(&spec.headcounts)),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        strict: spec.strict,
    };
    let mut run = Run {
        id: run_id(ledger.sequence() + 1),
        made_by,
        approvals_needed,
        note: spec.note,
        pins,
        adjusts: None,
        roster: spec.roster,
        headcounts: spec.headcounts,
        yuan: total(&lines)?,
        lines,
        findings,
    };
    free(&reference.data.areas, &ledger.runs, &run)?;
    let beside = other_kind(&reference.words(), &reference.data.areas, &ledger.runs, &run);
    run.findings.extend(beside);
    Ok(run)
}

/// Checks that no live run of its kind pays what the run pays, in the area, one above or one below.
/// Persons are told apart by themselves, so that for them other areas do not count.
fn free(areas: &Areas, runs: &Runs, run: &Run) -> Result<(), RunError> {
    if run.kind() == RunKind::Roster {
        return runs.check_free(run);
    }
    match run.claims().find_map(|claim| holder_near(areas, runs, &claim)) {
        Some((claim, holder)) => Err(RunError::Held { claim, holder: holder.to_owned() }),
        None => Ok(()),
    }
}

/// The live run that pays what is claimed, in the area, one above or one below, and what it holds.
pub(super) fn holder_near<'a>(
    areas: &Areas,
    runs: &'a Runs,
    claim: &Claim,
) -> Option<(Claim, &'a str)> {
    let above = areas.line(claim.area).map(|one| one.code);
    above.chain(areas.subtree(claim.area)).find_map(|area| {
        let near = Claim { area, ..claim.clone() };
        runs.holder(&near).map(|holder| (near.clone(), holder))
    })
}

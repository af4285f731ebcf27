//! Runs: made from headcounts, moved through their lives, computed again, compared with the present.
//!
//! **Invariant:** a run is computed on the ledger that its entry follows, so that the instant of the
//! entry pins everything it rests on.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::{
    domain::{
        area::{AreaCode, Areas},
        code::Code,
        exact::RangeError,
        figure::View,
        group::Residence,
        life::{Life, Move, RunEvent, RunState},
        month::Month,
        run::{Basis, Headcount, Pins, Run, RunLine},
    },
    engine::{
        budget::{Budget, BudgetError, budget},
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

/// A run computed again from what it pins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// What differs; empty when everything is equal.
    pub differences: Vec<String>,
}

/// A line that would be another today.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The run.
    pub run: String,
    /// The line as it was run.
    pub line: RunLine,
    /// The line as it would be now; none when nothing would be paid.
    pub now: Option<RunLine>,
    /// Why nothing would be paid, in English.
    pub why: String,
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
            "{}|{}|{}|{}",
            canonical(&spec.headcounts),
            spec.strict,
            spec.discretion,
            spec.note
        );
        let request_digest = sha256_hex(&content);
        let snapshot = self.writer.snapshot();
        let early = self.budget_of(&snapshot, &spec);
        let (reference, approvals_needed) = (self.reference.clone(), self.approvals_needed);
        let Request { principal, id: request_id, validate_only } = request;
        let made_by = principal.clone();
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
            assemble(&reference, ledger, spec, budget, made_by, approvals_needed, at)
        };
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
        let command = Command { principal, request_id, request_digest, plan: Box::new(plan) };
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
        let Request { principal, id: request_id, validate_only } = request;
        let request_digest = sha256_hex(format!("{run}|{}|{reason}", made.as_str()));
        let (by, id) = (principal.clone(), run.clone());
        let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
            let event = RunEvent { run, made, by, at, reason };
            ledger.runs.check_move(&event).map_err(RunRefused::from)?;
            let answer = serde_json::json!({ "run": event.run });
            Ok(Plan { operation: Some(Operation::MoveRun { event }), answer })
        };
        if validate_only {
            plan(&self.writer.snapshot(), super::now()).map_err(SubmitError::Refused)?;
            return self.run(&id);
        }
        let command = Command { principal, request_id, request_digest, plan: Box::new(plan) };
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

    /// Computes a run again from what it pins and compares. O(lines × steps).
    ///
    /// # Errors
    /// No run has this id.
    pub fn verify_run(&self, id: &str) -> Result<Verified, ServiceError> {
        let (life, ledger) = (self.run(id)?, self.writer.snapshot());
        let Pins { known_at, .. } = life.run.pins;
        // The run's own entry has this instant and is no input of it.
        let view = View { known_at: Some(known_at), published_by: None };
        let law = self.law(&ledger, &view)?;
        let spec = spec_of(&life.run);
        let again = worked_out(&self.reference, &ledger, &law, &spec, &view);
        let differences = match again {
            Ok(again) => differences(&life.run, &spec, &again),
            Err(error) => vec![format!("it cannot be computed any more: {error}")],
        };
        Ok(Verified { differences })
    }

    /// What approved, released and closed runs would pay otherwise today, by run and line.
    /// O(lines × steps).
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn drift(&self) -> Result<Vec<Drift>, ServiceError> {
        let ledger = self.writer.snapshot();
        let mut all = Vec::new();
        for life in ledger.runs.newest_first() {
            let settled = [RunState::Approved, RunState::Released, RunState::Closed];
            if !settled.contains(&life.state()) {
                continue;
            }
            let spec = spec_of(&life.run);
            // Area by area, so that one that would not be paid any more hides no other.
            for place in spec.headcounts.chunk_by(|a, b| (a.month, a.area) == (b.month, b.area)) {
                let one = RunSpec { headcounts: place.to_vec(), ..spec.clone() };
                let (now, why) = match self.budget_of(&ledger, &one) {
                    Ok(budget) => (budget.lines, String::new()),
                    Err(error) => (Vec::new(), error.to_string()),
                };
                let then = life.run.lines.iter().filter(|line| place.contains(&line.payees));
                for line in then {
                    let now = now.iter().find(|one| one.payees == line.payees);
                    if now.map(|one| one.yuan) != Some(line.yuan) {
                        let (run, line, why) = (life.run.id.clone(), line.clone(), why.clone());
                        all.push(Drift { run, line, now: now.cloned(), why });
                    }
                }
            }
        }
        Ok(all)
    }
}

fn key(row: &Headcount) -> (Month, AreaCode, &Code, Residence) {
    (row.month, row.area, &row.group, row.residence)
}

/// The headcounts as text, one a line, in order.
fn canonical(rows: &[Headcount]) -> String {
    let line = |row: &Headcount| {
        let Headcount { month, area, group, residence, persons, households } = row;
        let households = households.map_or_else(String::new, |count| count.to_string());
        format!("{month}|{area}|{group}|{residence}|{persons}|{households}\n")
    };
    rows.iter().map(line).collect()
}

fn spec_of(run: &Run) -> RunSpec {
    let discretion = run.lines.iter().any(|line| line.basis == Basis::Discretion);
    let headcounts = run.headcounts.clone();
    RunSpec { headcounts, strict: run.pins.strict, discretion, note: run.note.clone() }
}

fn worked_out(
    reference: &Reference,
    ledger: &Ledger,
    law: &Library,
    spec: &RunSpec,
    view: &View,
) -> Result<Budget, RunRefused> {
    let terms = Terms { view: *view, strict: spec.strict, ..Terms::default() };
    let world = reference.world_under(ledger, law);
    Ok(budget(world, &reference.words(), &spec.headcounts, &terms, spec.discretion)?)
}

fn assemble(
    reference: &Reference,
    ledger: &Ledger,
    spec: RunSpec,
    budget: Budget,
    made_by: String,
    approvals_needed: u32,
    known_at: DateTime<Utc>,
) -> Result<Run, RunRefused> {
    let Budget { lines, findings, documents, figures, standards } = budget;
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
    let run = Run {
        id: run_id(ledger.sequence() + 1),
        made_by,
        approvals_needed,
        note: spec.note,
        pins,
        headcounts: spec.headcounts,
        yuan: total(&lines)?,
        lines,
        findings,
    };
    free(&reference.data.areas, &ledger.runs, &run)?;
    Ok(run)
}

/// Checks that no live run pays an area of the run, one above or one below, for the same month.
fn free(areas: &Areas, runs: &Runs, run: &Run) -> Result<(), RunError> {
    for (area, month) in run.places() {
        let above = areas.line(area).map(|one| one.code);
        let held =
            above.chain(areas.subtree(area)).find_map(|one| Some((one, runs.holder(one, month)?)));
        if let Some((area, holder)) = held {
            return Err(RunError::Held { area, month, holder: holder.to_owned() });
        }
    }
    Ok(())
}

fn differences(run: &Run, spec: &RunSpec, again: &Budget) -> Vec<String> {
    let mut found = Vec::new();
    let mut differ = |what: String, then: String, now: String| {
        if then != now {
            found.push(format!("{what}: run with {then}, computed again {now}"));
        }
    };
    let shown = |line: Option<&RunLine>| {
        line.map_or_else(|| "nothing".to_owned(), |line| format!("{} yuan", line.yuan))
    };
    let mut rest: BTreeMap<_, _> =
        again.lines.iter().map(|line| (key(&line.payees), line)).collect();
    for line in &run.lines {
        let now = rest.remove(&key(&line.payees));
        if now == Some(line) {
            continue;
        }
        let Headcount { month, area, group, residence, .. } = &line.payees;
        let what = format!("{month} {area} {group} {residence}");
        match now.filter(|now| now.yuan == line.yuan) {
            None => differ(what, shown(Some(line)), shown(now)),
            Some(now) => {
                let text = |line: &RunLine| serde_json::to_string(line).unwrap_or_default();
                differ(what, text(line), text(now));
            }
        }
    }
    for ((month, area, group, residence), line) in rest {
        differ(format!("{month} {area} {group} {residence}"), shown(None), shown(Some(line)));
    }
    let pins = &run.pins;
    differ("documents".into(), format!("{:?}", pins.documents), format!("{:?}", again.documents));
    differ("figures".into(), format!("{:?}", pins.figures), format!("{:?}", again.figures));
    differ("standards".into(), format!("{:?}", pins.standards), format!("{:?}", again.standards));
    differ("headcounts".into(), pins.headcounts.clone(), sha256_hex(canonical(&spec.headcounts)));
    differ(
        "total".into(),
        run.yuan.to_string(),
        total(&again.lines).map(|sum| sum.to_string()).unwrap_or_default(),
    );
    found
}

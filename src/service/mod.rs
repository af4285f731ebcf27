//! The use cases: load, decide, record, answer. Owns the clock.
//!
//! **Invariant:** every answer rests on one snapshot; every write goes through the one writer.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use crate::{
    domain::{area::AreaCode, decision::Decision, month::Month},
    engine::timeline::Timeline,
    intake::{
        figures::{NewFigure, NewStandard},
        folder::load,
    },
    journal::{
        entry::{Operation, sha256_hex},
        file::SEGMENT_BYTES,
        log::Log,
    },
    roster::person::PersonKey,
    store::{OpenReport, Progress, Store, kept::Kept, ledger::Ledger},
};

pub mod reference;

mod law;

pub mod suppose;

pub mod replay;

mod ask;

pub mod record;

pub mod run;

mod other_kind;

pub mod roster;

pub mod recheck;

pub mod adjust;

pub mod due;

pub mod receipt;

pub mod sheet;

pub mod cases;

pub mod check;

pub mod diff;

pub mod status;

pub mod audit;

pub mod command;

pub mod following;

pub mod writer;

mod worker;

mod backend;

pub mod pulse;

mod error;

pub use error::ServiceError;
use following::Following;
use law::Earlier;
use record::{Change, Checked, Recorded, plan_figures, plan_law, plan_standards, unrecorded};
use reference::Reference;
use roster::Means;
use suppose::Supposed;
use writer::{Acknowledged, Command, Plan, PlanFn, SubmitError, Writer};

/// The present instant, in whole microseconds. The only place where the time of day is read.
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
}

/// Today where the law holds: in China.
pub fn today() -> chrono::NaiveDate {
    (now() + TimeDelta::hours(8)).date_naive()
}

/// Who asks, and how a repeat is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub principal: String,
    /// The request's id.
    pub id: String,
    /// Check and answer, but record nothing.
    pub validate_only: bool,
    /// Where the request comes from.
    pub origin: Option<String>,
}

/// The outcome of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The entry; 0 when nothing was recorded.
    pub sequence: u64,
    /// What became of the rows.
    pub recorded: Recorded,
}

/// Rows recorded in one entry while seeding.
const SEED_ROWS: usize = 2_000;

/// The service.
pub struct Service {
    /// What does not change.
    pub reference: Arc<Reference>,
    /// The writer.
    pub writer: Writer,
    /// How many approvals a new run needs.
    pub approvals_needed: u32,
    /// By how many per cent a headcount or a total may differ from the month before without a
    /// finding.
    pub jump_percent: u32,
    /// The keys under which persons are hashed, the one for new months first.
    pub person_keys: Vec<PersonKey>,
    /// What rosters may take.
    pub means: Means,
    /// What the journal's entries are about; empty without a store.
    pub log: Log,
    /// The folder of the store; none without one.
    folder: Option<PathBuf>,
    /// Where large files are kept; none without a store.
    kept: Option<Kept>,
    following: Option<Following>,
    /// Whether the service is stopping, so that what would never end by itself ends.
    pub stopping: tokio::sync::watch::Sender<bool>,
    timelines: RwLock<Cached>,
    earlier: Earlier,
    supposed: Supposed,
}

#[derive(Default)]
struct Cached {
    of: u64,
    /// By area, whether assumptions are refused, and last month.
    by_area: HashMap<(AreaCode, bool, Month), Arc<Timeline>>,
}

/// What starting over a store folder found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// What opening found.
    pub opened: OpenReport,
    /// Figures seeded now.
    pub figures_seeded: usize,
    /// Standards seeded now.
    pub standards_seeded: usize,
    /// Documents adopted now.
    pub documents_adopted: u32,
    /// Decisions recorded now.
    pub decisions_recorded: u32,
}

/// A stage of starting, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rebuilding the state: entries.
    Rebuild,
    /// Recording the shipped data: rows.
    Seed,
}

impl Service {
    /// A service in memory, over the shipped data and the folders. Nothing is kept.
    ///
    /// # Errors
    /// The data cannot be used.
    pub fn in_memory(folders: &[PathBuf]) -> Result<Self, ServiceError> {
        let reference = Arc::new(Reference::new(load(folders)?));
        let mut ledger = Ledger::default();
        let at = now();
        let data = &reference.data;
        let (figures, standards) = (data.figures.clone(), data.standards.clone());
        let plans = [
            plan_figures(&reference, &ledger, figures, at, false),
            plan_standards(&reference, &ledger, standards, at, false),
        ];
        for plan in plans {
            if let Some(operation) = plan.operation {
                record_shipped(&mut ledger, &operation);
            }
        }
        Ok(Self::over(reference, Writer::in_memory_from(ledger)?))
    }

    /// A service over a store folder: opened, seeded with what it lacks, decisions brought up to date.
    ///
    /// # Errors
    /// The data or the store cannot be used.
    pub fn open(
        store: &Path,
        folders: &[PathBuf],
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<(Self, Started), ServiceError> {
        if let Some(leader) = following::followed_by(store) {
            return Err(ServiceError::Follower { leader });
        }
        let reference = Arc::new(Reference::new(load(folders)?));
        let told = &mut |at: Progress| progress(Stage::Rebuild, at.done, at.total);
        let folder = store;
        let (store, ledger, opened) = Store::open_with(folder, SEGMENT_BYTES, told)?;
        let kept = Kept::of(folder)?;
        kept.collect(&ledger.runs.kept())?;
        let log = store.log();
        let writer = Writer::start(store, ledger)?;
        let (kept, folder) = (Some(kept), Some(folder.to_owned()));
        let service = Self { kept, folder, log, ..Self::over(reference, writer) };
        let started = service.seed(opened, progress)?;
        Ok((service, started))
    }

    fn over(reference: Arc<Reference>, writer: Writer) -> Self {
        Self {
            reference,
            writer,
            approvals_needed: 1,
            jump_percent: 20,
            person_keys: Vec::new(),
            means: Means::default(),
            log: Log::default(),
            folder: None,
            kept: None,
            following: None,
            stopping: tokio::sync::watch::Sender::new(false),
            timelines: RwLock::default(),
            earlier: Earlier::default(),
            supposed: Supposed::default(),
        }
    }

    fn seed(
        &self,
        opened: OpenReport,
        progress: &mut dyn FnMut(Stage, u64, u64),
    ) -> Result<Started, ServiceError> {
        let (figures, standards) = unrecorded(&self.reference, &self.writer.snapshot());
        let (figures_seeded, standards_seeded) = (figures.len(), standards.len());
        let all = (figures_seeded + standards_seeded) as u64;
        let mut done = 0;
        for chunk in standards.chunks(SEED_ROWS) {
            self.seed_rows(chunk.to_vec(), plan_standards)?;
            done += chunk.len() as u64;
            progress(Stage::Seed, done, all);
        }
        for chunk in figures.chunks(SEED_ROWS) {
            self.seed_rows(chunk.to_vec(), plan_figures)?;
            done += chunk.len() as u64;
            progress(Stage::Seed, done, all);
        }
        let reference = self.reference.clone();
        let adopted =
            self.seeding(Box::new(move |ledger, at| Ok(plan_law(&reference, ledger, at))))?;
        let adopted: Recorded = read_answer(&adopted.answer);
        Ok(Started {
            opened,
            figures_seeded,
            standards_seeded,
            documents_adopted: adopted.new,
            decisions_recorded: adopted.decisions,
        })
    }

    fn seed_rows<T: Send + 'static>(
        &self,
        rows: Vec<T>,
        plan: fn(&Reference, &Ledger, Vec<T>, DateTime<Utc>, bool) -> Plan,
    ) -> Result<(), ServiceError> {
        let reference = self.reference.clone();
        let plan =
            Box::new(move |ledger: &Ledger, at| Ok(plan(&reference, ledger, rows, at, false)));
        self.seeding(plan).map(|_| ())
    }

    fn seeding(&self, plan: PlanFn) -> Result<Acknowledged, ServiceError> {
        let request_id = uuid::Uuid::now_v7().to_string();
        let request_digest = sha256_hex("seed");
        let principal = "seed".to_owned();
        let command = Command { principal, request_id, request_digest, origin: None, plan };
        Ok(self.writer.submit(command)?)
    }

    /// Records figures whose rows were checked.
    ///
    /// # Errors
    /// See [`SubmitError`]; then nothing was recorded.
    pub async fn record_figures(
        &self,
        request: Request,
        rows: Vec<NewFigure>,
    ) -> Result<Outcome, ServiceError> {
        let content = rows.iter().map(|row| {
            let NewFigure { area, series, month, value, released_on, source } = row;
            format!("{area}|{series}|{month}|{value}|{released_on:?}|{source}\n")
        });
        let content: String = content.collect();
        let reference = self.reference.clone();
        let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
            Ok(plan_figures(&reference, ledger, rows, at, true))
        };
        self.record(request, &content, Box::new(plan)).await
    }

    /// What recording these figures would change.
    pub fn check_figures(&self, rows: &[NewFigure]) -> Checked {
        let ledger = self.writer.snapshot();
        let plan = plan_figures(&self.reference, &ledger, rows.to_vec(), now(), true);
        let decisions = plan.operation.as_ref().map_or(&[][..], Operation::decisions);
        let change = |after: &Decision| Change {
            before: ledger.decision_revisions(after.area, after.month).last().cloned(),
            after: after.clone(),
        };
        Checked {
            rows: rows.iter().map(|row| record::row_outcome(&ledger, row)).collect(),
            changes: decisions.iter().map(change).collect(),
        }
    }

    /// Records standards whose rows were checked.
    ///
    /// # Errors
    /// See [`SubmitError`]; then nothing was recorded.
    pub async fn record_standards(
        &self,
        request: Request,
        rows: Vec<NewStandard>,
    ) -> Result<Outcome, ServiceError> {
        let content = rows.iter().map(|row| {
            let NewStandard { area, standard, valid_from, yuan, headcount, source } = row;
            format!("{area}|{standard}|{valid_from}|{yuan}|{headcount:?}|{source}\n")
        });
        let content: String = content.collect();
        let reference = self.reference.clone();
        let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
            Ok(plan_standards(&reference, ledger, rows, at, true))
        };
        self.record(request, &content, Box::new(plan)).await
    }

    async fn record(
        &self,
        request: Request,
        content: &str,
        plan: PlanFn,
    ) -> Result<Outcome, ServiceError> {
        let request_digest = sha256_hex(content);
        if request.validate_only {
            let planned = plan(&self.writer.snapshot(), now()).map_err(SubmitError::Refused)?;
            return Ok(Outcome { sequence: 0, recorded: read_answer(&planned.answer) });
        }
        let Request { principal, id: request_id, origin, .. } = request;
        let command = Command { principal, request_id, request_digest, origin, plan };
        let acknowledged = self.writer.submit_async(command).await?;
        let recorded = read_answer(&acknowledged.answer);
        Ok(Outcome { sequence: acknowledged.sequence.unwrap_or(0), recorded })
    }

    /// Sets a document beside the law without it.
    ///
    /// # Errors
    /// The document does not exist or could not become law.
    pub fn diff(&self, asked: &diff::Asked, strict: bool) -> Result<diff::Diff, diff::DiffError> {
        diff::Diff::new(self.reference.clone(), self.writer.snapshot(), asked, strict)
    }
}

fn read_answer(answer: &serde_json::Value) -> Recorded {
    serde_json::from_value(answer.clone()).unwrap_or_default()
}

/// Shipped rows are the first of their keys, so that nothing can contradict them.
fn record_shipped(ledger: &mut Ledger, operation: &Operation) {
    let recorded = ledger.record(operation);
    assert!(recorded.is_ok(), "shipped rows are planned as first revisions: {recorded:?}");
}

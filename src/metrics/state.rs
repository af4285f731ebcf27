//! What the service knows, as numbers: read when they are asked for.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    domain::{area::AreaCode, decision::Triggered, life::RunState, month::Month},
    engine::question::Terms,
    service::{Service, ServiceError},
};
use chrono::{Datelike, NaiveDate};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

/// Index months before today's that are looked at for payments without a run.
const MONTHS_BACK: i32 = 6;
/// Days ahead for which a payment counts as near.
const NEAR_DAYS: u32 = 7;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDue {
    due: &'static str,
}

/// What takes long to count, and what it was counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Counted {
    sequence: u64,
    on: NaiveDate,
    undecidable: i64,
    awaiting: i64,
    past: i64,
    near: i64,
    unknown: i64,
}

/// The gauges.
#[derive(Debug, Default)]
pub(super) struct State {
    entries: Gauge,
    figures: Gauge,
    standards: Gauge,
    decisions: Gauge,
    runs: Family<OfState, Gauge>,
    waiting: Gauge,
    unwritable: Gauge,
    behind: Gauge,
    follow_age: Gauge,
    commits: Counter,
    flushes: Counter,
    committing: Counter<f64, AtomicU64>,
    flushing: Counter<f64, AtomicU64>,
    lag_months: Gauge,
    undecidable: Gauge,
    awaiting: Gauge,
    due: Family<OfDue, Gauge>,
    counted: Mutex<Option<Counted>>,
}

impl State {
    /// Adds them to a registry.
    pub fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, gauge: &Gauge| {
            registry.register(name, help, gauge.clone());
        };
        gauge("journal_entries", "Entries of the journal", &self.entries);
        gauge("figures", "Figures, every revision counted", &self.figures);
        gauge("standards", "Standards, every revision counted", &self.standards);
        gauge("decisions", "Decisions, every revision counted", &self.decisions);
        gauge("writer_waiting", "Commands that wait for the writer", &self.waiting);
        gauge("writer_unwritable", "1 when nothing is recorded until a restart", &self.unwritable);
        gauge("follow_behind_entries", "Entries of the leader that are not here yet", &self.behind);
        gauge(
            "follow_age_seconds",
            "How long ago a follower had all that its leader had; -1 when it never had",
            &self.follow_age,
        );
        gauge(
            "newest_index_age_months",
            "Months from the newest index month to today's",
            &self.lag_months,
        );
        gauge(
            "areas_undecidable",
            "Deciding areas undecidable in the newest month",
            &self.undecidable,
        );
        gauge(
            "areas_awaiting_figures",
            "Areas with an index but none for that month",
            &self.awaiting,
        );
        registry.register("runs", "Runs by state", self.runs.clone());
        registry.register(
            "payments_without_run",
            "Payments of the last months that no live run pays, by whether they are past, near or of \
             unknown date",
            self.due.clone(),
        );
        registry.register("journal_commits", "Appends to the journal", self.commits.clone());
        registry.register("state_flushes", "Flushes of the state", self.flushes.clone());
        for (name, help, counter) in [
            ("journal_commit", "Time spent appending to the journal", &self.committing),
            ("state_flush", "Time spent flushing the state", &self.flushing),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, counter.clone());
        }
    }

    /// Reads everything anew; what takes long only when something was recorded or a day has passed.
    ///
    /// # Errors
    /// What is due cannot be said.
    pub fn read(&self, service: &Service, today: NaiveDate) -> Result<(), ServiceError> {
        let ledger = service.writer.snapshot();
        let set = |gauge: &Gauge, count: usize| {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        self.entries.set(i64::try_from(ledger.sequence()).unwrap_or(i64::MAX));
        set(&self.figures, ledger.figures.len());
        set(&self.standards, ledger.standards.len());
        set(&self.decisions, ledger.decision_count());
        for state in RunState::ALL {
            let count = ledger.runs.newest_first().filter(|life| life.state() == state).count();
            set(&self.runs.get_or_create(&OfState { state: state.as_str() }), count);
        }
        let pulse = service.writer.pulse().read();
        self.waiting.set(i64::try_from(pulse.waiting).unwrap_or(i64::MAX));
        self.unwritable.set(i64::from(pulse.is_unwritable));
        if let Some(followed) = service.followed() {
            self.behind.set(i64::try_from(followed.behind).unwrap_or(i64::MAX));
            self.follow_age.set(followed.age.map_or(-1, |age| age.as_secs() as i64));
        }
        self.commits.inner().store(pulse.commits, Ordering::Relaxed);
        self.flushes.inner().store(pulse.flushes, Ordering::Relaxed);
        for (counter, time) in
            [(&self.committing, pulse.committing), (&self.flushing, pulse.flushing)]
        {
            counter.inner().store(time.as_secs_f64().to_bits(), Ordering::Relaxed);
        }
        let counted = self.counted(service, ledger.sequence(), today)?;
        if let (Some(newest), Some(now)) = (ledger.figures.newest(), month_of(today)) {
            set(&self.lag_months, newest.through(now).count().saturating_sub(1));
        }
        self.undecidable.set(counted.undecidable);
        self.awaiting.set(counted.awaiting);
        for (due, count) in
            [("past", counted.past), ("near", counted.near), ("unknown", counted.unknown)]
        {
            self.due.get_or_create(&OfDue { due }).set(count);
        }
        Ok(())
    }

    fn counted(
        &self,
        service: &Service,
        sequence: u64,
        on: NaiveDate,
    ) -> Result<Counted, ServiceError> {
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = kept.filter(|one| (one.sequence, one.on) == (sequence, on)) {
            return Ok(counted);
        }
        let counted = count(service, sequence, on)?;
        *kept = Some(counted);
        Ok(counted)
    }
}

fn month_of(day: NaiveDate) -> Option<Month> {
    Month::new(day.year(), day.month())
}

/// O(areas that decide × months looked at).
fn count(service: &Service, sequence: u64, on: NaiveDate) -> Result<Counted, ServiceError> {
    let ledger = service.writer.snapshot();
    let (mut undecidable, mut awaiting) = (0, 0);
    if let Some(newest) = ledger.figures.newest() {
        for area in ledger.figures.areas() {
            let answer = service.answer(&ledger, area, newest, &Terms::default(), false)?;
            let decision = answer.status.outcome.triggered;
            undecidable += i64::from(decision == Triggered::Undecidable);
            let series = ledger.figures.series_of(area);
            let mut columns =
                series.iter().filter_map(|series| ledger.figures.column(area, series));
            awaiting += i64::from(columns.all(|column| column.revisions(newest).is_empty()));
        }
    }
    let since = month_of(on).and_then(|month| month.plus(-MONTHS_BACK)).unwrap_or(Month::FIRST);
    let (mut past, mut near, mut unknown) = (0, 0, 0);
    for due in service.missing_runs(AreaCode::NATION, (since, None), on, NEAR_DAYS)? {
        match due.days_left {
            Some(days) if days < 0 => past += 1,
            Some(_) => near += 1,
            None => unknown += 1,
        }
    }
    Ok(Counted { sequence, on, undecidable, awaiting, past, near, unknown })
}

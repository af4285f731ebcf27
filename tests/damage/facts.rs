//! Figures of areas 99xxxx, commands that record them, and the text of a ledger.

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{figure::Figure, month::Month},
    journal::entry::{Operation, sha256_hex},
    service::writer::{Command, Plan, PlanError},
    store::ledger::Ledger,
};
use serde_json::json;

pub fn month(offset: u64) -> Month {
    Month::new(2010, 1).unwrap().plus(i32::try_from(offset).unwrap()).unwrap()
}

pub fn figure(area: u64, offset: u64, revision: u32, recorded_at: DateTime<Utc>) -> Figure {
    Figure {
        area: format!("99{area:04}").parse().unwrap(),
        series: "cpi".parse().unwrap(),
        month: month(offset),
        value: format!("{}.{}0", offset % 7, revision % 10).parse().unwrap(),
        released_on: month(offset).last_day().succ_opt(),
        source: "统计局 \"fixture\"\n".into(),
        revision,
        recorded_at,
    }
}

pub type Planned = Result<Plan, PlanError>;

pub fn command(
    request_id: &str,
    payload: &str,
    plan: impl FnOnce(&Ledger, DateTime<Utc>) -> Planned + Send + 'static,
) -> Command {
    Command {
        principal: "statistics".into(),
        request_id: request_id.into(),
        request_digest: sha256_hex(payload),
        origin: Some("10.0.0.3".into()),
        plan: Box::new(plan),
    }
}

/// Records the next revision of one month for each of three areas: three facts, one entry.
pub fn three(first_area: u64) -> impl FnOnce(&Ledger, DateTime<Utc>) -> Planned + Send + 'static {
    move |ledger, at| {
        let area = format!("99{first_area:04}").parse().unwrap();
        let column = ledger.figures.column(area, &"cpi".parse().unwrap());
        let revision = column.map_or(0, |column| column.revisions(month(0)).len()) as u32 + 1;
        let figures = (0..3).map(|n| figure(first_area + n, 0, revision, at)).collect();
        let operation = Operation::RecordFigures { figures, decisions: vec![] };
        Ok(Plan { operation: Some(operation), answer: json!({ "revision": revision }) })
    }
}

/// Everything a ledger holds, one fact a line.
pub fn text(ledger: &Ledger) -> String {
    let mut lines = vec![format!("{:?} {:?}", ledger.head(), ledger.recorded_at())];
    for area in ledger.figures.areas() {
        for series in ledger.figures.series_of(area) {
            let column = ledger.figures.column(area, &series).unwrap();
            for month in Month::new(1990, 1).unwrap().through(Month::new(2099, 12).unwrap()) {
                lines.extend(column.revisions(month).iter().map(|f| format!("{f:?}")));
            }
        }
    }
    lines.push(format!("{} {:?}", ledger.figures.len(), ledger.figures.newest()));
    lines.extend(ledger.standards.all().iter().map(|standard| format!("{standard:?}")));
    lines.push(format!("{}", ledger.standards.len()));
    for area in ledger.deciding_areas() {
        lines.push(format!("{:?}", ledger.decisions_of(area)));
    }
    lines.push(format!("{} {:?}", ledger.decision_count(), ledger.law()));
    lines.extend(ledger.runs.newest_first().map(|life| format!("{life:?}")));
    lines.join("\n")
}

/// A small deterministic generator (xorshift64*), so that every run tries the same things.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) % bound
    }
}

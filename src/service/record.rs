//! Recording: what a batch of figures or standards adds, revises or leaves as it is, and which
//! decisions change by it.
//!
//! **Invariant:** a batch is recorded whole or not at all; a decision is recorded with the fact that
//! changed it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        area::AreaCode,
        decision::{Decision, Triggered},
        figure::{Figure, View},
        standard::Standard,
    },
    engine::{
        question::{Applied, Terms},
        timeline::Timeline,
    },
    intake::figures::{NewFigure, NewStandard},
    journal::entry::{LawDocument, Operation},
    store::ledger::Ledger,
};

use super::{law::adopted, reference::Reference, writer::Plan};

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Rows that are the first of their key.
    pub new: u32,
    /// Rows that revise one.
    pub revisions: u32,
    /// Rows equal to what is recorded.
    pub unchanged: u32,
    /// Decisions that are new or changed.
    pub decisions: u32,
}

/// What would become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOutcome {
    /// It is the first of its key.
    New,
    /// It revises this value.
    Revision(Decimal),
    /// It says what is recorded.
    Unchanged(Decimal),
}

/// A decision that would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The one that stands.
    pub before: Option<Decision>,
    /// The one that would be recorded.
    pub after: Decision,
}

/// What a batch of figures would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What would become of each row.
    pub rows: Vec<RowOutcome>,
    /// The decisions that would change.
    pub changes: Vec<Change>,
}

/// The revision that a row would follow.
fn known_before<'a>(ledger: &'a Ledger, row: &NewFigure) -> Option<&'a Figure> {
    let column = ledger.figures.column(row.area, &row.series)?;
    column.revisions(row.month).last()
}

/// Whether a row says nothing beyond what is recorded.
fn says_the_same(known: &Figure, row: &NewFigure) -> bool {
    known.value == row.value && (row.released_on.is_none() || known.released_on == row.released_on)
}

/// What would become of a row.
pub fn row_outcome(ledger: &Ledger, row: &NewFigure) -> RowOutcome {
    match known_before(ledger, row) {
        None => RowOutcome::New,
        Some(known) if says_the_same(known, row) => RowOutcome::Unchanged(known.value),
        Some(known) => RowOutcome::Revision(known.value),
    }
}

fn planned(operation: Option<Operation>, recorded: &Recorded) -> Plan {
    let answer = serde_json::to_value(recorded).expect("counts are plain JSON");
    Plan { operation, answer }
}

/// Plans the recording of figures. O(rows + months of the areas they can decide).
pub fn plan_figures(
    reference: &Reference,
    ledger: &Ledger,
    rows: Vec<NewFigure>,
    at: DateTime<Utc>,
    decide: bool,
) -> Plan {
    let mut recorded = Recorded::default();
    let mut figures = Vec::new();
    for row in rows {
        match row_outcome(ledger, &row) {
            RowOutcome::Unchanged(_) => {
                recorded.unchanged += 1;
                continue;
            }
            RowOutcome::Revision(_) => recorded.revisions += 1,
            RowOutcome::New => recorded.new += 1,
        }
        let before = known_before(ledger, &row);
        figures.push(Figure {
            area: row.area,
            series: row.series,
            month: row.month,
            value: row.value,
            released_on: row.released_on,
            source: row.source,
            revision: before.map_or(1, |known| known.revision + 1),
            recorded_at: at,
        });
    }
    if figures.is_empty() {
        return planned(None, &recorded);
    }
    let decisions = if decide {
        let mut after = ledger.clone();
        figures.iter().for_each(|figure| after.figures.insert(figure.clone()));
        let touched = figures.iter().map(|figure| figure.area).collect();
        changed(reference, &after, &touched, at)
    } else {
        Vec::new()
    };
    recorded.decisions = decisions.len() as u32;
    planned(Some(Operation::RecordFigures { figures, decisions }), &recorded)
}

/// Plans the recording of standards. O(rows + months of the areas they can decide).
pub fn plan_standards(
    reference: &Reference,
    ledger: &Ledger,
    rows: Vec<NewStandard>,
    at: DateTime<Utc>,
    decide: bool,
) -> Plan {
    let mut recorded = Recorded::default();
    let mut standards = Vec::new();
    for row in rows {
        let known = ledger.standards.revisions(row.area, &row.standard, row.valid_from).last();
        match known {
            Some(known) if known.yuan == row.yuan && known.headcount == row.headcount => {
                recorded.unchanged += 1;
                continue;
            }
            Some(_) => recorded.revisions += 1,
            None => recorded.new += 1,
        }
        standards.push(Standard {
            area: row.area,
            standard: row.standard,
            valid_from: row.valid_from,
            yuan: row.yuan,
            headcount: row.headcount,
            source: row.source,
            revision: known.map_or(1, |known| known.revision + 1),
            recorded_at: at,
        });
    }
    if standards.is_empty() {
        return planned(None, &recorded);
    }
    let decisions = if decide {
        let mut after = ledger.clone();
        standards.iter().for_each(|one| after.standards.insert(one.clone()));
        let touched = standards.iter().map(|one| one.area).collect();
        changed(reference, &after, &touched, at)
    } else {
        Vec::new()
    };
    recorded.decisions = decisions.len() as u32;
    planned(Some(Operation::RecordStandards { standards, decisions }), &recorded)
}

/// Plans the adoption of documents that are new, changed or gone since the last start, with every
/// decision that differs from the recorded one. O(areas with an index × months).
pub fn plan_law(reference: &Reference, ledger: &Ledger, at: DateTime<Utc>) -> Plan {
    let documents = fresh_law(reference, ledger);
    let every = BTreeSet::from([AreaCode::NATION]);
    let decisions = changed(reference, ledger, &every, at);
    let recorded = Recorded {
        new: documents.len() as u32,
        decisions: decisions.len() as u32,
        ..Recorded::default()
    };
    let nothing = documents.is_empty() && decisions.is_empty();
    let operation = (!nothing).then_some(Operation::AdoptLaw { documents, decisions });
    planned(operation, &recorded)
}

/// The documents that are not adopted as they are now, and those adopted that are gone. O(documents).
pub fn fresh_law(reference: &Reference, ledger: &Ledger) -> Vec<LawDocument> {
    let instruments = reference.data.library.instruments();
    let mut known = adopted(ledger, &View::default());
    let fresh = instruments.iter().filter(|one| {
        let known = known.remove(one.head.id.as_str());
        known.is_none_or(|known| known.sha256 != one.head.digest)
    });
    let mut documents: Vec<_> = fresh
        .map(|one| LawDocument {
            id: one.head.id.clone(),
            sha256: one.head.digest.clone(),
            text: reference.data.texts.get(&one.head.file).cloned().unwrap_or_default(),
        })
        .collect();
    documents.extend(known.into_keys().map(LawDocument::withdrawn));
    documents
}

/// The decisions that differ from the recorded ones, for areas with an index that a change in these
/// areas can touch: themselves and all below, and all whose rules name an index area by its code.
fn changed(
    reference: &Reference,
    ledger: &Ledger,
    touched: &BTreeSet<AreaCode>,
    at: DateTime<Utc>,
) -> Vec<Decision> {
    let areas = &reference.data.areas;
    let Some(newest) = ledger.figures.newest() else { return Vec::new() };
    let elsewhere = touched.iter().any(|area| reference.index_areas.contains(area));
    let below = |area: AreaCode| areas.line(area).any(|above| touched.contains(&above.code));
    let deciding = ledger.figures.areas().into_iter().filter(|area| elsewhere || below(*area));
    let terms = Terms { view: View::default(), ..Terms::default() };
    let mut decisions = Vec::new();
    for area in deciding {
        let world = reference.world(ledger);
        let Ok(timeline) = Timeline::through(world, area, newest, &terms) else { continue };
        for outcome in timeline.outcomes() {
            let known = ledger.decision_revisions(area, outcome.month).last();
            let same = |known: &Decision| {
                known.triggered == outcome.triggered
                    && known.state == outcome.state
                    && known.since == outcome.since
                    && known.carried_by == outcome.carried_by
            };
            let unsaid = known.is_none()
                && outcome.triggered == Triggered::Undecidable
                && outcome.conditions.is_empty();
            if outcome.deciding != area || unsaid || known.is_some_and(same) {
                continue;
            }
            let Ok(Ok(applied)) = Applied::new(world, area, outcome.month, &terms) else {
                continue;
            };
            let reason = reference.words().answer(area, outcome);
            decisions.push(Decision {
                area,
                month: outcome.month,
                triggered: outcome.triggered,
                state: outcome.state,
                since: outcome.since,
                carried_by: outcome.carried_by.clone(),
                instruments: applied.rules.documents.iter().map(|one| one.id.clone()).collect(),
                law_digest: applied.rules.digest.clone(),
                reason_zh: reason.zh,
                reason_en: reason.en,
                revision: known.map_or(1, |known| known.revision + 1),
                recorded_at: at,
            });
        }
    }
    decisions
}

/// Shipped rows that are not recorded yet, by key. O(rows).
pub fn unrecorded(reference: &Reference, ledger: &Ledger) -> (Vec<NewFigure>, Vec<NewStandard>) {
    let known = |row: &&NewFigure| {
        let column = ledger.figures.column(row.area, &row.series);
        column.is_none_or(|column| column.revisions(row.month).is_empty())
    };
    let figures = reference.data.figures.iter().filter(known).cloned().collect();
    let known = |row: &&NewStandard| {
        ledger.standards.revisions(row.area, &row.standard, row.valid_from).is_empty()
    };
    let standards = reference.data.standards.iter().filter(known).cloned().collect();
    (figures, standards)
}

//! The ledger: everything recorded, in memory, ready to be asked.
//!
//! **Invariant:** a ledger is a pure function of the entries applied to it, so any two that have
//! applied entry n are equal; revisions of one fact are numbered 1, 2, 3, … without a gap. A clone
//! shares what it holds and copies only what is written to afterwards.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::runs::{RunError, Runs};
use crate::{
    domain::{
        area::AreaCode,
        decision::Decision,
        figure::{Figure, Figures, View},
        month::Month,
        standard::{Standard, Standards},
    },
    journal::{
        chain::Head,
        entry::{Entry, LawDocument, Operation, sha256_hex},
    },
};

/// A legal document with the moment it was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedLaw {
    /// The entry that adopted it; 0 when it was adopted outside a journal.
    pub sequence: u64,
    /// When it was adopted.
    pub recorded_at: Option<DateTime<Utc>>,
    /// The document.
    pub document: LawDocument,
}

/// Why an entry cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The entry is not the next one.
    #[error("entry {sequence} does not follow entry {last}")]
    Sequence {
        /// The entry's number.
        sequence: u64,
        /// The last one applied.
        last: u64,
    },
    /// A fact's revision is not the next one.
    #[error("{fact}: has revision {revision}, expected {expected}")]
    Revision {
        /// The fact's key.
        fact: String,
        /// Its revision.
        revision: u32,
        /// The next revision.
        expected: u32,
    },
    /// A fact says that it was recorded at another instant than its entry.
    #[error("{fact}: says it was recorded at {actual}, expected {expected} as its entry says")]
    RecordedAt {
        /// The fact's key.
        fact: String,
        /// What it says.
        actual: DateTime<Utc>,
        /// What the entry says.
        expected: DateTime<Utc>,
    },
    /// The text of a document does not have the digest it names.
    #[error("document {id:?}: its text has the digest {actual}, expected {expected}")]
    Document {
        /// Its id.
        id: String,
        /// The text's digest.
        actual: String,
        /// The digest named.
        expected: String,
    },
    /// A run or a step in its life.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// All decisions on one area, by month, oldest revision first.
pub type AreaDecisions = BTreeMap<Month, Vec<Decision>>;

/// Everything recorded up to one entry.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Every figure.
    pub figures: Figures,
    /// Every standard.
    pub standards: Standards,
    decisions: HashMap<AreaCode, Arc<AreaDecisions>>,
    decision_count: usize,
    law: Arc<Vec<Arc<AdoptedLaw>>>,
    /// Every run.
    pub runs: Runs,
    head: Head,
    recorded_at: Option<DateTime<Utc>>,
}

impl Ledger {
    /// The number of the last entry applied, 0 for none.
    pub fn sequence(&self) -> u64 {
        self.head.sequence
    }

    /// The last entry applied.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// When the last entry was recorded.
    pub fn recorded_at(&self) -> Option<DateTime<Utc>> {
        self.recorded_at
    }

    /// The latest decision on the month that can be seen. O(log months).
    pub fn decision(&self, area: AreaCode, month: Month, view: &View) -> Option<&Decision> {
        let revisions = self.decision_revisions(area, month).iter().rev();
        revisions.into_iter().find(|decision| view.knows(decision.recorded_at))
    }

    /// Every decision on the month, oldest first.
    pub fn decision_revisions(&self, area: AreaCode, month: Month) -> &[Decision] {
        let months = self.decisions.get(&area);
        months.and_then(|months| months.get(&month)).map_or(&[], Vec::as_slice)
    }

    /// Every decision on the area, by month; none when nothing was decided.
    pub fn decisions_of(&self, area: AreaCode) -> Option<&AreaDecisions> {
        self.decisions.get(&area).map(Arc::as_ref)
    }

    /// The areas with decisions, in code order. O(areas).
    pub fn deciding_areas(&self) -> Vec<AreaCode> {
        let mut areas: Vec<_> = self.decisions.keys().copied().collect();
        areas.sort_unstable();
        areas
    }

    /// How many decisions are recorded, every revision counted.
    pub fn decision_count(&self) -> usize {
        self.decision_count
    }

    /// The documents adopted, oldest first; a later one of the same id replaces an earlier one.
    pub fn law(&self) -> &[Arc<AdoptedLaw>] {
        &self.law
    }

    /// Applies the next entry: all of it, or nothing.
    ///
    /// # Errors
    /// An entry that is not the next, or whose facts do not continue what is recorded.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), LedgerError> {
        let (sequence, last) = (entry.sequence, self.head.sequence);
        if sequence != last + 1 || entry.previous != self.head.digest {
            return Err(LedgerError::Sequence { sequence, last });
        }
        self.check(&entry.operation, sequence, Some(entry.recorded_at))?;
        self.add(&entry.operation, sequence, Some(entry.recorded_at));
        self.reached(entry.head(), Some(entry.recorded_at));
        Ok(())
    }

    /// Applies an operation that has no entry, for a ledger without a journal such as the shipped
    /// data.
    ///
    /// # Errors
    /// As [`Ledger::apply`], except that facts may have been recorded at any instant.
    pub fn record(&mut self, operation: &Operation) -> Result<(), LedgerError> {
        self.check(operation, self.head.sequence + 1, None)?;
        self.add(operation, 0, None);
        Ok(())
    }

    fn check(
        &self,
        operation: &Operation,
        sequence: u64,
        at: Option<DateTime<Utc>>,
    ) -> Result<(), LedgerError> {
        match operation {
            Operation::RecordFigures { figures, .. } => continue_revisions(
                figures.iter().map(|f| ((f.area, &f.series, f.month), f.revision, f.recorded_at)),
                |(area, series, month)| {
                    let column = self.figures.column(*area, series);
                    column.map_or(0, |column| column.revisions(*month).len())
                },
                |(area, series, month)| format!("figure {area} {series} {month}"),
                at,
            )?,
            Operation::RecordStandards { standards, .. } => continue_revisions(
                standards
                    .iter()
                    .map(|s| ((s.area, &s.standard, s.valid_from), s.revision, s.recorded_at)),
                |(area, code, from)| self.standards.revisions(*area, code, *from).len(),
                |(area, code, from)| format!("standard {area} {code} {from}"),
                at,
            )?,
            Operation::AdoptLaw { documents, .. } => documents.iter().try_for_each(authentic)?,
            Operation::MakeRun { run } => self.runs.check_run(run, sequence)?,
            Operation::MoveRun { event } => {
                if let Some(expected) = at.filter(|at| *at != event.at) {
                    let fact = format!("move of run {}", event.run);
                    return Err(LedgerError::RecordedAt { fact, actual: event.at, expected });
                }
                self.runs.check_move(event)?;
            }
        }
        continue_revisions(
            operation.decisions().iter().map(|d| ((d.area, d.month), d.revision, d.recorded_at)),
            |(area, month)| self.decision_revisions(*area, *month).len(),
            |(area, month)| format!("decision {area} {month}"),
            at,
        )
    }

    fn add(&mut self, operation: &Operation, sequence: u64, at: Option<DateTime<Utc>>) {
        match operation {
            Operation::RecordFigures { figures, .. } => {
                figures.iter().for_each(|figure| self.add_figure(figure.clone()));
            }
            Operation::RecordStandards { standards, .. } => {
                standards.iter().for_each(|standard| self.add_standard(standard.clone()));
            }
            Operation::AdoptLaw { documents, .. } => {
                for document in documents.iter().cloned() {
                    self.add_law(AdoptedLaw { sequence, recorded_at: at, document });
                }
            }
            Operation::MakeRun { run } => {
                self.runs.add_run(run.clone(), at.unwrap_or(DateTime::UNIX_EPOCH));
            }
            Operation::MoveRun { event } => self.runs.add_event(event.clone()),
        }
        operation.decisions().iter().for_each(|decision| self.add_decision(decision.clone()));
    }

    pub(super) fn add_figure(&mut self, figure: Figure) {
        self.figures.insert(figure);
    }

    pub(super) fn add_standard(&mut self, standard: Standard) {
        self.standards.insert(standard);
    }

    pub(super) fn add_law(&mut self, adopted: AdoptedLaw) {
        Arc::make_mut(&mut self.law).push(Arc::new(adopted));
    }

    pub(super) fn add_decision(&mut self, decision: Decision) {
        let months = Arc::make_mut(self.decisions.entry(decision.area).or_default());
        let revisions = months.entry(decision.month).or_default();
        let place = revisions.partition_point(|other| other.revision <= decision.revision);
        revisions.insert(place, decision);
        self.decision_count += 1;
    }

    pub(super) fn reached(&mut self, head: Head, recorded_at: Option<DateTime<Utc>>) {
        self.head = head;
        self.recorded_at = recorded_at;
    }
}

/// Checks that every fact carries the next revision of its key and the entry's instant.
fn continue_revisions<K: Hash + Eq>(
    facts: impl Iterator<Item = (K, u32, DateTime<Utc>)>,
    recorded: impl Fn(&K) -> usize,
    name: impl Fn(&K) -> String,
    at: Option<DateTime<Utc>>,
) -> Result<(), LedgerError> {
    let mut added: HashMap<K, usize> = HashMap::new();
    for (key, revision, actual) in facts {
        if let Some(expected) = at.filter(|at| *at != actual) {
            return Err(LedgerError::RecordedAt { fact: name(&key), actual, expected });
        }
        let before = added.get(&key).copied().unwrap_or_default();
        let next = recorded(&key) + before + 1;
        if revision as usize != next {
            let expected = u32::try_from(next).unwrap_or(u32::MAX);
            return Err(LedgerError::Revision { fact: name(&key), revision, expected });
        }
        added.insert(key, before + 1);
    }
    Ok(())
}

fn authentic(document: &LawDocument) -> Result<(), LedgerError> {
    let LawDocument { id, sha256, text } = document;
    let actual = sha256_hex(text);
    match actual == *sha256 {
        true => Ok(()),
        false => Err(LedgerError::Document { id: id.clone(), actual, expected: sha256.clone() }),
    }
}

//! The state in memory: what answers rest on.
//!
//! **Invariant:** a ledger is a function of the entries applied to it, in order; two that applied the
//! same entries are equal.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    domain::{
        area::AreaCode, decision::Decision, figure::Figures, month::Month, standard::Standards,
    },
    journal::{
        Head,
        entry::{LawDocument, Operation},
    },
};

type ByMonth = BTreeMap<Month, Vec<Decision>>;

/// Everything recorded up to an entry. A clone shares what it holds.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// The figures.
    pub figures: Figures,
    /// The standards.
    pub standards: Standards,
    /// The law documents adopted, by id.
    pub law: Arc<BTreeMap<String, LawDocument>>,
    /// The last entry applied.
    pub head: Head,
    decisions: HashMap<AreaCode, Arc<ByMonth>>,
}

impl Ledger {
    /// Applies what an entry holds.
    pub fn apply(&mut self, operation: &Operation, head: Head) {
        match operation {
            Operation::RecordFigures { figures, .. } => {
                figures.iter().for_each(|figure| self.figures.insert(figure.clone()));
            }
            Operation::RecordStandards { standards, .. } => {
                standards.iter().for_each(|one| self.standards.insert(one.clone()));
            }
            Operation::AdoptLaw { documents, .. } => {
                let law = Arc::make_mut(&mut self.law);
                law.extend(documents.iter().map(|one| (one.id.clone(), one.clone())));
            }
        }
        operation.decisions().iter().for_each(|decision| self.insert_decision(decision.clone()));
        self.head = head;
    }

    /// Adds a revision of a decision.
    pub fn insert_decision(&mut self, decision: Decision) {
        let by_month = Arc::make_mut(self.decisions.entry(decision.area).or_default());
        let revisions = by_month.entry(decision.month).or_default();
        let place = revisions.partition_point(|other| other.revision <= decision.revision);
        revisions.insert(place, decision);
    }

    /// The decisions recorded for an area and month, oldest first.
    pub fn decisions(&self, area: AreaCode, month: Month) -> &[Decision] {
        let by_month = self.decisions.get(&area);
        by_month.and_then(|map| map.get(&month)).map_or(&[], Vec::as_slice)
    }

    /// Every decision recorded for an area, by month and revision.
    pub fn history(&self, area: AreaCode) -> impl Iterator<Item = &Decision> {
        self.decisions.get(&area).into_iter().flat_map(|map| map.values().flatten())
    }

    /// How many decisions are recorded. O(areas × months).
    pub fn decision_count(&self) -> usize {
        self.decisions.values().flat_map(|map| map.values()).map(Vec::len).sum()
    }
}

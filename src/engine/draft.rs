//! A budget being drawn up: its lines, what an approver should know, what was refused, what it rests
//! on.
//!
//! **Invariant:** every headcount has a line, a refusal, or its place among those without a line.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    exact::RangeError,
    run::{Headcount, RunFinding, RunLine, Weight},
};

use super::{
    amount::{Line, Operand},
    funding::Funding,
    question::Applied,
    reading::Used,
    reason::Text,
    timeline::TimelineError,
    trigger::MonthOutcome,
};

/// What is to be paid, and what it rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budget {
    /// The lines, in the order of the headcounts.
    pub lines: Vec<RunLine>,
    /// Headcounts of covered groups, or of payments by discretion, that led to no line.
    pub without_line: Vec<WithoutLine>,
    /// How the rate of each line was found, in their order; none for payments by discretion.
    pub derivations: Vec<Option<Arc<Derivation>>>,
    /// What the approver should know.
    pub findings: Vec<RunFinding>,
    /// The documents applied: id → digest.
    pub documents: BTreeMap<String, String>,
    /// The figures used: `area/month/series` → revision.
    pub figures: BTreeMap<String, u32>,
    /// The standards used: `area/first month/code` → revision.
    pub standards: BTreeMap<String, u32>,
}

/// A headcount that led to no line.
#[derive(Debug, Clone, PartialEq)]
pub struct WithoutLine {
    /// Its place among the headcounts, from 0.
    pub row: usize,
    /// `no_sum` or `with_later`.
    pub code: &'static str,
    /// What was found; none for a payment by discretion.
    pub derived: Option<Arc<Derivation>>,
}

/// How a rate was found, and who pays it.
#[derive(Debug, Clone, PartialEq)]
pub struct Derivation {
    /// The area that decided.
    pub deciding: AreaCode,
    /// The rate with its steps.
    pub line: Line,
    /// Who pays it; none where there is no sum.
    pub funding: Option<Funding>,
}

/// Why a headcount cannot be budgeted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its place among the headcounts, from 0.
    pub row: usize,
    /// Stable name: `NOT_TRIGGERED`, `UNDECIDABLE`, `INDICATIVE`, `NOT_COVERED` or `HOUSEHOLDS`.
    pub code: &'static str,
    /// In words.
    pub text: Text,
}

/// Why there is no budget.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BudgetError {
    /// An area is unknown, or a sum leaves the range of exact arithmetic.
    #[error(transparent)]
    Timeline(#[from] TimelineError),
    /// Headcounts that cannot be budgeted, every one.
    #[error("{} headcounts cannot be budgeted; the first: {}", .0.len(), .0[0].text.en)]
    Refused(Vec<Refusal>),
    /// A reform changed the law; nothing is paid by it.
    #[error("the law is changed by a reform: nothing is paid by it")]
    Hypothetical,
}

impl From<RangeError> for BudgetError {
    fn from(error: RangeError) -> Self {
        Self::Timeline(error.into())
    }
}

/// A budget being drawn up.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) budget: Budget,
    pub(super) refusals: Vec<Refusal>,
    told: HashMap<&'static str, HashSet<String>>,
}

impl Draft {
    /// Adds a finding about a place once, however many lines it holds of.
    pub(super) fn find_once(
        &mut self,
        weight: Weight,
        code: &'static str,
        row: &Headcount,
        text: Text,
    ) {
        let told = self.told.entry(code).or_default();
        if !told.contains(&text.en) {
            told.insert(text.en.clone());
            self.find(weight, code, row, None, text);
        }
    }

    pub(super) fn find(
        &mut self,
        weight: Weight,
        code: &str,
        row: &Headcount,
        group: Option<&Code>,
        text: Text,
    ) {
        let Text { zh, en } = text;
        let (month, area, group) = (row.month, row.area, group.cloned());
        let code = code.to_owned();
        self.budget.findings.push(RunFinding { weight, code, month, area, group, zh, en });
    }

    pub(super) fn refuse_all(
        &mut self,
        first: usize,
        rows: &[Headcount],
        code: &'static str,
        text: &Text,
    ) {
        let refused = |at: usize| Refusal { row: first + at, code, text: text.clone() };
        self.refusals.extend((0..rows.len()).map(refused));
    }

    /// Refuses headcounts of an area when the same group is counted in an area above it as well.
    /// O(headcounts).
    pub(super) fn refuse_overlaps(&mut self, areas: &Areas, rows: &[Headcount]) {
        let mut above: HashMap<AreaCode, Vec<AreaCode>> =
            rows.chunk_by(|a, b| a.area == b.area).map(|rows| (rows[0].area, Vec::new())).collect();
        let codes: Vec<_> = above.keys().copied().collect();
        for area in codes {
            let line = areas.line(area).skip(1).map(|area| area.code);
            let counted = line.filter(|area| above.contains_key(area)).collect();
            above.insert(area, counted);
        }
        if above.values().all(Vec::is_empty) {
            return;
        }
        let key = |row: &'_ Headcount, area| (area, row.month, row.group.clone(), row.residence);
        let counted: HashSet<_> = rows.iter().map(|row| key(row, row.area)).collect();
        for (at, row) in rows.iter().enumerate() {
            let found = above[&row.area].iter().find(|area| counted.contains(&key(row, **area)));
            if let Some(area) = found {
                let text = Text::new(
                    format!("上级地区 {area} 已计入同一对象"),
                    format!("the area above it, {area}, counts the same group"),
                );
                self.refusals.push(Refusal { row: at, code: "OVERLAP", text });
            }
        }
        self.refusals.sort_by_key(|refusal| refusal.row);
    }

    pub(super) fn pin(&mut self, applied: &Applied<'_>, outcome: &MonthOutcome) {
        for head in &applied.rules.documents {
            self.budget.documents.entry(head.id.clone()).or_insert_with(|| head.digest.clone());
        }
        let readings = outcome.conditions.iter().flat_map(|condition| &condition.readings);
        readings.flat_map(|reading| &reading.used).for_each(|used| self.pin_figure(used));
    }

    pub(super) fn pin_figure(&mut self, used: &Used) {
        let key = format!("{}/{}/{}", used.area, used.month, used.series);
        self.budget.figures.insert(key, used.revision);
    }

    pub(super) fn pin_line(&mut self, line: &Line) {
        for operand in line.operands() {
            match operand {
                Operand::Rise(rise) => {
                    let readings = std::iter::once(&rise.reading).chain(&rise.beside);
                    readings.flat_map(|one| &one.used).for_each(|used| self.pin_figure(used));
                }
                Operand::Base(base) => {
                    let key = format!("{}/{}/{}", base.area, base.valid_from, base.standard);
                    self.budget.standards.insert(key, base.revision);
                }
                _ => {}
            }
        }
    }
}

//! From headcounts to what is to be paid: one line per index month, area, group and residence.
//!
//! **Invariant:** a line exists only where the mechanism pays for the month, or where a document
//! records that it was decided by discretion; every amount is a rate of [`super::amount`] times a
//! count, and its charges add up to it.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::Triggered,
        exact::RangeError,
        run::{Basis, Charge, Headcount, RunFinding, RunLine, Weight},
    },
    rules::{cite::Cite, terms::Discretion, word::Unit},
};

use super::{
    amount::{Asked, Line, LineOutcome, Operand, STEPS_MAX, covered, line},
    deadline::PayBy,
    funding::{Funding, funding},
    question::{Applied, Missing, Terms, World},
    reading::Used,
    reason::{Text, Vocabulary},
    sums::Count,
    timeline::{Timeline, TimelineError},
    trigger::MonthOutcome,
};

/// What is to be paid, and what it rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budget {
    /// The lines, in the order of the headcounts.
    pub lines: Vec<RunLine>,
    /// What the approver should know.
    pub findings: Vec<RunFinding>,
    /// The documents applied: id → digest.
    pub documents: BTreeMap<String, String>,
    /// The figures used: `area/month/series` → revision.
    pub figures: BTreeMap<String, u32>,
    /// The standards used: `area/first month/code` → revision.
    pub standards: BTreeMap<String, u32>,
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
}

impl From<RangeError> for BudgetError {
    fn from(error: RangeError) -> Self {
        Self::Timeline(error.into())
    }
}

/// Budgets headcounts that are ordered by month, area, group and residence, each once. With
/// `discretion`, months that do not pay are paid where a document records it.
/// O(areas × months decided + rows × steps).
///
/// # Errors
/// Every headcount that cannot be budgeted; then nothing is.
pub fn budget(
    world: World<'_>,
    words: &Vocabulary<'_>,
    rows: &[Headcount],
    terms: &Terms,
    discretion: bool,
) -> Result<Budget, BudgetError> {
    let mut work = Work { words, discretion, budget: Budget::default(), refusals: Vec::new() };
    let newest = world.figures.newest();
    let mut timelines: HashMap<AreaCode, Timeline> = HashMap::new();
    let mut at = 0;
    for place in rows.chunk_by(|a, b| (a.month, a.area) == (b.month, b.area)) {
        let (month, area) = (place[0].month, place[0].area);
        let known = timelines.get(&area).filter(|timeline| timeline.get(month).is_some());
        if known.is_none() {
            let last = rows.iter().map(|row| row.month).max().max(newest).unwrap_or(month);
            timelines.insert(area, Timeline::through(world, area, last, terms)?);
        }
        let timeline = &timelines[&area];
        let applied = Applied::new(world, area, month, terms).map_err(TimelineError::from)?;
        let steps_left = Cell::new(STEPS_MAX);
        match (applied, timeline.get(month)) {
            (Ok(applied), Some(outcome)) => {
                let asked = Asked {
                    applied: &applied,
                    timeline,
                    outcome,
                    terms,
                    depth: 0,
                    steps_left: &steps_left,
                };
                work.place(&asked, place, at)?;
            }
            (Err(missing), _) => {
                work.refuse_all(at, place, "UNDECIDABLE", &words.missing(&missing))
            }
            (_, None) => {
                work.refuse_all(at, place, "UNDECIDABLE", &words.missing(&Missing::Law));
            }
        }
        at += place.len();
    }
    if work.refusals.is_empty() {
        Ok(work.budget)
    } else {
        Err(BudgetError::Refused(work.refusals))
    }
}

struct Work<'a> {
    words: &'a Vocabulary<'a>,
    discretion: bool,
    budget: Budget,
    refusals: Vec<Refusal>,
}

impl Work<'_> {
    fn place(
        &mut self,
        asked: &Asked<'_, '_>,
        rows: &[Headcount],
        first: usize,
    ) -> Result<(), BudgetError> {
        let Asked { applied, outcome, .. } = asked;
        if applied.indicative {
            let text = Text::new(
                format!("{}只有参考指数,由下级地区分别判定", self.words.area(applied.area)),
                format!("the areas below {} decide each for itself", applied.area),
            );
            self.refuse_all(first, rows, "INDICATIVE", &text);
            return Ok(());
        }
        let pays = outcome.triggered == Triggered::Yes;
        if !pays && !self.discretion {
            let code = match outcome.triggered {
                Triggered::Undecidable => "UNDECIDABLE",
                _ => "NOT_TRIGGERED",
            };
            self.refuse_all(first, rows, code, &self.words.answer(applied.area, outcome));
            return Ok(());
        }
        self.pin(applied, outcome);
        let covered: BTreeMap<Code, Cite> = covered(applied).into_iter().collect();
        for (at, row) in rows.iter().enumerate() {
            match covered.get(&row.group) {
                _ if !pays => self.by_discretion(asked, row, first + at)?,
                Some(cite) => self.computed(asked, row, first + at, cite)?,
                None => self.not_covered(row, first + at),
            }
        }
        if pays {
            self.absent(rows, &covered);
        }
        Ok(())
    }

    fn computed(
        &mut self,
        asked: &Asked<'_, '_>,
        row: &Headcount,
        at: usize,
        covered_by: &Cite,
    ) -> Result<(), BudgetError> {
        let applied = asked.applied;
        asked.steps_left.set(STEPS_MAX);
        let line = line(asked, &row.group, row.residence, covered_by.clone())?;
        let rate = match line.outcome {
            LineOutcome::Owed(rate) => rate,
            LineOutcome::WithLater(_) => {
                let words = self.words.line_outcome(&line);
                self.find(Weight::Warning, "with_later", row, Some(&row.group), words);
                return Ok(());
            }
            _ => {
                let words = self.words.line_outcome(&line);
                self.find(Weight::Blocking, "no_sum", row, Some(&row.group), words);
                return Ok(());
            }
        };
        let context = applied.context_of(&row.group, row.residence, &asked.outcome.carried_by);
        let funding = funding(asked, &context, &line)?;
        let Some(count) = self.count(row, line.unit, at) else { return Ok(()) };
        let yuan = count.times(rate, line.each_further_yuan)?;
        let increment = count.times(funding.increment_rate, None)?.min(yuan);
        self.pin_line(&line);
        self.notes(row, &line, &funding);
        self.budget.lines.push(RunLine {
            payees: row.clone(),
            basis: Basis::Computed,
            rate_yuan: rate,
            each_further_yuan: line.each_further_yuan,
            yuan,
            increment_yuan: increment,
            charges: charges(&funding, yuan, increment)?,
            pay_by: match line.pay_by {
                PayBy::Day { day, .. } => Some(day),
                _ => None,
            },
        });
        Ok(())
    }

    fn by_discretion(
        &mut self,
        asked: &Asked<'_, '_>,
        row: &Headcount,
        at: usize,
    ) -> Result<(), BudgetError> {
        let applied = asked.applied;
        let fits = |one: &&Discretion| {
            one.from <= row.month
                && row.month <= one.until
                && one.groups.contains(&row.group)
                && one.residence.is_none_or(|residence| residence == row.residence)
        };
        let Some(given) = applied.rules.terms.discretion.iter().find(fits) else {
            let (zh, en) = (self.words.groups.zh(&row.group), self.words.groups.en(&row.group));
            let text = Text::new(
                format!("{}没有对{zh}酌情发放的记录", self.words.area(row.area)),
                format!("no document records a payment by discretion to {en} in {}", row.area),
            );
            self.refusals.push(Refusal { row: at, code: "NOT_TRIGGERED", text });
            return Ok(());
        };
        let Some(count) = self.count(row, given.unit, at) else { return Ok(()) };
        let mut rate = given.yuan;
        rate.rescale(2);
        let yuan = count.times(rate, given.each_further_yuan)?;
        let source = "unstated".to_owned();
        let text = Text::new(
            format!("酌情发放,不依据启动条件:{}", given.reason),
            format!("paid by discretion, without a trigger: {}", given.reason),
        );
        self.find(Weight::Warning, "discretion", row, Some(&row.group), text);
        self.budget.lines.push(RunLine {
            payees: row.clone(),
            basis: Basis::Discretion,
            rate_yuan: rate,
            each_further_yuan: given.each_further_yuan,
            yuan,
            increment_yuan: Decimal::new(0, 2),
            charges: vec![Charge { source, yuan }],
            pay_by: None,
        });
        Ok(())
    }

    /// How many of the unit are paid; none when the households are missing or impossible.
    fn count(&mut self, row: &Headcount, unit: Unit, at: usize) -> Option<Count> {
        let count = Count::of(row, unit);
        if count.is_some() {
            return count;
        }
        let text = Text::new(
            "按户发放,应填写户数,且不多于人数",
            "paid by household: expected the number of households, not above that of persons",
        );
        self.refusals.push(Refusal { row: at, code: "HOUSEHOLDS", text });
        None
    }

    fn not_covered(&mut self, row: &Headcount, at: usize) {
        let (zh, en) = (self.words.groups.zh(&row.group), self.words.groups.en(&row.group));
        let text = Text::new(
            format!("{} {}的保障对象不包括{zh}", self.words.area(row.area), row.month),
            format!("{en} are not covered in {} for {}", row.area, row.month),
        );
        self.refusals.push(Refusal { row: at, code: "NOT_COVERED", text });
    }

    /// Groups that the law covers and nobody counted.
    fn absent(&mut self, rows: &[Headcount], covered: &BTreeMap<Code, Cite>) {
        let absent = covered.keys().filter(|group| !rows.iter().any(|row| row.group == **group));
        let groups = self.words.groups;
        let names = absent.map(|group| Text::new(groups.zh(group), groups.en(group)));
        let names = Text::join(names, "、", ", ");
        if !names.zh.is_empty() {
            let text = Text::new(
                format!("规定的保障对象没有列入:{}", names.zh),
                format!("covered by law but not counted: {}", names.en),
            );
            self.find(Weight::Warning, "group_absent", &rows[0], None, text);
        }
    }

    /// What holds of a whole run and is told once, where it first occurs.
    fn notes(&mut self, row: &Headcount, line: &Line, funding: &Funding) {
        for cite in line.assumptions() {
            let text = Text::new(
                format!("金额依据假设《{}》({})", cite.head.title_zh, cite.head.id),
                format!("amounts rest on the assumption {}", cite.head.id),
            );
            self.find_once(Weight::Warning, "assumed", row, text);
        }
        if !funding.is_stated() {
            let text = Text::new(
                "文件没有规定资金来源,或没有规定该地区增支部分的分担比例",
                "no document in force says who pays, or who pays the increment in this area",
            );
            self.find_once(Weight::Warning, "funding_unstated", row, text);
        }
        if let PayBy::Unknown(_) = line.pay_by {
            let text = self.words.pay_by(&line.pay_by);
            self.find_once(Weight::Warning, "due_unknown", row, text);
        }
    }

    fn find_once(&mut self, weight: Weight, code: &str, row: &Headcount, text: Text) {
        let known = |one: &RunFinding| one.code == code && one.en == text.en;
        if !self.budget.findings.iter().any(known) {
            self.find(weight, code, row, None, text);
        }
    }

    fn find(
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

    fn refuse_all(&mut self, first: usize, rows: &[Headcount], code: &'static str, text: &Text) {
        let refused = |at: usize| Refusal { row: first + at, code, text: text.clone() };
        self.refusals.extend((0..rows.len()).map(refused));
    }

    fn pin(&mut self, applied: &Applied<'_>, outcome: &MonthOutcome) {
        for head in &applied.rules.documents {
            self.budget.documents.entry(head.id.clone()).or_insert_with(|| head.digest.clone());
        }
        let readings = outcome.conditions.iter().flat_map(|condition| &condition.readings);
        readings.flat_map(|reading| &reading.used).for_each(|used| self.pin_figure(used));
    }

    fn pin_figure(&mut self, used: &Used) {
        let key = format!("{}/{}/{}", used.area, used.month, used.series);
        self.budget.figures.insert(key, used.revision);
    }

    fn pin_line(&mut self, line: &Line) {
        for operand in line.operands() {
            match operand {
                Operand::Rise(rise) => {
                    rise.reading.used.iter().for_each(|used| self.pin_figure(used));
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

fn charges(
    funding: &Funding,
    yuan: Decimal,
    increment: Decimal,
) -> Result<Vec<Charge>, RangeError> {
    let charges = funding.charges(yuan, increment)?.into_iter();
    let named = charges.map(|(source, yuan)| Charge {
        source: source.map_or("unstated", |source| source.as_str()).to_owned(),
        yuan,
    });
    Ok(named.collect())
}

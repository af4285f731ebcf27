//! From headcounts to what is to be paid: one line per index month, area, group and residence.
//!
//! **Invariant:** a line exists only where the mechanism pays for the month, or where a document
//! records that it was decided by discretion; every amount is a rate of [`super::amount`] times a
//! count, and its charges add up to it.

use std::{
    cell::Cell,
    collections::{HashMap, hash_map::Entry},
};

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        decision::Triggered,
        month::Month,
        run::{Basis, Charge, Headcount, RunLine, Weight},
    },
    rules::{terms::Discretion, word::Unit},
};

use super::{
    alike::Histories,
    amount::{Asked, Line, LineOutcome, STEPS_MAX},
    case::{Case, Covered, Worked, charges},
    deadline::PayBy,
    draft::{Budget, BudgetError, Derivation, Draft, Refusal, WithoutLine},
    funding::Funding,
    question::{Applied, Missing, Terms, World},
    reason::{Text, Vocabulary},
    sums::Count,
    timeline::{Timeline, TimelineError},
    trigger::MonthOutcome,
};

/// Budgets headcounts that are ordered by month, area, group and residence, each once. With
/// `discretion`, months that do not pay are paid where a document records it.
/// O(kinds of areas × (months decided + months asked × groups × steps) + rows).
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
    let mut draft = drawn_up(world, words, rows, terms, discretion)?;
    draft.refuse_overlaps(world.areas, rows);
    if draft.refusals.is_empty() {
        Ok(draft.budget)
    } else {
        Err(BudgetError::Refused(draft.refusals))
    }
}

/// As [`budget`], each row by itself, with what can be budgeted beside what cannot: for counts of
/// persons who are told apart, and for headcounts that were budgeted before.
///
/// # Errors
/// An area is unknown, or a sum leaves the range of exact arithmetic.
pub fn budget_of_each(
    world: World<'_>,
    words: &Vocabulary<'_>,
    rows: &[Headcount],
    terms: &Terms,
    discretion: bool,
) -> Result<(Budget, Vec<Refusal>), BudgetError> {
    let Draft { budget, refusals, .. } = drawn_up(world, words, rows, terms, discretion)?;
    Ok((budget, refusals))
}

fn drawn_up(
    world: World<'_>,
    words: &Vocabulary<'_>,
    rows: &[Headcount],
    terms: &Terms,
    discretion: bool,
) -> Result<Draft, BudgetError> {
    if world.library.is_hypothetical() {
        return Err(BudgetError::Hypothetical);
    }
    let mut work = Work { words, discretion, draft: Draft::default() };
    // The last headcount is of the last month.
    let last = rows.last().map(|row| row.month).max(world.figures.newest_seen(&terms.view));
    let mut histories = Histories::new(world, terms, last.unwrap_or(Month::FIRST));
    let mut at = 0;
    for of_month in rows.chunk_by(|a, b| a.month == b.month) {
        let mut cases: HashMap<AreaCode, Case<'_>> = HashMap::new();
        for place in of_month.chunk_by(|a, b| a.area == b.area) {
            let (month, area) = (place[0].month, place[0].area);
            let (first, timeline) = histories.of(area)?;
            let found = match cases.entry(*first) {
                Entry::Occupied(known) => Ok(known.into_mut().for_another(area)),
                Entry::Vacant(free) => {
                    let applied = Applied::new(world, area, month, terms);
                    let applied = applied.map_err(TimelineError::from)?;
                    applied.map(|applied| free.insert(Case::new(applied)))
                }
            };
            match (found, timeline.get(month)) {
                (Ok(case), Some(outcome)) => {
                    work.place(case, timeline, outcome, terms, place, at)?
                }
                (Err(missing), _) => {
                    let text = words.missing(&missing);
                    work.draft.refuse_all(at, place, "UNDECIDABLE", &text);
                }
                (_, None) => {
                    let text = words.missing(&Missing::Law);
                    work.draft.refuse_all(at, place, "UNDECIDABLE", &text);
                }
            }
            at += place.len();
        }
    }
    Ok(work.draft)
}

struct Work<'a> {
    words: &'a Vocabulary<'a>,
    discretion: bool,
    draft: Draft,
}

impl Work<'_> {
    fn place(
        &mut self,
        case: &mut Case<'_>,
        timeline: &Timeline,
        outcome: &MonthOutcome,
        terms: &Terms,
        rows: &[Headcount],
        first: usize,
    ) -> Result<(), BudgetError> {
        let Case { applied, covered, pinned } = case;
        if applied.area != rows[0].area {
            let text = Text::new(
                format!("该地区当月的代码为 {}", applied.area),
                format!("in that month the area's code is {}", applied.area),
            );
            self.draft.refuse_all(first, rows, "OTHER_CODE", &text);
            return Ok(());
        }
        if applied.indicative {
            let text = Text::new(
                format!("{}只有参考指数,由下级地区分别判定", self.words.area(applied.area)),
                format!("the areas below {} decide each for itself", applied.area),
            );
            self.draft.refuse_all(first, rows, "INDICATIVE", &text);
            return Ok(());
        }
        let pays = outcome.triggered == Triggered::Yes;
        if !pays && (!self.discretion || may_pay_yet(outcome)) {
            let code = match outcome.triggered {
                Triggered::Undecidable => "UNDECIDABLE",
                _ => "NOT_TRIGGERED",
            };
            self.draft.refuse_all(first, rows, code, &self.words.answer(applied.area, outcome));
            return Ok(());
        }
        if !std::mem::replace(pinned, true) {
            self.draft.pin(applied, outcome);
        }
        let steps_left = Cell::new(STEPS_MAX);
        let asked = Asked { applied, timeline, outcome, terms, depth: 0, steps_left: &steps_left };
        for (at, row) in rows.iter().enumerate() {
            match covered.binary_search_by(|one| one.group.cmp(&row.group)) {
                _ if !pays => self.by_discretion(&asked, row, first + at)?,
                Ok(found) => {
                    let worked = covered[found].line(&asked, row)?;
                    self.computed(worked, row, first + at)?;
                }
                Err(_) => self.not_covered(row, first + at),
            }
        }
        if pays {
            self.absent(rows, covered);
        }
        Ok(())
    }

    fn computed(
        &mut self,
        worked: &mut Worked,
        row: &Headcount,
        at: usize,
    ) -> Result<(), BudgetError> {
        let Worked { derived, covers, told } = worked;
        let Derivation { line, funding, .. } = &**derived;
        let (LineOutcome::Owed(rate), Some(funding)) = (&line.outcome, funding) else {
            let (weight, code) = match line.outcome {
                LineOutcome::WithLater(_) => (Weight::Warning, "with_later"),
                _ => (Weight::Blocking, "no_sum"),
            };
            let derived = Some(derived.clone());
            self.draft.budget.without_line.push(WithoutLine { row: at, code, derived });
            if !std::mem::replace(told, true) {
                self.draft.find_once(weight, code, row, self.words.line(line));
            }
            return Ok(());
        };
        let Some(count) = self.count(row, line.unit, at) else { return Ok(()) };
        let yuan = count.times(*rate, line.each_further_yuan)?;
        let increment = count.times(funding.increment_rate, funding.increment_further)?.min(yuan);
        if !std::mem::replace(told, true) {
            self.draft.pin_line(line);
            self.notes(row, line, funding);
        }
        self.draft.budget.derivations.push(Some(derived.clone()));
        self.draft.budget.lines.push(RunLine {
            payees: row.clone(),
            basis: Basis::Computed,
            covers: *covers,
            rate_yuan: *rate,
            each_further_yuan: line.each_further_yuan,
            yuan,
            increment_yuan: increment,
            charges: charges(funding, yuan, increment)?,
            pay_by: match line.pay_by {
                PayBy::Day { day, .. } => Some(day),
                _ => None,
            },
            paid_before: None,
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
        let pays = |one: &&Discretion| one.pays(row.month, &row.group, row.residence);
        let Some(given) = applied.rules.terms.discretion.iter().find(pays) else {
            let (zh, en) = (self.words.groups.zh(&row.group), self.words.groups.en(&row.group));
            let text = Text::new(
                format!("{}没有对{zh}酌情发放的记录", self.words.area(row.area)),
                format!("no document records a payment by discretion to {en} in {}", row.area),
            );
            self.draft.refusals.push(Refusal { row: at, code: "NOT_TRIGGERED", text });
            return Ok(());
        };
        let Some(count) = self.count(row, given.unit, at) else { return Ok(()) };
        let mut rate = given.yuan;
        rate.rescale(2);
        if rate != given.yuan {
            let text = Text::new(
                format!("酌情发放 {} 元不足以精确到分", given.yuan),
                format!("{} yuan by discretion do not end at the fen", given.yuan),
            );
            let one = WithoutLine { row: at, code: "no_sum", derived: None };
            self.draft.budget.without_line.push(one);
            self.draft.find_once(Weight::Blocking, "no_sum", row, text);
            return Ok(());
        }
        let yuan = count.times(rate, given.each_further_yuan)?;
        let source = "unstated".to_owned();
        let text = Text::new(
            format!("酌情发放,不依据启动条件:{}", given.reason),
            format!("paid by discretion, without a trigger: {}", given.reason),
        );
        self.draft.find(Weight::Warning, "discretion", row, Some(&row.group), text);
        self.draft.budget.derivations.push(None);
        self.draft.budget.lines.push(RunLine {
            payees: row.clone(),
            basis: Basis::Discretion,
            covers: (row.month, row.month),
            rate_yuan: rate,
            each_further_yuan: given.each_further_yuan,
            yuan,
            increment_yuan: Decimal::new(0, 2),
            charges: vec![Charge { source, yuan }],
            pay_by: None,
            paid_before: None,
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
        self.draft.refusals.push(Refusal { row: at, code: "HOUSEHOLDS", text });
        None
    }

    fn not_covered(&mut self, row: &Headcount, at: usize) {
        let (zh, en) = (self.words.groups.zh(&row.group), self.words.groups.en(&row.group));
        let text = Text::new(
            format!("{} {}的保障对象不包括{zh}", self.words.area(row.area), row.month),
            format!("{en} are not covered in {} for {}", row.area, row.month),
        );
        self.draft.refusals.push(Refusal { row: at, code: "NOT_COVERED", text });
    }

    /// Groups that the law covers and nobody counted.
    fn absent(&mut self, rows: &[Headcount], covered: &[Covered]) {
        let groups = covered.iter().map(|one| &one.group);
        let absent = groups.filter(|group| !rows.iter().any(|row| row.group == **group));
        let groups = self.words.groups;
        let names = absent.map(|group| Text::new(groups.zh(group), groups.en(group)));
        let names = Text::join(names, "、", ", ");
        if !names.zh.is_empty() {
            let text = Text::new(
                format!("规定的保障对象没有列入:{}", names.zh),
                format!("covered by law but not counted: {}", names.en),
            );
            self.draft.find(Weight::Warning, "group_absent", &rows[0], None, text);
        }
    }

    /// What holds of a whole run and is told once, where it first occurs.
    fn notes(&mut self, row: &Headcount, line: &Line, funding: &Funding) {
        for cite in line.assumptions() {
            let text = Text::new(
                format!("金额依据假设《{}》({})", cite.head.title_zh, cite.head.id),
                format!("amounts rest on the assumption {}", cite.head.id),
            );
            self.draft.find_once(Weight::Warning, "assumed", row, text);
        }
        if !funding.is_stated() {
            let text = Text::new(
                "文件没有规定资金来源,或没有规定该地区增支部分的分担比例",
                "no document in force says who pays, or who pays the increment in this area",
            );
            self.draft.find_once(Weight::Warning, "funding_unstated", row, text);
        }
        if let PayBy::Unknown(_) = line.pay_by {
            let text = self.words.pay_by(&line.pay_by);
            self.draft.find_once(Weight::Warning, "due_unknown", row, text);
        }
    }
}

/// Whether a figure that is still to come may make the month pay.
fn may_pay_yet(outcome: &MonthOutcome) -> bool {
    let settled = |missing: &Missing| matches!(missing, Missing::Law | Missing::Parameter { .. });
    outcome.triggered == Triggered::Undecidable && !outcome.missing.iter().all(settled)
}

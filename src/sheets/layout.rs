//! Where everything stands in the sheets of a run: columns, rows, what a row rests on.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;
use rust_xlsxwriter::{RowNum, utility::column_number_to_name};

use crate::{
    domain::{
        area::AreaCode,
        exact::Exact,
        run::{Basis, RunLine},
    },
    engine::{
        amount::{Line, Operand},
        funding::Funding,
        grounds::Grounds,
        reason::Vocabulary,
        sums::Count,
    },
    rules::{
        cite::{Cite, Head, Kind},
        word::{Source, Unit},
    },
};

use super::{
    RunPaper, SheetError,
    formula::{Cells, LineFormulas},
    scope::Scope,
    style::office,
};

/// The first row of lines, from 0; above it title, remark and two rows of headers.
pub(super) const FIRST_ROW: RowNum = 4;

/// Most digits that a spreadsheet keeps of a number of fen.
const FEN_MAX: i128 = 999_999_999_999_999;

/// A column of the computation table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Number,
    Month,
    Code,
    Area,
    Group,
    Residence,
    Persons,
    Households,
    Unit,
    Base,
    Rise,
    Computed,
    Rate,
    Further,
    Yuan,
    IncrementRate,
    Increment,
    /// What one of the sources pays, by its place among them.
    Source(usize),
    PayBy,
    Documents,
    Derivation,
}

/// A line of the run with what its row shows.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub line: &'a RunLine,
    /// The rule's line and who pays; none for a line by discretion or one that is told no more.
    pub rule: Option<&'a (Line, Funding)>,
    pub unit: Unit,
    pub formulas: LineFormulas,
    /// The documents it rests on, as places in [`Plan::documents`].
    pub documents: Vec<usize>,
    /// The derivation of its rate, as a place in [`Plan::derivations`].
    pub derivation: Option<usize>,
}

/// The steps that led to a rate, with the rows that have it.
#[derive(Debug)]
pub(super) struct Derivation {
    pub steps: Vec<Step>,
    /// Places of the rows, from 0.
    pub rows: Vec<usize>,
}

/// A step as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub name: String,
    pub text: String,
    pub output: Decimal,
    pub cites: String,
    pub assumed: bool,
}

/// The sheets of a run, planned.
pub(super) struct Plan<'a> {
    pub columns: Vec<Column>,
    /// The sources of funds, those higher up first.
    pub sources: Vec<&'a str>,
    pub rows: Vec<Row<'a>>,
    pub derivations: Vec<Derivation>,
    /// The documents that rows name, in order of their first use.
    pub documents: Vec<&'a Head>,
    pub scope: Scope,
}

impl<'a> Plan<'a> {
    pub fn new(paper: &'a RunPaper<'_>) -> Result<Self, SheetError> {
        let lines = &paper.life.run.lines;
        for yuan in lines.iter().map(|line| line.yuan).chain([paper.life.run.yuan]) {
            fits(yuan)?;
        }
        let sources = sources(lines);
        let units: Vec<_> = lines.iter().zip(paper.grounds).map(|(l, g)| unit(l, g)).collect();
        let mut plan = Self {
            columns: columns(lines, &units, sources.len()),
            sources,
            rows: Vec::with_capacity(lines.len()),
            derivations: Vec::new(),
            documents: Vec::new(),
            scope: Scope::new(paper.words.areas, lines),
        };
        let mut known = Known::default();
        for (at, line) in lines.iter().enumerate() {
            let grounds = paper.grounds.get(at).and_then(Option::as_ref);
            let row = plan.row(at, line, grounds, units[at], &paper.words, &mut known)?;
            plan.rows.push(row);
        }
        Ok(plan)
    }

    fn row(
        &mut self,
        at: usize,
        line: &'a RunLine,
        grounds: Option<&'a Grounds>,
        unit: Unit,
        words: &Vocabulary<'_>,
        known: &mut Known,
    ) -> Result<Row<'a>, SheetError> {
        let rule = grounds.and_then(|grounds| grounds.rule.as_ref());
        let rule = rule.filter(|_| line.basis == Basis::Computed);
        let decision = grounds.and_then(|grounds| grounds.decision.as_ref());
        let decision = decision.filter(|_| line.basis == Basis::Discretion);
        let cites: Vec<&Cite> = match (rule, decision) {
            (Some((found, funding)), _) => cites(found).chain(&funding.cites).collect(),
            (None, Some(given)) => vec![&given.cite],
            (None, None) => Vec::new(),
        };
        let mut documents = Vec::new();
        for cite in cites {
            let next = self.documents.len();
            let place = *known.documents.entry(cite.head.id.clone()).or_insert(next);
            if place == next {
                self.documents.push(&cite.head);
            }
            if !documents.contains(&place) {
                documents.push(place);
            }
        }
        documents.sort_unstable();
        let derivation = rule.map(|(found, _)| {
            let steps = steps(found, words);
            let next = self.derivations.len();
            let place = *known.derivations.entry(steps.clone()).or_insert(next);
            if place == next {
                self.derivations.push(Derivation { steps, rows: Vec::new() });
            }
            self.derivations[place].rows.push(at);
            place
        });
        let count = Count::of(&line.payees, unit);
        let formulas = LineFormulas::new(
            &self.cells(at),
            line,
            rule.map(|(_, funding)| funding),
            count,
            unit,
        )?;
        Ok(Row { line, rule, unit, formulas, documents, derivation })
    }

    /// What stands beside a document's number: a sign where it is an assumption.
    pub fn mark(&self, document: usize) -> &'static str {
        if self.documents[document].kind == Kind::Assumption { "※" } else { "" }
    }

    /// The place of a column; none when the run does not need it.
    pub fn column(&self, column: Column) -> Option<u16> {
        self.columns.iter().position(|one| *one == column).map(|at| at as u16)
    }

    /// The letters of a column, which must be there.
    fn letters(&self, column: Column) -> String {
        self.column(column).map(column_number_to_name).unwrap_or_default()
    }

    /// The cells of a line's row.
    fn cells(&self, at: usize) -> Cells {
        let row = FIRST_ROW as usize + at + 1;
        let cell = |column| format!("{}{row}", self.letters(column));
        Cells {
            persons: cell(Column::Persons),
            households: cell(Column::Households),
            rate: cell(Column::Rate),
            further: cell(Column::Further),
            yuan: cell(Column::Yuan),
            increment_rate: cell(Column::IncrementRate),
            increment: cell(Column::Increment),
        }
    }

    /// The lines' cells of a column, rows as places of lines, both included: `O5:O8`.
    pub fn range(&self, column: u16, first: usize, last: usize) -> String {
        let letters = column_number_to_name(column);
        let row = |at: usize| FIRST_ROW as usize + at + 1;
        format!("{letters}{}:{letters}{}", row(first), row(last))
    }

    /// The same with fixed rows and column, for use in several cells.
    pub fn fixed_range(&self, column: Column) -> String {
        let letters = self.letters(column);
        let (first, last) = (FIRST_ROW as usize + 1, FIRST_ROW as usize + self.rows.len());
        format!("${letters}${first}:${letters}${last}")
    }

    /// The rows of each area, in code order, as runs of neighbours.
    pub fn by_area(&self) -> BTreeMap<AreaCode, Vec<(usize, usize)>> {
        let mut all: BTreeMap<AreaCode, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            let ranges = all.entry(row.line.payees.area).or_default();
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == at => *last = at,
                _ => ranges.push((at, at)),
            }
        }
        all
    }

    /// What a column sums: persons, households or yuan of a line.
    pub fn summed(&self, column: Column, line: &RunLine) -> Option<Decimal> {
        match column {
            Column::Persons => Some(line.payees.persons.into()),
            Column::Households => line.payees.households.map(Decimal::from),
            Column::Yuan => Some(line.yuan),
            Column::Increment => Some(line.increment_yuan),
            Column::Source(at) => {
                let charge = line.charges.iter().find(|one| one.source == self.sources[at]);
                charge.map(|charge| charge.yuan)
            }
            _ => None,
        }
    }

    /// The columns that are summed, with their places.
    pub fn summed_columns(&self) -> impl Iterator<Item = (u16, Column)> + '_ {
        let summed = |column: &Column| {
            use Column::{Households, Increment, Persons, Source, Yuan};
            matches!(column, Persons | Households | Yuan | Increment | Source(_))
        };
        let all = self.columns.iter().copied().enumerate();
        all.filter(move |(_, column)| summed(column)).map(|(at, column)| (at as u16, column))
    }

    /// The sum of a column over lines.
    ///
    /// # Errors
    /// It leaves the range of exact arithmetic or of a spreadsheet.
    pub fn sum<'b>(
        &self,
        column: Column,
        lines: impl IntoIterator<Item = &'b RunLine>,
    ) -> Result<Decimal, SheetError> {
        let mut sum = Decimal::ZERO;
        for yuan in lines.into_iter().filter_map(|line| self.summed(column, line)) {
            sum = sum.checked_add(yuan).ok_or(SheetError::Digits { yuan })?;
        }
        fits(sum)
    }
}

#[derive(Default)]
struct Known {
    documents: HashMap<String, usize>,
    derivations: HashMap<Vec<Step>, usize>,
}

/// A sum that a spreadsheet can hold to the fen.
fn fits(yuan: Decimal) -> Result<Decimal, SheetError> {
    let fen = yuan.checked_mul(Decimal::ONE_HUNDRED).map(|fen| fen.trunc().mantissa().abs());
    match fen {
        Some(fen) if fen <= FEN_MAX => Ok(yuan),
        _ => Err(SheetError::Digits { yuan }),
    }
}

fn unit(line: &RunLine, grounds: &Option<Grounds>) -> Unit {
    let Some(grounds) = grounds else { return Unit::Person };
    match (line.basis, &grounds.rule, &grounds.decision) {
        (Basis::Computed, Some((found, _)), _) => found.unit,
        (Basis::Discretion, _, Some(given)) => given.unit,
        _ => Unit::Person,
    }
}

/// The sources that the lines name, in the order of the rules' words, unstated ones last.
fn sources(lines: &[RunLine]) -> Vec<&str> {
    let charges = lines.iter().flat_map(|line| &line.charges);
    let all: HashSet<&str> = charges.map(|charge| charge.source.as_str()).collect();
    let mut all: Vec<_> = all.into_iter().collect();
    let place = |source: &str| Source::WORDS.iter().position(|word| *word == source);
    all.sort_by_key(|source| (place(source).unwrap_or(usize::MAX), *source));
    all
}

fn columns(lines: &[RunLine], units: &[Unit], sources: usize) -> Vec<Column> {
    let by_household = units.iter().any(|unit| *unit != Unit::Person);
    let further = lines.iter().any(|line| line.each_further_yuan.is_some());
    let mut all = vec![
        Column::Number,
        Column::Month,
        Column::Code,
        Column::Area,
        Column::Group,
        Column::Residence,
        Column::Persons,
    ];
    if by_household {
        all.extend([Column::Households, Column::Unit]);
    }
    all.extend([Column::Base, Column::Rise, Column::Computed, Column::Rate]);
    if further {
        all.push(Column::Further);
    }
    all.extend([Column::Yuan, Column::IncrementRate, Column::Increment]);
    all.extend((0..sources).map(Column::Source));
    all.extend([Column::PayBy, Column::Documents, Column::Derivation]);
    all
}

/// Everything in the law that a line rests on.
fn cites(line: &Line) -> impl Iterator<Item = &Cite> {
    let steps = line.steps.iter().map(|step| &step.cite);
    let operands = line.operands().into_iter().filter_map(Operand::cite);
    [&line.covered_by].into_iter().chain(steps).chain(operands)
}

fn steps(line: &Line, words: &Vocabulary<'_>) -> Vec<Step> {
    let shown = |step: &crate::engine::amount::StepTaken| {
        let operands = step.operands.iter().filter_map(Operand::cite);
        let cites: Vec<&Cite> = [&step.cite].into_iter().chain(operands).collect();
        let mut texts: Vec<String> = Vec::new();
        for text in cites.iter().map(|cite| cite.to_string()) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        Step {
            name: words.step_kind(step.kind).zh,
            text: office(&words.step(step).zh),
            output: shown_sum(step.output),
            cites: office(&texts.join(";")),
            assumed: cites.iter().any(|cite| cite.is_assumed()),
        }
    };
    line.steps.iter().map(shown).collect()
}

/// A sum for a cell: six places at most.
pub(super) fn shown_sum(sum: Exact) -> Decimal {
    sum.to_decimal(6).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_holds_fifteen_digits_of_fen_and_no_more() {
        for (yuan, held) in [
            ("9999999999999.98", true),
            ("9999999999999.99", true),
            ("10000000000000.00", false),
            ("-9999999999999.99", true),
            ("-10000000000000.00", false),
        ] {
            assert_eq!(fits(yuan.parse().unwrap()).is_ok(), held, "{yuan}");
        }
        assert!(fits(Decimal::MAX).is_err());
    }
}

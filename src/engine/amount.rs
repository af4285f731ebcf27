//! What each group is owed for a month, with the whole derivation.
//!
//! **Invariant:** a sum is exact until a step named `round`; every operand says where it comes from;
//! without every operand there is no sum.

use std::cell::Cell;

use rust_decimal::Decimal;

use crate::{
    domain::{
        code::Code,
        decision::Triggered,
        exact::{Exact, RangeError},
        group::Residence,
        month::Month,
    },
    rules::{
        cite::Cite,
        param::Context,
        sum::RoundTo,
        terms::{Discretion, StepTerms},
        word::{Outcome, RoundMode, StepKind, Unit},
    },
};

use super::{
    deadline::{PayBy, owed_with, pay_by},
    operand::{BaseUsed, RiseUsed},
    question::{Applied, Missing, Terms, optional},
    step::{Evaluation, Stop, order},
    timeline::Timeline,
    trigger::MonthOutcome,
};

/// Why a line has the sum it has, or none.
#[derive(Debug, Clone, PartialEq)]
pub enum LineOutcome {
    /// This sum is owed, in yuan with two places.
    Owed(Decimal),
    /// Nothing is owed: the mechanism does not pay for the month.
    NotTriggered,
    /// It cannot be computed.
    Undecidable(Vec<Missing>),
    /// The law leaves the sum to a decision by hand (另行研究).
    ByHand(Cite),
    /// The sum does not end at the fen, and no step rounds it.
    NotInFen(Exact),
    /// It is owed as one sum with this later month.
    WithLater(Month),
}

impl LineOutcome {
    /// Whether the same is paid: not covered (none) and not triggered are both nothing, and what
    /// cannot be computed is the same whatever is missing.
    pub fn pays_alike(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (None | Some(Self::NotTriggered), None | Some(Self::NotTriggered)) => true,
            (Some(Self::Undecidable(_)), Some(Self::Undecidable(_))) => true,
            (Some(Self::ByHand(_)), Some(Self::ByHand(_))) => true,
            (one, other) => one == other,
        }
    }

    /// The word of it.
    pub fn word(&self) -> Outcome {
        match self {
            Self::Owed(_) => Outcome::Owed,
            Self::NotTriggered => Outcome::NotTriggered,
            Self::Undecidable(_) => Outcome::Undecidable,
            Self::ByHand(_) => Outcome::ByHand,
            Self::NotInFen(_) => Outcome::NotInFen,
            Self::WithLater(_) => Outcome::WithLater,
        }
    }
}

/// One step as it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct StepTaken {
    /// Its name.
    pub name: Code,
    /// What it does.
    pub kind: StepKind,
    /// The sum before it; none for a step that yields a sum of its own.
    pub input: Option<Exact>,
    /// The sum after it.
    pub output: Exact,
    /// What went into it.
    pub operands: Vec<Operand>,
    /// Where the step stands.
    pub cite: Cite,
}

/// The range of a rise that lies below the lowest band.
pub(super) const BELOW_LOWEST_BAND: &str = "below the lowest band";

/// The name of what each further person of a household adds.
pub(super) const EACH_FURTHER: &str = "each_further_yuan";

/// Something that went into a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A standard.
    Base(BaseUsed),
    /// A rise.
    Rise(RiseUsed),
    /// The band it lies in, as text.
    Band {
        /// Its range.
        range: String,
        /// Where it stands.
        cite: Cite,
    },
    /// A number: a floor, a factor, a sum per point, a number of points.
    Number {
        /// What it is, such as `floor` or `points`.
        name: &'static str,
        /// Its value.
        value: Exact,
        /// What it was computed from, where the law states no number.
        from: Vec<Operand>,
        /// Where it stands.
        cite: Cite,
    },
    /// How it was rounded.
    Rounding {
        /// To what unit; none when nothing is rounded.
        to: Option<RoundTo>,
        /// How.
        mode: RoundMode,
        /// Where it stands.
        cite: Cite,
    },
    /// A sum computed by other steps or for another month.
    Sum {
        /// The steps or the month.
        name: String,
        /// The sum.
        value: Exact,
        /// The steps that led to it.
        steps: Vec<StepTaken>,
    },
}

impl Operand {
    /// Where it stands, for operands taken from the law.
    pub fn cite(&self) -> Option<&Cite> {
        match self {
            Self::Base(base) => Some(&base.cite),
            Self::Rise(rise) => Some(&rise.cite),
            Self::Band { cite, .. } | Self::Number { cite, .. } | Self::Rounding { cite, .. } => {
                Some(cite)
            }
            Self::Sum { .. } => None,
        }
    }
}

/// What one group and residence is owed for an index month.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The group.
    pub group: Code,
    /// The residence.
    pub residence: Residence,
    /// Where it stands that the group is covered.
    pub covered_by: Cite,
    /// Who the sum is for.
    pub unit: Unit,
    /// What each further person of a household adds.
    pub each_further_yuan: Option<Decimal>,
    /// The sum, or why there is none.
    pub outcome: LineOutcome,
    /// The steps in order.
    pub steps: Vec<StepTaken>,
    /// By when it must be paid to this group.
    pub pay_by: PayBy,
}

impl Line {
    /// The sum in yuan; zero when nothing is owed for the month, none when it cannot be said.
    pub fn yuan(&self) -> Option<Decimal> {
        match self.outcome {
            LineOutcome::Owed(yuan) => Some(yuan),
            LineOutcome::NotTriggered | LineOutcome::WithLater(_) => Some(Decimal::new(0, 2)),
            _ => None,
        }
    }

    /// The sum before the first rounding; none where the steps did not reach the end.
    pub fn unrounded(&self) -> Option<Exact> {
        if !matches!(self.outcome, LineOutcome::Owed(_) | LineOutcome::NotInFen(_)) {
            return None;
        }
        let round = self.steps.iter().find(|step| step.kind == StepKind::Round);
        round.map_or_else(|| self.steps.last().map(|step| step.output), |step| step.input)
    }

    /// The standard it was computed from; not one that only limits it.
    pub fn base(&self) -> Option<&BaseUsed> {
        self.of_sources().into_iter().find_map(|operand| match operand {
            Operand::Base(base) => Some(base),
            _ => None,
        })
    }

    /// The rise it was computed from.
    pub fn rise(&self) -> Option<&RiseUsed> {
        self.of_sources().into_iter().find_map(|operand| match operand {
            Operand::Rise(rise) => Some(rise),
            _ => None,
        })
    }

    /// Every operand of every step, those of nested sums included.
    pub fn operands(&self) -> Vec<&Operand> {
        let mut all = Vec::new();
        self.steps.iter().for_each(|step| gather(&step.operands, &mut all));
        all
    }

    /// The operands of the steps that yield a sum of their own.
    fn of_sources(&self) -> Vec<&Operand> {
        let mut all = Vec::new();
        let sources = self.steps.iter().filter(|step| step.kind.is_source());
        sources.for_each(|step| gather(&step.operands, &mut all));
        all
    }

    /// The assumptions it rests on, each document once.
    pub fn assumptions(&self) -> Vec<&Cite> {
        let own = self.steps.iter().map(|step| &step.cite);
        let cites = own.chain(self.operands().into_iter().filter_map(Operand::cite));
        let mut found: Vec<&Cite> = Vec::new();
        for cite in cites.filter(|cite| cite.is_assumed()) {
            if found.iter().all(|known| known.head.id != cite.head.id) {
                found.push(cite);
            }
        }
        found
    }
}

/// The operands, each followed by those it was computed from.
fn gather<'a>(operands: &'a [Operand], into: &mut Vec<&'a Operand>) {
    for operand in operands {
        into.push(operand);
        match operand {
            Operand::Sum { steps, .. } => {
                steps.iter().for_each(|step| gather(&step.operands, into));
            }
            Operand::Number { from, .. } => gather(from, into),
            _ => {}
        }
    }
}

/// What is owed to whom for an area and index month.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// One line per covered group and residence, in order of groups.
    pub lines: Vec<Line>,
    /// Payments by discretion in that month: recorded, not computed.
    pub discretion: Vec<Discretion>,
}

/// The groups covered in the month, with where that stands, in code order.
pub fn covered(applied: &Applied<'_>) -> Vec<(Code, Cite)> {
    let Applied { month, area, world, .. } = applied;
    applied.rules.terms.covered(world.areas, *area, *month).into_iter().collect()
}

/// Computes what every covered group is owed. O(groups × steps).
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub fn quote(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    terms: &Terms,
) -> Result<Quote, RangeError> {
    let mut lines = Vec::new();
    for (group, covered_by) in covered(applied) {
        for residence in Residence::ALL {
            let steps_left = Cell::new(STEPS_MAX);
            let asked =
                Asked { applied, timeline, outcome, terms, depth: 0, steps_left: &steps_left };
            lines.push(line(&asked, &group, residence, covered_by.clone())?);
        }
    }
    let now = |one: &&Discretion| one.from <= applied.month && applied.month <= one.until;
    let discretion = applied.rules.terms.discretion.iter().filter(now).cloned().collect();
    Ok(Quote { lines, discretion })
}

/// Most steps taken for one line.
pub(super) const STEPS_MAX: u32 = 1_000;

/// What a line is computed for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a, 'w> {
    pub applied: &'a Applied<'w>,
    pub timeline: &'a Timeline,
    pub outcome: &'a MonthOutcome,
    pub terms: &'a Terms,
    /// How many earlier amounts deep.
    pub depth: u32,
    /// How many more steps may be taken, those of other steps' and earlier sums included.
    pub steps_left: &'a Cell<u32>,
}

pub(super) fn line(
    asked: &Asked<'_, '_>,
    group: &Code,
    residence: Residence,
    covered_by: Cite,
) -> Result<Line, RangeError> {
    let mut line = Line {
        group: group.clone(),
        residence,
        covered_by,
        unit: Unit::Person,
        each_further_yuan: None,
        outcome: LineOutcome::NotTriggered,
        steps: Vec::new(),
        pay_by: PayBy::NothingOwed,
    };
    let context = asked.applied.context_of(group, residence, &asked.outcome.carried_by);
    line.pay_by = pay_by(asked.applied, asked.timeline, asked.outcome, &context);
    match asked.outcome.triggered {
        Triggered::No => return Ok(line),
        Triggered::Undecidable => {
            line.outcome = LineOutcome::Undecidable(asked.outcome.missing.clone());
            return Ok(line);
        }
        Triggered::Yes => {}
    }
    match computed(asked, &context, &mut line) {
        Ok(outcome) => line.outcome = outcome,
        Err(Stop::Missing(missing)) => line.outcome = LineOutcome::Undecidable(missing),
        Err(Stop::ByHand(cite)) => line.outcome = LineOutcome::ByHand(cite),
        Err(Stop::Range(error)) => return Err(error),
    }
    Ok(line)
}

/// What each further person of a household adds before any step changes it.
pub(super) fn further_of(
    asked: &Asked<'_, '_>,
    context: &Context<'_>,
    name: &Code,
    first: &StepTerms,
) -> Result<(Exact, Operand), Stop> {
    let path = || format!("amount.steps.{name}.{EACH_FURTHER}");
    Evaluation::new(asked, context).stated(&first.each_further_yuan, EACH_FURTHER, path)
}

fn computed(
    asked: &Asked<'_, '_>,
    context: &Context<'_>,
    line: &mut Line,
) -> Result<LineOutcome, Stop> {
    if let Some(later) = owed_with(asked.applied, asked.timeline, context, asked.applied.month)? {
        return Ok(LineOutcome::WithLater(later));
    }
    let names = order(&asked.applied.rules.terms, context)?;
    let (mut further, mut told) = (None, None);
    if let Some(first) = names.first().and_then(|name| asked.applied.rules.terms.steps.get(name)) {
        let path = |key: &str| format!("amount.steps.{}.{key}", names[0]);
        line.unit = optional(&first.unit, context, || path("unit"), Unit::Person)?;
        if line.unit == Unit::HouseholdAndHeads {
            let each = further_of(asked, context, &names[0], first)?;
            (further, told) = (Some(each.0), Some(each.1));
        }
    }
    let mut evaluation = Evaluation::new(asked, context).with_further(further);
    let taken = names.iter().try_for_each(|name| evaluation.take(name));
    let (sum, further, steps) = evaluation.finish();
    // Kept even where a later step lacks something: they show how far the law and the facts reach.
    line.steps = steps;
    let computed = |one: &Operand| matches!(one, Operand::Number { from, .. } if !from.is_empty());
    if let (Some(first), Some(told)) = (line.steps.first_mut(), told.filter(computed)) {
        first.operands.push(told);
    }
    taken?;
    let Some(sum) = sum else {
        let missing = Missing::Parameter { path: "amount.order".to_owned(), left_open_by: None };
        return Err(Stop::Missing(vec![missing]));
    };
    if let Some(uneven) = [Some(sum), further].into_iter().flatten().find(|s| !s.is_whole_fen()) {
        return Ok(LineOutcome::NotInFen(uneven));
    }
    line.each_further_yuan = further.map(|further| further.to_decimal(2));
    Ok(LineOutcome::Owed(sum.to_decimal(2)))
}

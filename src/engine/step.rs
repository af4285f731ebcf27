//! The ordered steps of a sum.
//!
//! **Invariant:** steps are taken in the order the law states; one that no case fits is passed over
//! only when it limits or changes a sum, never when it yields one.

use rust_decimal::Decimal;

use crate::{
    domain::{
        code::Code,
        exact::{Exact, RangeError},
    },
    rules::{
        cite::Cite,
        param::{Context, Param, Pick, Picked},
        shape::BandYield,
        sum::Above,
        terms::{StepTerms, Terms},
        word::{Points, StepKind},
    },
};

use super::{
    amount::{Asked, BELOW_LOWEST_BAND, LineOutcome, Operand, StepTaken, line},
    condition::evaluate,
    operand::{base, number, rise},
    question::{Applied, Missing, Threshold, optional, required},
};

/// Why a sum was not computed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    Missing(Vec<Missing>),
    ByHand(Cite),
    Range(RangeError),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Self::Missing(vec![missing])
    }
}

impl From<RangeError> for Stop {
    fn from(error: RangeError) -> Self {
        Self::Range(error)
    }
}

/// The steps in order, with those that overlays put between them; one may stand beside another.
pub(super) fn order(terms: &Terms, context: &Context<'_>) -> Result<Vec<Code>, Missing> {
    let path = || "amount.order".to_owned();
    let mut names = required(&terms.amount.order, context, path)?.value.clone();
    let beside = |param: &Param<Code>, behind: usize| match param.pick(context) {
        Pick::Set(Picked { value, .. }) => Some((value.clone(), behind)),
        _ => None,
    };
    let mut waiting: Vec<(&Code, (Code, usize))> = (terms.steps.iter())
        .filter(|(name, _)| !names.contains(name))
        .filter_map(|(name, step)| {
            let place = beside(&step.before, 0).or_else(|| beside(&step.after, 1));
            Some((name, place?))
        })
        .collect();
    while let Some((at, place)) =
        waiting.iter().enumerate().find_map(|(at, (_, (other, behind)))| {
            let place = names.iter().position(|name| name == other)?;
            Some((at, place + behind))
        })
    {
        let (name, _) = waiting.remove(at);
        names.insert(place, name.clone());
    }
    match waiting.first() {
        None => Ok(names),
        Some((name, (beside, _))) => Err(Missing::Parameter {
            path: format!("amount.steps.{beside}, beside which {name} stands"),
            left_open_by: None,
        }),
    }
}

/// A sum being put together.
pub(super) struct Evaluation<'a, 'w> {
    asked: &'a Asked<'a, 'w>,
    pub(super) context: &'a Context<'a>,
    sum: Option<Exact>,
    /// What each further person of a household adds; multiplied and rounded as the sum is.
    further: Option<Exact>,
    pub(super) steps: Vec<StepTaken>,
    /// Steps that no case fitted, each with the sum it left as it was.
    pub(super) passed_over: Vec<(Code, Exact)>,
    nested: u32,
}

const NESTED_MAX: u32 = 8;
const EARLIER_MAX: u32 = 4;

impl<'a, 'w> Evaluation<'a, 'w> {
    pub fn new(asked: &'a Asked<'a, 'w>, context: &'a Context<'a>) -> Self {
        Self {
            asked,
            context,
            sum: None,
            further: None,
            steps: Vec::new(),
            passed_over: Vec::new(),
            nested: 0,
        }
    }

    /// The same, with what each further person of a household adds.
    pub fn with_further(self, further: Option<Exact>) -> Self {
        Self { further, ..self }
    }

    /// The sum, what each further person adds, and the steps.
    pub fn finish(self) -> (Option<Exact>, Option<Exact>, Vec<StepTaken>) {
        (self.sum, self.further, self.steps)
    }

    pub(super) fn applied(&self) -> &'a Applied<'w> {
        self.asked.applied
    }

    /// Leaves the sum as it is where a step would change it.
    pub fn pass_over(&mut self, name: &Code) {
        self.passed_over.extend(self.sum.map(|sum| (name.clone(), sum)));
    }

    /// Takes a step.
    pub fn take(&mut self, name: &Code) -> Result<(), Stop> {
        let path = |key: &str| format!("amount.steps.{name}.{key}");
        let left = self.asked.steps_left.get().checked_sub(1).ok_or_else(|| {
            let path = format!("amount.steps.{name}: too many steps name each other");
            Missing::Parameter { path, left_open_by: None }
        })?;
        self.asked.steps_left.set(left);
        let terms = self.applied().rules.terms.steps.get(name);
        let Some(terms) = terms else {
            return Err(Missing::Parameter { path: path("kind"), left_open_by: None }.into());
        };
        let kind = required(&terms.kind, self.context, || path("kind"))?;
        let (kind, cite) = (*kind.value, kind.cite.clone());
        let step = Step { terms, path: &path };
        let taken = match (kind.is_source(), self.sum) {
            (true, _) => {
                let (output, operands) = self.source(kind, &step)?;
                let name = name.clone();
                Some(StepTaken { name, kind, input: None, output, operands, cite })
            }
            (false, Some(input)) => {
                let changed = self.change(kind, &step, input)?;
                if let (StepKind::Multiply | StepKind::Round, Some(further)) = (kind, self.further)
                    && let Some((further, _)) = self.change(kind, &step, further)?
                {
                    self.further = Some(further);
                }
                changed.map(|(output, operands)| StepTaken {
                    name: name.clone(),
                    kind,
                    input: Some(input),
                    output,
                    operands,
                    cite,
                })
            }
            (false, None) => {
                let path = format!("amount.order: {name} has no sum before it");
                return Err(Missing::Parameter { path, left_open_by: None }.into());
            }
        };
        match taken {
            Some(taken) => {
                self.sum = Some(taken.output);
                self.steps.push(taken);
            }
            None => self.pass_over(name),
        }
        Ok(())
    }

    fn source(&mut self, kind: StepKind, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let Step { terms, path } = step;
        let (applied, context) = (self.applied(), self.context);
        match kind {
            StepKind::BaseTimesRise => {
                let base = base(applied, context, terms, path)?;
                let (points, mut operands) = self.points(step)?;
                let product = base.yuan.times(points)?.over(Exact::whole(100))?;
                operands.insert(0, Operand::Base(base));
                Ok((product, operands))
            }
            StepKind::BaseShare => {
                let base = base(applied, context, terms, path)?;
                let share = required(&terms.share, context, || path("share"))?;
                let product = base.yuan.times(*share.value)?;
                let share = named("share", *share.value, share.cite);
                Ok((product, vec![Operand::Base(base), share]))
            }
            StepKind::BaseShareByBand | StepKind::SumByBand => self.by_band(kind, step),
            StepKind::SumPerPoint => self.per_point(step),
            StepKind::Flat => {
                let (sum, stated) = self.stated(&terms.yuan, "yuan", || path("yuan"))?;
                match stated {
                    Operand::Number { from, .. } if !from.is_empty() => Ok((sum, from)),
                    stated => Ok((sum, vec![stated])),
                }
            }
            StepKind::HigherOf | StepKind::LowerOf => self.one_of(kind, step),
            StepKind::EarlierAmount => self.earlier(step),
            _ => unreachable!("only sources are asked for a sum of their own"),
        }
    }

    fn by_band(&mut self, kind: StepKind, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let Step { terms, path } = step;
        let rise = rise(self.asked, self.context, terms, path)?;
        let bands = required(&terms.bands, self.context, || path("bands"))?;
        let percent = rise.percent;
        let mut operands = vec![Operand::Rise(rise)];
        let band = bands.value.iter().find(|band| band.contains(percent));
        let Some(band) = band else {
            if bands.value.iter().any(|band| band.begins_below(percent)) {
                let path = format!("{}: no band for {percent}", path("bands"));
                return Err(Missing::Parameter { path, left_open_by: None }.into());
            }
            let (range, cite) = (BELOW_LOWEST_BAND.to_owned(), bands.cite.clone());
            operands.push(Operand::Band { range, cite });
            return Ok((Exact::ZERO, operands));
        };
        operands.push(Operand::Band { range: band.range(), cite: bands.cite.clone() });
        let sum = match band.yields {
            BandYield::ByHand => return Err(Stop::ByHand(bands.cite.clone())),
            BandYield::Open => {
                let path = format!("{}: {}", path("bands"), band.range());
                let left_open_by = Some(bands.cite.head.id.clone());
                return Err(Missing::Parameter { path, left_open_by }.into());
            }
            BandYield::Yuan(yuan) => number(yuan),
            BandYield::Share(share) => {
                let base = base(self.applied(), self.context, terms, path)?;
                let sum = base.yuan.times(share)?;
                operands.push(Operand::Base(base));
                operands.push(named("share", share, bands.cite));
                sum
            }
        };
        debug_assert!(kind.is_source());
        Ok((sum, operands))
    }

    fn per_point(&mut self, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let Step { terms, path } = step;
        let context = self.context;
        let (points, mut operands) = self.points(step)?;
        let (yuan, stated) = self.stated(&terms.yuan, "yuan_per_point", || path("yuan"))?;
        let start = optional(&terms.start_sum, context, || path("start_sum"), Decimal::ZERO)?;
        let sum = yuan.times(points)?.plus(number(start))?;
        let start = stated.cite().map(|cite| named("start_sum", number(start), cite));
        operands.push(stated);
        operands.extend(start);
        Ok((sum, operands))
    }

    /// The points of the rise that count, never below zero, and what they were taken from.
    fn points(&self, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let Step { terms, path } = step;
        let context = self.context;
        let rise = rise(self.asked, context, terms, path)?;
        let counting = optional(&terms.points, context, || path("points"), Points::Exact)?;
        let (above, begin) = self.above(step)?;
        let over = rise.percent.minus(above)?.max(Exact::ZERO);
        let points = match counting {
            Points::Exact => over,
            Points::Up => over.ceil(),
            Points::Down => over.floor(),
        };
        let cite = rise.cite.clone();
        let plain = points == rise.percent.max(Exact::ZERO);
        let mut operands = vec![Operand::Rise(rise)];
        if !plain {
            operands.push(named(begin, above, &cite));
            operands.push(named("points", points, &cite));
        }
        Ok((points, operands))
    }

    /// Where the points begin to count, and what that is.
    fn above(&self, step: &Step<'_>) -> Result<(Exact, &'static str), Stop> {
        let Step { terms, path } = step;
        if matches!(terms.above.pick(self.context), Pick::Unset) {
            return Ok((Exact::ZERO, "above"));
        }
        let picked = required(&terms.above, self.context, || path("above"))?;
        let name = match picked.value {
            Above::Points(points) => return Ok((number(*points), "above")),
            Above::ThresholdOf(name) => name,
        };
        let condition = evaluate(self.applied(), name, None)?;
        match condition.threshold.map(|cited| cited.value) {
            Some(Threshold::At(at)) => Ok((number(at), "above_threshold")),
            _ if !condition.missing.is_empty() => Err(Stop::Missing(condition.missing)),
            _ => {
                let path = format!("trigger.conditions.{name}.threshold");
                Err(Missing::Parameter { path, left_open_by: None }.into())
            }
        }
    }

    /// The highest or the lowest of other steps' sums.
    fn one_of(&self, kind: StepKind, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let names = required(&step.terms.of, self.context, || (step.path)("of"))?;
        let mut best: Option<Exact> = None;
        let mut operands = Vec::new();
        for name in names.value {
            let (value, steps) = self.afresh(name, || (step.path)("of"))?;
            best = Some(best.map_or(value, |best| match kind {
                StepKind::LowerOf => best.min(value),
                _ => best.max(value),
            }));
            operands.push(Operand::Sum { name: name.to_string(), value, steps });
        }
        Ok((best.unwrap_or(Exact::ZERO), operands))
    }

    /// The sum of a step by itself, and the steps that led to it.
    pub(super) fn afresh(
        &self,
        name: &Code,
        path: impl Fn() -> String,
    ) -> Result<(Exact, Vec<StepTaken>), Stop> {
        if NESTED_MAX <= self.nested {
            let path = format!("{}: steps name each other", path());
            return Err(Missing::Parameter { path, left_open_by: None }.into());
        }
        let mut inner =
            Evaluation { nested: self.nested + 1, ..Self::new(self.asked, self.context) };
        inner.take(name)?;
        let (sum, _, steps) = inner.finish();
        Ok((sum.unwrap_or(Exact::ZERO), steps))
    }

    /// The amount of an earlier index month, computed under the law and figures of that month.
    fn earlier(&mut self, step: &Step<'_>) -> Result<(Exact, Vec<Operand>), Stop> {
        let Asked { applied, timeline, terms, depth, .. } = *self.asked;
        let back = required(&step.terms.months_back, self.context, || (step.path)("months_back"))?;
        let month = applied.month.plus(-(*back.value as i32));
        let earlier = month.and_then(|month| timeline.get(month));
        let before = || Missing::Before { month: month.unwrap_or(applied.month) };
        let outcome = earlier.filter(|_| depth < EARLIER_MAX).ok_or_else(before)?;
        let asked = Applied::new(applied.world, timeline.area, outcome.month, terms);
        let Ok(Ok(then)) = asked else { return Err(before().into()) };
        let asked = Asked { applied: &then, outcome, depth: depth + 1, ..*self.asked };
        let (Some(group), Some(residence)) = (self.context.group, self.context.residence) else {
            return Err(before().into());
        };
        let found = line(&asked, group, residence, back.cite.clone())?;
        match found.outcome {
            LineOutcome::Owed(yuan) => {
                let (name, value) = (outcome.month.to_string(), number(yuan));
                Ok((value, vec![Operand::Sum { name, value, steps: found.steps }]))
            }
            LineOutcome::Undecidable(missing) => Err(Stop::Missing(missing)),
            LineOutcome::ByHand(cite) => Err(Stop::ByHand(cite)),
            LineOutcome::NotTriggered => Ok((Exact::ZERO, Vec::new())),
            _ => Err(before().into()),
        }
    }
}

pub(super) struct Step<'a> {
    pub terms: &'a StepTerms,
    pub path: &'a dyn Fn(&str) -> String,
}

pub(super) fn named(name: &'static str, value: Exact, cite: &Cite) -> Operand {
    Operand::Number { name, value, from: Vec::new(), cite: cite.clone() }
}

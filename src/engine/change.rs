//! The steps that change a sum, and the sums that they and others state.
//!
//! **Invariant:** a sum that is no number in the law carries what it was computed from; one taken
//! from a step before it is what that step left, not a second computation.

use crate::{
    domain::{
        code::Code,
        exact::{Exact, RoundingMode},
    },
    rules::{
        param::{Param, Pick},
        sum::Sum,
        word::{RoundMode, StepKind},
    },
};

use super::{
    amount::{Operand, StepTaken},
    operand::{base_used, number},
    question::required,
    step::{Evaluation, Step, Stop, named},
};

impl Evaluation<'_, '_> {
    /// Changes a sum; none when no case of the step fits.
    pub(super) fn change(
        &self,
        kind: StepKind,
        step: &Step<'_>,
        sum: Exact,
    ) -> Result<Option<(Exact, Vec<Operand>)>, Stop> {
        let Step { terms, path } = step;
        let name = match kind {
            StepKind::Round => return self.round(step, sum).map(Some),
            StepKind::Multiply => {
                if no_case_fits(&terms.by, self) {
                    return Ok(None);
                }
                let by = required(&terms.by, self.context, || path("by"))?;
                let times = number(*by.value);
                return Ok(Some((sum.times(times)?, vec![named("by", times, by.cite)])));
            }
            StepKind::Floor => "floor",
            StepKind::Cap => "cap",
            StepKind::Add => "add",
            StepKind::Override => "override",
            _ => "subtract",
        };
        if no_case_fits(&terms.yuan, self) {
            return Ok(None);
        }
        let (yuan, stated) = self.stated(&terms.yuan, name, || path("yuan"))?;
        let changed = match kind {
            StepKind::Floor => sum.max(yuan),
            StepKind::Cap => sum.min(yuan),
            StepKind::Add => sum.plus(yuan)?,
            StepKind::Override => yuan,
            StepKind::Subtract => sum.minus(yuan)?.max(Exact::ZERO),
            _ => unreachable!("sources are not asked to change a sum"),
        };
        Ok(Some((changed, vec![stated])))
    }

    fn round(&self, step: &Step<'_>, sum: Exact) -> Result<(Exact, Vec<Operand>), Stop> {
        let Step { terms, path } = step;
        let mode = required(&terms.mode, self.context, || path("mode"))?;
        let cite = mode.cite.clone();
        let exact = match mode.value {
            RoundMode::None => {
                let operand = Operand::Rounding { to: None, mode: RoundMode::None, cite };
                return Ok((sum, vec![operand]));
            }
            RoundMode::HalfUp => RoundingMode::HalfUp,
            RoundMode::Up => RoundingMode::Up,
            RoundMode::Down => RoundingMode::Down,
        };
        let to = *required(&terms.to, self.context, || path("to"))?.value;
        let rounded = sum.to_multiple(exact, to.in_yuan())?;
        Ok((rounded, vec![Operand::Rounding { to: Some(to), mode: *mode.value, cite }]))
    }

    /// A sum that the law states, with what it was computed from.
    pub(super) fn stated(
        &self,
        param: &Param<Sum>,
        name: &'static str,
        path: impl Fn() -> String,
    ) -> Result<(Exact, Operand), Stop> {
        let picked = required(param, self.context, &path)?;
        let cite = picked.cite;
        let (value, from) = match picked.value {
            Sum::Yuan(yuan) => (number(*yuan), Vec::new()),
            Sum::Standard(base) => {
                let base = base_used(self.applied(), base, cite)?;
                (base.yuan, vec![Operand::Base(base)])
            }
            Sum::Step { step, share } => {
                let (sum, steps) = self.sum_of(step, path)?;
                let mut from = vec![Operand::Sum { name: step.to_string(), value: sum, steps }];
                let mut value = sum;
                if let Some(share) = share {
                    from.push(named("share", *share, cite));
                    value = sum.times(*share)?;
                }
                (value, from)
            }
        };
        Ok((value, Operand::Number { name, value, from, cite: cite.clone() }))
    }

    /// The sum that a step before this one left, or else that of the step by itself.
    fn sum_of(
        &self,
        name: &Code,
        path: impl Fn() -> String,
    ) -> Result<(Exact, Vec<StepTaken>), Stop> {
        let taken = self.steps.iter().find(|taken| taken.name == *name).map(|taken| taken.output);
        let passed = || self.passed_over.iter().find(|(over, _)| over == name).map(|(_, sum)| *sum);
        match taken.or_else(passed) {
            Some(sum) => Ok((sum, Vec::new())),
            None => self.afresh(name, path),
        }
    }
}

/// Whether a parameter is set for other cases only, so that its step is passed over.
fn no_case_fits<T: crate::rules::value::Value>(
    param: &Param<T>,
    evaluation: &Evaluation<'_, '_>,
) -> bool {
    !param.is_unset() && matches!(param.pick(evaluation.context), Pick::Unset)
}

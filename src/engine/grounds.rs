//! On what a line of a run rests: the evaluation that budgeted it, taken again.
//!
//! **Invariant:** nothing here has a formula of its own; rate and shares come from [`super::amount`]
//! and [`super::funding`].

use std::cell::Cell;

use crate::{
    domain::{area::AreaCode, code::Code, exact::RangeError, group::Residence},
    rules::terms::Discretion,
};

use super::{
    amount::{Asked, Line, STEPS_MAX, covered, line},
    funding::{Funding, funding},
    question::{Applied, Terms},
    timeline::Timeline,
    trigger::MonthOutcome,
};

/// On what an amount rests.
#[derive(Debug, Clone, PartialEq)]
pub struct Grounds {
    /// The area that decided the month.
    pub deciding: AreaCode,
    /// What the rule gives the group, and who pays it; none when the group is not covered.
    pub rule: Option<(Line, Funding)>,
    /// The recorded decision to pay it by discretion, if there is one.
    pub decision: Option<Discretion>,
}

/// Evaluates one group and residence. O(groups + steps).
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub fn grounds(
    applied: &Applied<'_>,
    timeline: &Timeline,
    outcome: &MonthOutcome,
    terms: &Terms,
    group: &Code,
    residence: Residence,
) -> Result<Grounds, RangeError> {
    let steps_left = Cell::new(STEPS_MAX);
    let asked = Asked { applied, timeline, outcome, terms, depth: 0, steps_left: &steps_left };
    let rule = match covered(applied).into_iter().find(|(known, _)| known == group) {
        Some((_, covered_by)) => {
            let line = line(&asked, group, residence, covered_by)?;
            let context = applied.context_of(group, residence, &outcome.carried_by);
            let funding = funding(&asked, &context, &line)?;
            Some((line, funding))
        }
        None => None,
    };
    let pays = |one: &&Discretion| one.pays(applied.month, group, residence);
    let decision = applied.rules.terms.discretion.iter().find(pays).cloned();
    Ok(Grounds { deciding: outcome.deciding, rule, decision })
}

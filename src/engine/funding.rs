//! Who pays how much of what a group is owed.
//!
//! **Invariant:** the charges of a sum add up to it exactly: every share is cut to the fen, and the
//! fen left over go to the source that the rule names, else to the last one of its list.

use rust_decimal::Decimal;

use crate::{
    domain::exact::{Exact, RangeError, RoundingMode, RoundingUnit},
    rules::{
        cite::Cite,
        param::{Context, Param, Pick},
        shape::FundingShare,
        word::Source,
    },
};

use super::{
    amount::{Asked, Line, LineOutcome, further_of},
    condition::{Truth, compare},
    question::Threshold,
    step::{Evaluation, order},
};

/// Who pays for a group in a month.
#[derive(Debug, Clone, PartialEq)]
pub struct Funding {
    /// The shares of the ordinary part; none where no document in force says.
    pub split: Option<Vec<FundingShare>>,
    /// The shares of the increment: those of the ordinary part where no document gives it shares of
    /// its own, none where one does but not for this case.
    pub increment_split: Option<Vec<FundingShare>>,
    /// Who takes the fen left over.
    pub remainder: Option<Source>,
    /// How much of the rate is the increment (增支), in yuan with two places.
    pub increment_rate: Decimal,
    /// How much of what each further person of a household adds is the increment.
    pub increment_further: Option<Decimal>,
    /// Where it stands, each place once.
    pub cites: Vec<Cite>,
}

/// Finds who pays for a line. O(steps).
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub(super) fn funding(
    asked: &Asked<'_, '_>,
    context: &Context<'_>,
    line: &Line,
) -> Result<Funding, RangeError> {
    let terms = &asked.applied.rules.terms.funding;
    let mut cites = Vec::new();
    let mut split = picked(&terms.split, context, &mut cites);
    let (increment_rate, increment_further) = match (only_lowered(asked, context), &line.outcome) {
        (Truth::Yes, LineOutcome::Owed(rate)) => (*rate, line.each_further_yuan),
        (lowered, _) => {
            // Whether all of it is the increment cannot be said; nor then who pays.
            split = split.filter(|_| lowered != Truth::Unknown);
            increment(asked, context, line, &mut cites)?
        }
    };
    let increment_split = match terms.increment_split.is_unset() || increment_rate.is_zero() {
        true => split.clone(),
        false => picked(&terms.increment_split, context, &mut cites),
    };
    let remainder = match terms.remainder.pick(context) {
        Pick::Set(picked) => Some(*picked.value),
        _ => None,
    };
    Ok(Funding { split, increment_split, remainder, increment_rate, increment_further, cites })
}

fn cite_once(cites: &mut Vec<Cite>, cite: &Cite) {
    if !cites.contains(cite) {
        cites.push(cite.clone());
    }
}

fn picked(
    param: &Param<Vec<FundingShare>>,
    context: &Context<'_>,
    cites: &mut Vec<Cite>,
) -> Option<Vec<FundingShare>> {
    let Pick::Set(picked) = param.pick(context) else { return None };
    cite_once(cites, picked.cite);
    Some(picked.value.clone())
}

/// Whether only conditions whose threshold a document lowered carry the month, and would not have
/// without that; unknown while a condition that may carry it as well cannot be decided.
fn only_lowered(asked: &Asked<'_, '_>, context: &Context<'_>) -> Truth {
    let (rules, outcome) = (&asked.applied.rules.terms, asked.outcome);
    let Pick::Set(names) = rules.funding.increment_lowered.pick(context) else { return Truth::No };
    let mut open = false;
    for condition in &outcome.conditions {
        let unlowered = rules.conditions.get(&condition.name).filter(|_| {
            names.value.contains(&condition.name) && outcome.carried_by.contains(&condition.name)
        });
        let Some(unlowered) = unlowered else {
            match condition.met {
                Truth::Yes => return Truth::No,
                Truth::Unknown => open = true,
                Truth::No => {}
            }
            continue;
        };
        let value = condition.readings.first().and_then(|reading| reading.value);
        match (unlowered.threshold.pick_unlowered(&asked.applied.context()), value) {
            (Pick::Set(threshold), Some(value)) => {
                let at = Threshold::At(*threshold.value);
                if compare(value, condition.comparator, at) == Truth::Yes {
                    return Truth::No;
                }
            }
            _ => open = true,
        }
    }
    if open { Truth::Unknown } else { Truth::Yes }
}

/// What the increment's steps add to the rate, or all of it for the increment's groups.
fn increment(
    asked: &Asked<'_, '_>,
    context: &Context<'_>,
    line: &Line,
    cites: &mut Vec<Cite>,
) -> Result<(Decimal, Option<Decimal>), RangeError> {
    let (terms, zero) = (&asked.applied.rules.terms, (Decimal::new(0, 2), None));
    let LineOutcome::Owed(rate) = line.outcome else { return Ok(zero) };
    if let Pick::Set(groups) = terms.funding.increment_groups.pick(context)
        && groups.value.contains(&line.group)
    {
        cite_once(cites, groups.cite);
        return Ok((rate, line.each_further_yuan));
    }
    let Pick::Set(steps) = terms.funding.increment_steps.pick(context) else { return Ok(zero) };
    if !line.steps.iter().any(|taken| steps.value.contains(&taken.name)) {
        return Ok(zero);
    }
    let Ok(names) = order(terms, context) else { return Ok(zero) };
    let first = names.first().and_then(|name| Some((name, terms.steps.get(name)?)));
    let first = first.filter(|_| line.each_further_yuan.is_some());
    let further = first.and_then(|(name, first)| further_of(asked, context, name, first).ok());
    let further = further.map(|(further, _)| further);
    let mut without = Evaluation::new(asked, context).with_further(further);
    for name in &names {
        if steps.value.contains(name) {
            // What takes its sum finds the one that it would have changed.
            without.pass_over(name);
        } else if without.take(name).is_err() {
            // The same steps led to the rate; without those of the increment they lack nothing more.
            return Ok(zero);
        }
    }
    let (Some(ordinary), further, _) = without.finish() else { return Ok(zero) };
    cite_once(cites, steps.cite);
    let added = |with: Decimal, without: Exact| {
        let added = Exact::from(with).minus(without)?.max(Exact::ZERO);
        Ok::<_, RangeError>(added.round(RoundingMode::Down, RoundingUnit::Fen)?.to_decimal(2))
    };
    let further = match (line.each_further_yuan, further) {
        (Some(with), Some(without)) => Some(added(with, without)?),
        _ => None,
    };
    Ok((added(rate, ordinary)?, further))
}

impl Funding {
    /// Whether a document says who pays all of it.
    pub fn is_stated(&self) -> bool {
        self.split.is_some() && self.increment_split.is_some()
    }

    /// The charges of a sum of which so much is the increment, each source once, in order of the
    /// lists; none stands for a source that no document states.
    ///
    /// # Errors
    /// A share leaves the range of exact arithmetic.
    pub fn charges(
        &self,
        total: Decimal,
        increment: Decimal,
    ) -> Result<Vec<(Option<Source>, Decimal)>, RangeError> {
        let mut charges = Vec::new();
        let ordinary = total - increment;
        self.share(self.split.as_deref(), ordinary, &mut charges)?;
        self.share(self.increment_split.as_deref(), increment, &mut charges)?;
        Ok(charges)
    }

    fn share(
        &self,
        split: Option<&[FundingShare]>,
        sum: Decimal,
        charges: &mut Vec<(Option<Source>, Decimal)>,
    ) -> Result<(), RangeError> {
        let mut charge = |source: Option<Source>, yuan: Decimal| match charges
            .iter_mut()
            .find(|(known, _)| *known == source)
        {
            Some((_, known)) => *known += yuan,
            None => charges.push((source, yuan)),
        };
        if sum.is_zero() {
            return Ok(());
        }
        let Some(shares) = split else {
            charge(None, sum);
            return Ok(());
        };
        let mut left = sum;
        for FundingShare { source, share } in shares {
            let part = Exact::from(sum).times(*share)?;
            let part = part.round(RoundingMode::Down, RoundingUnit::Fen)?.to_decimal(2);
            left -= part;
            charge(Some(*source), part);
        }
        let last = shares.last().map(|share| share.source);
        if !left.is_zero() {
            charge(self.remainder.or(last), left);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(source: Source, share: &str) -> FundingShare {
        let parts: Vec<i64> = share.split('/').map(|part| part.parse().unwrap()).collect();
        FundingShare { source, share: Exact::fraction(parts[0], parts[1]).unwrap() }
    }

    fn funding(split: Option<Vec<FundingShare>>, remainder: Option<Source>) -> Funding {
        let increment_split =
            Some(vec![share(Source::Central, "8/10"), share(Source::Local, "2/10")]);
        let increment_rate = Decimal::ZERO;
        Funding {
            split,
            increment_split,
            remainder,
            increment_rate,
            increment_further: None,
            cites: Vec::new(),
        }
    }

    fn yuan(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn shares_add_up_to_the_sum_and_the_fen_left_over_go_where_the_rule_says() {
        let thirds = || Some(vec![share(Source::City, "1/3"), share(Source::County, "2/3")]);
        let charged = |remainder| funding(thirds(), remainder).charges(yuan("0.05"), yuan("0.00"));
        let last = charged(None).unwrap();
        let expected = [(Some(Source::City), yuan("0.01")), (Some(Source::County), yuan("0.04"))];
        assert_eq!(last, expected);
        let named = charged(Some(Source::City)).unwrap();
        let expected = [(Some(Source::City), yuan("0.02")), (Some(Source::County), yuan("0.03"))];
        assert_eq!(named, expected);
    }

    #[test]
    fn the_increment_has_shares_of_its_own() {
        let local = Some(vec![share(Source::Local, "1/1")]);
        let charged = funding(local, None).charges(yuan("60.00"), yuan("30.00")).unwrap();
        let expected =
            [(Some(Source::Local), yuan("36.00")), (Some(Source::Central), yuan("24.00"))];
        assert_eq!(charged, expected);
    }

    #[test]
    fn what_no_document_states_is_charged_to_nobody_by_name() {
        let local = vec![share(Source::Local, "1/1")];
        let open = Funding { increment_split: None, ..funding(Some(local), None) };
        let charged = open.charges(yuan("60.00"), yuan("30.00")).unwrap();
        assert_eq!(charged, [(Some(Source::Local), yuan("30.00")), (None, yuan("30.00"))]);
        let charged = funding(None, None).charges(yuan("30.00"), yuan("0.00")).unwrap();
        assert_eq!(charged, [(None, yuan("30.00"))]);
    }
}

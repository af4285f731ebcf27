//! The formulas of a line: amount, increment and shares, as the rule states them.
//!
//! **Invariant:** a formula is there only where exact arithmetic over the same operands gives the
//! figure of the run. Shares are cut in whole fen, so that a spreadsheet's binary fractions cannot
//! move one.

use rust_decimal::Decimal;

use crate::{
    domain::run::RunLine,
    engine::{funding::Funding, sums::Count},
    rules::{
        shape::FundingShare,
        word::{Source, Unit},
    },
};

use super::SheetError;

/// The cells that a line's formulas name, such as `O5`.
pub(super) struct Cells {
    pub persons: String,
    pub households: String,
    pub rate: String,
    pub further: String,
    pub yuan: String,
    pub increment_rate: String,
    pub increment: String,
}

/// The formulas of a line, each without `=`; none where the cell holds the figure itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LineFormulas {
    pub yuan: Option<String>,
    pub increment: Option<String>,
    /// By charge, in the order of the line's charges.
    pub charges: Vec<Option<String>>,
}

impl LineFormulas {
    pub fn new(
        cells: &Cells,
        line: &RunLine,
        funding: Option<&Funding>,
        count: Option<Count>,
        unit: Unit,
    ) -> Result<Self, SheetError> {
        let mut all = Self { charges: vec![None; line.charges.len()], ..Self::default() };
        let Some(count) = count else { return Ok(all) };
        if count.times(line.rate_yuan, line.each_further_yuan)? == line.yuan {
            let further = line.each_further_yuan.map(|_| cells.further.clone());
            all.yuan = Some(times(cells, unit, &cells.rate, further));
        }
        let Some(funding) = funding else {
            // A payment by discretion has no increment and one source.
            if let [only] = line.charges.as_slice()
                && only.yuan == line.yuan
            {
                all.charges = vec![Some(cells.yuan.clone())];
            }
            return Ok(all);
        };
        let Funding { increment_rate, increment_further, .. } = funding;
        let increment = count.times(*increment_rate, *increment_further)?.min(line.yuan);
        if increment == line.increment_yuan {
            let further = increment_further.map(|further| further.normalize().to_string());
            let product = times(cells, unit, &cells.increment_rate, further);
            all.increment = Some(format!("MIN({product},{})", cells.yuan));
        }
        let zero = Decimal::ZERO;
        let charged = funding.charges(line.yuan, line.increment_yuan)?;
        let word = |source: Option<Source>| source.map_or("unstated", Source::as_str);
        let charged = charged.iter().map(|(source, yuan)| (word(*source), *yuan));
        let recorded = line.charges.iter().map(|one| (one.source.as_str(), one.yuan));
        if charged.eq(recorded) && zero <= line.increment_yuan && line.increment_yuan <= line.yuan {
            let parts = Parts::new(cells, line, funding);
            let formula = |one: &crate::domain::run::Charge| parts.charge(&one.source);
            all.charges = line.charges.iter().map(formula).collect();
        }
        Ok(all)
    }
}

/// Units × rate and further heads × what each adds.
fn times(cells: &Cells, unit: Unit, rate: &str, further: Option<String>) -> String {
    let Cells { persons, households, .. } = cells;
    match (unit, further) {
        (Unit::Person, _) => format!("ROUND({rate}*{persons},2)"),
        (Unit::HouseholdAndHeads, Some(further)) => {
            format!("ROUND({rate}*{households}+{further}*({persons}-{households}),2)")
        }
        (Unit::Household | Unit::HouseholdAndHeads, _) => format!("ROUND({rate}*{households},2)"),
    }
}

/// A part of an amount that is split by shares of its own.
struct Part<'a> {
    /// The part in yuan and in whole fen, as formulas.
    yuan: String,
    fen: String,
    split: Option<&'a [FundingShare]>,
}

struct Parts<'a> {
    parts: Vec<Part<'a>>,
    remainder: Option<Source>,
}

impl<'a> Parts<'a> {
    fn new(cells: &Cells, line: &RunLine, funding: &'a Funding) -> Self {
        let Cells { yuan, increment, .. } = cells;
        let zero = Decimal::ZERO;
        let further = funding.increment_further.unwrap_or_default();
        let none = funding.increment_rate == zero && further == zero;
        let all = funding.increment_rate == line.rate_yuan
            && further == line.each_further_yuan.unwrap_or_default();
        let ordinary = Part {
            yuan: if none { yuan.clone() } else { format!("ROUND({yuan}-{increment},2)") },
            fen: match none {
                true => format!("ROUND({yuan}*100,0)"),
                false => format!("ROUND(({yuan}-{increment})*100,0)"),
            },
            split: funding.split.as_deref(),
        };
        let added = Part {
            yuan: increment.clone(),
            fen: format!("ROUND({increment}*100,0)"),
            split: funding.increment_split.as_deref(),
        };
        let parts = match (none, all) {
            (true, _) => vec![ordinary],
            (false, true) => vec![added],
            (false, false) => vec![ordinary, added],
        };
        Self { parts, remainder: funding.remainder }
    }

    /// What a source pays; none when the rule gives it nothing.
    fn charge(&self, source: &str) -> Option<String> {
        let mut terms: Vec<String> = Vec::new();
        let mut whole: Vec<&str> = Vec::new();
        for Part { yuan, fen, split } in &self.parts {
            let Some(shares) = split else {
                if source == "unstated" {
                    terms.push(format!("+{fen}"));
                    whole.push(yuan);
                }
                continue;
            };
            let last = shares.last().map(|share| share.source);
            let receives = self.remainder.or(last).is_some_and(|one| one.as_str() == source);
            let (mine, others): (Vec<_>, Vec<_>) =
                shares.iter().partition(|share| share.source.as_str() == source);
            if receives {
                // The fen left over: the part less what the others are given.
                terms.push(format!("+{fen}"));
                terms.extend(others.iter().map(|other| format!("-{}", cut(fen, other))));
                if others.is_empty() {
                    whole.push(yuan);
                }
            } else {
                terms.extend(mine.iter().map(|one| format!("+{}", cut(fen, one))));
            }
        }
        let signed = terms.concat();
        let sum = signed.strip_prefix('+')?;
        match (terms.len(), whole.as_slice()) {
            (1, [only]) => Some((*only).to_owned()),
            _ => Some(format!("({sum})/100")),
        }
    }
}

/// A share of fen, cut to the fen.
fn cut(fen: &str, share: &FundingShare) -> String {
    match share.share.ratio() {
        (1, 1) => fen.to_owned(),
        (numerator, denominator) => format!("INT({fen}*{numerator}/{denominator})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exact::Exact;

    fn share(source: Source, numerator: i64, denominator: i64) -> FundingShare {
        FundingShare { source, share: Exact::fraction(numerator, denominator).unwrap() }
    }

    fn parts(split: &[FundingShare], remainder: Option<Source>) -> Parts<'_> {
        let part = Part { yuan: "O5".into(), fen: "ROUND(O5*100,0)".into(), split: Some(split) };
        Parts { parts: vec![part], remainder }
    }

    #[test]
    fn the_fen_left_over_stand_with_the_last_source_or_the_one_named() {
        let split = [share(Source::City, 1, 3), share(Source::County, 2, 3)];
        let last = parts(&split, None);
        assert_eq!(last.charge("city").unwrap(), "(INT(ROUND(O5*100,0)*1/3))/100");
        let rest = "(ROUND(O5*100,0)-INT(ROUND(O5*100,0)*1/3))/100";
        assert_eq!(last.charge("county").unwrap(), rest);
        let named = parts(&split, Some(Source::City));
        let rest = "(ROUND(O5*100,0)-INT(ROUND(O5*100,0)*2/3))/100";
        assert_eq!(named.charge("city").unwrap(), rest);
        assert_eq!(named.charge("county").unwrap(), "(INT(ROUND(O5*100,0)*2/3))/100");
        assert_eq!(named.charge("central"), None);
    }

    #[test]
    fn one_source_of_all_is_the_amount_itself() {
        let split = [share(Source::Local, 1, 1)];
        assert_eq!(parts(&split, None).charge("local").unwrap(), "O5");
    }
}

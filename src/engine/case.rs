//! The law of a month for areas that are alike, with the lines worked out under it.
//!
//! **Invariant:** a line is kept for another area only where nothing recorded for the paying area
//! itself can go into it.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        exact::RangeError,
        group::Residence,
        month::Month,
        run::{Charge, Headcount},
    },
    rules::cite::Cite,
};

use super::{
    amount::{Asked, LineOutcome, STEPS_MAX, covered, line},
    deadline::period,
    draft::Derivation,
    funding::{Funding, funding},
    question::Applied,
};

/// The law of a month for areas that are alike.
pub(super) struct Case<'w> {
    pub applied: Applied<'w>,
    /// The groups covered, in code order.
    pub covered: Vec<Covered>,
    /// Whether what the decision rests on was pinned.
    pub pinned: bool,
}

/// A covered group with its lines, as far as they were worked out.
pub(super) struct Covered {
    pub group: Code,
    cite: Cite,
    urban: Option<Worked>,
    rural: Option<Worked>,
}

/// A line worked out.
pub(super) struct Worked {
    pub derived: Arc<Derivation>,
    /// The first and the last month that the amount is for.
    pub covers: (Month, Month),
    /// Whether what it rests on was pinned, and what there is to say of it was said.
    pub told: bool,
}

impl<'w> Case<'w> {
    pub fn new(applied: Applied<'w>) -> Self {
        let groups = covered(&applied).into_iter();
        let covered =
            groups.map(|(group, cite)| Covered { group, cite, urban: None, rural: None }).collect();
        Self { applied, covered, pinned: false }
    }

    /// The same for another area of its kind.
    pub fn for_another(&mut self, area: AreaCode) -> &mut Self {
        self.applied.area = area;
        if self.applied.rules.terms.pay_by_paying() {
            for one in &mut self.covered {
                (one.urban, one.rural) = (None, None);
            }
        }
        self
    }
}

impl Covered {
    /// The line of a headcount of the group, worked out unless it is known.
    ///
    /// # Errors
    /// A sum leaves the range of exact arithmetic.
    pub fn line(
        &mut self,
        asked: &Asked<'_, '_>,
        row: &Headcount,
    ) -> Result<&mut Worked, RangeError> {
        let known = match row.residence {
            Residence::Urban => &mut self.urban,
            Residence::Rural => &mut self.rural,
        };
        match known {
            Some(known) => Ok(known),
            None => Ok(known.insert(worked(asked, row, &self.cite)?)),
        }
    }
}

fn worked(asked: &Asked<'_, '_>, row: &Headcount, covered_by: &Cite) -> Result<Worked, RangeError> {
    let applied = asked.applied;
    asked.steps_left.set(STEPS_MAX);
    let line = line(asked, &row.group, row.residence, covered_by.clone())?;
    let context = applied.context_of(&row.group, row.residence, &asked.outcome.carried_by);
    let funding = match line.outcome {
        LineOutcome::Owed(_) => Some(funding(asked, &context, &line)?),
        _ => None,
    };
    let covers = period(applied, &context, row.month).unwrap_or((row.month, row.month));
    let derived = Arc::new(Derivation { deciding: applied.deciding, line, funding });
    Ok(Worked { derived, covers, told: false })
}

/// What each source pays of a sum of which so much is the increment.
pub(super) fn charges(
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

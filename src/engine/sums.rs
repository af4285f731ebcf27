//! Multiplying and adding up yuan.
//!
//! **Invariant:** every sum is exact to the fen or an error that names its operands.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::{
    domain::{
        exact::RangeError,
        run::{Charge, Headcount, RunLine},
    },
    rules::word::Unit,
};

/// How many persons or households are paid the rate, and how many further heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Persons or households.
    pub units: u64,
    /// Persons beyond the first of each household, where the rule counts them.
    pub further: u64,
}

impl Count {
    /// What is counted of a headcount; none when the households are missing or impossible.
    pub fn of(row: &Headcount, unit: Unit) -> Option<Self> {
        let households = row.households.filter(|households| *households <= row.persons);
        match unit {
            Unit::Person => Some(Self { units: row.persons, further: 0 }),
            Unit::Household => Some(Self { units: households?, further: 0 }),
            Unit::HouseholdAndHeads => {
                Some(Self { units: households?, further: row.persons - households? })
            }
        }
    }

    /// Units × rate + further heads × what each of them adds, two places.
    ///
    /// # Errors
    /// It leaves the range of exact arithmetic.
    pub fn times(self, rate: Decimal, further: Option<Decimal>) -> Result<Decimal, RangeError> {
        let heads = times(further.unwrap_or_default(), self.further.into())?;
        let mut sum = plus(times(rate, self.units.into())?, heads)?;
        sum.rescale(2);
        Ok(sum)
    }
}

fn failed(operation: &'static str, left: impl ToString, right: impl ToString) -> RangeError {
    RangeError { operation, left: left.to_string(), right: right.to_string() }
}

/// The sum of two.
///
/// # Errors
/// It leaves the range of exact arithmetic.
pub fn plus(left: Decimal, right: Decimal) -> Result<Decimal, RangeError> {
    left.checked_add(right).ok_or_else(|| failed("sum", left, right))
}

/// The sum of two counts.
///
/// # Errors
/// It is more than can be counted.
pub fn count(left: u64, right: u64) -> Result<u64, RangeError> {
    left.checked_add(right).ok_or_else(|| failed("sum", left, right))
}

pub(super) fn less(left: Decimal, right: Decimal) -> Result<Decimal, RangeError> {
    left.checked_sub(right).ok_or_else(|| failed("difference", left, right))
}

/// The product of two.
///
/// # Errors
/// It leaves the range of exact arithmetic.
pub fn times(left: Decimal, right: Decimal) -> Result<Decimal, RangeError> {
    left.checked_mul(right).ok_or_else(|| failed("product", left, right))
}

/// The sum over lines. O(lines).
///
/// # Errors
/// It leaves the range of exact arithmetic.
pub fn total<'a>(lines: impl IntoIterator<Item = &'a RunLine>) -> Result<Decimal, RangeError> {
    lines.into_iter().try_fold(Decimal::new(0, 2), |sum, line| plus(sum, line.yuan))
}

/// The charges of all lines by source, in order of their names. O(lines).
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub fn by_source(lines: &[RunLine]) -> Result<Vec<Charge>, RangeError> {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    for Charge { source, yuan } in lines.iter().flat_map(|line| &line.charges) {
        let sum = sums.entry(source).or_insert(Decimal::new(0, 2));
        *sum = plus(*sum, *yuan)?;
    }
    Ok(sums.into_iter().map(|(source, yuan)| Charge { source: source.to_owned(), yuan }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_with_further_heads_is_counted_once_and_by_head() {
        let count = Count { units: 3, further: 4 };
        let (first, further) = (Decimal::new(15_000, 2), Decimal::new(5_000, 2));
        assert_eq!(count.times(first, Some(further)).unwrap().to_string(), "650.00");
    }

    #[test]
    fn a_sum_out_of_range_is_an_error_with_its_operands() {
        let count = Count { units: u64::MAX, further: 0 };
        let error = count.times(Decimal::MAX, None).unwrap_err().to_string();
        assert!(error.contains(&u64::MAX.to_string()), "{error}");
    }

    #[test]
    fn counts_add_up_to_the_most_that_can_be_counted() {
        assert_eq!(count(3, 4), Ok(7));
        assert_eq!(count(u64::MAX - 1, 1), Ok(u64::MAX));
        let error = count(u64::MAX, 1).unwrap_err().to_string();
        assert!(error.contains(&u64::MAX.to_string()), "{error}");
    }
}

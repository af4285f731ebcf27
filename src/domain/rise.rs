//! The two ways an index is written, kept apart by type.
//!
//! **Invariant:** 104.5 (index form) and 4.5 (rise form) never meet; [`IndexYoy::rise`] is the
//! only bridge.

use std::fmt;

use rust_decimal::Decimal;

use super::exact::{ParseDecimalError, parse_decimal};

/// A year-on-year index, the same month of the year before = 100; published as `104.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexYoy(Decimal);

/// A year-on-year rise in per cent; published as `4.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PercentRise(Decimal);

impl IndexYoy {
    /// Reads an index such as `104.5`.
    pub fn parse(text: &str) -> Result<Self, ParseDecimalError> {
        parse_decimal(text).map(Self)
    }

    /// The rise it stands for: the index less 100, in per cent.
    pub fn rise(self) -> PercentRise {
        PercentRise(self.0 - Decimal::ONE_HUNDRED)
    }
}

impl PercentRise {
    /// Reads a rise such as `4.5`.
    pub fn parse(text: &str) -> Result<Self, ParseDecimalError> {
        parse_decimal(text).map(Self)
    }

    /// The number of per cent.
    pub fn percent(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for PercentRise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_104_5_is_a_rise_of_4_5() {
        assert_eq!(IndexYoy::parse("104.5").unwrap().rise(), PercentRise::parse("4.5").unwrap());
        assert_eq!(IndexYoy::parse("99.7").unwrap().rise().to_string(), "-0.3");
    }
}

//! Exact arithmetic: decimals as people write them, and fractions for everything in between.
//!
//! **Invariant:** nothing here rounds except [`Exact::round`], which names its mode and unit, and
//! [`Exact::to_decimal`], which cuts a non-terminating quotient for display only.

use std::{cmp::Ordering, fmt};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Why a text is not a decimal of the strict profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?}: expected a decimal such as 3.5 with at most 15 digits before and 6 after the point"
)]
pub struct ParseDecimalError {
    /// What was given.
    pub text: String,
}

/// Reads `-?\d{1,15}(\.\d{1,6})?` and nothing else: no exponent, no `+`, no bare point.
pub fn parse_decimal(text: &str) -> Result<Decimal, ParseDecimalError> {
    let error = || ParseDecimalError { text: text.chars().take(40).collect() };
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let digits = |part: &str, max: usize| {
        (1..=max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 15) || fraction.is_some_and(|part| !digits(part, 6)) {
        return Err(error());
    }
    Decimal::from_str_exact(text).map_err(|_| error())
}

/// Decimals as text in journal entries and records: `#[serde(with = "exact::text")]`.
pub mod text {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the decimal with its scale.
    pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads the strict profile only.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_decimal(&text).map_err(D::Error::custom)
    }
}

/// The same for a decimal that may be absent: `#[serde(with = "exact::optional_text")]`.
pub mod optional_text {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    /// Writes the decimal with its scale, or null.
    pub fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.map(|value| value.to_string()).serialize(serializer)
    }

    /// Reads the strict profile or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::parse_decimal(&text)).transpose().map_err(D::Error::custom)
    }
}

/// An operation left the range of exact arithmetic (about ±10³⁸); the operands are named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} of {left} and {right} leaves the range of exact arithmetic")]
pub struct RangeError {
    /// What was attempted.
    pub operation: &'static str,
    /// First operand.
    pub left: String,
    /// Second operand.
    pub right: String,
}

/// How a sum is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// Half away from zero (四舍五入).
    HalfUp,
    /// Any remainder counts as one (进一, 见角进元).
    Up,
    /// Any remainder is dropped (舍去).
    Down,
}

/// The unit a sum is rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingUnit {
    /// 元.
    Yuan,
    /// 角, a tenth.
    Jiao,
    /// 分, a hundredth.
    Fen,
}

impl RoundingUnit {
    fn per_yuan(self) -> i128 {
        match self {
            Self::Yuan => 1,
            Self::Jiao => 10,
            Self::Fen => 100,
        }
    }
}

/// An exact fraction; its denominator is positive.
#[derive(Clone, Copy)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    /// Zero.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };

    /// The whole number.
    pub const fn whole(number: i64) -> Self {
        Self { numerator: number as i128, denominator: 1 }
    }

    /// `numerator / denominator`; none when the denominator is zero.
    pub fn fraction(numerator: i64, denominator: i64) -> Option<Self> {
        let sign = i128::from(denominator.signum());
        (sign != 0).then(|| {
            Self {
                numerator: i128::from(numerator) * sign,
                denominator: i128::from(denominator) * sign,
            }
            .reduced()
        })
    }

    fn reduced(self) -> Self {
        let mut pair = (self.numerator.unsigned_abs(), self.denominator.unsigned_abs());
        while pair.1 != 0 {
            pair = (pair.1, pair.0 % pair.1);
        }
        // The denominator is positive and below 2¹²⁷, so their common divisor is as well.
        let divisor = pair.0.max(1) as i128;
        Self { numerator: self.numerator / divisor, denominator: self.denominator / divisor }
    }

    fn failed(self, operation: &'static str, other: Self) -> RangeError {
        RangeError { operation, left: self.to_string(), right: other.to_string() }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, RangeError> {
        let sum = |a: Self, b: Self| {
            let denominator = a.denominator.checked_mul(b.denominator)?;
            let left = a.numerator.checked_mul(b.denominator)?;
            let right = b.numerator.checked_mul(a.denominator)?;
            Some(Self { numerator: left.checked_add(right)?, denominator }.reduced())
        };
        let reduced = || sum(self.reduced(), other.reduced());
        sum(self, other).or_else(reduced).ok_or_else(|| self.failed("sum", other))
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, RangeError> {
        self.plus(Self { numerator: -other.numerator, ..other })
    }

    /// The product.
    pub fn times(self, other: Self) -> Result<Self, RangeError> {
        let product = |a: Self, b: Self| {
            Some(Self {
                numerator: a.numerator.checked_mul(b.numerator)?,
                denominator: a.denominator.checked_mul(b.denominator)?,
            })
        };
        let reduced = || product(self.reduced(), other.reduced());
        let found = product(self, other).or_else(reduced);
        found.map(Self::reduced).ok_or_else(|| self.failed("product", other))
    }

    /// The quotient; division by zero is out of range.
    pub fn over(self, other: Self) -> Result<Self, RangeError> {
        if other.numerator == 0 {
            return Err(self.failed("quotient", other));
        }
        let sign = other.numerator.signum();
        let flipped =
            Self { numerator: other.denominator * sign, denominator: other.numerator.abs() };
        self.times(flipped)
    }

    /// Rounds to a multiple of the unit, in the named mode.
    pub fn round(self, mode: RoundingMode, unit: RoundingUnit) -> Result<Self, RangeError> {
        let scale = unit.per_yuan();
        let scaled = self.times(Self { numerator: scale, denominator: 1 })?;
        let whole = scaled.numerator / scaled.denominator;
        let rest = (scaled.numerator % scaled.denominator).abs();
        let away = match mode {
            RoundingMode::HalfUp => scaled.denominator - rest <= rest,
            RoundingMode::Up => 0 < rest,
            RoundingMode::Down => false,
        };
        let rounded = whole + if away { scaled.numerator.signum() } else { 0 };
        Ok(Self { numerator: rounded, denominator: scale }.reduced())
    }

    /// Rounds to a multiple of any unit above zero, in the named mode.
    pub fn to_multiple(self, mode: RoundingMode, unit: Self) -> Result<Self, RangeError> {
        self.over(unit)?.round(mode, RoundingUnit::Yuan)?.times(unit)
    }

    /// The next whole number at or above.
    pub fn ceil(self) -> Self {
        Self { numerator: -(-self.numerator).div_euclid(self.denominator), denominator: 1 }
    }

    /// The next whole number at or below.
    pub fn floor(self) -> Self {
        Self { numerator: self.numerator.div_euclid(self.denominator), denominator: 1 }
    }

    /// Rounds half away from zero to `decimals` places, as a rule may ask for an average.
    pub fn to_places(self, decimals: u32) -> Result<Self, RangeError> {
        let scale = Self { numerator: 10_i128.pow(decimals.min(12)), denominator: 1 };
        self.times(scale)?.round(RoundingMode::HalfUp, RoundingUnit::Yuan)?.over(scale)
    }

    /// The decimal, cut to `places` when it does not end before; for display and for sums that
    /// were rounded to the fen and are therefore exact.
    pub fn to_decimal(self, places: u32) -> Decimal {
        let quotient = |scaled: i128| Decimal::try_from_i128_with_scale(scaled, places).ok();
        let scaled = self.numerator.checked_mul(10_i128.pow(places.min(12)));
        let found = scaled.and_then(|scaled| quotient(scaled / self.denominator));
        found.unwrap_or(Decimal::MAX)
    }

    /// Numerator and denominator without a common divisor; the denominator is positive.
    pub fn ratio(self) -> (i128, i128) {
        let Self { numerator, denominator } = self.reduced();
        (numerator, denominator)
    }

    /// Whether the value is a multiple of a fen.
    pub fn is_whole_fen(self) -> bool {
        self.round(RoundingMode::Down, RoundingUnit::Fen).is_ok_and(|cut| cut == self)
    }
}

impl From<Decimal> for Exact {
    fn from(value: Decimal) -> Self {
        let value = value.normalize();
        Self { numerator: value.mantissa(), denominator: 10_i128.pow(value.scale()) }
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Exact {}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = self.numerator.checked_mul(other.denominator);
        let right = other.numerator.checked_mul(self.denominator);
        if let (Some(left), Some(right)) = (left, right) {
            return left.cmp(&right);
        }
        // Too wide to cross-multiply: compare whole parts, then the flipped remainders.
        let (a, b) = (self.floor().numerator, other.floor().numerator);
        let rest = |value: &Self| Self {
            numerator: value.numerator.rem_euclid(value.denominator),
            denominator: value.denominator,
        };
        let (x, y) = (rest(self), rest(other));
        a.cmp(&b).then_with(|| match (x.numerator, y.numerator) {
            (0, 0) => Ordering::Equal,
            (0, _) => Ordering::Less,
            (_, 0) => Ordering::Greater,
            _ => {
                let flip = |v: Self| Self { numerator: v.denominator, denominator: v.numerator };
                flip(y).cmp(&flip(x))
            }
        })
    }
}

impl fmt::Display for Exact {
    /// A decimal when it ends within six places, else a fraction such as `425/6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reduced = self.reduced();
        if 1_000_000 % reduced.denominator == 0 {
            return write!(f, "{}", reduced.to_decimal(6).normalize());
        }
        write!(f, "{}/{}", reduced.numerator, reduced.denominator)
    }
}

impl fmt::Debug for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::from(parse_decimal(text).unwrap())
    }

    #[test]
    fn only_the_strict_profile_is_read() {
        for text in ["3.5", "-0.3", "0", "103.60", "123456789012345.123456"] {
            assert_eq!(parse_decimal(text).unwrap().to_string(), text);
        }
        for text in ["", ".5", "1.", "+3.5", "1e3", "1_000", "1.1234567", "NaN", "３.5", "--1"] {
            assert!(parse_decimal(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rounding_has_a_mode_and_a_unit() {
        let cases = [
            ("70.49", RoundingMode::HalfUp, RoundingUnit::Yuan, "70"),
            ("70.5", RoundingMode::HalfUp, RoundingUnit::Yuan, "71"),
            ("70.51", RoundingMode::HalfUp, RoundingUnit::Yuan, "71"),
            ("62.01", RoundingMode::Up, RoundingUnit::Yuan, "63"),
            ("62", RoundingMode::Up, RoundingUnit::Yuan, "62"),
            ("62.99", RoundingMode::Down, RoundingUnit::Yuan, "62"),
            ("0.125", RoundingMode::HalfUp, RoundingUnit::Fen, "0.13"),
            ("0.124", RoundingMode::HalfUp, RoundingUnit::Fen, "0.12"),
            ("106.25", RoundingMode::HalfUp, RoundingUnit::Jiao, "106.3"),
            ("-0.125", RoundingMode::HalfUp, RoundingUnit::Fen, "-0.13"),
        ];
        for (given, mode, unit, expected) in cases {
            assert_eq!(exact(given).round(mode, unit).unwrap(), exact(expected), "{given}");
        }
    }

    #[test]
    fn a_twelfth_times_one_and_a_half_is_exactly_an_eighth() {
        let twelfth = exact("850").times(Exact::fraction(1, 12).unwrap()).unwrap();
        assert_eq!(twelfth.to_string(), "425/6");
        assert_eq!(twelfth.times(exact("1.5")).unwrap(), exact("106.25"));
    }

    #[test]
    fn leaving_the_range_is_an_error_with_operands() {
        let large = exact("123456789012345.123456");
        let mut product = large;
        let error = loop {
            match product.times(large) {
                Ok(next) => product = next,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("product of"));
        assert!(large.over(Exact::ZERO).is_err());
    }
}

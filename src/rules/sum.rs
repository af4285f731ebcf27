//! Sums as a notice states them: in yuan, as a share of a standard or of another step's sum; and the
//! unit a sum is rounded to.
//!
//! **Invariant:** what is read is a sum that can be paid: no share or unit is zero or below.

use rust_decimal::Decimal;
use toml::{Spanned, de::DeValue};

use crate::domain::{
    code::Code,
    exact::{Exact, parse_decimal},
};

use super::{reader::Reader, shape::Base, value::Value};

/// A sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sum {
    /// So many yuan.
    Yuan(Decimal),
    /// A standard, or a share of it.
    Standard(Base),
    /// The sum of another step, or a share or a multiple of it.
    Step {
        /// The step.
        step: Code,
        /// The part of its sum that counts; all of it when none.
        share: Option<Exact>,
    },
}

impl Sum {
    /// The step whose sum it takes.
    pub fn step(&self) -> Option<&Code> {
        match self {
            Self::Step { step, .. } => Some(step),
            _ => None,
        }
    }
}

impl Value for Sum {
    const IS_NUMBER: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        const WHAT: &str = "yuan in quotes such as \"30\", { standard = … } or { step = … }";
        let Some(entries) = item.get_ref().as_table() else {
            return match item.get_ref().as_str().and_then(|text| parse_decimal(text).ok()) {
                Some(yuan) => Some(Self::Yuan(yuan)),
                None => reader.expected(item, WHAT),
            };
        };
        if entries.contains_key("standard") {
            return Base::read(reader, item).map(Self::Standard);
        }
        if !entries.contains_key("step") {
            return reader.expected(item, WHAT);
        }
        let mut table = reader.table(item, WHAT)?;
        let step = table.required(reader, "step", item);
        let share = table.read_with(reader, "share", read_share);
        table.finish(reader);
        Some(Self::Step { step: step?, share })
    }

    fn show(&self) -> String {
        match self {
            Self::Yuan(yuan) => yuan.to_string(),
            Self::Standard(base) => base.show(),
            Self::Step { step, share: None } => format!("the sum of {step}"),
            Self::Step { step, share: Some(share) } => format!("{share} × the sum of {step}"),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Yuan(_))
    }

    fn is_at_most(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Yuan(one), Self::Yuan(other)) if one <= other)
    }
}

/// Reads a share or a multiple, which must lie above zero.
pub(super) fn read_share(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Exact> {
    let share = Exact::read(reader, item)?;
    match Exact::ZERO < share {
        true => Some(share),
        false => reader.expected(item, "a share above 0 such as \"0.2\", \"1/12\" or \"2\""),
    }
}

/// Where the points of a rise begin to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Above {
    /// Here.
    Points(Decimal),
    /// At the threshold of this condition.
    ThresholdOf(Code),
}

impl Value for Above {
    const IS_NUMBER: bool = true;

    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        const WHAT: &str = "points in quotes such as \"3.4\", or { threshold_of = … }";
        if !item.get_ref().is_table() {
            return match item.get_ref().as_str().and_then(|text| parse_decimal(text).ok()) {
                Some(points) => Some(Self::Points(points)),
                None => reader.expected(item, WHAT),
            };
        }
        let mut table = reader.table(item, WHAT)?;
        let condition = table.required(reader, "threshold_of", item);
        table.finish(reader);
        condition.map(Self::ThresholdOf)
    }

    fn show(&self) -> String {
        match self {
            Self::Points(points) => points.to_string(),
            Self::ThresholdOf(condition) => format!("the threshold of {condition}"),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Points(_))
    }

    fn is_at_most(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Points(one), Self::Points(other)) if one <= other)
    }
}

/// The unit a sum is rounded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundTo {
    /// 元.
    Yuan,
    /// 角.
    Jiao,
    /// 分.
    Fen,
    /// A multiple of so many yuan.
    MultipleOf(Decimal),
}

impl RoundTo {
    /// Every word.
    pub const WORDS: &[&str] = &["yuan", "jiao", "fen"];
    /// Most yuan of a unit.
    const YUAN_MAX: i64 = 1_000;

    /// The unit in yuan.
    pub fn in_yuan(self) -> Exact {
        Exact::from(match self {
            Self::Yuan => Decimal::ONE,
            Self::Jiao => Decimal::new(1, 1),
            Self::Fen => Decimal::new(1, 2),
            Self::MultipleOf(unit) => unit,
        })
    }

    /// One unit by its name where it has one.
    fn of(unit: Decimal) -> Self {
        let named = [Self::Yuan, Self::Jiao, Self::Fen];
        let same = |known: &Self| known.in_yuan() == Exact::from(unit);
        named.into_iter().find(same).unwrap_or(Self::MultipleOf(unit.normalize()))
    }
}

impl Value for RoundTo {
    fn read(reader: &mut Reader, item: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = reader.text(item)?;
        let unit = match text {
            "yuan" => return Some(Self::Yuan),
            "jiao" => return Some(Self::Jiao),
            "fen" => return Some(Self::Fen),
            number => parse_decimal(number).ok(),
        };
        // Whole fen, so that what is rounded can be paid.
        let lawful = |unit: &Decimal| {
            Decimal::ZERO < *unit
                && *unit <= Decimal::from(Self::YUAN_MAX)
                && Exact::from(*unit).is_whole_fen()
        };
        match unit.filter(lawful) {
            Some(unit) => Some(Self::of(unit)),
            None => {
                let most = Self::YUAN_MAX;
                let what = format!(
                    "yuan, jiao, fen or a number of yuan in whole fen from \"0.01\" to \
                     \"{most}\", such as \"5\""
                );
                reader.expected(item, &what)
            }
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Yuan => "yuan".to_owned(),
            Self::Jiao => "jiao".to_owned(),
            Self::Fen => "fen".to_owned(),
            Self::MultipleOf(unit) => unit.to_string(),
        }
    }
}

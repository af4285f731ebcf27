//! The calendar month: the unit in which indices are published and subsidies are owed.
//!
//! **Invariant:** a `Month` lies between 1990-01 and 2099-12 and prints as `YYYY-MM`.

use std::{fmt, str::FromStr};

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

/// A month between 1990-01 and 2099-12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month(u16);

const YEAR_MIN: i32 = 1990;
const YEAR_MAX: i32 = 2099;

/// Why a text is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("month {text:?}: expected YYYY-MM with year 1990 to 2099 and month 01 to 12")]
pub struct ParseMonthError {
    /// What was given.
    pub text: String,
}

impl Month {
    /// The first month there is, 1990-01.
    pub const FIRST: Self = Self(0);

    /// The month, if year and month (1 to 12) are in range.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        let in_range = (YEAR_MIN..=YEAR_MAX).contains(&year) && (1..=12).contains(&month);
        in_range.then(|| Self(((year - YEAR_MIN) * 12 + month as i32 - 1) as u16))
    }

    /// The month a date falls in.
    pub fn of(date: NaiveDate) -> Option<Self> {
        Self::new(date.year(), date.month())
    }

    /// The calendar year.
    pub fn year(self) -> i32 {
        YEAR_MIN + i32::from(self.0) / 12
    }

    /// The month of the year, 1 to 12.
    pub fn month(self) -> u32 {
        u32::from(self.0) % 12 + 1
    }

    /// Months since 1990-01; consecutive months have consecutive ordinals.
    pub fn ordinal(self) -> usize {
        usize::from(self.0)
    }

    /// The month `months` later, or earlier when negative; none outside the range.
    pub fn plus(self, months: i32) -> Option<Self> {
        let ordinal = i32::from(self.0).checked_add(months)?;
        let end = (YEAR_MAX - YEAR_MIN + 1) * 12;
        (0..end).contains(&ordinal).then_some(Self(ordinal as u16))
    }

    /// How many months `self` lies after `earlier`; negative when before.
    pub fn months_since(self, earlier: Self) -> i32 {
        i32::from(self.0) - i32::from(earlier.0)
    }

    /// January of the same year.
    pub fn january(self) -> Self {
        Self(self.0 - self.0 % 12)
    }

    /// The first month of the calendar quarter.
    pub fn quarter_start(self) -> Self {
        Self(self.0 - self.0 % 3)
    }

    /// Every month from `self` to `last`, both included; empty when `last` is earlier.
    pub fn through(self, last: Self) -> impl DoubleEndedIterator<Item = Self> + Clone {
        (self.0..=last.0).map(Self)
    }

    /// The first day of the month.
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year(), self.month(), 1).expect("a month has a first day")
    }

    /// The last day of the month.
    pub fn last_day(self) -> NaiveDate {
        let (year, month) = match self.month() {
            12 => (self.year() + 1, 1),
            month => (self.year(), month + 1),
        };
        let next = NaiveDate::from_ymd_opt(year, month, 1).expect("a month has a first day");
        next.pred_opt().expect("a day before the first of a month")
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
    }
}

impl fmt::Debug for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Month {
    type Err = ParseMonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseMonthError { text: text.chars().take(40).collect() };
        let bytes = text.as_bytes();
        let digits = |at: std::ops::Range<usize>| bytes[at].iter().all(u8::is_ascii_digit);
        if bytes.len() != 7 || bytes[4] != b'-' || !digits(0..4) || !digits(5..7) {
            return Err(error());
        }
        let year = text[0..4].parse().map_err(|_| error())?;
        let month = text[5..7].parse().map_err(|_| error())?;
        Self::new(year, month).ok_or_else(error)
    }
}

impl TryFrom<String> for Month {
    type Error = ParseMonthError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

/// A span of months; without `until` it is open towards the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First month.
    pub from: Month,
    /// Last month, included.
    pub until: Option<Month>,
}

impl Span {
    /// Whether the month lies in the span, both ends included.
    pub fn contains(self, month: Month) -> bool {
        self.from <= month && self.until.is_none_or(|until| month <= until)
    }

    /// Whether the two spans share a month.
    pub fn overlaps(self, other: Self) -> bool {
        self.until.is_none_or(|until| other.from <= until)
            && other.until.is_none_or(|until| self.from <= until)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "{}…{until}", self.from),
            None => write!(f, "{}…", self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_bad_text_is_named() {
        for text in ["1990-01", "2019-07", "2099-12"] {
            assert_eq!(text.parse::<Month>().unwrap().to_string(), text);
        }
        for text in ["2019-00", "2019-13", "1989-12", "2100-01", "2019-7", "2019/07", "二〇一九"]
        {
            assert!(text.parse::<Month>().unwrap_err().to_string().contains("expected YYYY-MM"));
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_range() {
        let december = Month::new(2099, 12).unwrap();
        assert_eq!(december.plus(1), None);
        assert_eq!(december.last_day().to_string(), "2099-12-31");
        assert_eq!(Month::new(2019, 12).unwrap().plus(1).unwrap().to_string(), "2020-01");
        assert_eq!(Month::new(2020, 2).unwrap().last_day().to_string(), "2020-02-29");
        assert_eq!(Month::new(2019, 8).unwrap().quarter_start().to_string(), "2019-07");
    }
}

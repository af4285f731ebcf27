//! The working calendar: weekends, public holidays and make-up workdays (调休).
//!
//! **Invariant:** a day of a year without a holiday schedule is neither working nor free; it is
//! unknown, and a due date that would need it is unknown as well.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

/// What the holiday schedule says of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// A weekday that is free (放假).
    Off,
    /// A weekend day that is worked (补班).
    MakeupWorkday,
}

/// The year whose holiday schedule is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the holiday schedule of {year} is not recorded")]
pub struct UnknownYear {
    /// The year.
    pub year: i32,
}

/// Holiday schedules by year.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    days: BTreeMap<NaiveDate, DayKind>,
    years: BTreeSet<i32>,
}

impl Calendar {
    /// Builds the calendar; every year with a listed day counts as recorded.
    pub fn new(days: impl IntoIterator<Item = (NaiveDate, DayKind)>) -> Self {
        let days: BTreeMap<_, _> = days.into_iter().collect();
        let years = days.keys().map(Datelike::year).collect();
        Self { days, years }
    }

    /// Whether the day is worked.
    ///
    /// # Errors
    /// The schedule of its year is not recorded.
    pub fn is_workday(&self, day: NaiveDate) -> Result<bool, UnknownYear> {
        if !self.years.contains(&day.year()) {
            return Err(UnknownYear { year: day.year() });
        }
        Ok(match self.days.get(&day) {
            Some(DayKind::Off) => false,
            Some(DayKind::MakeupWorkday) => true,
            None => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
        })
    }

    /// The `count`-th working day after `day`; the day after it is the first candidate.
    ///
    /// # Errors
    /// The schedule of a year on the way is not recorded.
    pub fn workdays_after(&self, day: NaiveDate, count: u32) -> Result<NaiveDate, UnknownYear> {
        let mut day = day;
        let mut left = count;
        while 0 < left {
            day = day.succ_opt().ok_or(UnknownYear { year: day.year() })?;
            if self.is_workday(day)? {
                left -= 1;
            }
        }
        Ok(day)
    }
}

/// A day as people write it: 2021-04-01, 2021/4/1, 20210401.
pub fn read_day(text: &[u8]) -> Option<NaiveDate> {
    let text = std::str::from_utf8(text).ok()?;
    let number = |text: &str, most: usize| {
        let digits = (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (year, month, day) = if text.len() == 8 && number(text, 8).is_some() {
        (&text[..4], &text[4..6], &text[6..])
    } else {
        let mark = if text.contains('/') { '/' } else { '-' };
        let (year, rest) = text.split_once(mark)?;
        let (month, day) = rest.split_once(mark)?;
        (year, month, day)
    };
    if year.len() != 4 {
        return None;
    }
    let year = i32::try_from(number(year, 4)?).ok()?;
    NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day, 2)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn holidays_are_skipped_and_makeup_days_are_worked() {
        let calendar = Calendar::new([
            (day("2020-05-01"), DayKind::Off),
            (day("2020-05-04"), DayKind::Off),
            (day("2020-05-05"), DayKind::Off),
            (day("2020-05-09"), DayKind::MakeupWorkday),
        ]);
        let after = |count| calendar.workdays_after(day("2020-04-30"), count).unwrap().to_string();
        assert_eq!(after(1), "2020-05-06");
        assert_eq!(after(3), "2020-05-08");
        assert_eq!(after(4), "2020-05-09");
        assert_eq!(after(5), "2020-05-11");
        assert_eq!(calendar.workdays_after(day("2020-12-31"), 1), Err(UnknownYear { year: 2021 }));
    }

    #[test]
    fn days_are_read_as_people_write_them() {
        let expected = NaiveDate::from_ymd_opt(2021, 4, 1);
        for text in ["2021-04-01", "2021/4/1", "20210401", "2021-4-1"] {
            assert_eq!(read_day(text.as_bytes()), expected, "{text}");
        }
        for text in
            ["2021-04", "2021-02-29", "21-04-01", "2021-4/1", "2021-04-01 00:00", "４", "+021-4-1"]
        {
            assert_eq!(read_day(text.as_bytes()), None, "{text}");
        }
    }
}

//! Sudden changes: a headcount or a total that differs from the month before by more than a
//! threshold.
//!
//! **Invariant:** a change of exactly the threshold is none; nothing is compared with nothing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::{
    area::AreaCode,
    code::Code,
    exact::RangeError,
    month::Month,
    run::{Headcount, RunFinding, RunLine, Weight},
};

use super::{
    reason::{Text, Vocabulary, month_zh},
    sums::{less, plus, times},
};

/// What a run counts of a group in an area for a month, urban and rural together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// The run; empty for the one that is being made.
    pub run: String,
    /// Persons.
    pub persons: u64,
    /// Yuan over its lines; none without a line.
    pub yuan: Option<Decimal>,
}

/// What is counted, by month, area and group. O(rows log rows).
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub fn counted(
    rows: &[Headcount],
    lines: &[RunLine],
) -> Result<BTreeMap<(Month, AreaCode, Code), Counted>, RangeError> {
    let key = |row: &Headcount| (row.month, row.area, row.group.clone());
    let mut all: BTreeMap<_, Counted> = BTreeMap::new();
    for row in rows {
        let one = all.entry(key(row)).or_default();
        one.persons = one.persons.saturating_add(row.persons);
    }
    for line in lines {
        let one = all.entry(key(&line.payees)).or_default();
        one.yuan = Some(plus(one.yuan.unwrap_or(Decimal::new(0, 2)), line.yuan)?);
    }
    Ok(all)
}

/// A finding for each group in an area whose persons or yuan differ from the month before by more
/// than so many per cent. The month before is that of the same run, else what `before` gives.
///
/// # Errors
/// A sum leaves the range of exact arithmetic.
pub fn jumps(
    words: &Vocabulary<'_>,
    counted: &BTreeMap<(Month, AreaCode, Code), Counted>,
    percent: u32,
    before: impl Fn(Month, AreaCode, &Code) -> Option<Counted>,
) -> Result<Vec<RunFinding>, RangeError> {
    let mut found = Vec::new();
    for ((month, area, group), now) in counted {
        let Some(last) = month.plus(-1) else { continue };
        let same_run = counted.get(&(last, *area, group.clone())).cloned();
        let Some(before) = same_run.or_else(|| before(last, *area, group)) else { continue };
        let mut jump = |what: [&str; 2], then: String, now: String| {
            let (zh, en) = (words.groups.zh(group), words.groups.en(group));
            let run = match before.run.as_str() {
                "" => Text::new("本批次", "this run"),
                run => Text::new(format!("批次 {run} "), format!("run {run}")),
            };
            let text = Text::new(
                format!(
                    "{}{}{zh}{} {now},{}{}为 {then},变动超过 {percent}%",
                    words.area(*area),
                    month_zh(*month),
                    what[0],
                    run.zh,
                    month_zh(last)
                ),
                format!(
                    "{en} of {area} for {month}: {now} {}, {then} for {last} in {}, a change above \
                     {percent}%",
                    what[1], run.en
                ),
            );
            found.push(RunFinding {
                weight: Weight::Warning,
                code: "headcount_jump".to_owned(),
                month: *month,
                area: *area,
                group: Some(group.clone()),
                zh: text.zh,
                en: text.en,
            });
        };
        let (persons, persons_before) = (Decimal::from(now.persons), Decimal::from(before.persons));
        if differs(persons_before, persons, percent)? {
            jump(["人数", "persons"], before.persons.to_string(), now.persons.to_string());
        }
        if let (Some(then), Some(now)) = (before.yuan, now.yuan)
            && differs(then, now, percent)?
        {
            jump(["金额(元)", "yuan"], then.to_string(), now.to_string());
        }
    }
    Ok(found)
}

/// Whether the difference is more than so many per cent of what was before.
fn differs(before: Decimal, now: Decimal, percent: u32) -> Result<bool, RangeError> {
    if before.is_zero() {
        return Ok(false);
    }
    let difference = less(now, before)?.abs();
    Ok(times(before, Decimal::from(percent))? < times(difference, Decimal::ONE_HUNDRED)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_exactly_the_threshold_is_none() {
        let of = |now: &str, percent| {
            differs("100.00".parse().unwrap(), now.parse().unwrap(), percent).unwrap()
        };
        for (now, expected) in [
            ("120.00", false),
            ("120.01", true),
            ("119.99", false),
            ("80.00", false),
            ("79.99", true),
            ("80.01", false),
            ("0.00", true),
        ] {
            assert_eq!(of(now, 20), expected, "{now}");
        }
        assert!(!of("100.00", 0) && of("100.01", 0) && of("99.99", 0));
        assert!(!differs(Decimal::ZERO, Decimal::ONE, 20).unwrap());
    }
}

//! What was paid beside what would be paid today, and what is to be paid in addition (补发).
//!
//! **Invariant:** what is paid in addition and what was paid before make up today's amount to the
//! fen; what was paid too much is told and never taken off anything.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::{
    area::AreaCode,
    code::Code,
    exact::RangeError,
    group::Residence,
    month::Month,
    run::{Charge, Headcount, RunLine},
};

use super::sums::{less, plus, total};

/// A group in an area over a month, or over months that were or are one sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison<'a> {
    /// The first and the last month.
    pub months: (Month, Month),
    /// What was paid, in order of recording; several lines when adjustments were made.
    pub paid: Vec<&'a RunLine>,
    /// What would be paid today.
    pub now: Vec<&'a RunLine>,
}

/// What is paid in addition to what was paid.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// The line of it.
    pub line: RunLine,
    /// By source, what was charged beyond today's share and is not charged back.
    pub overcharged: Vec<Charge>,
}

type Key<'a> = (AreaCode, &'a Code, Residence);

fn key(line: &RunLine) -> Key<'_> {
    let Headcount { area, group, residence, .. } = &line.payees;
    (*area, group, *residence)
}

/// Sets lines that were paid beside those of today, ordered by first month, area, group and residence.
/// Lines for months in common are compared together, since a rule may since pay by another period.
/// O(lines × log lines).
pub fn compared<'a>(paid: &[&'a RunLine], now: &'a [RunLine]) -> Vec<Comparison<'a>> {
    let mut by_key: BTreeMap<Key<'a>, Vec<(bool, &'a RunLine)>> = BTreeMap::new();
    let all = paid.iter().map(|line| (true, *line)).chain(now.iter().map(|line| (false, line)));
    for (is_paid, line) in all {
        by_key.entry(key(line)).or_default().push((is_paid, line));
    }
    let mut found: Vec<Comparison<'a>> = Vec::new();
    for mut lines in by_key.into_values() {
        lines.sort_by_key(|(_, line)| line.covers.0);
        let mut open: Option<Comparison<'a>> = None;
        for (is_paid, line) in lines {
            let (first, last) = line.covers;
            let mut one = match open.take() {
                Some(one) if first <= one.months.1 => one,
                other => {
                    found.extend(other);
                    Comparison { months: (first, last), paid: Vec::new(), now: Vec::new() }
                }
            };
            one.months.1 = one.months.1.max(last);
            if is_paid {
                one.paid.push(line)
            } else {
                one.now.push(line)
            }
            open = Some(one);
        }
        found.extend(open);
    }
    // Stable: within a month they stay in order of their keys.
    found.sort_by_key(|one| one.months.0);
    found
}

impl<'a> Comparison<'a> {
    /// Who is counted: as today, else as paid.
    pub fn payees(&self) -> Option<&'a Headcount> {
        self.now.last().or(self.paid.last()).map(|line| &line.payees)
    }

    /// What was paid, two places; none when there is no line for it.
    ///
    /// # Errors
    /// The sum leaves the range of exact arithmetic.
    pub fn paid_yuan(&self) -> Result<Option<Decimal>, RangeError> {
        sum(&self.paid)
    }

    /// What would be paid today, two places; none when nothing would be.
    ///
    /// # Errors
    /// The sum leaves the range of exact arithmetic.
    pub fn now_yuan(&self) -> Result<Option<Decimal>, RangeError> {
        sum(&self.now)
    }

    /// What is to be paid in addition; none when nothing is. Each source pays today's charges less
    /// those before. One that was charged beyond today's share is charged nothing, and the others, in
    /// order of today's charges, only until the difference is reached.
    ///
    /// # Errors
    /// A sum leaves the range of exact arithmetic.
    pub fn addition(&self) -> Result<Option<Addition>, RangeError> {
        let zero = Decimal::new(0, 2);
        let (paid, now) = (self.paid_yuan()?, self.now_yuan()?.unwrap_or(zero));
        let difference = less(now, paid.unwrap_or(zero))?;
        let (Some(today), true) = (self.now.last(), zero < difference) else { return Ok(None) };
        let increment = |lines: &[&RunLine]| {
            lines.iter().try_fold(zero, |sum, line| plus(sum, line.increment_yuan))
        };
        let increment = less(increment(&self.now)?, increment(&self.paid)?)?;
        let (charges, overcharged) = self.charges(difference)?;
        let line = RunLine {
            covers: self.months,
            yuan: difference,
            increment_yuan: increment.clamp(zero, difference),
            charges,
            paid_before: paid,
            ..(*today).clone()
        };
        Ok(Some(Addition { line, overcharged }))
    }

    fn charges(&self, difference: Decimal) -> Result<(Vec<Charge>, Vec<Charge>), RangeError> {
        let zero = Decimal::new(0, 2);
        let (mut charges, mut overcharged) = (Vec::new(), Vec::new());
        let mut before: BTreeMap<_, _> = (in_order(&self.paid)?.into_iter())
            .map(|Charge { source, yuan }| (source, yuan))
            .collect();
        let mut left = difference;
        for Charge { source, yuan } in in_order(&self.now)? {
            let part = less(yuan, before.remove(&source).unwrap_or(zero))?;
            if part < zero {
                overcharged.push(Charge { source, yuan: -part });
                continue;
            }
            let part = part.min(left);
            left = less(left, part)?;
            if zero < part {
                charges.push(Charge { source, yuan: part });
            }
        }
        let unnamed = before.into_iter().filter(|(_, yuan)| zero < *yuan);
        overcharged.extend(unnamed.map(|(source, yuan)| Charge { source, yuan }));
        Ok((charges, overcharged))
    }
}

fn sum(lines: &[&RunLine]) -> Result<Option<Decimal>, RangeError> {
    match lines.is_empty() {
        true => Ok(None),
        false => total(lines.iter().copied()).map(Some),
    }
}

/// The charges of lines, each source once, in order of appearance.
fn in_order(lines: &[&RunLine]) -> Result<Vec<Charge>, RangeError> {
    let mut all: Vec<Charge> = Vec::new();
    for charge in lines.iter().flat_map(|line| &line.charges) {
        match all.iter_mut().find(|known| known.source == charge.source) {
            Some(known) => known.yuan = plus(known.yuan, charge.yuan)?,
            None => all.push(charge.clone()),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::Basis;

    fn line(months: (&str, &str), charges: &[(&str, &str)]) -> RunLine {
        let months: (Month, Month) = (months.0.parse().unwrap(), months.1.parse().unwrap());
        let charges: Vec<_> = (charges.iter())
            .map(|(source, yuan)| Charge { source: (*source).into(), yuan: yuan.parse().unwrap() })
            .collect();
        let yuan = charges.iter().map(|charge| charge.yuan).sum();
        RunLine {
            payees: Headcount {
                month: months.1,
                area: "990100".parse().unwrap(),
                group: "special_care".parse().unwrap(),
                residence: Residence::Urban,
                persons: 1,
                households: None,
            },
            basis: Basis::Computed,
            covers: months,
            rate_yuan: yuan,
            each_further_yuan: None,
            yuan,
            increment_yuan: Decimal::new(0, 2),
            charges,
            pay_by: None,
            paid_before: None,
        }
    }

    fn monthly(yuan: [&str; 3]) -> Vec<RunLine> {
        let months = ["2024-01", "2024-02", "2024-03"].into_iter().zip(yuan);
        months.map(|(month, yuan)| line((month, month), &[("city", yuan)])).collect()
    }

    fn added(paid: &[RunLine], now: &[RunLine]) -> Vec<(String, String)> {
        let paid: Vec<_> = paid.iter().collect();
        let all = compared(&paid, now);
        let additions = all.iter().filter_map(|one| one.addition().unwrap());
        let shown = |Addition { line, .. }: Addition| {
            let (first, last) = line.covers;
            (format!("{first} to {last}"), line.yuan.to_string())
        };
        additions.map(shown).collect()
    }

    #[test]
    fn months_that_became_one_sum_are_compared_with_it_and_not_paid_again() {
        let paid = monthly(["30.00", "30.00", "30.00"]);
        let quarter = |yuan| [line(("2024-01", "2024-03"), &[("city", yuan)])];
        for (sum, last, more) in
            [("89.99", "29.99", false), ("90.00", "30.00", false), ("90.01", "30.01", true)]
        {
            let one = ("2024-01 to 2024-03".to_owned(), "0.01".to_owned());
            let expected = if more { vec![one] } else { Vec::new() };
            assert_eq!(added(&paid, &quarter(sum)), expected, "{sum}");
            // And the other way round: a quarter that is paid by the month today.
            let monthly = monthly(["30.00", "30.00", last]);
            assert_eq!(added(&quarter("90.00"), &monthly), expected, "{sum}");
        }
    }

    #[test]
    fn months_of_their_own_are_not_set_off_against_each_other() {
        let paid = monthly(["30.00", "30.00", "30.00"]);
        let now = monthly(["10.00", "30.00", "35.00"]);
        assert_eq!(added(&paid, &now), [("2024-03 to 2024-03".into(), "5.00".into())]);
        let all: Vec<_> = paid.iter().collect();
        let over = &compared(&all, &now)[0];
        assert_eq!(over.paid_yuan().unwrap(), Some(Decimal::new(3_000, 2)));
        assert_eq!(over.now_yuan().unwrap(), Some(Decimal::new(1_000, 2)));
    }

    #[test]
    fn sources_make_up_the_difference_whatever_they_were_charged_before() {
        let month = ("2024-01", "2024-01");
        let paid = [
            line(month, &[("city", "10.00"), ("county", "20.00"), ("fund", "1.00")]),
            line(month, &[("city", "0.01")]),
        ];
        let now = [line(month, &[("province", "25.00"), ("city", "12.02"), ("county", "4.00")])];
        let paid: Vec<_> = paid.iter().collect();
        let Addition { line, overcharged } = compared(&paid, &now)[0].addition().unwrap().unwrap();
        let shown = |all: Vec<Charge>| -> Vec<_> {
            all.into_iter().map(|one| format!("{} {}", one.source, one.yuan)).collect()
        };
        assert_eq!(line.yuan, Decimal::new(1_001, 2));
        assert_eq!(line.paid_before, Some(Decimal::new(3_101, 2)));
        assert_eq!(shown(line.charges), ["province 10.01"]);
        assert_eq!(shown(overcharged), ["county 16.00", "fund 1.00"]);
    }

    #[test]
    fn what_was_charged_to_the_fen_is_not_told_as_overcharged() {
        let month = ("2024-01", "2024-01");
        let now = [line(month, &[("city", "10.00"), ("county", "1.00")])];
        for (city, expected) in [("9.99", vec![]), ("10.00", vec![]), ("10.01", vec!["city 0.01"])]
        {
            let paid = [line(month, &[("city", city), ("fund", "0.00")])];
            let paid: Vec<_> = paid.iter().collect();
            let overcharged = compared(&paid, &now)[0].addition().unwrap().unwrap().overcharged;
            let shown: Vec<_> =
                overcharged.iter().map(|one| format!("{} {}", one.source, one.yuan)).collect();
            assert_eq!(shown, expected, "{city}");
        }
    }

    #[test]
    fn the_increment_of_an_addition_is_what_it_grew_by_within_the_addition() {
        let month = ("2024-01", "2024-01");
        for (then, today, added) in [
            ("4.00", "3.99", "0.00"),
            ("4.00", "4.00", "0.00"),
            ("4.00", "4.01", "0.01"),
            ("4.00", "5.99", "1.99"),
            ("4.00", "6.00", "2.00"),
            ("4.00", "6.01", "2.00"),
        ] {
            let of = |yuan, increment: &str| RunLine {
                increment_yuan: increment.parse().unwrap(),
                ..line(month, &[("city", yuan)])
            };
            let (paid, now) = ([of("10.00", then)], [of("12.00", today)]);
            let paid: Vec<_> = paid.iter().collect();
            let addition = compared(&paid, &now)[0].addition().unwrap().unwrap();
            assert_eq!(addition.line.increment_yuan.to_string(), added, "{then} {today}");
        }
    }

    #[test]
    fn comparisons_are_ordered_by_month_and_then_by_whom_they_are_for() {
        let of = |area: &str, month: &str| {
            let mut one = line((month, month), &[("city", "1.00")]);
            one.payees.area = area.parse().unwrap();
            one
        };
        let now = [
            of("990200", "2024-02"),
            of("990200", "2024-01"),
            of("990100", "2024-02"),
            of("990100", "2024-03"),
        ];
        let all = compared(&[], &now);
        let shown: Vec<_> = all
            .iter()
            .map(|one| format!("{} {}", one.months.0, one.payees().unwrap().area))
            .collect();
        let expected = ["2024-01 990200", "2024-02 990100", "2024-02 990200", "2024-03 990100"];
        assert_eq!(shown, expected);
    }
}

//! What a law comes to over many areas and months.

use std::{
    collections::{BTreeMap, HashMap},
    ops::AddAssign,
};

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        decision::{State, Triggered},
        exact::RangeError,
        group::Residence,
        month::Month,
    },
    engine::{
        amount::{Line, LineOutcome},
        sums::{count, plus, times},
    },
    rules::word::Unit,
};

/// How many persons are counted for a group of an area, in every month: assumed by who asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heads(HashMap<(AreaCode, Code, Residence), u64>);

impl Heads {
    /// Counts these persons; false when the group was counted before.
    pub fn insert(
        &mut self,
        area: AreaCode,
        group: Code,
        residence: Residence,
        persons: u64,
    ) -> bool {
        self.0.insert((area, group, residence), persons).is_none()
    }

    /// How many.
    pub fn get(&self, area: AreaCode, group: &Code, residence: Residence) -> Option<u64> {
        self.0.get(&(area, group.clone(), residence)).copied()
    }
}

/// What one group comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupTotals {
    /// Months of areas in which a sum is owed.
    pub months: u64,
    /// Those sums together: what one person of each such area would have got, in yuan.
    pub yuan_each: Decimal,
    /// Persons paid, counted once for every month.
    pub person_months: u64,
    /// What they cost, in yuan.
    pub yuan: Decimal,
    /// Months of areas without a sum, though the mechanism pays: by hand, or something is missing.
    pub without_sum: u64,
    /// Months of areas with a sum whose cost is not told: nobody counted, or not paid by person.
    pub not_costed: u64,
}

/// What a law comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LawTotals {
    /// Months of areas looked at.
    pub months: u64,
    /// Of those, paid.
    pub paid: u64,
    /// Episodes that start.
    pub starts: u64,
    /// Months that cannot be decided.
    pub undecidable: u64,
    /// Months paid that the first law does not pay.
    pub gained: u64,
    /// Months not paid that the first law pays.
    pub lost: u64,
    /// By year of the index month, group and residence.
    pub sums: BTreeMap<(i32, Code, Residence), GroupTotals>,
}

impl LawTotals {
    /// Counts a decision, beside that of the first law.
    pub fn decide(&mut self, (triggered, state): (Triggered, State), first: Triggered) {
        self.months += 1;
        match triggered {
            Triggered::Yes => self.paid += 1,
            Triggered::Undecidable => self.undecidable += 1,
            Triggered::No => {}
        }
        self.starts += u64::from(state == State::Started);
        let (now, before) = (triggered == Triggered::Yes, first == Triggered::Yes);
        self.gained += u64::from(now && !before);
        self.lost += u64::from(before && !now);
    }

    /// Counts the line of a month that is paid.
    ///
    /// # Errors
    /// A sum leaves the range of exact arithmetic.
    pub fn pay(
        &mut self,
        area: AreaCode,
        month: Month,
        line: &Line,
        heads: &Heads,
    ) -> Result<(), RangeError> {
        if matches!(line.outcome, LineOutcome::NotTriggered | LineOutcome::WithLater(_)) {
            return Ok(());
        }
        let key = (month.year(), line.group.clone(), line.residence);
        let of = self.sums.entry(key).or_default();
        let yuan = match line.outcome {
            LineOutcome::Owed(yuan) => yuan,
            _ => {
                of.without_sum += 1;
                return Ok(());
            }
        };
        of.months += 1;
        of.yuan_each = plus(of.yuan_each, yuan)?;
        let persons = heads.get(area, &line.group, line.residence);
        let Some(persons) = persons.filter(|_| line.unit == Unit::Person) else {
            of.not_costed += 1;
            return Ok(());
        };
        of.person_months = count(of.person_months, persons)?;
        of.yuan = plus(of.yuan, times(yuan, persons.into())?)?;
        Ok(())
    }

    /// Adds what other areas came to.
    ///
    /// # Errors
    /// A sum leaves the range of exact arithmetic.
    pub fn add(&mut self, other: Self) -> Result<(), RangeError> {
        let counts = [
            (&mut self.months, other.months),
            (&mut self.paid, other.paid),
            (&mut self.starts, other.starts),
            (&mut self.undecidable, other.undecidable),
            (&mut self.gained, other.gained),
            (&mut self.lost, other.lost),
        ];
        counts.into_iter().for_each(|(own, more)| own.add_assign(more));
        for (key, more) in other.sums {
            self.sums.entry(key).or_default().add(more)?;
        }
        Ok(())
    }

    /// All groups and years together.
    ///
    /// # Errors
    /// A sum leaves the range of exact arithmetic.
    pub fn all(&self) -> Result<GroupTotals, RangeError> {
        let mut all = GroupTotals::default();
        for one in self.sums.values() {
            all.add(one.clone())?;
        }
        Ok(all)
    }
}

impl GroupTotals {
    fn add(&mut self, more: Self) -> Result<(), RangeError> {
        self.months += more.months;
        self.without_sum += more.without_sum;
        self.not_costed += more.not_costed;
        self.yuan_each = plus(self.yuan_each, more.yuan_each)?;
        self.person_months = count(self.person_months, more.person_months)?;
        self.yuan = plus(self.yuan, more.yuan)?;
        Ok(())
    }
}

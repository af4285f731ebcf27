//! Every parameter the law can set, by section. A line here is all it takes to add one.
//!
//! **Invariant:** what is read, what is put together and what is shown are the same list.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::{
    area::{AreaCode, Level},
    code::Code,
    exact::Exact,
    group::Residence,
    month::Month,
};

use super::{
    cite::Cite,
    expr::Expr,
    param::{Param, values},
    reader::{Reader, Table},
    shape::{Band, Base, FundingShare, Place, Rise, Term},
    shown::{Shown, Wanted, says},
    sum::{Above, RoundTo, Sum},
    word::{
        Below, Comparator, CountedFrom, CountsFrom, Due, HoldsOn, Measure, OnBreach, Period,
        Points, Rhythm, Roster, RoundMode, SeveralGroups, Source, Start, StepKind, ThresholdSet,
        Unit,
    },
};

/// Declares a section of parameters: how it is read, laid over another and listed.
macro_rules! terms {
    ($(#[$meta:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name { $($(#[$of])* pub $field: Param<$type>),* }

        impl $name {
            /// The names of its parameters.
            pub const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// Takes its parameters out of a table.
            pub fn read(reader: &mut Reader, table: &mut Table<'_>) -> Self {
                Self { $($field: reader.param(table, stringify!($field))),* }
            }

            /// Puts the parameters of a document further down below these.
            pub fn put_under(&mut self, lower: &Self) {
                $(self.$field.put_under(&lower.$field);)*
            }

            /// Lists the parameters that a document speaks of.
            fn list(&self, section: &str, wanted: Wanted, into: &mut Vec<Shown>) {
                $(if !self.$field.is_unset() {
                    let path = format!("{section}.{}", stringify!($field));
                    into.push(Shown { path, says: says(&self.$field, wanted) });
                })*
            }
        }
    };
}

terms! {
    /// When the mechanism starts, goes on and ends.
    TriggerTerms {
        /// The levels at which it is decided; the nearest at or above the asked area.
        level: Vec<Level>,
        /// Whose index counts; the deciding area's when unset.
        index_area: Place,
        /// The test for starting.
        when: Expr,
        /// The test for going on; `when` with runs of one month when unset.
        hold_when: Expr,
        /// The test that ends it whatever else holds.
        end_when: Expr,
        /// Which conditions keep it running.
        holds_on: HoldsOn,
        /// The first month paid.
        start: Start,
        /// How many months the start pays, itself the last.
        back_pay_months: u32,
        /// Which months count in a run.
        counts_from: CountsFrom,
        /// What a month is in which it does not hold.
        below: Below,
        /// How many such months in a row end it.
        end_after_months: u32,
        /// How many months in a row are paid at most.
        longest_run_months: u32,
        /// How long no new start is possible afterwards.
        pause_months: u32,
    }
}

terms! {
    /// One condition.
    ConditionTerms {
        /// The series compared.
        series: Code,
        /// How it is measured; the month's own value when unset.
        measure: Measure,
        /// Over how many months it is averaged.
        average_months: u32,
        /// To how many places the mean is rounded before it is compared; not at all when unset.
        decimals: u32,
        /// How it is compared.
        comparator: Comparator,
        /// With what.
        threshold: Decimal,
        /// The series in which the threshold is recorded.
        threshold_series: Code,
        /// How often that is.
        threshold_set: ThresholdSet,
        /// Where it is recorded, if not where the series is.
        threshold_area: Place,
        /// Percentage points added to the recorded threshold.
        threshold_plus: Decimal,
        /// For how many months in a row; 1 when unset.
        run_months: u32,
        /// Whose index counts, if other than the trigger's.
        index_area: Place,
        /// Met in the month in which a higher standard of this code begins.
        standard_raised: Code,
    }
}

terms! {
    /// How the sum is put together.
    AmountTerms {
        /// The steps in order.
        order: Vec<Code>,
        /// The time one sum is for.
        period: Period,
    }
}

terms! {
    /// One step of the computation.
    StepTerms {
        /// What it does.
        kind: StepKind,
        /// The standard it starts from.
        base: Base,
        /// The part of the base.
        share: Exact,
        /// The rise it multiplies by or looks up.
        rise: Rise,
        /// How that rise is measured.
        rise_measure: Measure,
        /// Over how many months it is averaged.
        rise_average_months: u32,
        /// To how many places the mean is rounded before it is used; not at all when unset.
        rise_decimals: u32,
        /// Whose index it is.
        rise_area: Place,
        /// The bands.
        bands: Vec<Band>,
        /// A sum.
        yuan: Sum,
        /// Points count from here.
        above: Above,
        /// How parts of a point count.
        points: Points,
        /// The sum at the start of the points.
        start_sum: Decimal,
        /// How many months back the earlier amount lies.
        months_back: u32,
        /// The steps of which the highest or the lowest counts.
        of: Vec<Code>,
        /// The number it multiplies by.
        by: Decimal,
        /// The unit it rounds to.
        to: RoundTo,
        /// How it rounds.
        mode: RoundMode,
        /// Who the sum is for.
        unit: Unit,
        /// What each further person of a household adds.
        each_further_yuan: Sum,
        /// The step it goes before, in an overlay.
        before: Code,
        /// The step it goes after, in an overlay.
        after: Code,
    }
}

terms! {
    /// When and how it is paid.
    PaymentTerms {
        /// How often.
        rhythm: Rhythm,
        /// From where quarters are counted.
        counted_from: CountedFrom,
        /// School terms.
        terms: Vec<Term>,
        /// How the due date is found.
        due: Due,
        /// Days or working days after release.
        due_days: u32,
        /// The fixed day of the month.
        due_day: u32,
        /// Months from the index month to the fixed day.
        due_months_after: u32,
        /// Whose list of recipients is paid.
        roster: Roster,
        /// Months from index month to pay month; 1 when unset.
        pay_month_offset: u32,
        /// What a person in several groups gets.
        several_groups: SeveralGroups,
        /// The text on the transfer.
        label: String,
    }
}

terms! {
    /// Who pays how much of it.
    FundingTerms {
        /// The shares.
        split: Vec<FundingShare>,
        /// Who takes the fen left over.
        remainder: Source,
        /// Steps whose effect is the increment.
        increment_steps: Vec<Code>,
        /// Groups whose whole sum is the increment.
        increment_groups: Vec<Code>,
        /// Conditions: in a month that only their lowered threshold carries, every sum is the
        /// increment.
        increment_lowered: Vec<Code>,
        /// The shares of the increment.
        increment_split: Vec<FundingShare>,
    }
}

terms! {
    /// What documents over this one may do.
    LimitTerms {
        /// Raise a threshold.
        raise_threshold: OnBreach,
        /// Remove a group.
        narrow_groups: OnBreach,
    }
}

impl StepTerms {
    /// Every standard that goes into its sum, as base or as a sum of its own.
    pub fn bases(&self) -> impl Iterator<Item = (&Base, &Cite)> {
        let stated = self.sums().filter_map(|(sum, cite)| match sum {
            Sum::Standard(base) => Some((base, cite)),
            _ => None,
        });
        values(&self.base).chain(stated)
    }

    /// Every step whose sum goes into its own.
    pub fn steps_named(&self) -> impl Iterator<Item = (&Code, &Cite)> {
        let of = values(&self.of).flat_map(|(of, cite)| of.iter().map(move |name| (name, cite)));
        of.chain(steps_of(&self.yuan))
    }

    /// Every step whose sum goes into what each further person adds; perhaps this one.
    pub fn steps_further(&self) -> impl Iterator<Item = (&Code, &Cite)> {
        steps_of(&self.each_further_yuan)
    }

    fn sums(&self) -> impl Iterator<Item = (&Sum, &Cite)> {
        values(&self.yuan).chain(values(&self.each_further_yuan))
    }
}

fn steps_of(param: &Param<Sum>) -> impl Iterator<Item = (&Code, &Cite)> {
    values(param).filter_map(|(sum, cite)| Some((sum.step()?, cite)))
}

/// Groups that a document adds or removes.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupChange {
    /// The groups added.
    pub add: Vec<Code>,
    /// The groups removed.
    pub remove: Vec<Code>,
    /// First index month.
    pub from: Option<Month>,
    /// Last index month.
    pub until: Option<Month>,
    /// Only here.
    pub areas: Option<Vec<AreaCode>>,
    /// Where it stands.
    pub cite: Cite,
}

/// A payment by decision, without a trigger; recorded, never computed.
#[derive(Debug, Clone, PartialEq)]
pub struct Discretion {
    /// Who got it.
    pub groups: Vec<Code>,
    /// Of this residence only.
    pub residence: Option<Residence>,
    /// First index month.
    pub from: Month,
    /// Last index month.
    pub until: Month,
    /// How much a month.
    pub yuan: Decimal,
    /// For whom.
    pub unit: Unit,
    /// What each further person of a household adds.
    pub each_further_yuan: Option<Decimal>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub cite: Cite,
}

impl Discretion {
    /// Whether it pays a group in a month.
    pub fn pays(&self, month: Month, group: &Code, residence: Residence) -> bool {
        self.from <= month
            && month <= self.until
            && self.groups.contains(group)
            && self.residence.is_none_or(|only| only == residence)
    }
}

/// Everything one document sets, or several put together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Terms {
    /// The trigger.
    pub trigger: TriggerTerms,
    /// Its conditions by name.
    pub conditions: BTreeMap<Code, ConditionTerms>,
    /// The amount.
    pub amount: AmountTerms,
    /// Its steps by name.
    pub steps: BTreeMap<Code, StepTerms>,
    /// The payment.
    pub payment: PaymentTerms,
    /// The funding.
    pub funding: FundingTerms,
    /// The limits.
    pub limits: LimitTerms,
    /// Changes of the groups, those of the document furthest down first.
    pub groups: Vec<GroupChange>,
    /// Payments by discretion.
    pub discretion: Vec<Discretion>,
    /// Lists of areas; of several with one name, the topmost.
    pub classes: BTreeMap<Code, Vec<AreaCode>>,
}

impl Terms {
    /// Puts the terms of a document further down below these.
    pub fn put_under(&mut self, lower: &Self) {
        self.trigger.put_under(&lower.trigger);
        self.amount.put_under(&lower.amount);
        self.payment.put_under(&lower.payment);
        self.funding.put_under(&lower.funding);
        self.limits.put_under(&lower.limits);
        for (name, terms) in &lower.conditions {
            self.conditions.entry(name.clone()).or_default().put_under(terms);
        }
        for (name, terms) in &lower.steps {
            self.steps.entry(name.clone()).or_default().put_under(terms);
        }
        self.groups.splice(0..0, lower.groups.iter().cloned());
        self.discretion.splice(0..0, lower.discretion.iter().cloned());
        for (name, areas) in &lower.classes {
            self.classes.entry(name.clone()).or_insert_with(|| areas.clone());
        }
    }

    /// Lists every parameter that a document speaks of, section by section, with what each says.
    pub fn list(&self) -> Vec<Shown> {
        self.listed(Wanted::Everything)
    }

    /// As [`Self::list`], with only what holds for an index month and its pay month.
    pub fn held(&self, month: Month, pay_month: Month) -> Vec<Shown> {
        self.listed(Wanted::Held { month, pay_month })
    }

    fn listed(&self, wanted: Wanted) -> Vec<Shown> {
        let mut all = Vec::new();
        self.trigger.list("trigger", wanted, &mut all);
        for (name, terms) in &self.conditions {
            terms.list(&format!("trigger.conditions.{name}"), wanted, &mut all);
        }
        self.amount.list("amount", wanted, &mut all);
        for (name, terms) in &self.steps {
            terms.list(&format!("amount.steps.{name}"), wanted, &mut all);
        }
        self.payment.list("payment", wanted, &mut all);
        self.funding.list("funding", wanted, &mut all);
        self.limits.list("limits", wanted, &mut all);
        all
    }
}

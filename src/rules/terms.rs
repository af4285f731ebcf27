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
    param::{Param, Selector, Setting},
    reader::{Reader, Table},
    shape::{Band, Base, FundingShare, Place, Rise, Term},
    value::Value,
    word::{
        Below, Comparator, CountedFrom, CountsFrom, Due, HoldsOn, Measure, OnBreach, Period,
        Points, Rhythm, Roster, RoundMode, RoundTo, SeveralGroups, Source, Start, StepKind,
        ThresholdSet, Unit,
    },
};

/// One parameter as a reader of the law sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its path, such as `trigger.conditions.cpi.threshold`.
    pub path: String,
    /// What each document says of it, the topmost first: text, citation, condition of the case.
    pub says: Vec<Said>,
}

/// What one document says of a parameter, in one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The value as text; `open`, `inherited` or `at most …` where it is no plain value.
    pub text: String,
    /// When it holds.
    pub when: Selector,
    /// Whether the document leaves it open.
    pub open: bool,
    /// Where it stands.
    pub cite: Cite,
}

fn shown<T: Value>(param: &Param<T>) -> Vec<Said> {
    let mut says = Vec::new();
    for layer in &param.layers {
        let one = |text: String, cite: &Cite| Said {
            text,
            when: Selector::default(),
            open: false,
            cite: cite.clone(),
        };
        match layer {
            Setting::Cases(cases) => says.extend(cases.iter().map(|case| Said {
                text: case.value.show(),
                when: case.when.clone(),
                open: false,
                cite: case.cite.clone(),
            })),
            Setting::Open { cite, at_least, at_most } => {
                let edge = |edge: &Option<Decimal>| edge.map_or(String::new(), |e| e.to_string());
                let text = match (at_least, at_most) {
                    (None, None) => "open".to_owned(),
                    _ => format!("open, {}…{}", edge(at_least), edge(at_most)),
                };
                says.push(Said { open: true, ..one(text, cite) });
            }
            Setting::Inherited(cite) => says.push(one("inherited".to_owned(), cite)),
            Setting::LowerTo(value, cite) => {
                says.push(one(format!("at most {}", value.show()), cite));
            }
        }
    }
    says
}

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
            pub fn list(&self, section: &str, into: &mut Vec<Shown>) {
                $(if !self.$field.is_unset() {
                    let path = format!("{section}.{}", stringify!($field));
                    into.push(Shown { path, says: shown(&self.$field) });
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
        yuan: Decimal,
        /// Points count from here.
        above: Decimal,
        /// How parts of a point count.
        points: Points,
        /// The sum at the start of the points.
        start_sum: Decimal,
        /// How many months back the earlier amount lies.
        months_back: u32,
        /// The steps of which the highest counts.
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
        each_further_yuan: Decimal,
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

    /// Lists every parameter that a document speaks of, section by section.
    pub fn list(&self) -> Vec<Shown> {
        let mut all = Vec::new();
        self.trigger.list("trigger", &mut all);
        for (name, terms) in &self.conditions {
            terms.list(&format!("trigger.conditions.{name}"), &mut all);
        }
        self.amount.list("amount", &mut all);
        for (name, terms) in &self.steps {
            terms.list(&format!("amount.steps.{name}"), &mut all);
        }
        self.payment.list("payment", &mut all);
        self.funding.list("funding", &mut all);
        self.limits.list("limits", &mut all);
        all
    }
}

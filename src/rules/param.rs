//! A parameter: what each document says of it, the topmost first.
//!
//! **Invariant:** a parameter never has a value that no document states; what is open stays open
//! until an assumption, marked as such, fills it.

use std::{collections::BTreeMap, fmt};

use rust_decimal::Decimal;

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    group::Residence,
    month::Month,
};

use super::{cite::Cite, value::Value};

/// What one document says of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting<T> {
    /// Values by case; the first that fits holds.
    Cases(Vec<Case<T>>),
    /// The document leaves it open, perhaps within bounds.
    Open {
        /// Where it says so.
        cite: Cite,
        /// Lowest lawful value.
        at_least: Option<Decimal>,
        /// Highest lawful value.
        at_most: Option<Decimal>,
    },
    /// The value of the documents below holds; said explicitly.
    Inherited(Cite),
    /// Lowers a higher value of the documents below, and leaves a lower one.
    LowerTo(T, Cite),
}

/// A value and when it fits.
#[derive(Debug, Clone, PartialEq)]
pub struct Case<T> {
    /// Its conditions.
    pub when: Selector,
    /// The value.
    pub value: T,
    /// Where it stands.
    pub cite: Cite,
}

/// The conditions of a case; an absent one always fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// One of these groups.
    pub groups: Option<Vec<Code>>,
    /// This residence.
    pub residence: Option<Residence>,
    /// One of these areas, or below one of them.
    pub areas: Option<Vec<AreaCode>>,
    /// An area of this class, or below one.
    pub class: Option<Code>,
    /// This index month or later.
    pub from: Option<Month>,
    /// This index month or earlier.
    pub until: Option<Month>,
    /// One of these months of the year, as index month, in any year.
    pub calendar_months: Option<Vec<u32>>,
    /// This pay month or later.
    pub pay_from: Option<Month>,
    /// This pay month or earlier.
    pub pay_until: Option<Month>,
    /// This condition carries the trigger.
    pub carried_by: Option<Code>,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: ToString>(all: &Option<Vec<T>>) -> Option<String> {
            let all = all.as_ref()?;
            Some(all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        let one = |value: Option<Month>| value.map(|month| month.to_string());
        let parts = [
            ("groups", list(&self.groups)),
            ("residence", self.residence.map(|residence| residence.to_string())),
            ("areas", list(&self.areas)),
            ("class", self.class.as_ref().map(Code::to_string)),
            ("from", one(self.from)),
            ("until", one(self.until)),
            ("calendar_months", list(&self.calendar_months)),
            ("pay_from", one(self.pay_from)),
            ("pay_until", one(self.pay_until)),
            ("carried_by", self.carried_by.as_ref().map(Code::to_string)),
        ];
        let set = parts.into_iter().filter_map(|(name, text)| Some(format!("{name} {}", text?)));
        f.write_str(&set.collect::<Vec<_>>().join("; "))
    }
}

/// Lists of areas by name.
pub type Classes = BTreeMap<Code, Vec<AreaCode>>;

/// The case at hand.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// All areas.
    pub areas: &'a Areas,
    /// The classes that the documents in force define.
    pub classes: &'a Classes,
    /// The area asked about.
    pub area: AreaCode,
    /// The index month.
    pub month: Month,
    /// The month in which it is paid.
    pub pay_month: Month,
    /// The group, where one is asked about.
    pub group: Option<&'a Code>,
    /// The residence, where one is asked about.
    pub residence: Option<Residence>,
    /// The conditions that carry the trigger, once that is decided.
    pub carried_by: &'a [Code],
}

impl Selector {
    /// Whether every condition fits.
    pub fn fits(&self, context: &Context<'_>) -> bool {
        let below = |areas: &Vec<AreaCode>| {
            areas.iter().any(|area| context.areas.within(context.area, *area))
        };
        let group = |groups: &Vec<Code>| context.group.is_some_and(|group| groups.contains(group));
        self.groups.as_ref().is_none_or(group)
            && self.residence.is_none_or(|residence| context.residence == Some(residence))
            && self.areas.as_ref().is_none_or(below)
            && self.class.as_ref().is_none_or(|class| context.classes.get(class).is_some_and(below))
            && self.from.is_none_or(|from| from <= context.month)
            && self.until.is_none_or(|until| context.month <= until)
            && (self.calendar_months.as_ref())
                .is_none_or(|months| months.contains(&context.month.month()))
            && self.pay_from.is_none_or(|from| from <= context.pay_month)
            && self.pay_until.is_none_or(|until| context.pay_month <= until)
            && self.carried_by.as_ref().is_none_or(|name| context.carried_by.contains(name))
    }
}

/// All that the documents in force say of one parameter, the topmost first.
#[derive(Debug, Clone, PartialEq)]
pub struct Param<T> {
    /// One layer per document that speaks of it.
    pub layers: Vec<Setting<T>>,
}

impl<T> Default for Param<T> {
    fn default() -> Self {
        Self { layers: Vec::new() }
    }
}

/// The value that holds in the case at hand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick<'a, T> {
    /// A document sets it.
    Set(Picked<'a, T>),
    /// A document leaves it open, and no assumption fills it.
    Open {
        /// Where it is left open.
        cite: &'a Cite,
        /// Lowest lawful value.
        at_least: Option<Decimal>,
        /// Highest lawful value.
        at_most: Option<Decimal>,
    },
    /// No document speaks of it.
    Unset,
}

impl<'a, T> Pick<'a, T> {
    /// Where it is set or left open.
    pub fn cite(&self) -> Option<&'a Cite> {
        match self {
            Self::Set(picked) => Some(picked.cite),
            Self::Open { cite, .. } => Some(cite),
            Self::Unset => None,
        }
    }
}

/// A value with its origin.
#[derive(Debug, PartialEq)]
pub struct Picked<'a, T> {
    /// The value.
    pub value: &'a T,
    /// Where it stands.
    pub cite: &'a Cite,
    /// The document that said explicitly that it holds on unverified.
    pub inherited: Option<&'a Cite>,
}

impl<T> Clone for Picked<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Picked<'_, T> {}

impl<T> Param<T> {
    /// Whether no document speaks of it.
    pub fn is_unset(&self) -> bool {
        self.layers.is_empty()
    }

    /// Puts the layers of a document further down below these.
    pub fn put_under(&mut self, lower: &Self)
    where
        T: Clone,
    {
        self.layers.extend(lower.layers.iter().cloned());
    }

    /// The value for the case at hand. O(layers × cases).
    pub fn pick(&self, context: &Context<'_>) -> Pick<'_, T>
    where
        T: Value,
    {
        pick_from(&self.layers, context)
    }

    /// What holds below a topmost document that only lowers it, and the value that one lowers to.
    pub fn pick_lowered(&self, context: &Context<'_>) -> (Pick<'_, T>, Option<Picked<'_, T>>)
    where
        T: Value,
    {
        match self.layers.split_first() {
            Some((Setting::LowerTo(value, cite), below)) => {
                (pick_from(below, context), Some(Picked { value, cite, inherited: None }))
            }
            _ => (self.pick(context), None),
        }
    }
}

/// Every value that a parameter is given, in any case.
pub fn values<T>(param: &Param<T>) -> impl Iterator<Item = (&T, &Cite)> {
    param.layers.iter().flat_map(Setting::values)
}

/// As [`values`], without those below a layer that leaves nothing to them.
pub(super) fn in_play<T>(param: &Param<T>) -> impl Iterator<Item = (&T, &Cite)> {
    let last = param.layers.iter().position(Setting::is_final);
    let layers = &param.layers[..last.map_or(param.layers.len(), |at| at + 1)];
    layers.iter().flat_map(Setting::values)
}

impl<T> Setting<T> {
    fn values(&self) -> Vec<(&T, &Cite)> {
        match self {
            Self::Cases(cases) => cases.iter().map(|case| (&case.value, &case.cite)).collect(),
            Self::LowerTo(value, cite) => vec![(value, cite)],
            _ => Vec::new(),
        }
    }

    /// Whether nothing falls through to the layers below.
    fn is_final(&self) -> bool {
        match self {
            Self::Cases(cases) => cases.iter().any(|case| case.when == Selector::default()),
            Self::Open { .. } => true,
            Self::Inherited(_) | Self::LowerTo(..) => false,
        }
    }
}

impl<T: Value> Param<T> {
    /// The value for the case at hand as it would be if no document had lowered it.
    pub fn pick_unlowered(&self, context: &Context<'_>) -> Pick<'_, T> {
        let lowers = |layer: &&Setting<T>| matches!(layer, Setting::LowerTo(..));
        let above = self.layers.iter().take_while(lowers).count();
        pick_from(&self.layers[above..], context)
    }
}

fn pick_from<'a, T: Value>(layers: &'a [Setting<T>], context: &Context<'_>) -> Pick<'a, T> {
    let Some((top, below)) = layers.split_first() else { return Pick::Unset };
    match top {
        Setting::Cases(cases) => match cases.iter().find(|case| case.when.fits(context)) {
            Some(Case { value, cite, .. }) => Pick::Set(Picked { value, cite, inherited: None }),
            None => pick_from(below, context),
        },
        Setting::Inherited(cite) => match pick_from(below, context) {
            Pick::Set(found) => Pick::Set(Picked { inherited: Some(cite), ..found }),
            other => other,
        },
        Setting::LowerTo(value, cite) => match pick_from(below, context) {
            Pick::Set(found) if found.value.is_at_most(value) => Pick::Set(found),
            _ => Pick::Set(Picked { value, cite, inherited: None }),
        },
        Setting::Open { cite, at_least, at_most } => {
            let open = Pick::Open { cite, at_least: *at_least, at_most: *at_most };
            assumed(below, context).map_or(open, Pick::Set)
        }
    }
}

/// What an assumption says; law further down does not fill what a nearer law leaves open.
fn assumed<'a, T: Value>(layers: &'a [Setting<T>], context: &Context<'_>) -> Option<Picked<'a, T>> {
    let cases = layers.iter().filter_map(|layer| match layer {
        Setting::Cases(cases) => Some(cases),
        _ => None,
    });
    let fits = |case: &&Case<T>| case.cite.is_assumed() && case.when.fits(context);
    let Case { value, cite, .. } = cases.flatten().find(fits)?;
    Some(Picked { value, cite, inherited: None })
}

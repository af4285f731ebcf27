//! Parameters as a reader of the law sees them: everything that was said, or what holds in a month.

use rust_decimal::Decimal;

use crate::domain::month::Month;

use super::{
    cite::Cite,
    param::{Case, Param, Selector, Setting},
    value::Value,
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

/// Which of the things said are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// All, also what was replaced.
    Everything,
    /// What holds for an index month, with its months left out of the conditions.
    Held { month: Month, pay_month: Month },
}

pub(super) fn says<T: Value>(param: &Param<T>, wanted: Wanted) -> Vec<Said> {
    match wanted {
        Wanted::Everything => param.layers.iter().flat_map(everything).collect(),
        Wanted::Held { month, pay_month } => {
            let held = held(&param.layers, month, pay_month);
            held.into_iter().map(|(_, said)| said).collect()
        }
    }
}

fn always(text: String, cite: &Cite) -> Said {
    Said { text, when: Selector::default(), open: false, cite: cite.clone() }
}

fn of_case<T: Value>(case: &Case<T>) -> Said {
    Said { when: case.when.clone(), ..always(case.value.show(), &case.cite) }
}

fn everything<T: Value>(layer: &Setting<T>) -> Vec<Said> {
    match layer {
        Setting::Cases(cases) => cases.iter().map(of_case).collect(),
        Setting::Open { cite, at_least, at_most } => vec![open(cite, at_least, at_most)],
        Setting::Inherited(cite) => vec![always("inherited".to_owned(), cite)],
        Setting::LowerTo(value, cite) => vec![always(format!("at most {}", value.show()), cite)],
    }
}

fn open(cite: &Cite, at_least: &Option<Decimal>, at_most: &Option<Decimal>) -> Said {
    let edge = |edge: &Option<Decimal>| edge.map_or(String::new(), |e| e.to_string());
    let text = match (at_least, at_most) {
        (None, None) => "open".to_owned(),
        _ => format!("open, {}…{}", edge(at_least), edge(at_most)),
    };
    Said { open: true, ..always(text, cite) }
}

/// What holds in a month, case by case, down to the first that leaves nothing to those below.
fn held<T: Value>(layers: &[Setting<T>], month: Month, pay_month: Month) -> Vec<(Option<T>, Said)> {
    let Some((top, below)) = layers.split_first() else { return Vec::new() };
    let now = |case: &Case<T>| {
        let when = case.when.at(month, pay_month)?;
        Some((Some(case.value.clone()), Said { when, ..of_case(case) }))
    };
    let mut all: Vec<(Option<T>, Said)> = match top {
        Setting::Cases(cases) => {
            let mut all: Vec<_> = cases.iter().filter_map(now).collect();
            all.extend(held(below, month, pay_month));
            all
        }
        Setting::Inherited(_) => held(below, month, pay_month),
        Setting::LowerTo(value, cite) => {
            let lower = always(value.show(), cite);
            let mut all = held(below, month, pay_month);
            for (old, said) in &mut all {
                if !old.as_ref().is_some_and(|old| old.is_at_most(value)) {
                    *said = Said { when: said.when.clone(), ..lower.clone() };
                    *old = Some(value.clone());
                }
            }
            all.push((Some(value.clone()), lower));
            all
        }
        Setting::Open { cite, at_least, at_most } => {
            let cases = below.iter().filter_map(|layer| match layer {
                Setting::Cases(cases) => Some(cases),
                _ => None,
            });
            let assumed = cases.flatten().filter(|case| case.cite.is_assumed());
            let mut all: Vec<_> = assumed.filter_map(now).collect();
            all.push((None, open(cite, at_least, at_most)));
            all
        }
    };
    let mut seen: Vec<Selector> = Vec::new();
    all.retain(|(_, said)| {
        let reached = !seen.contains(&Selector::default()) && !seen.contains(&said.when);
        seen.push(said.when.clone());
        reached
    });
    all
}

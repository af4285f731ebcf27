//! The base and the rise of a sum: found, read and cited.
//!
//! **Invariant:** a standard or a rise that is not recorded is missing by name; none stands in for
//! another unless the rule says so.

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        exact::{Exact, RangeError},
        month::Month,
    },
    rules::{
        cite::Cite,
        param::{Context, Pick},
        shape::{Base, Rise, RiseOf},
        terms::StepTerms,
        word::{Measure, Period},
    },
};

use super::{
    amount::Asked,
    question::{Applied, Missing, optional, required},
    reading::{Gauge, Reading, read},
    step::Stop,
};

/// A standard as it was used.
#[derive(Debug, Clone, PartialEq)]
pub struct BaseUsed {
    /// Its code.
    pub standard: Code,
    /// Whose it is.
    pub area: AreaCode,
    /// Since when it holds; of several averaged, the latest.
    pub valid_from: Month,
    /// Its revision.
    pub revision: u32,
    /// Where it was published.
    pub source: String,
    /// The standard as recorded, or the mean of several months'.
    pub recorded: Exact,
    /// The part of it that counts.
    pub share: Option<Exact>,
    /// What counts: recorded × share.
    pub yuan: Exact,
    /// Where the rule stands.
    pub cite: Cite,
}

/// A rise as it was used.
#[derive(Debug, Clone, PartialEq)]
pub struct RiseUsed {
    /// The reading it comes from.
    pub reading: Reading,
    /// In per cent.
    pub percent: Exact,
    /// The others, of which it is the lowest.
    pub beside: Vec<Reading>,
    /// Where the rule stands.
    pub cite: Cite,
}

/// Finds the base of a step.
pub(super) fn base(
    applied: &Applied<'_>,
    context: &Context<'_>,
    terms: &StepTerms,
    path: &dyn Fn(&str) -> String,
) -> Result<BaseUsed, Stop> {
    let picked = required(&terms.base, context, || path("base"))?;
    base_used(applied, picked.value, picked.cite)
}

/// Finds a standard that a sum is computed from.
pub(super) fn base_used(applied: &Applied<'_>, base: &Base, cite: &Cite) -> Result<BaseUsed, Stop> {
    let places: Vec<AreaCode> =
        base.places.iter().filter_map(|place| applied.place(*place)).collect();
    let found = places.iter().find_map(|area| recorded(applied, *area, base));
    let Some((area, standards)) = found else {
        let back = i32::try_from(base.years_back).unwrap_or(0).saturating_mul(-12);
        let month = applied.month.plus(back).unwrap_or(applied.month);
        let standard = base.standard.clone();
        return Err(Stop::Missing(vec![Missing::Standard { areas: places, standard, month }]));
    };
    let mut sum = Exact::ZERO;
    for standard in &standards {
        sum = sum.plus(Exact::from(standard.yuan))?;
    }
    let mean = match standards.len() {
        1 => sum,
        count => sum.over(Exact::whole(count as i64))?,
    };
    let yuan = match base.share {
        Some(share) => mean.times(share)?,
        None => mean,
    };
    let latest = standards[standards.len() - 1];
    Ok(BaseUsed {
        standard: base.standard.clone(),
        area,
        valid_from: latest.valid_from,
        revision: latest.revision,
        source: latest.source.clone(),
        recorded: mean,
        share: base.share,
        yuan,
        cite: cite.clone(),
    })
}

/// The standards of an area for the months of the base, if all are recorded.
fn recorded<'a>(
    applied: &'a Applied<'_>,
    area: AreaCode,
    base: &Base,
) -> Option<(AreaCode, Vec<&'a crate::domain::standard::Standard>)> {
    let month = applied.month.plus(i32::try_from(base.years_back).ok()?.checked_mul(-12)?)?;
    let (first, last) = match base.average {
        None | Some(Period::Month | Period::Term) => (month, month),
        Some(Period::Quarter) => (month.quarter_start(), month.quarter_start().plus(2)?),
        Some(Period::HalfYear) => {
            let first = month.january().plus((month.month() as i32 - 1) / 6 * 6)?;
            (first, first.plus(5)?)
        }
        Some(Period::Year) => (month.january(), month.january().plus(11)?),
    };
    let standards = applied.world.standards;
    let of = |month| standards.get(area, &base.standard, month, &applied.view);
    let all: Option<Vec<_>> = first.through(last).map(of).collect();
    all.map(|all| (area, all))
}

/// Finds the rise of a step.
pub(super) fn rise(
    asked: &Asked<'_, '_>,
    context: &Context<'_>,
    terms: &StepTerms,
    path: &dyn Fn(&str) -> String,
) -> Result<RiseUsed, Stop> {
    let picked = required(&terms.rise, context, || path("rise"))?;
    let measure = optional(&terms.rise_measure, context, || path("rise_measure"), Measure::Month)?;
    let average_months = match measure {
        Measure::Average => {
            let path = || path("rise_average_months");
            *required(&terms.rise_average_months, context, path)?.value
        }
        _ => 1,
    };
    let decimals = match terms.rise_decimals.pick(context) {
        Pick::Set(places) => Some(*places.value),
        _ => None,
    };
    let gauge = Gauge { measure, average_months, decimals };
    let own = match terms.rise_area.pick(context) {
        Pick::Set(place) => asked.applied.place(*place.value),
        _ => None,
    };
    let area = own.unwrap_or_else(|| asked.applied.index_area(&Default::default()));
    let read_one = |of: &RiseOf| one(asked, of, area, gauge);
    let complete_all = |all: &[RiseOf]| {
        let readings = all.iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
        readings.into_iter().map(complete).collect::<Result<Vec<_>, Stop>>()
    };
    let mut beside = Vec::new();
    let reading = match picked.value {
        Rise::One(of) => complete(read_one(of)?)?,
        Rise::HigherOf(all) => highest(complete_all(all)?).ok_or_else(|| open(path("rise")))?,
        Rise::LowerOf(all) => {
            let (lowest, others) = lowest(complete_all(all)?).ok_or_else(|| open(path("rise")))?;
            beside = others;
            lowest
        }
        Rise::FirstRecorded(all) => {
            let readings = all.iter().map(read_one).collect::<Result<Vec<_>, _>>()?;
            match readings.iter().find(|reading| reading.value.is_some()) {
                Some(reading) => reading.clone(),
                None => {
                    let missing = readings.into_iter().flat_map(|reading| reading.missing);
                    return Err(Stop::Missing(missing.collect()));
                }
            }
        }
    };
    let percent = reading.value.ok_or_else(|| open(path("rise")))?;
    Ok(RiseUsed { reading, percent, beside, cite: picked.cite.clone() })
}

fn open(path: String) -> Stop {
    Stop::Missing(vec![Missing::Parameter { path, left_open_by: None }])
}

fn complete(reading: Reading) -> Result<Reading, Stop> {
    match reading.value {
        Some(_) => Ok(reading),
        None => Err(Stop::Missing(reading.missing)),
    }
}

fn highest(readings: Vec<Reading>) -> Option<Reading> {
    // Of equal rises the first counts, so that the order in the document decides.
    readings.into_iter().reduce(|best, next| if best.value < next.value { next } else { best })
}

/// The lowest, of equal ones the first, and the others.
fn lowest(mut readings: Vec<Reading>) -> Option<(Reading, Vec<Reading>)> {
    let at = (0..readings.len()).min_by_key(|at| readings[*at].value)?;
    Some((readings.remove(at), readings))
}

fn one(
    asked: &Asked<'_, '_>,
    of: &RiseOf,
    area: AreaCode,
    gauge: Gauge,
) -> Result<Reading, RangeError> {
    match of {
        RiseOf::Series(series) => read(asked.applied, area, series, asked.applied.month, gauge),
        RiseOf::Trigger => {
            let outcome = asked.outcome;
            let carries =
                |name: &Code| outcome.carried_by.is_empty() || outcome.carried_by.contains(name);
            let conditions = outcome.conditions.iter().filter(|one| carries(&one.name));
            let rises = conditions.filter_map(|condition| condition.readings.first());
            let recorded = rises.filter(|r| r.value.is_some() && asked.applied.is_rise(&r.series));
            let found = highest(recorded.cloned().collect());
            let none = || Reading {
                area,
                series: outcome.carried_by.first().cloned().unwrap_or_else(trigger_word),
                month: asked.applied.month,
                measure: gauge.measure,
                value: None,
                used: Vec::new(),
                missing: vec![Missing::Parameter {
                    path: "trigger: no condition with a rise carries it".to_owned(),
                    left_open_by: None,
                }],
            };
            Ok(found.unwrap_or_else(none))
        }
    }
}

fn trigger_word() -> Code {
    "trigger".parse().expect("a word of letters is a code")
}

/// A number taken from the law.
pub(super) fn number(value: Decimal) -> Exact {
    Exact::from(value)
}

//! One condition of the trigger in one month: met, not met, or undecidable and why.
//!
//! **Invariant:** a condition is undecidable only if some lawful value of what is missing would meet
//! it and another would not.

use rust_decimal::Decimal;

use crate::{
    domain::{area::AreaCode, code::Code, exact::Exact, exact::RangeError, month::Month},
    rules::{
        cite::Cite,
        param::{Context, Pick},
        terms::ConditionTerms,
        word::{Comparator, Measure, ThresholdSet},
    },
};

use super::{
    question::{Applied, Cited, Missing, Threshold, optional, required},
    reading::{Gauge, Reading, Used, read},
};

/// Three-valued truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Not met.
    No,
    /// It cannot be said.
    Unknown,
    /// Met.
    Yes,
}

impl Truth {
    /// The truth of a comparison that can be made.
    pub fn of(met: bool) -> Self {
        if met { Self::Yes } else { Self::No }
    }

    /// The word used in outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "not_met",
            Self::Unknown => "undecidable",
            Self::Yes => "met",
        }
    }
}

/// A condition as it was evaluated for an index month.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionReading {
    /// Its name.
    pub name: Code,
    /// Whether it is met for as many months in a row as it must be.
    pub met: Truth,
    /// Whether the index month by itself meets it.
    pub holds: Truth,
    /// For how many months in a row it must be met.
    pub run_months: u32,
    /// How it is compared.
    pub comparator: Comparator,
    /// With what, and where that stands; none for a raised standard or when it is not set.
    pub threshold: Option<Cited<Threshold>>,
    /// The recorded figure that the threshold is, or was computed from.
    pub recorded: Option<Recorded>,
    /// The months of the run, the index month first.
    pub readings: Vec<Reading>,
    /// By how much the index month's value lies above (positive) or below the threshold.
    pub margin: Option<Exact>,
    /// What is missing to decide it.
    pub missing: Vec<Missing>,
}

/// A figure that a threshold was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The figure.
    pub used: Used,
    /// The points that the law adds to it.
    pub plus: Decimal,
}

impl ConditionReading {
    /// Notes what a month of the run lacks; months share it with those before them.
    fn lack(&mut self, threshold: &Result<Cited<Threshold>, Missing>, reading: &Reading) {
        let lacks = match threshold {
            Err(missing) => Some(missing.clone()),
            Ok(threshold) if reading.value.is_some() => Some(Missing::Parameter {
                path: format!("trigger.conditions.{}.threshold", self.name),
                left_open_by: Some(threshold.cite.head.id.clone()),
            }),
            Ok(_) => None,
        };
        for one in reading.missing.iter().cloned().chain(lacks) {
            if !self.missing.contains(&one) {
                self.missing.push(one);
            }
        }
    }

    fn undecidable(name: &Code, missing: Missing) -> Self {
        Self {
            name: name.clone(),
            met: Truth::Unknown,
            holds: Truth::Unknown,
            run_months: 1,
            comparator: Comparator::AtLeast,
            threshold: None,
            recorded: None,
            readings: Vec::new(),
            margin: None,
            missing: vec![missing],
        }
    }
}

/// Evaluates a condition. O(run × months of the measure).
///
/// # Errors
/// A figure leaves the range of exact arithmetic.
pub fn evaluate(
    applied: &Applied<'_>,
    name: &Code,
    counts_from: Option<Month>,
) -> Result<ConditionReading, RangeError> {
    let context = applied.context();
    let path = |key: &str| format!("trigger.conditions.{name}.{key}");
    let Some(terms) = applied.rules.terms.conditions.get(name) else {
        let missing = Missing::Parameter { path: path("series"), left_open_by: None };
        return Ok(ConditionReading::undecidable(name, missing));
    };
    let raises = terms.standard_raised.pick(&context);
    if let Pick::Set(standard) = raises
        && !nearer(applied, &terms.series.pick(&context), &raises)
    {
        return Ok(raised(applied, name, standard.value));
    }
    match parts(applied, name, terms) {
        Ok(parts) => compared(applied, name, terms, &parts, counts_from),
        Err(missing) => Ok(ConditionReading::undecidable(name, missing)),
    }
}

struct Parts {
    series: Code,
    area: AreaCode,
    gauge: Gauge,
    comparator: Comparator,
    run_months: u32,
}

fn parts(applied: &Applied<'_>, name: &Code, terms: &ConditionTerms) -> Result<Parts, Missing> {
    let context = applied.context();
    let path = |key: &str| format!("trigger.conditions.{name}.{key}");
    let series = required(&terms.series, &context, || path("series"))?.value.clone();
    let comparator = *required(&terms.comparator, &context, || path("comparator"))?.value;
    let measure = optional(&terms.measure, &context, || path("measure"), Measure::Month)?;
    let average_months = match measure {
        Measure::Average => {
            *required(&terms.average_months, &context, || path("average_months"))?.value
        }
        _ => 1,
    };
    let decimals = match terms.decimals.pick(&context) {
        Pick::Set(places) => Some(*places.value),
        _ => None,
    };
    let run_months = optional(&terms.run_months, &context, || path("run_months"), 1)?.max(1);
    let area = applied.index_area(&terms.index_area);
    let gauge = Gauge { measure, average_months, decimals };
    Ok(Parts { series, area, gauge, comparator, run_months })
}

fn compared(
    applied: &Applied<'_>,
    name: &Code,
    terms: &ConditionTerms,
    parts: &Parts,
    counts_from: Option<Month>,
) -> Result<ConditionReading, RangeError> {
    let mut condition = ConditionReading {
        name: name.clone(),
        met: Truth::Yes,
        holds: Truth::Unknown,
        run_months: parts.run_months,
        comparator: parts.comparator,
        threshold: None,
        recorded: None,
        readings: Vec::new(),
        margin: None,
        missing: Vec::new(),
    };
    for back in 0..parts.run_months {
        let month = applied.month.plus(-(back as i32));
        let month = month.filter(|month| counts_from.is_none_or(|from| from <= *month));
        let Some(month) = month else {
            condition.met = Truth::No;
            break;
        };
        let reading = read(applied, parts.area, &parts.series, month, parts.gauge)?;
        let threshold = threshold(applied, name, terms, parts, month);
        let (threshold, recorded) = match threshold {
            Ok((threshold, recorded)) => (Ok(threshold), recorded),
            Err(missing) => (Err(missing), None),
        };
        let truth = match (&threshold, reading.value) {
            (Ok(threshold), Some(value)) => compare(value, parts.comparator, threshold.value),
            _ => Truth::Unknown,
        };
        if back == 0 {
            condition.holds = truth;
            if let (Ok(Cited { value: Threshold::At(at), .. }), Some(value)) =
                (&threshold, reading.value)
            {
                condition.margin = Some(value.minus(Exact::from(*at))?);
            }
        }
        if truth == Truth::Unknown {
            condition.lack(&threshold, &reading);
        }
        if back == 0 {
            (condition.threshold, condition.recorded) = (threshold.ok(), recorded);
        }
        condition.met = condition.met.min(truth);
        condition.readings.push(reading);
        if condition.met == Truth::No {
            break;
        }
    }
    if condition.met != Truth::Unknown {
        condition.missing.clear();
    }
    Ok(condition)
}

/// The threshold that holds for a month of the run, and the figure it was taken from.
fn threshold(
    applied: &Applied<'_>,
    name: &Code,
    terms: &ConditionTerms,
    parts: &Parts,
    month: Month,
) -> Result<(Cited<Threshold>, Option<Recorded>), Missing> {
    let path = || format!("trigger.conditions.{name}.threshold");
    let offset = applied.pay_month.months_since(applied.month);
    let pay_month = month.plus(offset).unwrap_or(month);
    let context = Context { month, pay_month, ..applied.context() };
    // A recorded threshold replaces a plain one of a document further down; one that lowers it only
    // bounds it from above.
    let (below, lowered) = terms.threshold.pick_lowered(&context);
    let series = terms.threshold_series.pick(&context);
    let lowered = lowered.filter(|lowered| nearer(applied, &Pick::Set(*lowered), &series));
    if !nearer(applied, &series, &below) {
        match terms.threshold.pick(&context) {
            Pick::Set(picked) => return Ok((Cited::from(picked).map(Threshold::At), None)),
            Pick::Open { cite, at_least: Some(low), at_most: Some(high) } => {
                let value = Threshold::Between(low, high);
                return Ok((Cited { value, cite: cite.clone(), inherited: None }, None));
            }
            Pick::Open { cite, .. } => {
                let left_open_by = Some(cite.head.id.clone());
                return Err(Missing::Parameter { path: path(), left_open_by });
            }
            Pick::Unset => {}
        }
    }
    // Points added by a document below the one that names the series were added to another.
    let plus = terms.threshold_plus.pick(&context);
    let plus = match nearer(applied, &series, &plus) {
        true => Decimal::ZERO,
        false => optional(&terms.threshold_plus, &context, path, Decimal::ZERO)?,
    };
    let series = required(&terms.threshold_series, &context, path)?;
    let set = required(&terms.threshold_set, &context, || {
        format!("trigger.conditions.{name}.threshold_set")
    })?;
    let recorded = match set.value {
        ThresholdSet::Yearly => month.january(),
        ThresholdSet::Monthly => month,
    };
    let area = match terms.threshold_area.pick(&context) {
        Pick::Set(place) => applied.place(*place.value).unwrap_or(parts.area),
        _ => parts.area,
    };
    let figures = applied.world.figures;
    let Some(figure) = figures.get(area, series.value, recorded, &applied.view) else {
        return Err(applied.missing_figure(area, series.value, recorded));
    };
    let at = figure.value.checked_add(plus).ok_or_else(|| {
        let path = format!("{}: {} + {plus} is out of range", path(), figure.value);
        Missing::Parameter { path, left_open_by: None }
    })?;
    if let Some(lowered) = lowered.filter(|lowered| *lowered.value < at) {
        return Ok((Cited::from(lowered).map(Threshold::At), None));
    }
    let cited = Cited { value: Threshold::At(at), cite: series.cite.clone(), inherited: None };
    Ok((cited, Some(Recorded { used: Used::from(figure), plus })))
}

/// Whether a document over the one that speaks of `other` sets `this`.
fn nearer<T, U>(applied: &Applied<'_>, this: &Pick<'_, T>, other: &Pick<'_, U>) -> bool {
    let place = |cite: Option<&Cite>| {
        let head = &cite?.head;
        applied.rules.documents.iter().position(|document| document.id == head.id)
    };
    matches!(this, Pick::Set(_)) && place(other.cite()) < place(this.cite())
}

/// Compares with a threshold; with one left open within bounds, only where both bounds agree.
pub(super) fn compare(value: Exact, comparator: Comparator, threshold: Threshold) -> Truth {
    let met = |at: Decimal| {
        let at = Exact::from(at);
        match comparator {
            Comparator::AtLeast => at <= value,
            Comparator::Above => at < value,
            Comparator::AtMost => value <= at,
            Comparator::Below => value < at,
        }
    };
    match threshold {
        Threshold::At(at) => Truth::of(met(at)),
        Threshold::Between(low, high) => match (met(low), met(high)) {
            (true, true) => Truth::Yes,
            (false, false) => Truth::No,
            _ => Truth::Unknown,
        },
    }
}

/// Whether a higher standard begins in this month.
fn raised(applied: &Applied<'_>, name: &Code, standard: &Code) -> ConditionReading {
    let Applied { world, view, month, .. } = applied;
    let line = world.areas.line(applied.deciding);
    let begins = line.filter_map(|area| {
        let new = world.standards.beginning(area.code, standard, *month, view)?;
        let before = world.standards.get(area.code, standard, month.plus(-1)?, view);
        Some(before.is_some_and(|before| before.yuan < new.yuan))
    });
    let met = Truth::of(begins.into_iter().next().unwrap_or(false));
    ConditionReading {
        name: name.clone(),
        met,
        holds: met,
        run_months: 1,
        comparator: Comparator::Above,
        threshold: None,
        recorded: None,
        readings: Vec::new(),
        margin: None,
        missing: Vec::new(),
    }
}

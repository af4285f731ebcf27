//! Reading a series for a condition or a rise: the value, the figures it rests on, what is missing.
//!
//! **Invariant:** a value rests on published figures only; where one is missing there is no value.

use rust_decimal::Decimal;

use crate::{
    domain::{
        area::AreaCode,
        code::Code,
        exact::{Exact, RangeError},
        figure::Figure,
        month::Month,
    },
    rules::word::Measure,
};

use super::question::{Applied, Missing};

/// A figure that a reading rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Where it was measured.
    pub area: AreaCode,
    /// Of which series.
    pub series: Code,
    /// Of which month.
    pub month: Month,
    /// Its value.
    pub value: Decimal,
    /// Its revision.
    pub revision: u32,
}

impl From<&Figure> for Used {
    fn from(figure: &Figure) -> Self {
        let Figure { area, month, value, revision, .. } = *figure;
        Self { area, series: figure.series.clone(), month, value, revision }
    }
}

/// A series measured for a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Where.
    pub area: AreaCode,
    /// Which series.
    pub series: Code,
    /// For which index month.
    pub month: Month,
    /// How.
    pub measure: Measure,
    /// The value; none when a figure is missing.
    pub value: Option<Exact>,
    /// The figures it rests on.
    pub used: Vec<Used>,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// How a series is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Gauge {
    /// The measure.
    pub measure: Measure,
    /// Months of a moving average.
    pub average_months: u32,
    /// Places to which a mean is rounded.
    pub decimals: Option<u32>,
}

impl Gauge {
    /// The month's own value.
    pub const MONTH: Self = Self { measure: Measure::Month, average_months: 1, decimals: None };

    /// The months it takes in, first and last; none when they lie out of range.
    fn months(&self, month: Month) -> Option<(Month, Month)> {
        Some(match self.measure {
            Measure::Month => (month, month),
            Measure::Cumulative => (month.january(), month),
            Measure::Quarter => (month.quarter_start(), month.quarter_start().plus(2)?),
            Measure::Average => (month.plus(1 - self.average_months.max(1) as i32)?, month),
            Measure::Year => (month.january(), month.january().plus(11)?),
        })
    }
}

/// Measures a series. O(months of the measure).
///
/// # Errors
/// The sum of the figures leaves the range of exact arithmetic.
pub fn read(
    applied: &Applied<'_>,
    area: AreaCode,
    series: &Code,
    month: Month,
    gauge: Gauge,
) -> Result<Reading, RangeError> {
    let mut reading = Reading {
        area,
        series: series.clone(),
        month,
        measure: gauge.measure,
        value: None,
        used: Vec::new(),
        missing: Vec::new(),
    };
    let Some((first, last)) = gauge.months(month) else {
        reading.missing.push(applied.missing_figure(area, series, month));
        return Ok(reading);
    };
    let column = applied.world.figures.column(area, series);
    let mut sum = Exact::ZERO;
    for at in first.through(last) {
        let Some(figure) = column.and_then(|column| column.get(at, &applied.view)) else {
            reading.missing.push(applied.missing_figure(area, series, at));
            continue;
        };
        sum = sum.plus(Exact::from(figure.value))?;
        reading.used.push(Used::from(figure));
    }
    if reading.missing.is_empty() {
        let mean = match reading.used.len() {
            1 => sum,
            count => sum.over(Exact::whole(count as i64))?,
        };
        reading.value = Some(match gauge.decimals {
            Some(places) => mean.to_places(places)?,
            None => mean,
        });
    }
    Ok(reading)
}

//! Charts of replayed months.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::month_of;
use crate::{
    charts::{IndexLines, IndexSeries, MonthState, StateRow, StateTimeline, ThresholdStep},
    domain::{
        month::{Month, Span},
        series::SeriesList,
    },
    engine::reason::Text,
    grpc::v1,
};

/// Why months cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// There is none.
    #[error("no month to draw")]
    NoMonth,
    /// They are of several areas.
    #[error("months of {0} and {1}: expected one area")]
    Areas(String, String),
    /// A message without a month, or with a number that is none.
    #[error("an answer without a month or with a bad number")]
    Answer,
}

/// The same words in both languages.
pub fn same(name: &str) -> Text {
    Text::new(name, name)
}

fn supposed_note(statuses: &[v1::Status]) -> Vec<Text> {
    let note = Text::new(
        "含假设的规则或数据:仅供研究,不得据以发放",
        "A supposed rule or figure stands in it: nothing may be paid by it",
    );
    if statuses.iter().any(|status| status.hypothetical) { vec![note] } else { Vec::new() }
}

fn month(month: Option<v1::YearMonth>) -> Result<Month, DrawError> {
    month_of(month).ok_or(DrawError::Answer)
}

fn ends(statuses: &[v1::Status]) -> Result<(&v1::Status, &v1::Status), DrawError> {
    statuses.first().zip(statuses.last()).ok_or(DrawError::NoMonth)
}

/// Index lines with thresholds of one area, from its months in order with their conditions.
///
/// # Errors
/// No month, months of several areas.
pub fn index_lines(names: &SeriesList, statuses: &[v1::Status]) -> Result<IndexLines, DrawError> {
    let (first, last) = ends(statuses)?;
    if let Some(other) = statuses.iter().find(|status| status.area != first.area) {
        return Err(DrawError::Areas(first.area.clone(), other.area.clone()));
    }
    let mut series: BTreeMap<String, IndexSeries> = BTreeMap::new();
    let (mut paid, mut undecidable) = (BTreeSet::new(), BTreeSet::new());
    for status in statuses {
        let at = month(status.month)?;
        match status.triggered() {
            v1::Triggered::Yes => drop(paid.insert(at)),
            v1::Triggered::Undecidable => drop(undecidable.insert(at)),
            _ => {}
        }
        for condition in &status.conditions {
            measured(names, &mut series, condition, at)?;
        }
    }
    let (from, until) = (month(first.month)?, month(last.month)?);
    for one in series.values_mut() {
        one.rises.retain(|month, _| from <= *month && *month <= until);
    }
    let name = &first.area_name;
    Ok(IndexLines {
        title: Text::new(
            format!("{name}物价涨幅、临界值与发放月份"),
            format!("Price rises of {name}, thresholds and months paid"),
        ),
        from,
        until,
        series: series.into_values().collect(),
        paid,
        undecidable,
        notes: supposed_note(statuses),
    })
}

/// Adds the figures and the threshold of a condition.
fn measured(
    names: &SeriesList,
    series: &mut BTreeMap<String, IndexSeries>,
    condition: &v1::Condition,
    at: Month,
) -> Result<(), DrawError> {
    let decimal = |text: &str| text.parse::<Decimal>().map_err(|_| DrawError::Answer);
    for figure in &condition.figures {
        let value = figure.value.clone().unwrap_or_default();
        let of = series.entry(figure.series.clone()).or_insert_with(|| IndexSeries {
            name: match figure.series.parse() {
                Ok(code) => Text::new(names.zh(&code), names.en(&code)),
                Err(_) => same(&figure.series),
            },
            rises: BTreeMap::new(),
            thresholds: Vec::new(),
        });
        of.rises.insert(month(figure.month)?, decimal(&value.value)?);
    }
    let of = condition.figures.first().and_then(|figure| series.get_mut(&figure.series));
    if let (Some(threshold), Some(of)) = (&condition.threshold, of) {
        step(&mut of.thresholds, at, decimal(&threshold.value)?);
    }
    Ok(())
}

/// Goes on with the last threshold where it is the same and follows on.
fn step(thresholds: &mut Vec<ThresholdStep>, month: Month, rise: Decimal) {
    if let Some(last) = thresholds.last_mut()
        && last.rise == rise
        && last.months.until.and_then(|until| until.plus(1)) == Some(month)
    {
        last.months.until = Some(month);
        return;
    }
    thresholds.push(ThresholdStep { months: Span { from: month, until: Some(month) }, rise });
}

/// Areas × months, from the months of one area after the other.
///
/// # Errors
/// No month.
pub fn states(statuses: &[v1::Status]) -> Result<StateTimeline, DrawError> {
    let (first, last) = ends(statuses)?;
    let mut rows: Vec<StateRow> = Vec::new();
    let mut area = None;
    for status in statuses {
        if area != Some(&status.area) {
            area = Some(&status.area);
            rows.push(StateRow { label: same(&status.area_name), states: BTreeMap::new() });
        }
        let state = match status.triggered() {
            v1::Triggered::Yes => MonthState::Paid,
            v1::Triggered::No => MonthState::NotPaid,
            _ => MonthState::Undecidable,
        };
        if let Some(row) = rows.last_mut() {
            row.states.insert(month(status.month)?, state);
        }
    }
    Ok(StateTimeline {
        title: Text::new("各地区逐月发放情况", "Months paid, by area"),
        from: month(first.month)?,
        until: month(last.month)?,
        laws: None,
        rows,
        notes: supposed_note(statuses),
    })
}

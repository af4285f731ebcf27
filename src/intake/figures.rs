//! Index figures and standards from tables.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    exact::parse_decimal,
    group::Names,
    month::Month,
    rise::{IndexYoy, PercentRise},
    series::{SeriesList, Unit},
};

use super::table::{Column, Gathered, Problems, ROWS_MAX, Row, Table};

/// A figure to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFigure {
    /// Where it was measured.
    pub area: AreaCode,
    /// Which series.
    pub series: Code,
    /// The index month.
    pub month: Month,
    /// The value in the series' unit.
    pub value: Decimal,
    /// The day of release.
    pub released_on: Option<NaiveDate>,
    /// Who published it.
    pub source: String,
}

/// A standard to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStandard {
    /// Where it holds.
    pub area: AreaCode,
    /// Which standard.
    pub standard: Code,
    /// First month.
    pub valid_from: Month,
    /// Yuan per person and month.
    pub yuan: Decimal,
    /// How many people drew it.
    pub headcount: Option<u64>,
    /// Where it was published.
    pub source: String,
}

/// What names in a table are checked against.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The areas.
    pub areas: &'a Areas,
    /// The series.
    pub series: &'a SeriesList,
    /// The standards.
    pub standards: &'a Names,
}

pub(super) const fn column(
    name: &'static str,
    also: &'static [&'static str],
    required: bool,
) -> Column {
    Column { name, also, required }
}

const FIGURE_COLUMNS: [Column; 8] = [
    column("month", &["月份", "指数月份"], true),
    column("area_code", &["地区代码", "区划代码"], true),
    column("series", &["指标", "指数名称"], true),
    column("yoy_pct", &["同比涨幅", "同比涨幅(%)"], false),
    column("index", &["指数", "同比指数"], false),
    column("value", &["数值"], false),
    column("released_on", &["发布日期"], false),
    column("source", &["来源"], false),
];

/// The columns of which one holds the value.
const VALUES: [usize; 3] = [3, 4, 5];

const STANDARD_COLUMNS: [Column; 6] = [
    column("area_code", &["地区代码", "区划代码"], true),
    column("standard", &["标准"], true),
    column("valid_from", &["执行月份"], true),
    column("yuan_per_month", &["月标准", "月标准(元)"], true),
    column("headcount", &["人数"], false),
    column("source", &["来源"], false),
];

/// Reads figures. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_figures(bytes: &[u8], known: Known<'_>) -> Result<Vec<NewFigure>, Problems> {
    read_rows(bytes, known, |_| true)
}

/// Reads the figures of a form, in which rows without a value were not filled in. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_filled_figures(bytes: &[u8], known: Known<'_>) -> Result<Vec<NewFigure>, Problems> {
    read_rows(bytes, known, |row| VALUES.iter().any(|at| !row.get(*at).is_empty()))
}

fn read_rows(
    bytes: &[u8],
    known: Known<'_>,
    counts: impl Fn(&Row) -> bool,
) -> Result<Vec<NewFigure>, Problems> {
    let mut table = Table::open(bytes, &FIGURE_COLUMNS)?;
    let mut problems = Gathered::default();
    let mut figures = Vec::new();
    let mut seen: HashMap<(AreaCode, Code, Month), u64> = HashMap::new();
    while let Some(row) = table.next(&mut problems) {
        if !counts(&row) {
            continue;
        }
        let Some(figure) = figure(&row, known, &mut problems) else { continue };
        let key = (figure.area, figure.series.clone(), figure.month);
        if let Some(line) = seen.insert(key, row.line) {
            let expected = format!("each area, series and month once; line {line} has it as well");
            problems.push(row.line, "month", row.get(0), expected);
        }
        figures.push(figure);
        if ROWS_MAX < figures.len() {
            problems.push(row.line, "file", "", format!("at most {ROWS_MAX} rows"));
            break;
        }
    }
    problems.finish(figures)
}

fn figure(row: &Row, known: Known<'_>, problems: &mut Gathered) -> Option<NewFigure> {
    let month = month(row, 0, "month", problems);
    let area = area(row, 1, known.areas, problems);
    let series = series(row, known.series, problems);
    let value = series.as_ref().and_then(|(_, unit)| value(row, *unit, problems));
    let released_on = match row.get(6) {
        "" => None,
        text => {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            let date = date.filter(|date| date.to_string() == text);
            let plausible = |date: &NaiveDate| month.is_none_or(|m| m.first_day() <= *date);
            match date.filter(plausible) {
                Some(date) => Some(date),
                None => {
                    let expected = "a date such as 2019-08-09, not before the index month";
                    problems.push(row.line, "released_on", text, expected);
                    return None;
                }
            }
        }
    };
    let source = source(row, 7, problems)?;
    Some(NewFigure {
        area: area?,
        series: series?.0,
        month: month?,
        value: value?,
        released_on,
        source,
    })
}

/// Reads standards. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_standards(bytes: &[u8], known: Known<'_>) -> Result<Vec<NewStandard>, Problems> {
    let mut table = Table::open(bytes, &STANDARD_COLUMNS)?;
    let mut problems = Gathered::default();
    let mut standards = Vec::new();
    let mut seen: HashMap<(AreaCode, Code, Month), u64> = HashMap::new();
    while let Some(row) = table.next(&mut problems) {
        let Some(standard) = standard(&row, known, &mut problems) else { continue };
        let key = (standard.area, standard.standard.clone(), standard.valid_from);
        if let Some(line) = seen.insert(key, row.line) {
            let expected =
                format!("each area, standard and month once; line {line} has it as well");
            problems.push(row.line, "valid_from", row.get(2), expected);
        }
        standards.push(standard);
        if ROWS_MAX < standards.len() {
            problems.push(row.line, "file", "", format!("at most {ROWS_MAX} rows"));
            break;
        }
    }
    problems.finish(standards)
}

fn standard(row: &Row, known: Known<'_>, problems: &mut Gathered) -> Option<NewStandard> {
    let area = area(row, 0, known.areas, problems);
    let named = row.get(1);
    let by_name = || known.standards.all().find(|one| one.zh == named);
    let code = named.parse().ok().and_then(|code| known.standards.get(&code)).or_else(by_name);
    if code.is_none() {
        problems.push(row.line, "standard", named, "a standard of standards.toml");
    }
    let valid_from = month(row, 2, "valid_from", problems);
    let yuan = parse_decimal(row.get(3)).ok().filter(plausible_yuan);
    if yuan.is_none() {
        let expected = "yuan such as 590 or 404.25, from 0 to 1000000";
        problems.push(row.line, "yuan_per_month", row.get(3), expected);
    }
    let headcount = match row.get(4) {
        "" => None,
        text => match text.parse::<u64>() {
            Ok(count) => Some(count),
            Err(_) => {
                problems.push(row.line, "headcount", text, "a whole number of people");
                return None;
            }
        },
    };
    let source = source(row, 5, problems)?;
    let standard = code?.code.clone();
    let (area, valid_from, yuan) = (area?, valid_from?, yuan?);
    Some(NewStandard { area, standard, valid_from, yuan, headcount, source })
}

/// Whether an amount can be a standard.
pub fn plausible_yuan(yuan: &Decimal) -> bool {
    Decimal::ZERO <= *yuan && *yuan <= Decimal::from(1_000_000)
}

/// Whether a value fits its unit; else what was expected.
pub fn check_value(value: Decimal, unit: Unit) -> Result<(), &'static str> {
    let between = |low: i64, high: i64| Decimal::from(low) <= value && value <= Decimal::from(high);
    match unit {
        Unit::RisePct if between(-80, 1000) => Ok(()),
        Unit::RisePct => Err("a rise in per cent from -80 to 1000"),
        Unit::BroadRisePct if between(-20, 50) => Ok(()),
        Unit::BroadRisePct => {
            Err("a rise in per cent from -20 to 50; an index such as 104.5 goes into column index")
        }
        Unit::Yuan if between(0, 1_000_000_000) => Ok(()),
        Unit::Yuan => Err("yuan from 0 to 1000000000"),
        Unit::YesNo if value == Decimal::ONE || value == Decimal::ZERO => Ok(()),
        Unit::YesNo => Err("1 for yes or 0 for no"),
    }
}

fn value(row: &Row, unit: Unit, problems: &mut Gathered) -> Option<Decimal> {
    let filled: Vec<_> = VALUES.into_iter().filter(|at| !row.get(*at).is_empty()).collect();
    let [at] = filled[..] else {
        let expected = "exactly one of yoy_pct, index and value";
        problems.push(row.line, "yoy_pct", row.get(3), expected);
        return None;
    };
    let name = FIGURE_COLUMNS[at].name;
    let text = row.get(at);
    let parsed = match (at, unit) {
        (3, unit) if unit.is_rise() => PercentRise::parse(text).map(PercentRise::percent).ok(),
        (4, unit) if unit.is_rise() => {
            IndexYoy::parse(text).map(|index| index.rise().percent()).ok()
        }
        (5, _) => parse_decimal(text).ok(),
        _ => {
            problems.push(row.line, name, text, format!("the column value, in {}", unit.as_str()));
            return None;
        }
    };
    let Some(value) = parsed else {
        let expected = "a decimal such as 3.5, at most 15 digits before and 6 after the point";
        problems.push(row.line, name, text, expected);
        return None;
    };
    if let Err(expected) = check_value(value, unit) {
        problems.push(row.line, name, text, expected);
        return None;
    }
    Some(value)
}

pub(super) fn month(row: &Row, at: usize, column: &str, problems: &mut Gathered) -> Option<Month> {
    let text = row.get(at);
    let found = text.parse().ok();
    if found.is_none() {
        let expected = "YYYY-MM in plain digits, with year 1990 to 2099 and month 01 to 12";
        problems.push(row.line, column, text, expected);
    }
    found
}

pub(super) fn area(
    row: &Row,
    at: usize,
    areas: &Areas,
    problems: &mut Gathered,
) -> Option<AreaCode> {
    let text = row.get(at);
    let found = text.parse().ok().filter(|code| areas.get(*code).is_some());
    if found.is_none() {
        problems.push(row.line, "area_code", text, "six plain digits of a listed area");
    }
    found
}

fn series(row: &Row, list: &SeriesList, problems: &mut Gathered) -> Option<(Code, Unit)> {
    let text = row.get(2);
    let by_code = text.parse::<Code>().ok().and_then(|code| Some((list.unit(&code)?, code)));
    let by_name = || {
        let found = list.all().find(|(named, _)| named.zh == text);
        found.map(|(named, unit)| (unit, named.code.clone()))
    };
    let found = by_code.or_else(by_name);
    if found.is_none() {
        problems.push(row.line, "series", text, "a series of series.toml, by code or Chinese name");
    }
    found.map(|(unit, code)| (code, unit))
}

fn source(row: &Row, at: usize, problems: &mut Gathered) -> Option<String> {
    let text = row.get(at);
    if text.chars().count() <= 200 {
        return Some(text.to_owned());
    }
    problems.push(row.line, "source", text, "at most 200 characters");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_accepted_up_to_its_bounds_and_not_beyond() {
        let fits = |text: &str, unit| check_value(text.parse().unwrap(), unit).is_ok();
        let broad = ["-20.1", "-20", "-19.9", "49.9", "50", "50.1", "102.9"];
        let expected = [false, true, true, true, true, false, false];
        assert_eq!(broad.map(|text| fits(text, Unit::BroadRisePct)), expected);
        let single = ["-80.1", "-80", "-79.9", "999.9", "1000", "1000.1"];
        let expected = [false, true, true, true, true, false];
        assert_eq!(single.map(|text| fits(text, Unit::RisePct)), expected);
    }
}

//! The lists a deployment rests on: areas and their changes, the calendar, and names.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::domain::{
    area::{Area, AreaChange, AreaCode, ChangeKind, Level},
    calendar::DayKind,
    code::Code,
    group::Named,
    series::Unit,
};

use super::table::{Column, Gathered, Problems, Row, Table};

const fn column(name: &'static str, also: &'static [&'static str]) -> Column {
    Column { name, also, required: true }
}

/// Reads a list of areas: code, name, level, parent.
///
/// # Errors
/// Every bad row.
pub fn read_areas(bytes: &[u8]) -> Result<Vec<Area>, Problems> {
    let columns = [
        column("code", &["代码"]),
        column("name", &["名称"]),
        column("level", &["级别"]),
        column("parent", &["上级"]),
    ];
    let mut table = Table::open(bytes, &columns)?;
    let mut problems = Gathered::default();
    let mut areas = Vec::new();
    while let Some(row) = table.next(&mut problems) {
        let code = code(&row, 0, "code", &mut problems);
        let level = level(&row, 2, "level", &mut problems);
        let parent = match row.get(3) {
            "" => Some(None),
            _ => self::code(&row, 3, "parent", &mut problems).map(Some),
        };
        if let (Some(code), Some(level), Some(parent)) = (code, level, parent) {
            areas.push(Area { code, name: row.get(1).to_owned(), level, parent });
        }
    }
    problems.finish(areas)
}

/// Reads a list of changes of areas.
///
/// # Errors
/// Every bad row.
pub fn read_changes(bytes: &[u8]) -> Result<Vec<AreaChange>, Problems> {
    let columns = [
        column("month", &["月份"]),
        column("old_code", &["原代码"]),
        column("old_name", &["原名称"]),
        column("old_level", &["原级别"]),
        column("old_parent", &["原上级"]),
        column("new_code", &["新代码"]),
        column("kind", &["变更"]),
        column("source", &["来源"]),
    ];
    let mut table = Table::open(bytes, &columns)?;
    let mut problems = Gathered::default();
    let mut changes = Vec::new();
    while let Some(row) = table.next(&mut problems) {
        let month = row.get(0).parse().ok();
        if month.is_none() {
            problems.push(row.line, "month", row.get(0), "YYYY-MM");
        }
        let kind = match row.get(6) {
            "renamed" => Some(ChangeKind::Renamed),
            "merged" => Some(ChangeKind::Merged),
            "split" => Some(ChangeKind::Split),
            "upgraded" => Some(ChangeKind::Upgraded),
            other => {
                problems.push(row.line, "kind", other, "renamed, merged, split or upgraded");
                None
            }
        };
        let old = code(&row, 1, "old_code", &mut problems);
        let old_level = level(&row, 3, "old_level", &mut problems);
        let old_parent = code(&row, 4, "old_parent", &mut problems);
        let new = code(&row, 5, "new_code", &mut problems);
        let change = || {
            let old_name = row.get(2).to_owned();
            Some(AreaChange {
                month: month?,
                old: old?,
                old_name,
                old_parent: old_parent?,
                old_level: old_level?,
                new: new?,
                kind: kind?,
            })
        };
        changes.extend(change());
    }
    problems.finish(changes)
}

/// Reads a calendar: date, kind, name.
///
/// # Errors
/// Every bad row.
pub fn read_calendar(bytes: &[u8]) -> Result<Vec<(NaiveDate, DayKind)>, Problems> {
    let columns = [column("date", &["日期"]), column("kind", &["类型"]), column("name", &["名称"])];
    let mut table = Table::open(bytes, &columns)?;
    let mut problems = Gathered::default();
    let mut days = Vec::new();
    while let Some(row) = table.next(&mut problems) {
        let date = NaiveDate::parse_from_str(row.get(0), "%Y-%m-%d").ok();
        if date.is_none() {
            problems.push(row.line, "date", row.get(0), "a date such as 2020-05-01");
        }
        let kind = match row.get(1) {
            "off" | "放假" => Some(DayKind::Off),
            "makeup_workday" | "补班" => Some(DayKind::MakeupWorkday),
            other => {
                problems.push(row.line, "kind", other, "off or makeup_workday");
                None
            }
        };
        days.extend(date.zip(kind));
    }
    problems.finish(days)
}

fn code(row: &Row, at: usize, name: &str, problems: &mut Gathered) -> Option<AreaCode> {
    let found = row.get(at).parse().ok();
    if found.is_none() {
        problems.push(row.line, name, row.get(at), "six plain digits");
    }
    found
}

fn level(row: &Row, at: usize, name: &str, problems: &mut Gathered) -> Option<Level> {
    let found = match row.get(at) {
        "国家" => Some(Level::Nation),
        "省级" => Some(Level::Province),
        "地级" => Some(Level::Prefecture),
        "县级" => Some(Level::County),
        word => word.parse().ok(),
    };
    if found.is_none() {
        let expected = "nation, province, prefecture or county";
        problems.push(row.line, name, row.get(at), expected);
    }
    found
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedRow {
    code: Code,
    zh: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesRow {
    code: Code,
    zh: String,
    en: String,
    unit: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Lists {
    groups: Vec<NamedRow>,
    standards: Vec<NamedRow>,
    series: Vec<SeriesRow>,
}

fn lists(text: &str) -> Result<Lists, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

/// Reads `groups.toml` or `standards.toml`.
///
/// # Errors
/// What is wrong and in which line.
pub fn read_names(text: &str) -> Result<Vec<Named>, String> {
    let Lists { groups, standards, .. } = lists(text)?;
    let named = |row: NamedRow| Named { code: row.code, zh: row.zh, en: row.en };
    Ok(groups.into_iter().chain(standards).map(named).collect())
}

/// Reads `series.toml`.
///
/// # Errors
/// What is wrong and in which line.
pub fn read_series(text: &str) -> Result<Vec<(Named, Unit)>, String> {
    let read = |row: SeriesRow| {
        let unit = match row.unit.as_str() {
            "rise_pct" => Unit::RisePct,
            "broad_rise_pct" => Unit::BroadRisePct,
            "yuan" => Unit::Yuan,
            "yes_no" => Unit::YesNo,
            other => {
                let code = row.code;
                return Err(format!(
                    "series {code}: unit {other:?}: expected rise_pct, broad_rise_pct, yuan \
                     or yes_no"
                ));
            }
        };
        Ok((Named { code: row.code, zh: row.zh, en: row.en }, unit))
    };
    lists(text)?.series.into_iter().map(read).collect()
}

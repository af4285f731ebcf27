//! Headcounts from tables: how many people of each group are to be paid.

use std::collections::HashMap;

use crate::domain::{
    area::{AreaCode, Areas},
    code::Code,
    group::{Names, Residence},
    run::Headcount,
};

use super::{
    figures::{area, column, month},
    table::{Column, Gathered, Problems, ROWS_MAX, Row, Table},
};

/// Most persons in one row.
const PERSONS_MAX: u64 = 100_000_000;

const COLUMNS: [Column; 6] = [
    column("index_month", &["指数月份", "月份"], true),
    column("area_code", &["地区代码", "区划代码"], true),
    column("group", &["保障对象", "对象"], true),
    column("residence", &["城乡"], true),
    column("persons", &["人数"], true),
    column("households", &["户数"], false),
];

/// Reads headcounts. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_headcounts(
    bytes: &[u8],
    areas: &Areas,
    groups: &Names,
) -> Result<Vec<Headcount>, Problems> {
    let mut table = Table::open(bytes, &COLUMNS)?;
    let mut problems = Gathered::default();
    let mut headcounts = Vec::new();
    let mut seen = HashMap::new();
    while let Some(row) = table.next(&mut problems) {
        let Some(one) = headcount(&row, areas, groups, &mut problems) else { continue };
        let key = (one.month, one.area, one.group.clone(), one.residence);
        if let Some(line) = seen.insert(key, row.line) {
            let expected =
                format!("each month, area, group and residence once; line {line} has them as well");
            problems.push(row.line, "group", row.get(2), expected);
        }
        headcounts.push(one);
        if ROWS_MAX < headcounts.len() {
            problems.push(row.line, "file", "", format!("at most {ROWS_MAX} rows"));
            break;
        }
    }
    problems.finish(headcounts)
}

const ASSUMED_COLUMNS: [Column; 5] = [
    column("area_code", &["地区代码", "区划代码"], true),
    column("group", &["保障对象", "对象"], true),
    column("residence", &["城乡"], true),
    column("persons", &["人数"], true),
    column("source", &["来源"], false),
];

/// Persons assumed for a group of an area, in every month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The area.
    pub area: AreaCode,
    /// The group.
    pub group: Code,
    /// The residence.
    pub residence: Residence,
    /// How many.
    pub persons: u64,
}

/// Reads assumed headcounts: area_code, group, residence, persons, and optionally where each comes
/// from. O(rows).
///
/// # Errors
/// Every bad row.
pub fn read_assumed(bytes: &[u8], areas: &Areas, groups: &Names) -> Result<Vec<Assumed>, Problems> {
    let mut table = Table::open(bytes, &ASSUMED_COLUMNS)?;
    let mut problems = Gathered::default();
    let mut found = Vec::new();
    let mut seen = HashMap::new();
    while let Some(row) = table.next(&mut problems) {
        let area = area(&row, 0, areas, &mut problems);
        let group = group(&row, 1, groups, &mut problems);
        let residence = residence(&row, 2, &mut problems);
        let persons = count(&row, 3, "persons", &mut problems);
        let (Some(area), Some(group), Some(residence), Some(persons)) =
            (area, group, residence, persons)
        else {
            continue;
        };
        if let Some(line) = seen.insert((area, group.clone(), residence), row.line) {
            let expected = format!("each area, group and residence once; line {line} has them too");
            problems.push(row.line, "group", row.get(1), expected);
        }
        found.push(Assumed { area, group, residence, persons });
        if ROWS_MAX < found.len() {
            problems.push(row.line, "file", "", format!("at most {ROWS_MAX} rows"));
            break;
        }
    }
    problems.finish(found)
}

fn headcount(
    row: &Row,
    areas: &Areas,
    groups: &Names,
    problems: &mut Gathered,
) -> Option<Headcount> {
    let month = month(row, 0, "index_month", problems);
    let area = area(row, 1, areas, problems);
    let group = group(row, 2, groups, problems);
    let residence = residence(row, 3, problems);
    let persons = count(row, 4, "persons", problems).filter(|persons| {
        let some = *persons != 0;
        if !some {
            problems.push(row.line, "persons", row.get(4), "at least one person");
        }
        some
    });
    let households = match row.get(5) {
        "" => None,
        _ => Some(count(row, 5, "households", problems)?),
    };
    let (month, area, group, residence) = (month?, area?, group?, residence?);
    Some(Headcount { month, area, group, residence, persons: persons?, households })
}

fn group(row: &Row, at: usize, groups: &Names, problems: &mut Gathered) -> Option<Code> {
    let text = row.get(at);
    let by_code = text.parse::<Code>().ok().filter(|code| groups.contains(code));
    let by_name = || groups.all().find(|one| one.zh == text).map(|one| one.code.clone());
    let found = by_code.or_else(by_name);
    if found.is_none() {
        let expected = "a group of groups.toml, by code or Chinese name";
        problems.push(row.line, "group", text, expected);
    }
    found
}

fn residence(row: &Row, at: usize, problems: &mut Gathered) -> Option<Residence> {
    let text = row.get(at);
    let by_name = || Residence::ALL.into_iter().find(|residence| residence.zh() == text);
    let found = text.parse().ok().or_else(by_name);
    if found.is_none() {
        problems.push(row.line, "residence", text, "urban or rural, 城镇 or 农村");
    }
    found
}

fn count(row: &Row, at: usize, column: &str, problems: &mut Gathered) -> Option<u64> {
    let text = row.get(at);
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let found = text.parse().ok().filter(|count| digits && *count <= PERSONS_MAX);
    if found.is_none() {
        let expected = format!("a whole number up to {PERSONS_MAX}, in plain digits");
        problems.push(row.line, column, text, expected);
    }
    found
}

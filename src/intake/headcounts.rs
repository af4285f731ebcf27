//! Headcounts from tables: how many people of each group are to be paid.

use std::collections::HashMap;

use crate::domain::{
    area::Areas,
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

fn headcount(
    row: &Row,
    areas: &Areas,
    groups: &Names,
    problems: &mut Gathered,
) -> Option<Headcount> {
    let month = month(row, 0, "index_month", problems);
    let area = area(row, 1, areas, problems);
    let group = group(row, groups, problems);
    let residence = residence(row, problems);
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

fn group(row: &Row, groups: &Names, problems: &mut Gathered) -> Option<Code> {
    let text = row.get(2);
    let by_code = text.parse::<Code>().ok().filter(|code| groups.contains(code));
    let by_name = || groups.all().find(|one| one.zh == text).map(|one| one.code.clone());
    let found = by_code.or_else(by_name);
    if found.is_none() {
        let expected = "a group of groups.toml, by code or Chinese name";
        problems.push(row.line, "group", text, expected);
    }
    found
}

fn residence(row: &Row, problems: &mut Gathered) -> Option<Residence> {
    let text = row.get(3);
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

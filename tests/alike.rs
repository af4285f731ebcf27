//! A budget works out once what holds for areas that the law cannot tell apart. Whatever it shares,
//! it pays each area what it would pay that area alone.

use std::{collections::HashSet, path::Path};

use price_linkage::{
    domain::{
        area::{AreaCode, Level},
        group::Residence,
        month::Month,
        run::{Headcount, RunFinding},
    },
    engine::{
        budget::budget,
        draft::{Budget, BudgetError, Refusal, WithoutLine},
        question::Terms,
    },
    service::Service,
};

fn headcounts(service: &Service, months: &[&str], asked: impl Fn(&str) -> bool) -> Vec<Headcount> {
    let data = &service.reference.data;
    let counties = data.areas.all().filter(|area| area.level == Level::County);
    let areas: Vec<_> =
        counties.map(|area| area.code).filter(|area| asked(&area.to_string())).collect();
    let mut rows = Vec::new();
    for month in months {
        for area in &areas {
            for group in data.groups.all() {
                rows.extend(Residence::ALL.map(|residence| Headcount {
                    month: month.parse().unwrap(),
                    area: *area,
                    group: group.code.clone(),
                    residence,
                    persons: 1_001,
                    households: Some(401),
                }));
            }
        }
    }
    let key = |row: &Headcount| (row.month, row.area, row.group.clone(), row.residence);
    rows.sort_by_key(key);
    rows
}

/// The budgets of each place by itself, put together; what is told once is told once.
fn one_by_one(
    rows: &[Headcount],
    made: impl Fn(&[Headcount]) -> Result<Budget, BudgetError>,
) -> (Budget, Vec<Refusal>) {
    let (mut all, mut refusals, mut at) = (Budget::default(), Vec::new(), 0);
    let mut told: HashSet<(String, String)> = HashSet::new();
    for place in rows.chunk_by(|a, b| (a.month, a.area) == (b.month, b.area)) {
        match made(place) {
            Ok(one) => {
                let fresh = |one: &RunFinding| {
                    let each = ["group_absent", "discretion"].contains(&one.code.as_str());
                    told.insert((one.code.clone(), one.en.clone())) || each
                };
                all.lines.extend(one.lines);
                all.derivations.extend(one.derivations);
                let places = one.without_line.into_iter();
                all.without_line.extend(places.map(|one| WithoutLine { row: at + one.row, ..one }));
                all.findings.extend(one.findings.into_iter().filter(fresh));
                all.documents.extend(one.documents);
                all.figures.extend(one.figures);
                all.standards.extend(one.standards);
            }
            Err(BudgetError::Refused(found)) => {
                refusals.extend(found.into_iter().map(|one| Refusal { row: at + one.row, ..one }))
            }
            Err(other) => panic!("{other}"),
        }
        at += place.len();
    }
    (all, refusals)
}

/// Compares what is refused, and then the budget of the rest; gives that budget.
fn compare(service: &Service, mut rows: Vec<Headcount>, discretion: bool) -> Budget {
    let ledger = service.writer.snapshot();
    let world = service.reference.world(&ledger);
    let (words, terms) = (service.reference.words(), Terms::default());
    let made = |rows: &[Headcount]| budget(world, &words, rows, &terms, discretion);
    let (_, refused_alone) = one_by_one(&rows, made);
    match made(&rows) {
        Ok(_) => assert_eq!(refused_alone, []),
        Err(BudgetError::Refused(refused)) => assert_eq!(refused, refused_alone),
        Err(other) => panic!("{other}"),
    }
    let out: HashSet<_> = refused_alone.iter().map(|one| one.row).collect();
    let mut at = 0..;
    rows.retain(|_| !out.contains(&at.next().unwrap()));
    let (alone, _) = one_by_one(&rows, made);
    let together = made(&rows).unwrap();
    assert_eq!(together, alone);
    together
}

/// Counties that a document names, with documents, indices or standards of their own, or that decide
/// for themselves, beside others of the same prefecture.
#[test]
fn counties_that_differ_from_their_neighbours_are_paid_otherwise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alike");
    let service = Service::in_memory(&[folder]).unwrap();
    let months = ["2024-01", "2024-02", "2024-03"];
    let made =
        compare(&service, headcounts(&service, &months, |area| area.starts_with("99")), false);
    let shown = |area: &str, month: &str, group: &str| {
        let (area, month): (AreaCode, Month) = (area.parse().unwrap(), month.parse().unwrap());
        let line = made.lines.iter().find(|line| {
            let payees = &line.payees;
            (payees.area, payees.month, payees.residence) == (area, month, Residence::Urban)
                && payees.group.as_str() == group
        });
        line.map_or("nothing".to_owned(), |line| {
            let sources: Vec<_> = line.charges.iter().map(|one| one.source.as_str()).collect();
            format!("{} {}", line.rate_yuan, sources.join("+"))
        })
    };
    let (first, second) = ("2024-01", "2024-02");
    for (area, month, group, expected) in [
        // 600 × 4.0 %, 600 × 5.0 %; the floor of special care is 30.
        ("990101", first, "subsistence_allowance", "24.00 city+county"),
        ("990101", first, "special_care", "30.00 city+county"),
        ("990101", second, "subsistence_allowance", "30.00 city+county"),
        ("990107", first, "subsistence_allowance", "24.00 city+county"),
        // A floor of its own; a group more; another split.
        ("990102", first, "subsistence_allowance", "40.00 city+county"),
        ("990102", first, "hardship_worker", "nothing"),
        ("990103", first, "hardship_worker", "24.00 city+county"),
        ("990104", first, "subsistence_allowance", "24.00 province+county"),
        // Another code until February.
        ("990105", first, "subsistence_allowance", "nothing"),
        ("990105", second, "subsistence_allowance", "30.00 city+county"),
        // A document of its own, whose threshold is 5 %.
        ("990106", first, "subsistence_allowance", "nothing"),
        ("990106", second, "subsistence_allowance", "30.00 city+county"),
        // Deciding for itself from February on, with another parent; by an index of its own.
        ("990201", first, "subsistence_allowance", "28.00 city+county"),
        ("990202", first, "subsistence_allowance", "28.00 city+county"),
        ("990201", second, "subsistence_allowance", "36.00 city+county"),
        ("990202", second, "subsistence_allowance", "nothing"),
        ("990301", first, "subsistence_allowance", "27.00 city+county"),
        ("990302", first, "subsistence_allowance", "nothing"),
        // A standard of its own, 700 × 4.0 %, now and in the amount of the month before.
        ("990401", first, "subsistence_allowance", "24.00 city+county"),
        ("990402", first, "subsistence_allowance", "28.00 city+county"),
        ("990401", first, "special_hardship", "nothing"),
        ("990402", first, "special_hardship", "28.00 city+county"),
        ("990401", second, "special_care", "24.00 city+county"),
        ("990402", second, "special_care", "28.00 city+county"),
    ] {
        assert_eq!(shown(area, month, group), expected, "{area} {month} {group}");
    }
}

/// Provinces whose shipped rules decide in the province, the league or for a county apart.
#[test]
fn counties_under_the_shipped_law_are_paid_what_each_would_be_alone() {
    let service = Service::in_memory(&[]).unwrap();
    let within = ["1501", "1502", "1507", "3206", "3715", "4601", "4690", "4201", "5001"];
    let asked = |area: &str| within.iter().any(|start| area.starts_with(start));
    for (months, discretion) in [(&["2011-06", "2020-02"][..], false), (&["2010-12"][..], true)] {
        let made = compare(&service, headcounts(&service, months, asked), discretion);
        assert!(!made.lines.is_empty() && !made.findings.is_empty());
    }
}

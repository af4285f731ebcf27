//! The published history against committed tables: a line that changes needs its reason in the
//! commit. Each table is the output of the command in its first test argument:
//! `price-linkage replay --area AREA --until MONTH --format csv > tests/history/AREA.csv`.
//!
//! Those of the nation and the provinces under each national document are written by
//! `BLESS=1 cargo test --test history`; `tests/history/README.md` says how to read them.

use std::{collections::BTreeSet, env, fmt::Write, fs, path::Path, process::Command};

use price_linkage::{
    domain::{
        area::{Area, AreaCode, Level},
        decision::State,
        month::Month,
    },
    engine::{
        question::{Missing, Terms, World},
        timeline::Timeline,
        trigger::MonthOutcome,
    },
    rules::{cite::Kind, library::Law},
    service::Service,
};

const FIRST: &str = "2010-01";
/// The last months with an index: of the nation, and of every province.
const NATION_UNTIL: &str = "2026-08";
const PROVINCES_UNTIL: &str = "2023-11";

fn replayed(area: &str, until: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .args(["replay", "--area", area, "--until", until, "--format", "csv"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn unchanged(area: &str, until: &str, months: usize) {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/history/{area}.csv"));
    let committed = fs::read_to_string(table).unwrap();
    let now = replayed(area, until);
    for (committed, now) in committed.lines().zip(now.lines()) {
        assert_eq!(committed, now);
    }
    assert_eq!(now.lines().count(), months + 1, "a header and a line for every month");
    assert_eq!(committed, now);
}

#[test]
fn every_month_of_the_nation_is_decided_as_committed() {
    unchanged("000000", "2026-08", 200);
}

#[test]
fn every_month_of_inner_mongolia_is_decided_as_committed() {
    unchanged("150000", "2023-11", 167);
}

#[test]
fn every_month_of_hohhot_is_decided_as_committed() {
    unchanged("150100", "2023-11", 167);
}

#[test]
fn every_month_of_baotou_is_decided_as_committed() {
    unchanged("150200", "2023-11", 167);
}

/// As published: 12.0, not 12.
fn one_place(value: &str) -> String {
    if value.contains('.') { value.to_owned() } else { format!("{value}.0") }
}

/// What the carrying conditions were measured at in the index month.
fn observed(outcome: &MonthOutcome) -> String {
    let carrying = outcome.conditions.iter().filter(|one| outcome.carried_by.contains(&one.name));
    let one = carrying.map(|one| match one.readings.first().and_then(|reading| reading.value) {
        Some(value) => format!("{} {}", one.name, one_place(&value.to_string())),
        None => one.name.to_string(),
    });
    one.collect::<Vec<_>>().join(" + ")
}

/// What a month lacks, in a few words.
fn lacking(missing: &[Missing]) -> String {
    let words: BTreeSet<_> = missing
        .iter()
        .map(|one| match one {
            Missing::Figure { series, .. } => series.to_string(),
            Missing::Parameter { .. } => "rule open".to_owned(),
            Missing::Before { .. } => "earlier month".to_owned(),
            other => format!("{other:?}"),
        })
        .collect();
    words.into_iter().collect::<Vec<_>>().join(" + ")
}

fn cell(outcome: &MonthOutcome) -> String {
    let more = match outcome.state {
        State::Undecidable => lacking(&outcome.missing),
        _ => observed(outcome),
    };
    format!("{} {more}", outcome.state.as_str()).trim_end().to_owned()
}

/// A line for every month, a column for the nation and for every province.
fn table(world: World<'_>, columns: &[&Area], document: &str) -> String {
    let terms = Terms { law: Law::Document(document.to_owned()), ..Terms::default() };
    let month = |text: &str| text.parse::<Month>().unwrap();
    let until = |area: AreaCode| match area {
        AreaCode::NATION => month(NATION_UNTIL),
        _ => month(PROVINCES_UNTIL),
    };
    let through = |area: &&Area| Timeline::through(world, area.code, until(area.code), &terms);
    let timelines: Vec<_> = columns.iter().map(|area| through(area).unwrap()).collect();
    let mut table = String::from("index_month");
    columns.iter().for_each(|area| write!(table, ",{} {}", area.code, area.name).unwrap());
    table.push('\n');
    for month in month(FIRST).through(month(NATION_UNTIL)) {
        write!(table, "{month}").unwrap();
        for timeline in &timelines {
            write!(table, ",{}", timeline.get(month).map(cell).unwrap_or_default()).unwrap();
        }
        table.push('\n');
    }
    table
}

#[test]
fn every_month_of_nation_and_provinces_is_decided_as_committed_under_each_national_document() {
    let service = Service::in_memory(&[]).unwrap();
    let ledger = service.writer.snapshot();
    let world = service.reference.world(&ledger);
    let decides = |area: &&Area| {
        matches!(area.level, Level::Nation | Level::Province) && ledger.figures.has_area(area.code)
    };
    let columns: Vec<_> = world.areas.all().filter(decides).collect();
    assert_eq!(columns.len(), 32, "the nation and 31 provinces");
    let national = |head: &price_linkage::rules::cite::Head| {
        head.jurisdiction == AreaCode::NATION && head.kind != Kind::Assumption
    };
    let instruments = world.library.instruments().iter().map(|one| &one.head);
    let documents: Vec<_> = instruments.filter(|head| national(head)).collect();
    assert_eq!(documents.len(), 6, "the national documents");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/history/national");
    for head in documents {
        let path = folder.join(format!("{}.csv", head.id));
        let now = table(world, &columns, &head.id);
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &now).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap();
        for (committed, now) in committed.lines().zip(now.lines()) {
            assert_eq!(committed, now, "{}", head.id);
        }
        assert_eq!(committed, now, "{}", head.id);
    }
}

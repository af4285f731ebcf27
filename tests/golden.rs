//! Golden cases: files that a civil servant can read, run exactly.
//!
//! Each file names what it shows, the figures and standards it adds to the shipped ones (or, with
//! `facts = "own"`, uses alone), and what is asked and expected. Everything named in an `expect` is
//! compared with exact equality.

use std::{collections::BTreeMap, fs, path::Path};

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{
        code::Code,
        decision::{State, Triggered},
        exact::parse_decimal,
        figure::Figure,
        group::Residence,
        month::Month,
        standard::Standard,
    },
    engine::{
        deadline::PayBy,
        question::{Missing, Terms},
        reason::sum_text,
    },
    rules::library::Law,
    service::{Service, status::Answer},
    store::ledger::Ledger,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    name: String,
    source: String,
    #[serde(default)]
    facts: Facts,
    #[serde(default)]
    figures: Vec<NewFigure>,
    #[serde(default)]
    standards: Vec<NewStandard>,
    ask: Vec<Ask>,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Facts {
    #[default]
    Shipped,
    Own,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFigure {
    area: String,
    series: String,
    month: Month,
    value: String,
    released_on: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStandard {
    area: String,
    standard: String,
    valid_from: Month,
    yuan: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    area: String,
    month: Month,
    #[serde(default)]
    strict: bool,
    law_document: Option<String>,
    expect: Expect,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Expect {
    triggered: Option<Triggered>,
    state: Option<State>,
    since: Option<Month>,
    deciding: Option<String>,
    carried_by: Option<Vec<String>>,
    reason_zh: Option<String>,
    margins: BTreeMap<String, String>,
    missing: Option<Vec<String>>,
    pay_by: Option<String>,
    instruments: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    amounts: Vec<Amount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amount {
    group: String,
    residence: Residence,
    yuan: Option<String>,
    unrounded: Option<String>,
    outcome: Option<String>,
    assumptions: Option<Vec<String>>,
    steps: Option<Vec<String>>,
}

fn recorded_at() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH
}

fn ledger(golden: &Golden, shipped: &Ledger) -> Ledger {
    let mut ledger = match golden.facts {
        Facts::Shipped => shipped.clone(),
        Facts::Own => Ledger::default(),
    };
    for one in &golden.figures {
        let (area, series): (_, Code) = (one.area.parse().unwrap(), one.series.parse().unwrap());
        let column = ledger.figures.column(area, &series);
        let revision = column.map_or(0, |column| column.revisions(one.month).len()) as u32 + 1;
        ledger.figures.insert(Figure {
            area,
            series,
            month: one.month,
            value: parse_decimal(&one.value).unwrap(),
            released_on: one.released_on.as_ref().map(|day| day.parse().unwrap()),
            source: "golden".into(),
            revision,
            recorded_at: recorded_at(),
        });
    }
    for one in &golden.standards {
        let (area, standard): (_, Code) =
            (one.area.parse().unwrap(), one.standard.parse().unwrap());
        let known = ledger.standards.revisions(area, &standard, one.valid_from).len();
        ledger.standards.insert(Standard {
            area,
            standard,
            valid_from: one.valid_from,
            yuan: parse_decimal(&one.yuan).unwrap(),
            headcount: None,
            source: "golden".into(),
            revision: known as u32 + 1,
            recorded_at: recorded_at(),
        });
    }
    ledger
}

fn named(missing: &Missing) -> String {
    match missing {
        Missing::Law => "law".into(),
        Missing::Parameter { path, .. } => format!("parameter {path}"),
        Missing::Figure { area, series, month } => format!("figure {area} {series} {month}"),
        Missing::ReleaseDate { area, series, month } => format!("release {area} {series} {month}"),
        Missing::Index { area } => format!("index {area}"),
        Missing::Before { month } => format!("before {month}"),
        Missing::Standard { areas, standard, month } => {
            let areas: Vec<_> = areas.iter().map(ToString::to_string).collect();
            format!("standard {} {standard} {month}", areas.join("/"))
        }
        Missing::Divided { .. } => "divided".into(),
    }
}

struct Differences {
    place: String,
    found: Vec<String>,
}

impl Differences {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: Option<T>, got: T) {
        if let Some(expected) = expected
            && expected != got
        {
            self.found.push(format!("{}: {what}: expected {expected:?}, got {got:?}", self.place));
        }
    }
}

fn compare(service: &Service, expect: &Expect, answer: &Answer, differ: &mut Differences) {
    let status = &answer.status;
    let outcome = &status.outcome;
    differ.same("triggered", expect.triggered, outcome.triggered);
    differ.same("state", expect.state, outcome.state);
    differ.same("since", expect.since.map(Some), outcome.since);
    differ.same("deciding", expect.deciding.clone(), outcome.deciding.to_string());
    let carried: Vec<_> = outcome.carried_by.iter().map(ToString::to_string).collect();
    differ.same("carried_by", expect.carried_by.clone(), carried);
    let reason = status.reason(&service.reference.words());
    differ.same("reason_zh", expect.reason_zh.clone(), reason.zh);
    for (name, margin) in &expect.margins {
        let found = outcome.conditions.iter().find(|one| one.name.as_str() == name);
        let found = found.and_then(|one| one.margin).map(|margin| margin.to_string());
        differ.same(&format!("margin of {name}"), Some(Some(margin.clone())), found);
    }
    let missing: Vec<_> = outcome.missing.iter().map(named).collect();
    differ.same("missing", expect.missing.clone(), missing);
    let pay_by = match &status.pay_by {
        PayBy::NothingOwed => "nothing owed".to_owned(),
        PayBy::Day { day, .. } => day.to_string(),
        PayBy::Unknown(why) => format!("unknown: {why:?}"),
    };
    differ.same("pay_by", expect.pay_by.clone(), pay_by);
    let instruments: Vec<_> = status.documents.iter().map(|head| head.id.clone()).collect();
    differ.same("instruments", expect.instruments.clone(), instruments);
    let lines = answer.quote.iter().flat_map(|quote| &quote.lines);
    let mut groups: Vec<_> = lines.clone().map(|line| line.group.to_string()).collect();
    groups.dedup();
    differ.same("groups", expect.groups.clone(), groups);
    for amount in &expect.amounts {
        let found = lines
            .clone()
            .find(|line| line.group.as_str() == amount.group && line.residence == amount.residence);
        let what = format!("{} {}", amount.group, amount.residence);
        let Some(line) = found else {
            differ.found.push(format!("{}: {what}: not covered", differ.place));
            continue;
        };
        let yuan = line.yuan().map(|yuan| yuan.to_string());
        differ.same(&what, amount.yuan.clone().map(Some), yuan);
        let unrounded = line.unrounded().map(sum_text);
        differ.same(&format!("{what} unrounded"), amount.unrounded.clone().map(Some), unrounded);
        let word = line.outcome.word().as_str().to_owned();
        differ.same(&format!("{what} outcome"), amount.outcome.clone(), word);
        let assumed: Vec<_> = line.assumptions().iter().map(|one| one.head.id.clone()).collect();
        differ.same(&format!("{what} assumptions"), amount.assumptions.clone(), assumed);
        let steps =
            line.steps.iter().map(|step| format!("{} {}", step.name, sum_text(step.output)));
        differ.same(&format!("{what} steps"), amount.steps.clone(), steps.collect());
    }
}

#[test]
fn every_golden_case_comes_out_exactly() {
    let service = Service::in_memory(&[]).unwrap();
    let shipped = service.writer.snapshot();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    let mut asked = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let golden: Golden =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(!golden.source.is_empty(), "{} names no source", file.display());
        let ledger = ledger(&golden, &shipped);
        for ask in &golden.ask {
            asked += 1;
            let law = ask.law_document.clone().map_or(Law::InForce, Law::Document);
            let terms = Terms { strict: ask.strict, law, ..Terms::default() };
            // Not through the service's cache: each file has facts of its own.
            let world = service.reference.world(&ledger);
            let last = ledger.figures.newest().map_or(ask.month, |newest| newest.max(ask.month));
            let area = ask.area.parse().unwrap();
            let timeline =
                price_linkage::engine::timeline::Timeline::through(world, area, last, &terms);
            let answer = price_linkage::service::status::answer(
                world,
                &timeline.unwrap(),
                ask.month,
                &terms,
                true,
            );
            let place = format!("{} ({}), {} {}", file.display(), golden.name, ask.area, ask.month);
            let mut differ = Differences { place, found: Vec::new() };
            compare(&service, &ask.expect, &answer.unwrap(), &mut differ);
            found.extend(differ.found);
        }
    }
    assert!(30 <= asked, "only {asked} questions were asked");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

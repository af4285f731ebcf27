//! Replays for analysts: reforms, comparisons, sweeps, outlooks and explained differences, over the
//! shipped history and over made-up areas.

use std::collections::BTreeMap;

use price_linkage::{
    domain::{
        area::{AreaCode, Level},
        decision::Triggered,
        figure::View,
        group::Residence,
        month::Month,
    },
    engine::{
        amount::LineOutcome, budget::budget, deadline::PayBy, draft::BudgetError, question::Terms,
        timeline::Timeline,
    },
    intake::figures::NewFigure,
    rules::{
        library::{Law, Library},
        reform::Reform,
    },
    service::{
        Request, Service, ServiceError,
        replay::{
            compare::{Compared, Extent, compare},
            outlook::Needed,
            sweep::{Axis, Sweep, points},
            totals::{Heads, LawTotals},
        },
        status::answer,
        suppose::Scene,
    },
};
use rust_decimal::Decimal;

fn area(code: &str) -> AreaCode {
    code.parse().unwrap()
}

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn shipped() -> Service {
    Service::in_memory(&[]).unwrap()
}

fn set(path: &str, value: &str) -> Reform {
    Reform::setting(&[(path.to_owned(), value.to_owned())]).unwrap()
}

fn under(service: &Service, reforms: Vec<Reform>) -> Scene {
    service.scene(Terms { reforms, ..Terms::default() }, &[]).unwrap()
}

const CPI: &str = "trigger.conditions.cpi.threshold";

fn provinces(service: &Service) -> Vec<AreaCode> {
    let all = service.reference.data.areas.all();
    all.filter(|area| area.level == Level::Province).map(|area| area.code).collect()
}

fn extent(areas: Vec<AreaCode>, with_sums: bool) -> Extent {
    let (from, until) = (month("2016-05"), month("2023-11"));
    Extent { areas, from, until, with_sums, heads: Heads::default() }
}

#[test]
fn a_reform_in_json_is_the_reform_in_toml() {
    let toml = r#"
        kind = "reform"
        title_zh = "下调临界值"
        title_en = "A lower threshold"
        index_months = { from = "2019-01", until = "2020-12" }
        [trigger.conditions.cpi]
        threshold = [{ from = "2020-01", value = "2.5" }, { value = "3.0" }]
    "#;
    let json = r#"{"kind": "reform", "title_zh": "下调临界值", "title_en": "A lower threshold",
        "index_months": {"from": "2019-01", "until": "2020-12"},
        "trigger": {"conditions": {"cpi": {"threshold":
            [{"from": "2020-01", "value": "2.5"}, {"value": "3.0"}]}}}}"#;
    let [toml, json] = [toml, json].map(|text| Reform::parse("reform", text).unwrap());
    let shown = |reform: &Reform| {
        let list = reform.instrument().terms.list();
        list.into_iter().map(|one| (one.path, one.says.len())).collect::<Vec<_>>()
    };
    assert_eq!(shown(&toml), shown(&json));
    assert_eq!(toml.instrument().head.months, json.instrument().head.months);
}

#[test]
fn what_is_no_reform_is_refused() {
    let refused = |text: &str| {
        let findings = Reform::parse("reform", text).unwrap_err();
        findings.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(
        refused("kind = \"reform\"\n[trigger.conditions.cpi]\nthreshhold = \"3\""),
        ["unknown_key"]
    );
    assert_eq!(
        refused("kind = \"reform\"\n[trigger.conditions.cpi]\nthreshold = \"x\""),
        ["bad_value"]
    );
    let law = "id = \"x\"\nkind = \"overlay\"\ntitle_zh = \"x\"\ntitle_en = \"x\"\n\
               jurisdiction = \"000000\"\nindex_months = { from = \"2020-01\" }";
    assert_eq!(refused(law), ["reform"]);
    assert_eq!(refused("{\"kind\": "), ["reform"]);
    assert!(refused("kind = ").contains(&"not_toml"));
}

#[test]
fn a_reform_never_joins_the_law() {
    let service = shipped();
    let data = &service.reference.data;
    let reform = (**set(CPI, "3.0").instrument()).clone();
    let own = data.library.instruments().iter().map(|one| (**one).clone());
    let findings = Library::new(own.chain([reform]).collect(), &data.areas).unwrap_err();
    assert_eq!(findings.iter().map(|one| one.code).collect::<Vec<_>>(), ["kind"]);
}

#[test]
fn a_reform_that_the_check_objects_to_is_refused() {
    let service = shipped();
    let reform = set("amount.order", "[\"nothing\", \"nothing\"]");
    let refused = service.scene(Terms { reforms: vec![reform], ..Terms::default() }, &[]);
    let Err(ServiceError::Reform(findings)) = refused else { panic!("{refused:?}") };
    assert!(findings.iter().any(|one| one.code == "order"), "{findings:?}");
}

/// Hohhot's CPI of 2019-07 is 3.0; its food is not recorded.
#[test]
fn a_threshold_below_at_and_above_the_figure() {
    let service = shipped();
    let decided = |threshold: &str| {
        let scene = under(&service, vec![set(CPI, threshold)]);
        assert!(scene.hypothetical);
        let area = area("150100");
        let answer = service.answer(&scene.ledger, area, month("2019-07"), &scene.terms, false);
        let status = answer.unwrap().status;
        assert!(status.documents.last().unwrap().id.starts_with("reform-"));
        assert!(status.reason(&service.reference.words()).zh.contains("假设的规则"));
        status.outcome.triggered
    };
    assert_eq!(decided("2.9"), Triggered::Yes);
    assert_eq!(decided("3.0"), Triggered::Yes);
    assert_eq!(decided("3.1"), Triggered::Undecidable, "food may still carry it");
}

#[test]
fn a_reform_lies_over_any_law_and_only_in_its_own_months() {
    let service = shipped();
    let text = "kind = \"reform\"\nindex_months = { from = \"2019-07\", until = \"2019-07\" }\n\
                [trigger.conditions.cpi]\nthreshold = \"9.9\"";
    let reform = Reform::parse("reform", text).unwrap();
    for law in [Law::InForce, Law::AsOf(month("2022-09")), Law::Document("im-2017".into())] {
        let terms = Terms { reforms: vec![reform.clone()], law: law.clone(), ..Terms::default() };
        let plain = Terms { law: law.clone(), ..Terms::default() };
        let decided = |terms: &Terms, at: &str| {
            let scene = service.scene(terms.clone(), &[]).unwrap();
            let found = service.answer(&scene.ledger, area("150100"), month(at), terms, false);
            let status = found.unwrap().status;
            let reforms =
                status.documents.iter().filter(|head| head.id.starts_with("reform-")).count();
            (status.outcome.conditions[0].threshold.clone().map(|one| one.value), reforms)
        };
        assert_eq!(decided(&terms, "2019-06"), decided(&plain, "2019-06"), "{law:?}");
        assert_ne!(decided(&terms, "2019-07").0, decided(&plain, "2019-07").0, "{law:?}");
        assert_eq!(decided(&terms, "2019-07").1, 1, "{law:?}");
        assert_eq!(decided(&terms, "2019-08"), decided(&plain, "2019-08"), "{law:?}");
    }
}

#[test]
fn where_no_law_is_a_reform_changes_nothing() {
    let service = shipped();
    let scene = under(&service, vec![set(CPI, "0.1")]);
    let answer = |terms: &Terms| {
        let found = service.answer(&scene.ledger, AreaCode::NATION, month("2010-06"), terms, false);
        found.unwrap().status
    };
    assert_eq!(answer(&scene.terms).documents, answer(&Terms::default()).documents);
    assert_eq!(answer(&scene.terms).outcome, answer(&Terms::default()).outcome);
}

#[test]
fn under_no_reform_a_comparison_finds_nothing() {
    let service = shipped();
    let scenes = [under(&service, vec![]), under(&service, vec![])];
    let extent =
        extent(service.reference.data.areas.subtree(area("150000")).into_iter().collect(), true);
    let found = compare(&service.reference, &scenes, &extent.areas, &extent).unwrap();
    assert_eq!(found.months, []);
    assert_eq!(found.totals[0], found.totals[1]);
    assert!(0 < found.totals[0].paid && found.totals[0].gained + found.totals[0].lost == 0);
}

/// Every total is what single answers add up to, and every month told is one in which they differ.
#[test]
fn totals_are_what_the_single_answers_add_up_to() {
    let service = shipped();
    let scenes = [under(&service, vec![]), under(&service, vec![set(CPI, "2.5")])];
    let mut extent = extent(vec![area("150100"), area("150200"), area("420000")], true);
    let heads = [("special_hardship", 700), ("subsistence_allowance", 12_345)];
    for (group, persons) in heads {
        for residence in Residence::ALL {
            assert!(extent.heads.insert(
                area("150100"),
                group.parse().unwrap(),
                residence,
                persons
            ));
        }
    }
    let found = compare(&service.reference, &scenes, &extent.areas, &extent).unwrap();
    let mut months = BTreeMap::new();
    let mut gained = 0;
    for (at, scene) in scenes.iter().enumerate() {
        let (mut paid, mut each, mut cost, mut sums) = (0, Decimal::ZERO, Decimal::ZERO, 0);
        for area in &extent.areas {
            for month in extent.from.through(extent.until) {
                let answer =
                    service.answer(&scene.ledger, *area, month, &scene.terms, true).unwrap();
                let outcome = &answer.status.outcome;
                let yes = outcome.triggered == Triggered::Yes;
                paid += u64::from(yes);
                let lines = answer.quote.map(|quote| quote.lines).unwrap_or_default();
                let mut owed = Vec::new();
                for line in lines.iter().filter(|_| yes) {
                    owed.push((line.group.clone(), line.residence, line.yuan()));
                    let LineOutcome::Owed(yuan) = line.outcome else { continue };
                    sums += 1;
                    each += yuan;
                    let persons = extent.heads.get(*area, &line.group, line.residence);
                    cost += yuan * Decimal::from(persons.unwrap_or(0));
                }
                months.entry((*area, month)).or_insert_with(Vec::new).push((
                    outcome.triggered,
                    outcome.state,
                    owed,
                ));
            }
        }
        let all = found.totals[at].all().unwrap();
        assert_eq!(found.totals[at].paid, paid);
        assert_eq!((all.yuan_each, all.yuan, all.months), (each, cost, sums));
        gained += paid;
    }
    assert!(0 < gained && Decimal::ZERO < found.totals[0].all().unwrap().yuan);
    months.retain(|_, laws| laws[0] != laws[1]);
    let told: Vec<_> = found.months.iter().map(|one| (one.area, one.month)).collect();
    assert_eq!(told, months.into_keys().collect::<Vec<_>>());
    let totals = &found.totals[1];
    assert_eq!(found.totals[0].paid + totals.gained - totals.lost, totals.paid);
}

#[test]
fn splitting_the_areas_changes_no_total() {
    let service = shipped();
    let scenes = [under(&service, vec![]), under(&service, vec![set(CPI, "2.0")])];
    let extent = extent(provinces(&service), true);
    let whole = compare(&service.reference, &scenes, &extent.areas, &extent).unwrap();
    let mut parts = Compared { totals: vec![LawTotals::default(); 2], ..Default::default() };
    for areas in extent.areas.chunks(5) {
        let part = compare(&service.reference, &scenes, areas, &extent).unwrap();
        parts.months.extend(part.months);
        for (sum, more) in parts.totals.iter_mut().zip(part.totals) {
            sum.add(more).unwrap();
        }
    }
    assert_eq!(parts, whole);
    assert!(0 < whole.totals[1].gained);
}

/// The points of a sweep share what no figure tells apart; each is still what asking alone gives.
#[test]
fn every_point_of_a_sweep_is_what_a_comparison_gives() {
    let service = shipped();
    let axes = [
        Axis {
            path: CPI.into(),
            values: ["2.0", "2.9", "2.95", "3.0", "3.05", "3.1", "4.4", "5.0"]
                .map(String::from)
                .into(),
        },
        Axis {
            path: "trigger.conditions.food.threshold".into(),
            values: ["10", "4", "5.9", "6.0"].map(String::from).into(),
        },
    ];
    let mut areas = provinces(&service);
    areas.extend([area("150100"), area("150300"), area("320600"), area("000000")]);
    let extent = extent(areas, false);
    let scene = under(&service, vec![]);
    let sweep = Sweep::new(&service, &scene, &axes, &extent).unwrap();
    let mut seen = Vec::new();
    for point in points(&axes) {
        let at = sweep.scene(&point).unwrap();
        let alone = compare(&service.reference, &[scene.clone(), at], &extent.areas, &extent);
        let swept = sweep.point(&point).unwrap();
        assert_eq!(swept, alone.unwrap().totals[1], "{point:?}");
        seen.push(swept.paid);
    }
    seen.sort();
    seen.dedup();
    assert!(5 < seen.len(), "{seen:?}");
}

/// The needed figure pays when it comes, and a tenth less does not.
#[test]
fn what_an_outlook_asks_for_is_the_lowest_that_pays() {
    let service = shipped();
    let until = Terms { law: Law::Document("nation-2016".into()), ..Terms::default() };
    let newest = service.writer.snapshot().figures.newest().unwrap();
    let scene = service.scene(until, &[]).unwrap();
    let outlook = service.outlook(&scene, &[AreaCode::NATION], newest).unwrap();
    assert_eq!(outlook[0].outcome.month, newest);
    let coming = newest.plus(1).unwrap();
    let mut tried = 0;
    for need in &outlook[0].needs {
        let Needed::AtLeast(needed) = need.needed else { continue };
        let paid = |value: Decimal| {
            let figure = NewFigure {
                area: need.area,
                series: need.series.clone(),
                month: coming,
                value,
                released_on: None,
                source: "supposed".into(),
            };
            let scene = service.scene(scene.terms.clone(), &[figure]).unwrap();
            assert!(scene.hypothetical);
            let extent = Extent {
                areas: vec![AreaCode::NATION],
                from: coming,
                until: coming,
                with_sums: false,
                heads: Heads::default(),
            };
            let one = std::slice::from_ref(&scene);
            compare(&service.reference, one, &extent.areas, &extent).unwrap().totals[0].paid
        };
        assert_eq!(paid(needed), 1, "{need:?}");
        assert_eq!(paid(needed - Decimal::new(1, 1)), 0, "{need:?}");
        assert_eq!(paid(needed + Decimal::new(1, 1)), 1, "{need:?}");
        tried += 1;
    }
    assert_eq!(tried, 2, "CPI and food of the nation: {outlook:?}");
}

/// Looked on from a month of the past, its next month is not known yet.
#[test]
fn an_outlook_does_not_see_what_came_later() {
    let service = shipped();
    let scene = under(&service, vec![]);
    let outlook = service.outlook(&scene, &[AreaCode::NATION], month("2019-03")).unwrap();
    let needs = outlook[0].needs.iter();
    let needs: Vec<_> = needs.map(|need| (need.series.to_string(), need.needed)).collect();
    let at_least = |text: &str| Needed::AtLeast(text.parse().unwrap());
    assert_eq!(needs, [("cpi".into(), at_least("3.5")), ("food".into(), at_least("6.0"))]);
    assert_eq!(outlook[0].nearest.unwrap().to_decimal(1).to_string(), "-1.2");
}

#[test]
fn derivations_part_at_the_threshold_that_a_reform_moves() {
    let service = shipped();
    let scenes = [under(&service, vec![]), under(&service, vec![set(CPI, "2.0")])];
    let group = "subsistence_allowance".parse().unwrap();
    let asked = Some((&group, Residence::Urban));
    let parting = service.explain_difference(&scenes, area("150100"), month("2021-11"), asked);
    let steps: Vec<_> = parting.unwrap().differences.into_iter().map(|one| one.step).collect();
    let expected = [
        "condition cpi: threshold",
        "condition cpi",
        "decision",
        "step rate",
        "step floor",
        "step round",
        "outcome",
    ];
    assert_eq!(steps, expected);
    let same = [scenes[1].clone(), scenes[1].clone()];
    let parting = service.explain_difference(&same, area("150100"), month("2021-11"), asked);
    assert_eq!(parting.unwrap().differences, []);
}

#[test]
fn nothing_is_budgeted_under_a_reform() {
    let service = shipped();
    let scene = under(&service, vec![set(CPI, "2.0")]);
    let world = scene.world(&service.reference);
    let words = service.reference.words();
    let refused = budget(world, &words, &[], &scene.terms, false);
    assert_eq!(refused.unwrap_err().to_string(), BudgetError::Hypothetical.to_string());
    let plain = under(&service, vec![]);
    assert!(budget(plain.world(&service.reference), &words, &[], &plain.terms, false).is_ok());
}

/// The engine path of a replay is that of the live decision: at the moment a decision was recorded it
/// is the answer, also after a revision has changed it.
#[test]
fn a_replay_as_known_when_a_decision_was_recorded_returns_that_decision() {
    let folder = tempfile::tempdir().unwrap();
    let (service, _) = Service::open(folder.path(), &[], &mut |_, _, _| ()).unwrap();
    let figure = |value: &str| NewFigure {
        area: area("150100"),
        series: "cpi".parse().unwrap(),
        month: month("2019-07"),
        value: value.parse().unwrap(),
        released_on: None,
        source: "a revision".into(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (at, value) in ["3.1", "2.1"].into_iter().enumerate() {
        let id = format!("0191a7a4-0000-7000-8000-{at:012}");
        let request = Request { principal: "clerk".into(), id, validate_only: false, origin: None };
        runtime.block_on(service.record_figures(request, vec![figure(value)])).unwrap();
    }
    let ledger = service.writer.snapshot();
    let (mut checked, mut revised) = (0, 0);
    for code in ["150100", "150300", "420000"] {
        let history =
            ledger.decisions_of(area(code)).into_iter().flat_map(|months| months.values());
        for decision in history.flatten() {
            let view = View { known_at: Some(decision.recorded_at), published_by: None };
            let terms = Terms { view, ..Terms::default() };
            let answer = service.answer(&ledger, decision.area, decision.month, &terms, false);
            let status = answer.unwrap().status;
            let outcome = &status.outcome;
            let found = (outcome.triggered, outcome.state, outcome.since, &status.law_digest);
            let recorded =
                (decision.triggered, decision.state, decision.since, &decision.law_digest);
            assert_eq!(found, recorded, "{code} {} revision {}", decision.month, decision.revision);
            let words = service.reference.words();
            assert_eq!(words.answer(decision.area, outcome).zh, decision.reason_zh);
            checked += 1;
            revised += u32::from(1 < decision.revision);
        }
    }
    assert!(100 < checked && 0 < revised, "{checked} {revised}");
}

/// What a quote tells beside its sums: payments by discretion in their months only, and the standard
/// and rise that a sum comes from.
#[test]
fn a_quote_names_its_discretion_standard_and_rise() {
    let service = shipped();
    let ledger = service.writer.snapshot();
    let quote = |code: &str, at: &str| {
        let answer = service.answer(&ledger, area(code), month(at), &Terms::default(), true);
        answer.unwrap().quote.unwrap()
    };
    let discretion =
        ["2011-12", "2012-01", "2012-02"].map(|at| quote("152900", at).discretion.len());
    assert_eq!(discretion, [0, 1, 0]);
    let lines = quote("150100", "2020-01").lines;
    let line = lines.iter().find(|line| {
        line.group.as_str() == "subsistence_allowance" && line.residence == Residence::Urban
    });
    let line = line.unwrap();
    let (base, rise) = (line.base().unwrap(), line.rise().unwrap());
    assert_eq!((base.standard.as_str(), base.area), ("dibao_urban", area("150000")));
    assert_eq!(
        (rise.reading.series.as_str(), rise.percent.to_decimal(1).to_string()),
        ("cpi", "4.9".to_owned())
    );
}

#[test]
fn reforms_without_names_lie_over_each_other_and_under_a_sweep() {
    let service = shipped();
    let both = vec![set("trigger.conditions.food.threshold", "5"), set(CPI, "2.9")];
    let scene = under(&service, both);
    let axes = [
        Axis { path: CPI.into(), values: vec!["3.0".into(), "3.1".into()] },
        Axis {
            path: "trigger.conditions.cpi.run_months".into(),
            values: vec!["1".into(), "2".into()],
        },
    ];
    let extent = extent(vec![area("150100"), area("420000")], false);
    let sweep = Sweep::new(&service, &scene, &axes, &extent).unwrap();
    let paid: Vec<_> = points(&axes).iter().map(|point| sweep.point(point).unwrap().paid).collect();
    assert!(paid[2] < paid[0] && paid[1] < paid[0], "{paid:?}");
}

#[test]
fn a_condition_that_no_document_has_is_refused() {
    let service = shipped();
    let reform = set("trigger.conditions.nope.threshold", "3");
    let refused = service.scene(Terms { reforms: vec![reform], ..Terms::default() }, &[]);
    let Err(ServiceError::Reform(findings)) = refused else { panic!("{refused:?}") };
    assert_eq!(findings.iter().map(|one| one.code).collect::<Vec<_>>(), ["unknown_condition"]);
}

/// The due day of a supposed figure follows from the release date supposed with it.
#[test]
fn a_supposed_figure_keeps_its_release_date() {
    let service = shipped();
    let figure = |day: &str| NewFigure {
        area: AreaCode::NATION,
        series: "food".parse().unwrap(),
        month: month("2019-04"),
        value: "7.5".parse().unwrap(),
        released_on: Some(day.parse().unwrap()),
        source: "supposed".into(),
    };
    let due = |figures: &[NewFigure]| {
        let scene = service.scene(Terms::default(), figures).unwrap();
        let world = scene.world(&service.reference);
        let timeline = Timeline::through(world, AreaCode::NATION, month("2019-06"), &scene.terms);
        let answer = answer(world, &timeline.unwrap(), month("2019-04"), &scene.terms, false);
        answer.unwrap().status.pay_by
    };
    assert_eq!(due(&[figure("2019-05-09")]), due(&[]));
    assert!(matches!(due(&[]), PayBy::Day { .. }));
}

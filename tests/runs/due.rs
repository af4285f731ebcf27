//! Sudden changes against the month before, payments as they fall due, and those nobody pays yet.

use chrono::NaiveDate;
use price_linkage::service::due::Due;

use super::*;

fn data(folder: &str) -> Desk {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    Desk::over(Service::in_memory(&[folder]).unwrap())
}

impl Desk {
    fn release(&mut self, area: &str, month: &str, value: &str, day: &str) {
        let row = NewFigure {
            area: area.parse().unwrap(),
            series: "cpi".parse().unwrap(),
            month: month.parse().unwrap(),
            value: value.parse().unwrap(),
            released_on: Some(day.parse().unwrap()),
            source: "test".into(),
        };
        let request = self.next("recorder");
        self.runtime.block_on(self.service.record_figures(request, vec![row])).unwrap();
    }

    fn due(&self, area: &str, month: &str) -> Vec<String> {
        let found = self.service.due(area.parse().unwrap(), month.parse().unwrap());
        found.unwrap().iter().map(|due| shown(due, "subsistence_allowance")).collect()
    }

    fn missing(&self, on: &str, within_days: u32) -> Vec<String> {
        let (area, since) = ("990000".parse().unwrap(), "2023-03".parse().unwrap());
        let on: NaiveDate = on.parse().unwrap();
        let found = self.service.missing_runs(area, (since, None), on, within_days).unwrap();
        found.iter().map(|due| shown(due, "hiv_child")).collect()
    }
}

/// Area, index months, rhythm, due date and days left; how many groups, and whether this one is
/// among them.
fn shown(due: &Due, group: &str) -> String {
    let payment = &due.payment;
    let months: Vec<_> = payment.months.iter().map(ToString::to_string).collect();
    let group = payment.groups.iter().find(|one| one.as_str() == group);
    let group = group.map_or("without", |_| "with");
    let day = match &payment.pay_by {
        PayBy::Day { day, .. } => day.to_string(),
        other => format!("{other:?}"),
    };
    let left = due.days_left.map_or_else(String::new, |days| format!(", {days} days"));
    let (months, kind) = (months.join("+"), payment.kind.as_str());
    format!("{} {months} {kind} {group} it, {day}{left}", due.area)
}

fn jumps(life: &Life) -> Vec<&str> {
    let found = life.run.findings.iter().filter(|one| one.code == "headcount_jump");
    found.map(|one| one.en.as_str()).collect()
}

fn care_of(month: &str, persons: u64) -> Vec<Headcount> {
    vec![heads("150102", month, "special_care", Residence::Urban, persons)]
}

#[test]
fn a_headcount_that_changes_by_more_than_the_threshold_is_told_with_both_figures() {
    // 35.87 in January, 30.74 in February: 14.3 % less a head.
    for (persons, expected) in [
        (1_199, vec![]),
        (1_200, vec![]),
        (
            1_201,
            vec![
                "entitled special-care recipients of 150102 for 2020-02: 1201 persons, 1000 for \
                 2020-01 in run R1, a change above 20%",
            ],
        ),
    ] {
        let mut desk = Desk::new();
        desk.make(spec(care_of("2020-01", 1_000))).unwrap();
        let life = desk.make(spec(care_of("2020-02", persons))).unwrap();
        assert_eq!(jumps(&life), expected, "{persons}");
        assert!(!life.run.is_blocked());
    }
}

#[test]
fn a_total_that_changes_is_told_also_within_one_run_and_at_another_threshold() {
    let mut desk = Desk::new();
    desk.service.jump_percent = 14;
    let both = [care_of("2020-01", 1_000), care_of("2020-02", 1_000)].concat();
    let life = desk.make(spec(both)).unwrap();
    let expected = [
        "entitled special-care recipients of 150102 for 2020-02: 30740.00 yuan, 35870.00 for 2020-01 \
         in this run, a change above 14%",
    ];
    assert_eq!(jumps(&life), expected);
    // A run that was taken back is compared with nothing; another group neither.
    desk.step(&life.run.id, Move::Void, "maker", "wrong list").unwrap();
    assert_eq!(jumps(&desk.make(spec(care_of("2020-02", 10))).unwrap()), Vec::<&str>::new());
    let other = vec![heads("150102", "2020-03", "special_hardship", Residence::Urban, 9_000)];
    assert_eq!(jumps(&desk.make(spec(other)).unwrap()), Vec::<&str>::new());
}

#[test]
fn each_payment_of_a_month_names_its_index_months_and_rhythm() {
    let mut desk = data("data/guide");
    for (month, day) in [
        ("2024-01", "2024-02-08"),
        ("2024-02", "2024-03-09"),
        ("2024-03", "2024-04-11"),
        ("2024-04", "2024-05-11"),
    ] {
        desk.release("993100", month, "3.0", day);
    }
    // The start by itself, then every three months, or every six; students with their terms.
    assert_eq!(desk.due("993100", "2024-01"), Vec::<String>::new());
    let start = [
        "993100 2024-01 quarterly with it, 2024-02-29",
        "993100 2024-01 half_yearly without it, 2024-02-15",
    ];
    assert_eq!(desk.due("993100", "2024-02"), start);
    let term = ["993100 2024-01+2024-02 term without it, 2024-03-15"];
    assert_eq!(desk.due("993100", "2024-03"), term);
    assert_eq!(desk.due("993100", "2024-04"), Vec::<String>::new());
    let quarter = ["993100 2024-02+2024-03+2024-04 quarterly with it, 2024-05-31"];
    assert_eq!(desk.due("993100", "2024-05"), quarter);
    let next = desk.due("993100", "2024-09");
    assert_eq!(next, ["993100 2024-03+2024-04 term without it, 2024-09-15"]);
}

#[test]
fn months_that_a_later_start_pays_fall_due_with_it() {
    let mut desk = data("data/guide");
    for (month, day) in
        [("2024-01", "2024-02-08"), ("2024-02", "2024-03-09"), ("2024-03", "2024-04-11")]
    {
        desk.release("992800", month, "3.0", day);
    }
    // By the end of the month of release.
    let found = desk.due("992800", "2024-04");
    assert_eq!(
        found,
        [
            "992800 2024-03 monthly with it, 2024-04-30",
            "992800 2024-01+2024-02 back_pay with it, 2024-04-30"
        ]
    );
}

#[test]
fn a_payment_is_missing_from_the_day_asked_for_until_a_live_run_pays_it() {
    let mut desk = data("tests/alike");
    let first = |left: &str| format!("990100 2024-01 monthly with it, 2024-03-20, {left} days");
    let of_prefecture = |on: &str, days| {
        let all = desk.missing(on, days);
        all.into_iter().filter(|one| one.starts_with("9901")).collect::<Vec<_>>()
    };
    assert_eq!(of_prefecture("2024-03-18", 1), Vec::<String>::new());
    assert_eq!(of_prefecture("2024-03-18", 2), [first("2")]);
    assert_eq!(of_prefecture("2024-03-18", 3), [first("2")]);
    assert_eq!(of_prefecture("2024-03-20", 0), [first("0")]);
    let february = "990100 2024-02 monthly with it, 2024-04-20, 0 days".to_owned();
    assert_eq!(of_prefecture("2024-04-20", 0), [first("-31"), february.clone()]);

    // Two counties pay one group: the others are told, among them the one under its former code, not
    // the one whose own threshold is higher; the other groups are paid nowhere.
    let child = |area: &str| heads(area, "2024-01", "hiv_child", Residence::Urban, 1);
    let made = desk.make(spec(vec![child("990101"), child("990103")])).unwrap();
    let of = |area: &str| format!("{area} 2024-01 monthly with it, 2024-03-20, 0 days");
    let mut expected = vec!["990100 2024-01 monthly without it, 2024-03-20, 0 days".to_owned()];
    expected.extend(["990102", "990104", "990107", "990198"].map(of));
    let found = desk.missing("2024-03-20", 0);
    let found: Vec<_> = found.into_iter().filter(|one| one.starts_with("9901")).collect();
    assert_eq!(found, expected);
    // A run of the prefecture pays them all; one taken back pays nobody.
    desk.step(&made.run.id, Move::Void, "maker", "by the city").unwrap();
    desk.make(spec(vec![child("990100")])).unwrap();
    let found = desk.missing("2024-03-20", 0);
    let found: Vec<_> = found.into_iter().filter(|one| one.starts_with("9901")).collect();
    assert_eq!(found, ["990100 2024-01 monthly without it, 2024-03-20, 0 days"]);
}

#[test]
fn a_payment_whose_day_is_unknown_is_not_hidden() {
    let desk = Desk::new();
    let since = "2020-03".parse().unwrap();
    let on = "2020-04-01".parse().unwrap();
    let found = desk.service.missing_runs("150100".parse().unwrap(), (since, None), on, 0).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].area.to_string().as_str(), found[0].days_left), ("150100", None));
    assert!(matches!(found[0].payment.pay_by, PayBy::Unknown(_)));
}

//! Adjustments: what is missing is paid in addition, once; what was paid too much is only told.

use std::{fs, path::Path};

use price_linkage::{
    domain::run::Adjusted, intake::figures::NewStandard, service::recheck::Drift,
    sheets::SheetKind, store::runs::run_id,
};

use super::*;

impl Desk {
    fn adjust(&mut self, run: &str) -> Result<Life, RunRefused> {
        let request = self.next("maker");
        let made = self.service.adjust_run(request, run.into(), "index revised".into());
        self.runtime.block_on(made).map_err(why)
    }

    /// Makes a run and hands it over for payment.
    fn pay(&mut self, headcounts: Vec<Headcount>) -> String {
        let id = self.make(spec(headcounts)).unwrap().run.id.clone();
        self.step(&id, Move::Submit, "maker", "").unwrap();
        self.step(&id, Move::Approve, "other", "looked at").unwrap();
        self.step(&id, Move::Release, "other", "").unwrap();
        id
    }

    fn record_standard(&mut self, area: &str, from: &str, yuan: &str) {
        let row = NewStandard {
            area: area.parse().unwrap(),
            standard: "dibao_urban".parse().unwrap(),
            valid_from: from.parse().unwrap(),
            yuan: yuan.parse().unwrap(),
            headcount: None,
            source: "test".into(),
        };
        let request = self.next("recorder");
        self.runtime.block_on(self.service.record_standards(request, vec![row])).unwrap();
    }

    fn verified(&self, run: &str) {
        let verified = self.service.verify_run(run).unwrap();
        assert_eq!(verified.differences, Vec::<String>::new(), "{run}");
    }
}

/// Group, residence, yuan, paid before, increment and charges of each line.
fn lines(life: &Life) -> Vec<String> {
    let one = |line: &RunLine| {
        let charges = line.charges.iter().map(|one| format!("{} {}", one.source, one.yuan));
        let before = line.paid_before.map_or("-".to_owned(), |before| before.to_string());
        format!(
            "{} {} {} after {before}, increment {}: {}",
            line.payees.group,
            line.payees.residence,
            line.yuan,
            line.increment_yuan,
            charges.collect::<Vec<_>>().join(", ")
        )
    };
    life.run.lines.iter().map(one).collect()
}

fn findings<'a>(life: &'a Life, code: &str) -> Vec<&'a str> {
    let found = life.run.findings.iter().filter(|one| one.code == code);
    found.map(|one| one.en.as_str()).collect()
}

#[test]
fn what_a_revised_index_leaves_unpaid_is_paid_in_addition_by_source_and_once() {
    let mut desk = Desk::new();
    let id = desk.pay(new_town());
    let nothing = desk.adjust(&id).unwrap_err();
    assert_eq!(nothing, RunRefused::NothingToAdjust { run: id.clone(), overpaid: 0 });
    desk.record("150100", "cpi", "2020-03", "4.9");
    let request = Request { validate_only: true, ..request("maker", 900) };
    let tried = desk.runtime.block_on(desk.service.adjust_run(request, id.clone(), String::new()));
    let life = desk.adjust(&id).unwrap();
    assert_eq!(tried.unwrap().run.lines, life.run.lines);
    // 732 × 4.9 % = 35.868, doubled and rounded 71.74 instead of 60; 404.25 × 4.9 % doubled 39.62
    // instead of 30. The increment is what doubling adds: 71.74 − 35.868, cut to 35.87.
    let expected = [
        "orphan_community urban 35.22 after 180.00, increment 35.22: unstated 35.22",
        "subsistence_allowance urban 14099.74 after 72060.00, increment 7049.87: local 7049.87, \
         unstated 7049.87",
        "subsistence_allowance rural 317.46 after 990.00, increment 158.73: local 158.73, \
         unstated 158.73",
        "unemployment_insurance urban 903.98 after 4620.00, increment 451.99: \
         unemployment_fund 903.98",
    ];
    assert_eq!(lines(&life), expected);
    assert_eq!(life.run.yuan, yuan("15356.40"));
    assert_eq!(life.run.claims().count(), 0);
    for line in &life.run.lines {
        let charged: Decimal = line.charges.iter().map(|charge| charge.yuan).sum();
        assert_eq!(charged, line.yuan);
        let today = line.yuan + line.paid_before.unwrap();
        assert_eq!(today, line.rate_yuan * Decimal::from(line.payees.persons));
    }
    // The draft counts already: nothing drifts, and nothing is paid a second time.
    assert_eq!(desk.service.drift(), []);
    let again = desk.adjust(&id).unwrap_err();
    assert_eq!(again, RunRefused::NothingToAdjust { run: id.clone(), overpaid: 0 });
    desk.verified(&id);
    desk.verified(&life.run.id);
    let receipt = desk.service.receipt(&life.run.id).unwrap();
    let read: serde_json::Value = serde_json::from_str(&receipt.json).unwrap();
    assert_eq!(read["run"]["adjusts"], json!({ "run": id, "after": [] }));
    assert_eq!(read["derivations"].as_array().unwrap().len(), 4);
    for kind in [SheetKind::Computation, SheetKind::Funding] {
        desk.service.run_sheet(&life.run.id, kind).unwrap();
    }
}

#[test]
fn a_repeated_request_makes_one_adjustment() {
    let mut desk = Desk::new();
    let id = desk.pay(care("150102", "2020-01").headcounts);
    desk.record("150100", "cpi", "2020-01", "5.9");
    let adjust = |note: &str| {
        let made = desk.service.adjust_run(request("maker", 700), id.clone(), note.into());
        desk.runtime.block_on(made)
    };
    let first = adjust("").unwrap().run.id.clone();
    assert_eq!(adjust("").unwrap().run.id, first);
    let other = adjust("another note").unwrap_err();
    assert!(other.to_string().contains("was used for another request"), "{other}");
    assert_eq!(desk.service.writer.snapshot().runs.len(), 2);
}

#[test]
fn only_a_released_run_that_is_no_adjustment_is_adjusted() {
    let mut desk = Desk::new();
    let why = |refused: RunRefused| match refused {
        RunRefused::Run(RunError::NotAdjustable { why, .. }) => why,
        other => panic!("{other}"),
    };
    let id = desk.make(care("150102", "2020-01")).unwrap().run.id.clone();
    desk.record("150100", "cpi", "2020-01", "5.9");
    let draft = why(desk.adjust(&id).unwrap_err());
    assert_eq!(draft, "it is draft, expected released or closed");
    desk.step(&id, Move::Void, "maker", "the index was revised").unwrap();
    let voided = why(desk.adjust(&id).unwrap_err());
    assert_eq!(voided, "it is voided, expected released or closed");
    let unknown = desk.adjust("R999999").unwrap_err();
    assert!(matches!(unknown, RunRefused::Run(RunError::Unknown { .. })), "{unknown}");

    let id = desk.pay(care("150102", "2020-01").headcounts);
    desk.record("150100", "cpi", "2020-01", "6.9");
    let adjustment = desk.adjust(&id).unwrap().run.id.clone();
    let nested = why(desk.adjust(&adjustment).unwrap_err());
    assert_eq!(nested, format!("it is an adjustment itself; expected {id}, which it adjusts"));
    // A closed run is adjusted as a released one is.
    desk.step(&id, Move::Close, "other", "").unwrap();
    desk.record("150100", "cpi", "2020-01", "7.9");
    desk.adjust(&id).unwrap();
}

#[test]
fn what_was_paid_too_much_is_told_and_not_taken_off_what_is_missing() {
    let mut desk = Desk::new();
    let months = ["2019-12", "2020-01", "2020-02"];
    let headcounts =
        months.map(|month| heads("150102", month, "special_care", Residence::Urban, 100));
    let id = desk.pay(headcounts.to_vec());
    // The month cannot be decided any more; 732 × 4.9 % → 4.4 %; 732 × 4.2 % → 4.5 %.
    desk.record("150100", "cpi", "2019-12", "2.9");
    desk.record("150100", "cpi", "2020-01", "4.4");
    desk.record("150100", "cpi", "2020-02", "4.5");
    let life = desk.adjust(&id).unwrap();
    let paid: Vec<_> = (life.run.lines.iter())
        .map(|line| (line.payees.month.to_string(), line.yuan, line.paid_before.unwrap()))
        .collect();
    assert_eq!(paid, [("2020-02".to_owned(), yuan("220.00"), yuan("3074.00"))]);
    assert_eq!(
        findings(&life, "overpaid"),
        [
            "entitled special-care recipients (urban) of 150102 for 2020-01 were paid 3587.00 yuan and \
          would be paid 3221.00 today: 366.00 too much, left to a decision"
        ]
    );
    let no_sum = findings(&life, "no_sum");
    assert_eq!(no_sum.len(), 1, "{no_sum:?}");
    assert!(no_sum[0].contains("2019-12 were paid 3000.00 yuan, which cannot be computed today"));
    assert!(!life.run.is_blocked());
    // What was paid too much goes on to be told; there is nothing more to pay.
    let drift: Vec<_> = desk
        .service
        .drift()
        .into_iter()
        .map(|one| (one.payees.month.to_string(), one.now))
        .collect();
    let expected = [("2019-12".to_owned(), None), ("2020-01".to_owned(), Some(yuan("3221.00")))];
    assert_eq!(drift, expected);
    let again = desk.adjust(&id).unwrap_err();
    assert_eq!(again, RunRefused::NothingToAdjust { run: id, overpaid: 1 });
    desk.verified(&life.run.id);
}

#[test]
fn a_later_adjustment_counts_the_earlier_ones_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::over(open(folder.path()));
    // 732 × 4.9 % = 35.868; then 5.0 %: 36.60; 5.5 %: 40.26.
    let hundred = vec![heads("150102", "2020-01", "special_care", Residence::Urban, 100)];
    let id = desk.pay(hundred);
    desk.record("150100", "cpi", "2020-01", "5.0");
    let first = desk.adjust(&id).unwrap().run;
    assert_eq!((first.yuan, first.lines[0].paid_before), (yuan("73.00"), Some(yuan("3587.00"))));
    desk.record("150100", "cpi", "2020-01", "5.5");
    let second = desk.adjust(&id).unwrap().run;
    assert_eq!((second.yuan, second.lines[0].paid_before), (yuan("366.00"), Some(yuan("3660.00"))));
    assert_eq!(second.adjusts.as_ref().unwrap().after.join("+"), first.id);
    assert_eq!(desk.service.drift(), []);
    // The store takes no adjustment that leaves a live one out of account.
    let ledger = desk.service.writer.snapshot();
    let sequence = ledger.sequence() + 1;
    let careless = Adjusted { run: id.clone(), after: vec![first.id.clone()] };
    let careless = Run { id: run_id(sequence), adjusts: Some(careless), ..Run::clone(&second) };
    let refused = ledger.runs.check_run(&careless, sequence).unwrap_err();
    let RunError::After { expected, .. } = refused else { panic!("{refused}") };
    assert_eq!(expected, [first.id.clone(), second.id.clone()]);

    // The second counts what the first pays.
    desk.step(&first.id, Move::Submit, "maker", "").unwrap();
    for made in [Move::Void, Move::Reject] {
        let counted = desk.step(&first.id, made, "other", "no").unwrap_err();
        let expected = RunError::Counted { run: first.id.clone(), by: second.id.clone() };
        assert_eq!(counted, RunRefused::Run(expected));
    }
    // It would pay more by itself today, which its approver is told.
    let stale = desk.step(&first.id, Move::Approve, "other", "").unwrap_err();
    assert!(matches!(stale, RunRefused::Stale { lines: 1, .. }), "{stale}");
    desk.step(&second.id, Move::Void, "maker", "wrong revision").unwrap();
    let then = |all: Vec<Drift>| all.into_iter().map(|one| (one.then, one.now)).collect::<Vec<_>>();
    let left = [(Some(yuan("3660.00")), Some(yuan("4026.00")))];
    assert_eq!(then(desk.service.drift()), left);
    desk.step(&first.id, Move::Void, "maker", "wrong revision").unwrap();
    let all = [(Some(yuan("3587.00")), Some(yuan("4026.00")))];
    assert_eq!(then(desk.service.drift()), all);

    let requests = desk.requests;
    drop(desk);
    let mut desk = Desk { requests, ..Desk::over(open(folder.path())) };
    let third = desk.adjust(&id).unwrap().run;
    assert_eq!((third.yuan, third.lines[0].paid_before), (yuan("439.00"), Some(yuan("3587.00"))));
    assert!(third.adjusts.as_ref().unwrap().after.is_empty());
    let receipt = desk.service.receipt(&third.id).unwrap();
    drop(desk);
    let desk = Desk::over(open(folder.path()));
    assert_eq!(desk.service.drift(), []);
    assert_eq!(desk.service.receipt(&third.id).unwrap(), receipt);
    for run in [&id, &first.id, &second.id, &third.id] {
        desk.verified(run);
    }
}

fn around() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alike")
}

fn of_groups(area: &str, groups: &[&str]) -> Vec<Headcount> {
    let one = |group: &&str| heads(area, "2024-01", group, Residence::Urban, 1_001);
    groups.iter().map(one).collect()
}

#[test]
fn a_group_that_had_no_sum_is_paid_by_the_adjustment_unless_another_run_pays_it() {
    for by_another in [false, true] {
        let mut desk = Desk::over(Service::in_memory(&[around()]).unwrap());
        let groups = ["special_hardship", "subsistence_allowance"];
        // The county has no standard, which special hardship needs: 24.00 for the others only.
        let id = desk.pay(of_groups("990401", &groups));
        desk.record_standard("990401", "2023-07", "650");
        if by_another {
            desk.make(spec(of_groups("990401", &groups[..1]))).unwrap();
            assert_eq!(desk.service.drift().len(), 1);
        }
        let life = desk.adjust(&id).unwrap();
        // 650 × 4.0 % = 26.00.
        let mut expected = vec![
            "special_hardship urban 26026.00 after -, increment 0.00: city 7807.80, county 18218.20",
            "subsistence_allowance urban 2002.00 after 24024.00, increment 0.00: city 600.60, \
             county 1401.40",
        ];
        if by_another {
            expected.remove(0);
        }
        assert_eq!(lines(&life), expected);
        let held = desk.make(spec(of_groups("990401", &groups[..1]))).unwrap_err();
        assert!(matches!(held, RunRefused::Run(RunError::Held { .. })), "{held}");
        assert_eq!(desk.service.drift(), []);
        desk.verified(&life.run.id);
        desk.step(&life.run.id, Move::Void, "maker", "again").unwrap();
        let free = desk.make(spec(of_groups("990401", &groups[..1])));
        assert_eq!(free.is_ok(), !by_another);
    }
}

#[test]
fn a_source_charged_beyond_todays_share_gets_nothing_back_and_the_rest_still_adds_up() {
    let (store, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
        }
    }
    copy(&around(), data.path());
    let service =
        || Service::open(store.path(), &[data.path().into()], &mut |_, _, _| ()).unwrap().0;
    let mut desk = Desk::over(service());
    let id = desk.pay(of_groups("990101", &["subsistence_allowance"]));
    desk.record("990100", "cpi", "2024-01", "5.0");
    let requests = desk.requests;
    drop(desk);
    let law = data.path().join("instruments/990000.toml");
    let text = fs::read_to_string(&law).unwrap();
    let (then, now) = (
        "share = \"0.3\" }, { source = \"county\", share = \"0.7\"",
        "share = \"0.6\" }, { source = \"county\", share = \"0.4\"",
    );
    assert!(text.contains(then));
    fs::write(&law, text.replace(then, now)).unwrap();
    let mut desk = Desk { requests, ..Desk::over(service()) };
    // 24.00 × 1001: city 7207.20, county 16816.80. 30.00 × 1001: city 18018.00, county 12012.00.
    let life = desk.adjust(&id).unwrap();
    let expected =
        ["subsistence_allowance urban 6006.00 after 24024.00, increment 0.00: city 6006.00"];
    assert_eq!(lines(&life), expected);
    let overcharged =
        ["county was charged 4804.80 yuan beyond today's share, which is not charged back"];
    assert_eq!(findings(&life, "overcharged"), overcharged);
    for run in [&id, &life.run.id] {
        desk.verified(run);
    }
    assert_eq!(desk.service.drift(), []);
}

#[test]
fn entries_of_runs_that_adjust_nothing_are_as_they_were() {
    let mut desk = Desk::new();
    let run = desk.make(care("150102", "2020-01")).unwrap().run;
    let json = serde_json::to_string(&*run).unwrap();
    assert!(!json.contains("adjusts") && !json.contains("paid_before"), "{json}");
    assert_eq!(serde_json::from_str::<Run>(&json).unwrap(), *run);
}

//! Roster runs in a store: approved by somebody else, paid once whatever is repeated, and kept
//! without a name.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{LazyLock, atomic::AtomicBool},
};

use price_linkage::{
    access::principal::Reach,
    domain::life::{Life, Move, RunState},
    roster::{columns::Mapping, person::PersonKey, source::Format, work::Watch},
    service::{
        Request, Service,
        roster::{Means, Roster, RosterRefused, RosterSpec},
        run::RunRefused,
    },
    store::runs::RunError,
};

const MEANS: Means = Means { workers: 2, memory: 1 << 20 };

/// Made-up numbers with their check digits.
const PERSONS: [&str; 4] =
    ["990101199003077719", "99010119900307004X", "990101198001010014", "990101198001010022"];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/roster")
}

struct Desk {
    folder: tempfile::TempDir,
    service: Service,
    requests: u32,
}

fn spec() -> RosterSpec {
    let month = "2021-04".parse().unwrap();
    RosterSpec {
        month,
        strict: false,
        discretion: false,
        note: String::new(),
        follows: None,
        ended: Vec::new(),
        elsewhere: Vec::new(),
        within: Reach::Everywhere,
    }
}

fn row(person: &str, group: &str) -> String {
    format!("{person},名某,990101,{group},urban,账990017")
}

/// A store with the shipped data, made once and copied for each test.
static SEEDED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    drop(Desk::open(folder.path()));
    folder
});

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copied(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copied(SEEDED.path(), folder.path());
        let service = Self::open(folder.path());
        Self { folder, service, requests: 0 }
    }

    fn open(folder: &Path) -> Service {
        let mut service =
            Service::open(&folder.join("store"), &[data()], &mut |_, _, _| ()).unwrap().0;
        service.person_keys = vec![PersonKey::new([7; 32])];
        service
    }

    /// Closes the store and opens it again.
    fn reopened(self) -> Self {
        let Self { folder, service, requests } = self;
        drop(service);
        let service = Self::open(folder.path());
        Self { folder, service, requests }
    }

    fn request(&mut self, principal: &str) -> Request {
        self.requests += 1;
        let id = format!("0191a7a4-0000-7000-8000-{:012}", self.requests);
        Request { principal: principal.into(), id, validate_only: false, origin: None }
    }

    fn roster(&self, rows: &[String]) -> Roster {
        let path = self.folder.path().join("roster.csv");
        let header = "person_id,name,area_code,group,residence,account";
        fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        let file = File::open(&path).unwrap();
        Roster { file, format: Format::Csv, mapping: Mapping::new() }
    }

    fn make_as(
        &self,
        request: Request,
        rows: &[String],
        spec: &RosterSpec,
    ) -> Result<Life, RosterRefused> {
        let cancelled = AtomicBool::new(false);
        let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
        let roster = self.roster(rows);
        Ok(self.service.make_roster_run(request, &roster, spec, MEANS, &watch)?.0)
    }

    fn make(&mut self, rows: &[String]) -> Result<Life, RosterRefused> {
        let request = self.request("maker");
        self.make_as(request, rows, &spec())
    }

    fn list(&self, run: &str, rows: &[String]) -> Result<Vec<String>, RosterRefused> {
        let cancelled = AtomicBool::new(false);
        let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
        let (roster, path) = (self.roster(rows), self.folder.path().join("list.csv"));
        let to = (File::create(&path).unwrap(), Format::Csv);
        self.service.write_run_list(run, &roster, to, MEANS, &watch)?;
        Ok(fs::read_to_string(path).unwrap().lines().skip(1).map(str::to_owned).collect())
    }

    fn step(&mut self, run: &str, made: Move, by: &str, reason: &str) -> Life {
        let request = self.request(by);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let moved = self.service.move_run(request, run.into(), made, reason.into());
        runtime.block_on(moved).unwrap()
    }

    fn released(&mut self, run: &str) {
        self.step(run, Move::Submit, "maker", "");
        self.step(run, Move::Approve, "approver", "");
        self.step(run, Move::Release, "cashier", "");
    }

    fn rejects(life: &Life) -> Vec<(String, u64)> {
        life.run.roster.clone().unwrap().rejects.into_iter().collect()
    }
}

fn rows() -> Vec<String> {
    vec![
        row(PERSONS[0], "subsistence_allowance"),
        row(PERSONS[1], "special_hardship"),
        row(PERSONS[0], "special_hardship"),
    ]
}

#[test]
fn a_run_is_listed_only_once_somebody_else_approved_it_and_only_from_its_roster() {
    let mut desk = Desk::new();
    let life = desk.make(&rows()).unwrap();
    let id = life.run.id.clone();
    assert_eq!((life.state(), life.run.yuan.to_string()), (RunState::Draft, "61.00".into()));
    let pin = life.run.roster.clone().unwrap();
    assert_eq!((pin.rows, pin.beaten, pin.rejects.len()), (3, 1, 0));
    let early = desk.list(&id, &rows());
    assert!(matches!(early, Err(RosterRefused::NotApproved { state: RunState::Draft, .. })));
    desk.step(&id, Move::Submit, "maker", "");
    desk.step(&id, Move::Approve, "approver", "");
    let list = desk.list(&id, &rows()).unwrap();
    let mut lines: Vec<_> = list.iter().map(|line| line.split(',').collect::<Vec<_>>()).collect();
    lines.sort();
    let references: Vec<_> = lines.iter().map(|fields| fields[0].to_owned()).collect();
    assert_eq!(references, [format!("{id}-1"), format!("{id}-2")]);
    assert!(lines.iter().all(|fields| fields[7] == "30.50"));
    let mut beats: Vec<_> = lines.iter().map(|fields| fields[9]).collect();
    beats.sort_unstable();
    assert_eq!(beats, ["", "990101/subsistence_allowance/urban/20.00"]);
    // The same persons in other lines are another roster.
    let mut other = rows();
    other.swap(0, 1);
    assert!(matches!(desk.list(&id, &other), Err(RosterRefused::OtherRoster { .. })));
    assert!(desk.service.verify_run(&id).unwrap().differences.is_empty());
}

#[test]
fn a_repeat_gets_the_first_run_and_another_payload_is_refused() {
    let mut desk = Desk::new();
    let request = desk.request("maker");
    let first = desk.make_as(request.clone(), &rows(), &spec()).unwrap();
    let mut desk = desk.reopened();
    let again = desk.make_as(request.clone(), &rows(), &spec()).unwrap();
    assert_eq!(again, first);
    let other = desk.make_as(request, &rows()[..1], &spec()).unwrap_err().to_string();
    assert!(other.contains("was used for another request"), "{other}");
    assert_eq!(desk.service.writer.snapshot().runs.len(), 1);
    let second = desk.make(&rows()).unwrap_err();
    let RosterRefused::Run(RunRefused::Run(RunError::Held { holder, .. })) = second else {
        panic!("{second}");
    };
    assert_eq!(holder, first.run.id);
}

#[test]
fn a_follow_up_pays_only_those_the_first_did_not_reach() {
    let mut desk = Desk::new();
    let first = desk.make(&rows()).unwrap().run.id.clone();
    let mut more = rows();
    more.push(row(PERSONS[2], "subsistence_allowance"));
    let follow = RosterSpec { follows: Some(first.clone()), ..spec() };
    let request = desk.request("maker");
    let early = desk.make_as(request.clone(), &more, &follow);
    assert!(matches!(early, Err(RosterRefused::NotReleased { state: RunState::Draft, .. })));
    desk.released(&first);
    let second = desk.make_as(request, &more, &follow).unwrap();
    assert_eq!(second.run.yuan.to_string(), "20.00");
    assert_eq!(Desk::rejects(&second), [("paid_before".into(), 3)]);
    let second = second.run.id.clone();
    desk.released(&second);
    let mut desk = desk.reopened();
    let request = desk.request("maker");
    let third = desk.make_as(request, &more, &follow).unwrap_err();
    assert!(matches!(third, RosterRefused::Run(RunRefused::Empty { .. })), "{third}");
    assert!(desk.service.verify_run(&second).unwrap().differences.is_empty());
}

#[test]
fn a_follow_up_made_again_after_a_void_holds_what_it_pays_after_a_restart() {
    let mut desk = Desk::new();
    let first = desk.make(&rows()).unwrap().run.id.clone();
    desk.released(&first);
    let more = [row(PERSONS[2], "subsistence_allowance")];
    let follow = RosterSpec { follows: Some(first.clone()), ..spec() };
    let request = desk.request("maker");
    let second = desk.make_as(request, &more, &follow).unwrap().run.id.clone();
    desk.step(&second, Move::Void, "maker", "录入有误");
    let request = desk.request("maker");
    let third = desk.make_as(request, &more, &follow).unwrap().run.id.clone();
    let mut desk = desk.reopened();
    let other = [row(PERSONS[3], "subsistence_allowance")];
    let RosterRefused::Run(RunRefused::Run(RunError::Held { holder, .. })) =
        desk.make(&other).unwrap_err()
    else {
        panic!("held");
    };
    assert_eq!(holder, third);
}

fn outcomes(run: &str, rows: &[(u32, &str)]) -> Vec<u8> {
    let rows = rows.iter().map(|(line, outcome)| format!("{run}-{line},{outcome}\n"));
    format!("发放编号,发放结果\n{}", rows.collect::<String>()).into_bytes()
}

#[test]
fn who_was_not_reached_is_paid_by_a_follow_up_and_a_line_gets_its_outcome_once() {
    let mut desk = Desk::new();
    let mut given = rows();
    given.push(row(PERSONS[2], "subsistence_allowance"));
    let first = desk.make(&given).unwrap().run.id.clone();
    let settle = |desk: &mut Desk, rows: &[(u32, &str)]| {
        let request = desk.request("cashier");
        desk.service.settle_run(request, &first, &outcomes(&first, rows))
    };
    let early = settle(&mut desk, &[(1, "paid")]).unwrap_err().to_string();
    assert!(early.contains("is draft: expected released to settle"), "{early}");
    desk.released(&first);
    let settling = desk.request("cashier");
    let table = outcomes(&first, &[(2, "户名不符"), (1, "已发放")]);
    let life = desk.service.settle_run(settling.clone(), &first, &table).unwrap();
    assert_eq!((life.state(), life.open_lines()), (RunState::Released, Some(1)));
    let settled = life.events.last().unwrap().settlement.clone().unwrap();
    assert_eq!((settled.paid, settled.failed), (1, [("name_mismatch".into(), 1)].into()));
    let mut desk = desk.reopened();
    for (rows, expected) in [
        (&[(2, "paid")][..], "expected name_mismatch, as line 2 was settled before"),
        (&[(3, "paid"), (1, "failed")][..], "expected paid, as line 1 was settled before"),
        (&[(4, "paid")][..], "1 to "),
    ] {
        let refused = settle(&mut desk, rows).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    // What is known already is nothing new.
    let entries = desk.service.writer.snapshot().sequence();
    settle(&mut desk, &[(1, "paid"), (2, "name_mismatch")]).unwrap();
    assert_eq!(desk.service.writer.snapshot().sequence(), entries);
    let follow = RosterSpec { follows: Some(first.clone()), ..spec() };
    let request = desk.request("maker");
    let second = desk.make_as(request, &given, &follow).unwrap();
    let paid: u64 = second.run.headcounts.iter().map(|one| one.persons).sum();
    assert_eq!((paid, second.run.roster.clone().unwrap().follows), (1, Some(first.clone())));
    let request = desk.request("maker");
    let third = desk.make_as(request, &given, &follow).unwrap_err();
    assert!(matches!(third, RosterRefused::Run(RunRefused::Empty { .. })), "{third}");
    let close = |desk: &mut Desk, reason: &str| {
        let request = desk.request("cashier");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let closed = desk.service.move_run(request, first.clone(), Move::Close, reason.into());
        runtime.block_on(closed).map(|life| life.state()).map_err(|error| error.to_string())
    };
    let open = close(&mut desk, "").unwrap_err();
    assert!(open.contains("has 1 lines without an outcome: expected a reason"), "{open}");
    settle(&mut desk, &[(3, "paid")]).unwrap();
    assert_eq!(close(&mut desk, ""), Ok(RunState::Closed));
    // A repeat is answered as the first was, also once nothing more may be settled.
    let entries = desk.service.writer.snapshot().sequence();
    desk.service.settle_run(settling, &first, &table).unwrap();
    assert_eq!(desk.service.writer.snapshot().sequence(), entries);
}

#[test]
fn who_left_before_the_month_is_not_paid_and_who_is_paid_elsewhere_stops_the_approval() {
    let mut desk = Desk::new();
    let mut given = rows();
    given.push(row(PERSONS[2], "subsistence_allowance"));
    given.push(row(PERSONS[3], "subsistence_allowance"));
    let ended = [
        format!("{},2021-03-31", PERSONS[2]),
        format!("{},2021-04-01", PERSONS[3]),
        format!("{},", PERSONS[1]),
    ];
    let lists = RosterSpec {
        ended: format!("证件号码,日期\n{}\n", ended.join("\n")).into_bytes(),
        elsewhere: format!(
            "person_id,group\n{},orphan_community\n{},低保对象\n",
            PERSONS[0], PERSONS[3]
        )
        .into_bytes(),
        ..spec()
    };
    let request = desk.request("maker");
    let life = desk.make_as(request.clone(), &given, &lists).unwrap();
    assert_eq!(Desk::rejects(&life), [("ended".into(), 2)]);
    // The first person conflicts only as an orphan, and is none.
    assert_eq!(life.run.roster.clone().unwrap().conflicts, 1);
    let codes: Vec<_> = life.run.findings.iter().map(|one| one.code.as_str()).collect();
    assert!(
        codes.contains(&"benefit_conflict") && !codes.contains(&"highest_assumed"),
        "{codes:?}"
    );
    desk.step(&life.run.id, Move::Submit, "maker", "");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let approval = desk.request("approver");
    let approved =
        desk.service.move_run(approval, life.run.id.clone(), Move::Approve, String::new());
    let refused = runtime.block_on(approved).unwrap_err().to_string();
    assert!(refused.contains("blocking findings: expected a reason"), "{refused}");
    desk.step(&life.run.id, Move::Approve, "approver", "已逐一核实");
    // Another list under the same request is another request.
    let other = RosterSpec { ended: Vec::new(), ..lists };
    let reused = desk.make_as(request, &given, &other).unwrap_err().to_string();
    assert!(reused.contains("was used for another request"), "{reused}");
}

#[test]
fn a_person_paid_in_another_area_is_named_with_run_and_line() {
    let mut desk = Desk::new();
    let first = desk.make(&rows()).unwrap().run.id.clone();
    let elsewhere = [PERSONS[0], PERSONS[3]]
        .map(|person| row(person, "subsistence_allowance").replace(",990101,", ",990102,"));
    let cancelled = AtomicBool::new(false);
    let watch = Watch { progress: &|_, _| (), cancelled: &cancelled };
    let roster = desk.roster(&elsewhere);
    let request = desk.request("maker");
    let made = desk.service.make_roster_run(request, &roster, &spec(), MEANS, &watch).unwrap();
    let (life, worked) = (made.0, made.1.unwrap());
    assert_eq!(life.run.yuan.to_string(), "20.00");
    let path = desk.folder.path().join("rejects.csv");
    worked.write_rejects((File::create(&path).unwrap(), Format::Csv), &watch).unwrap();
    let rejects = fs::read_to_string(path).unwrap();
    let line = rejects.lines().nth(1).unwrap();
    let start = format!("2,paid_before,person_id,同月已由其他批次发放,{first}-");
    assert!(line.starts_with(&start), "{line}");
}

#[test]
fn a_voided_run_frees_its_persons_and_a_missing_file_of_claims_stops_the_month() {
    let mut desk = Desk::new();
    let first = desk.make(&rows()).unwrap().run;
    desk.step(&first.id, Move::Void, "maker", "录入有误");
    let second = desk.make(&rows()).unwrap().run;
    assert_eq!(second.lines, first.lines);
    let claims = second.roster.clone().unwrap().claims;
    fs::remove_file(desk.folder.path().join("store/kept").join(&claims)).unwrap();
    let elsewhere = [row(PERSONS[3], "subsistence_allowance").replace(",990101,", ",990102,")];
    let refused = desk.make(&elsewhere).unwrap_err();
    assert!(matches!(refused, RosterRefused::Claims { .. }), "{refused}");
    let differences = desk.service.verify_run(&second.id).unwrap().differences;
    assert_eq!(differences.len(), 1, "{differences:?}");
}

#[test]
fn each_month_keeps_its_key_and_new_months_take_the_first() {
    let mut desk = Desk::new();
    let old = PersonKey::new([7; 32]);
    desk.service.person_keys.clear();
    assert!(matches!(desk.make(&rows()), Err(RosterRefused::NoKey)));
    desk.service.person_keys = vec![old.clone()];
    let first = desk.make(&rows()).unwrap().run;
    assert_eq!(first.roster.clone().unwrap().key, old.id());
    let elsewhere = [row(PERSONS[3], "subsistence_allowance").replace(",990101,", ",990102,")];
    let new = PersonKey::new([8; 32]);
    desk.service.person_keys = vec![new.clone()];
    assert!(matches!(desk.make(&elsewhere), Err(RosterRefused::OtherKey { .. })));
    desk.service.person_keys = vec![new.clone(), old.clone()];
    let second = desk.make(&elsewhere).unwrap().run;
    assert_eq!(second.roster.clone().unwrap().key, old.id());
    let request = desk.request("maker");
    let next = RosterSpec { month: "2021-05".parse().unwrap(), ..spec() };
    let third = desk.make_as(request, &rows(), &next).unwrap().run;
    assert_eq!(third.roster.clone().unwrap().key, new.id());
}

#[test]
fn nothing_of_a_person_is_in_the_store() {
    let mut desk = Desk::new();
    let first = desk.make(&rows()).unwrap().run.id.clone();
    desk.released(&first);
    desk.list(&first, &rows()).unwrap();
    let desk = desk.reopened();
    let mut open = vec![desk.folder.path().join("store")];
    let mut files = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        files += 1;
        let bytes = fs::read(&path).unwrap();
        for secret in [PERSONS[0], PERSONS[1], "名某", "账990017"] {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} holds {secret}", path.display());
        }
    }
    assert!(3 < files);
}

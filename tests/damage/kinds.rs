//! Every kind of operation, with every field that an entry may have, as a journal keeps them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use price_linkage::{
    domain::{
        decision::{Decision, State, Triggered},
        group::Residence,
        life::{Move, RunEvent, Settlement},
        month::Month,
        run::{
            Adjusted, Basis, Charge, Headcount, Pins, RosterPin, Run, RunFinding, RunLine, Weight,
        },
    },
    journal::{
        chain::Head,
        entry::{Draft, Entry, LawDocument, Operation, sha256_hex},
    },
};
use serde_json::json;

use crate::{
    facts::{figure, month},
    fixture::{decision, instant, ledger_of, standard},
};

/// Entries as they come, each with its place in the chain.
struct Written {
    entries: Vec<Entry>,
    head: Head,
}

impl Written {
    fn at(&self) -> DateTime<Utc> {
        instant(self.head.sequence as i64)
    }

    fn next_run(&self) -> String {
        format!("R{}", self.head.sequence + 1)
    }

    fn push(&mut self, principal: &str, operation: Operation, answer: serde_json::Value) {
        let number = self.head.sequence + 1;
        let draft = Draft {
            // Entries from before origins were recorded have none.
            origin: [None, Some("10.0.0.3"), Some("in process")][number as usize % 3]
                .map(str::to_owned),
            recorded_at: self.at(),
            principal: principal.into(),
            request_id: format!("0191a7a4-0000-7000-8000-{number:012}"),
            request_digest: sha256_hex(number.to_string()),
            operation,
            answer,
        };
        let entry = Entry::seal(&self.head, draft).unwrap();
        self.head = entry.head();
        self.entries.push(entry);
    }

    fn make(&mut self, run: Run) -> String {
        let id = run.id.clone();
        self.push("经办", Operation::MakeRun { run: run.into() }, json!({ "run": id }));
        id
    }

    fn step(&mut self, run: &str, made: Move, reason: &str, settlement: Option<Settlement>) {
        let by = if made == Move::Submit { "经办" } else { "审批" };
        let (at, reason) = (self.at(), reason.to_owned());
        let event = RunEvent { run: run.into(), made, by: by.into(), at, reason, settlement };
        self.push(by, Operation::MoveRun { event }, json!({ "run": run }));
    }
}

fn payees(month: Month, persons: u64, households: Option<u64>) -> Headcount {
    let (area, group) = ("990101".parse().unwrap(), "subsistence_allowance".parse().unwrap());
    Headcount { month, area, group, residence: Residence::Rural, persons, households }
}

fn line(payees: Headcount, yuan: &str, paid_before: Option<&str>) -> RunLine {
    let month = payees.month;
    RunLine {
        payees,
        basis: Basis::Computed,
        covers: (month, month),
        rate_yuan: "30.50".parse().unwrap(),
        each_further_yuan: None,
        yuan: yuan.parse().unwrap(),
        increment_yuan: "0.00".parse().unwrap(),
        charges: vec![Charge { source: "unstated".into(), yuan: yuan.parse().unwrap() }],
        pay_by: None,
        paid_before: paid_before.map(|yuan| yuan.parse().unwrap()),
    }
}

fn run(written: &Written, headcounts: Vec<Headcount>, lines: Vec<RunLine>, yuan: &str) -> Run {
    Run {
        id: written.next_run(),
        made_by: "经办".into(),
        approvals_needed: 1,
        note: "四月 \"补\"\n".into(),
        pins: Pins {
            known_at: written.at(),
            documents: BTreeMap::from([("990000/2014".into(), sha256_hex("text"))]),
            figures: BTreeMap::from([("990100/2010-01/cpi".into(), 2)]),
            standards: BTreeMap::from([("990100/2010-01/dibao_rural".into(), 1)]),
            headcounts: sha256_hex("headcounts"),
            engine: "0.1.0".into(),
            strict: false,
        },
        adjusts: None,
        roster: None,
        headcounts,
        lines,
        findings: vec![RunFinding {
            weight: Weight::Warning,
            code: "funding_unstated".into(),
            month: month(0),
            area: "990101".parse().unwrap(),
            group: None,
            zh: "未载明资金来源".into(),
            en: "no document says who pays".into(),
        }],
        yuan: yuan.parse().unwrap(),
    }
}

/// What was decided, in every state there is.
fn decided(offset: u64, revision: u32, at: DateTime<Utc>) -> Vec<Decision> {
    let states = [
        (Triggered::Yes, State::Started),
        (Triggered::Yes, State::Continuing),
        (Triggered::No, State::Suspended),
        (Triggered::No, State::Ended),
        (Triggered::Yes, State::BackPaid),
        (Triggered::Undecidable, State::Undecidable),
        (Triggered::No, State::Inactive),
    ];
    let all = (0..).zip(states).map(|(n, (triggered, state))| {
        let since = (triggered == Triggered::Yes).then(|| month(offset));
        let decision = decision(10 + n, offset, revision, at);
        Decision { triggered, state, since, ..decision }
    });
    all.collect()
}

/// A budget run through its life, with an adjustment that is taken back.
fn budget(written: &mut Written, month: Month) {
    let asked = vec![payees(month, 7, Some(3)), payees(month.plus(1).unwrap(), 1, None)];
    let covers = (month, month.plus(1).unwrap());
    let mut paid = line(asked[0].clone(), "213.50", None);
    paid.covers = covers;
    paid.basis = Basis::Discretion;
    paid.each_further_yuan = Some("10.25".parse().unwrap());
    paid.increment_yuan = "100.00".parse().unwrap();
    paid.pay_by = month.last_day().succ_opt();
    let mut made = run(written, asked, vec![paid], "213.50");
    let blocked = RunFinding { weight: Weight::Blocking, ..made.findings[0].clone() };
    let group = Some("subsistence_allowance".parse().unwrap());
    made.findings.push(RunFinding { code: "no_sum".into(), group, ..blocked });
    let first = written.make(made);
    for (made, reason) in
        [(Move::Submit, ""), (Move::Approve, "拨付另行处理"), (Move::Release, "today")]
    {
        written.step(&first, made, reason, None);
    }
    let missing = line(payees(month, 7, Some(3)), "3.50", Some("213.50"));
    let after = Vec::new();
    let adjusts = Some(Adjusted { run: first.clone(), after });
    let adjustment = Run { adjusts, ..run(written, vec![], vec![missing], "3.50") };
    let adjustment = written.make(adjustment);
    written.step(&adjustment, Move::Void, "名册有误", None);
    written.step(&first, Move::Close, "", None);
}

/// A roster run through its life, and one that follows it and is refused.
fn roster(written: &mut Written, month: Month) {
    let digest = |what: &str| sha256_hex(format!("{what} of {month}"));
    let pin = RosterPin {
        month,
        roster: digest("roster"),
        rows: 5,
        claims: digest("claims"),
        key: "0123456789abcdef".into(),
        beaten: 1,
        rejects: BTreeMap::from([("id_check".into(), 1)]),
        conflicts: 0,
        follows: None,
    };
    let asked = || vec![payees(month, 3, None)];
    let lines = || vec![line(payees(month, 3, None), "91.50", None)];
    let made = Run { roster: Some(pin.clone()), ..run(written, asked(), lines(), "91.50") };
    let first = written.make(made);
    for made in [Move::Submit, Move::Approve, Move::Release] {
        written.step(&first, made, "", None);
    }
    let settlement = Settlement {
        file: digest("file"),
        outcomes: digest("outcomes"),
        paid: 1,
        failed: BTreeMap::from([("account_closed".into(), 1)]),
    };
    written.step(&first, Move::Settle, "", Some(settlement));
    written.step(&first, Move::Close, "余款退回", None);
    let pin =
        RosterPin { conflicts: 1, follows: Some(first), claims: digest("next claims"), ..pin };
    let made = Run { roster: Some(pin), ..run(written, asked(), lines(), "91.50") };
    let next = written.make(made);
    written.step(&next, Move::Submit, "", None);
    written.step(&next, Move::Reject, "重复人员", None);
}

/// So many rounds, in each of which everything that can be recorded is recorded.
pub fn every_kind(rounds: u64) -> Vec<Entry> {
    let mut written = Written { entries: Vec::new(), head: Head::genesis() };
    for round in 0..rounds {
        let (offset, at) = (round * 2, written.at());
        let figures = vec![figure(1, offset, 1, at), figure(1, offset, 2, at)];
        let decisions = decided(offset, 1, at);
        let answer = json!({ "new": 1, "revisions": 1, "unchanged": 0, "decisions": 7 });
        written.push("统计", Operation::RecordFigures { figures, decisions }, answer);
        let at = written.at();
        let mut unknown = standard(2, offset, at);
        unknown.headcount = None;
        let standards = vec![standard(1, offset, at), unknown];
        let decisions = decided(offset, 2, at);
        written.push("民政", Operation::RecordStandards { standards, decisions }, json!({}));
        let text = format!("id = \"990000/2014\"\n# {round}\n").repeat(20);
        let sha256 = sha256_hex(&text);
        let documents = vec![
            LawDocument { id: "990000/2014".into(), sha256, text },
            LawDocument::withdrawn("990000/2011"),
        ];
        let decisions = decided(offset, 3, written.at());
        written.push("seed", Operation::AdoptLaw { documents, decisions }, json!({ "new": 2 }));
        budget(&mut written, month(offset));
        roster(&mut written, month(offset));
    }
    written.entries
}

/// The name of what an entry records. A new kind does not compile until it is named here, and then
/// fails below until it is pinned as well.
fn kind(entry: &Entry) -> String {
    match &entry.operation {
        Operation::RecordFigures { .. } => "record_figures".into(),
        Operation::RecordStandards { .. } => "record_standards".into(),
        Operation::AdoptLaw { .. } => "adopt_law".into(),
        Operation::MakeRun { run } => match (&run.adjusts, &run.roster) {
            (Some(_), _) => "make_run adjustment".into(),
            (_, Some(_)) => "make_run roster".into(),
            (None, None) => "make_run budget".into(),
        },
        Operation::MoveRun { event } => format!("move_run {}", event.made.as_str()),
    }
}

#[test]
fn every_kind_of_operation_stays_readable_and_is_written_byte_for_byte() {
    let kinds = ["record_figures", "record_standards", "adopt_law"];
    let runs = ["make_run budget", "make_run adjustment", "make_run roster"];
    let moves = Move::ALL.map(|made| format!("move_run {}", made.as_str()));
    let all = kinds.into_iter().chain(runs).map(str::to_owned).chain(moves);
    let entries = every_kind(1);
    let pinned: BTreeSet<_> = entries.iter().map(kind).collect();
    assert_eq!(pinned, all.collect());

    let sample = include_bytes!("sample-2.jsonl");
    let lines: Vec<_> = sample.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!(lines.len(), entries.len());
    for (line, entry) in lines.iter().zip(&entries) {
        let name = kind(entry);
        assert_eq!(&Entry::read(&line[..line.len() - 1]).unwrap(), entry, "{name}");
        assert_eq!(entry.line().unwrap(), *line, "{name}");
    }
    let ledger = ledger_of(&entries);
    assert_eq!((ledger.runs.len(), ledger.law().len()), (4, 2));
}

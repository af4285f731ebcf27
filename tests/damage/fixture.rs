//! Entries of every kind, and journals and folders made of them.

use std::{fs, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use price_linkage::{
    domain::{
        decision::{Decision, State, Triggered},
        standard::Standard,
    },
    journal::{
        Journal,
        chain::Head,
        entry::{Draft, Entry, LawDocument, Operation, sha256_hex},
        file::FileJournal,
    },
    store::ledger::Ledger,
};
use serde_json::json;

use crate::facts::{figure, month};

pub fn instant(second: i64) -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}

pub fn decision(area: u64, offset: u64, revision: u32, recorded_at: DateTime<Utc>) -> Decision {
    Decision {
        area: format!("99{area:04}").parse().unwrap(),
        month: month(offset),
        triggered: Triggered::No,
        state: State::Inactive,
        since: None,
        carried_by: vec!["cpi".parse().unwrap()],
        instruments: vec!["990000/2014".into()],
        law_digest: "0".repeat(64),
        reason_zh: "未达到".into(),
        reason_en: "below".into(),
        revision,
        recorded_at,
    }
}

pub fn standard(area: u64, offset: u64, recorded_at: DateTime<Utc>) -> Standard {
    Standard {
        area: format!("99{area:04}").parse().unwrap(),
        standard: "dibao_urban".parse().unwrap(),
        valid_from: month(offset),
        yuan: "650.00".parse().unwrap(),
        headcount: Some(12),
        source: "fixture".into(),
        revision: 1,
        recorded_at,
    }
}

pub fn law(length: usize, recorded_at: DateTime<Utc>) -> Operation {
    let text = "第一条 \\ \"条\"\n".repeat(length / 20);
    let documents = vec![LawDocument { id: "990000/2014".into(), sha256: sha256_hex(&text), text }];
    Operation::AdoptLaw { documents, decisions: vec![decision(1, 0, 1, recorded_at)] }
}

pub fn seal(head: &Head, second: i64, operation: Operation) -> Entry {
    let draft = Draft {
        origin: None,
        recorded_at: instant(second),
        principal: "statistics".into(),
        request_id: format!("request-{}", head.sequence + 1),
        request_digest: sha256_hex((head.sequence + 1).to_string()),
        operation,
        answer: json!({"recorded": head.sequence + 1, "note": "数"}),
    };
    Entry::seal(head, draft).unwrap()
}

/// `count` entries of every kind of operation.
pub fn entries(count: u64) -> Vec<Entry> {
    let mut head = Head::genesis();
    let mut entries = Vec::new();
    for n in 0..count {
        let at = instant(n as i64);
        let operation = match n % 4 {
            0 => Operation::RecordFigures {
                figures: vec![figure(1, n, 1, at), figure(1, n, 2, at), figure(2, n, 1, at)],
                decisions: vec![decision(2, n, 1, at)],
            },
            1 => Operation::RecordStandards {
                standards: vec![standard(1, n, at)],
                decisions: vec![decision(1, n, 1, at), decision(1, n, 2, at)],
            },
            2 if n == 2 => law(200_000, at),
            2 => Operation::AdoptLaw { documents: vec![], decisions: vec![] },
            _ => Operation::RecordFigures { figures: vec![figure(3, n, 1, at)], decisions: vec![] },
        };
        let entry = seal(&head, n as i64, operation);
        head = entry.head();
        entries.push(entry);
    }
    entries
}

/// One short entry of every kind, as `sample-1.jsonl` keeps them.
pub fn sample() -> Vec<Entry> {
    let mut head = Head::genesis();
    let at = instant;
    let operations = [
        Operation::RecordFigures {
            figures: vec![figure(1, 0, 1, at(0))],
            decisions: vec![decision(1, 0, 1, at(0))],
        },
        Operation::RecordStandards { standards: vec![standard(1, 0, at(1))], decisions: vec![] },
        law(40, at(2)),
    ];
    // The law decides on the month again.
    let again = |operation| match operation {
        Operation::AdoptLaw { documents, .. } => {
            Operation::AdoptLaw { documents, decisions: vec![decision(1, 0, 2, at(2))] }
        }
        other => other,
    };
    let mut entries = Vec::new();
    for (second, operation) in (0..).zip(operations.map(again)) {
        let entry = seal(&head, second, operation);
        head = entry.head();
        entries.push(entry);
    }
    entries
}

/// Small entries, one figure each, for tests that go through every byte.
pub fn small_entries(count: u64) -> Vec<Entry> {
    let mut head = Head::genesis();
    let mut entries = Vec::new();
    for n in 0..count {
        let at = instant(n as i64);
        let figures = vec![figure(1, n, 1, at)];
        let entry = seal(&head, n as i64, Operation::RecordFigures { figures, decisions: vec![] });
        head = entry.head();
        entries.push(entry);
    }
    entries
}

pub fn write_journal(folder: &Path, segment_bytes: u64, entries: &[Entry]) {
    let (mut journal, torn) = FileJournal::open(folder, segment_bytes).unwrap();
    assert_eq!(torn, None);
    for entry in entries {
        journal.append(entry.sequence - 1, std::slice::from_ref(entry)).unwrap();
    }
}

pub fn ledger_of(entries: &[Entry]) -> Ledger {
    let mut ledger = Ledger::default();
    entries.iter().for_each(|entry| ledger.apply(entry).unwrap());
    ledger
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for found in fs::read_dir(from).unwrap() {
        let path = found.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

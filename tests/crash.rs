//! Killed, torn, flipped: what was acknowledged is there, whole, and the answers stay the same.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command as Process, Stdio},
    sync::Arc,
};

use chrono::Utc;
use price_linkage::{
    domain::{figure::Figure, month::Month},
    journal::{
        JournalError, copy,
        entry::{Operation, Sealed, sha256_hex},
        file::FileJournal,
    },
    service::writer::{Acknowledged, Command, Planned, SubmitError, Writer},
    store::{Store, ledger::Ledger},
};

const CHILD: &str = "PRICE_LINKAGE_CRASH_CHILD";
const FIGURES_A_REQUEST: usize = 3;

/// One request: three figures of one month, so that half of it would show.
fn command(id: usize) -> Command {
    let plan = move |ledger: &Ledger, at| {
        let month = Month::new(2000 + (id / 12 % 90) as i32, (id % 12) as u32 + 1).unwrap();
        let figures = ["cpi", "food", "grain"].into_iter().map(|series| {
            let area = format!("99{:04}", id / 1080).parse().unwrap();
            let series = series.parse().unwrap();
            let known = ledger.figures.column(area, &series);
            let revision = known.map_or(0, |column| column.revisions(month).len()) as u32 + 1;
            Figure {
                area,
                series,
                month,
                value: format!("{}.{}", id % 97, id % 10).parse().unwrap(),
                released_on: None,
                source: "crash".into(),
                revision,
                recorded_at: at,
            }
        });
        let figures: Vec<_> = figures.collect();
        let operation = Some(Operation::RecordFigures { figures, decisions: Vec::new() });
        Planned { operation, answer: id.into() }
    };
    Command {
        principal: "test".into(),
        request_id: format!("request-{id}"),
        request_digest: sha256_hex(id.to_string().as_bytes()),
        plan: Box::new(plan),
    }
}

fn start(folder: &Path) -> Writer {
    let (store, ledger, _) = Store::open(folder, &mut |_, _| {}).unwrap();
    Writer::start(Some(store), ledger, Utc::now)
}

/// Records until it is killed, telling each acknowledged request.
#[test]
fn child_process() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let first: usize = std::env::var("PRICE_LINKAGE_CRASH_FIRST").unwrap().parse().unwrap();
    let writer = Arc::new(start(Path::new(&folder)));
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let writer = writer.clone();
            std::thread::spawn(move || {
                for id in (first + thread..).step_by(4) {
                    writer.submit_blocking(command(id)).unwrap();
                    println!("acknowledged {id}");
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

fn sample(folder: &Path, requests: usize) -> Ledger {
    let writer = start(folder);
    for id in 0..requests {
        writer.submit_blocking(command(id)).unwrap();
    }
    Ledger::clone(&writer.snapshot())
}

fn figures(ledger: &Ledger) -> Vec<Figure> {
    let mut all = Vec::new();
    for area in ledger.figures.areas() {
        for series in ledger.figures.series_of(area) {
            let column = ledger.figures.column(area, &series).unwrap();
            for month in Month::new(1990, 1).unwrap().through(Month::new(2099, 12).unwrap()) {
                all.extend(column.revisions(month).iter().cloned());
            }
        }
    }
    all
}

#[test]
fn nothing_acknowledged_is_lost_when_killed_at_random() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..20 {
        let first = round * 100_000;
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_process", "--nocapture", "--test-threads=1"])
            .env(CHILD, folder.path())
            .env("PRICE_LINKAGE_CRASH_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = 0;
        let wanted = 5 + (round * 37) % 90;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let Ok(line) = line else { break };
            // The first line of the harness stands on the same line as the first answer.
            let Some((_, id)) = line.split_once("acknowledged ") else { continue };
            acknowledged.push(id.parse::<usize>().unwrap());
            told += 1;
            if told == wanted {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    let (mut store, ledger, _) = Store::open(folder.path(), &mut |_, _| {}).unwrap();
    for id in &acknowledged {
        let known = store.request(&format!("request-{id}")).unwrap();
        assert_eq!(known.map(|one| one.answer), Some((*id).into()), "request {id}");
    }
    assert!(20 * 5 <= acknowledged.len());
    assert_eq!(figures(&ledger).len() as u64, ledger.head.sequence * FIGURES_A_REQUEST as u64);
    let verified = store.verify().unwrap();
    assert_eq!(verified.head, ledger.head);
}

#[test]
fn a_torn_last_line_is_cut_off_wherever_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), 3);
    let segment = folder.path().join("journal/000000000001.jsonl");
    let whole = fs::read(&segment).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for length in last..whole.len() {
        fs::write(&segment, &whole[..length]).unwrap();
        let (journal, torn) = FileJournal::open(&folder.path().join("journal"), u64::MAX).unwrap();
        assert_eq!(torn.bytes, (length - last) as u64);
        assert_eq!(price_linkage::journal::Journal::head(&journal).sequence, 2);
        assert_eq!(fs::read(&segment).unwrap(), whole[..last]);
    }
    // The state knows the entry that is gone now: no silent loss.
    let opened = Store::open(folder.path(), &mut |_, _| {});
    assert!(matches!(opened.err(), Some(JournalError::LostEntries { journal: 2, store: 3 })));
}

#[test]
fn every_flipped_byte_of_the_journal_is_detected_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), 2);
    let segment = folder.path().join("journal/000000000001.jsonl");
    let whole = fs::read(&segment).unwrap();
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&segment, &flipped).unwrap();
        match Store::open(folder.path(), &mut |_, _| {}) {
            Err(JournalError::Corrupt { segment, line, .. }) => {
                assert_eq!(segment, "000000000001.jsonl");
                assert!((1..=2).contains(&line), "line {line}");
            }
            // The last line's end is gone: it is torn, and the state knows the entry.
            Err(JournalError::LostEntries { .. }) => assert_eq!(at, whole.len() - 1),
            Err(other) => panic!("byte {at}: {other}"),
            Ok(_) => panic!("byte {at} was flipped unseen"),
        }
        fs::write(&segment, &whole).unwrap();
    }
}

#[test]
fn no_damage_to_the_state_changes_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let before = sample(folder.path(), 120);
    let (store, ledger, report) = Store::open(folder.path(), &mut |_, _| {}).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(figures(&ledger), figures(&before));
    let digest = store.state_digest();
    drop(store);
    let state = folder.path().join("state");
    let pristine = files(&state);
    let database = state.join("db");
    let size = fs::metadata(&database).unwrap().len() as usize;
    let mut rebuilt = 0;
    let mut check = |what: &str| {
        let (store, ledger, report) = Store::open(folder.path(), &mut |_, _| {}).unwrap();
        assert_eq!(figures(&ledger), figures(&before), "{what}");
        assert_eq!(store.state_digest(), digest, "{what}");
        rebuilt += usize::from(report.rebuilt.is_some());
    };
    for flip in 0..200_usize {
        put_back(&state, &pristine);
        let mut bytes = fs::read(&database).unwrap();
        let at = flip * 7919 % size;
        bytes[at] ^= 1 << (flip % 8);
        fs::write(&database, bytes).unwrap();
        check(&format!("byte {at} flipped"));
    }
    put_back(&state, &pristine);
    fs::OpenOptions::new().write(true).open(&database).unwrap().set_len(size as u64 / 3).unwrap();
    check("cut to a third");
    put_back(&state, &pristine);
    fs::write(&database, b"").unwrap();
    check("emptied");
    fs::remove_dir_all(&state).unwrap();
    check("deleted");
    assert!(3 <= rebuilt, "a deleted state is rebuilt");
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            for (inner, bytes) in files(&path) {
                found.insert(format!("{name}/{inner}"), bytes);
            }
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

fn put_back(folder: &Path, pristine: &BTreeMap<String, Vec<u8>>) {
    let _ = fs::remove_dir_all(folder);
    for (name, bytes) in pristine {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn a_copy_restores_the_same_state_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let before = sample(folder.path(), 40);
    let copied = folder.path().join("copy.jsonl");
    let journal = FileJournal::open_for_reading(&folder.path().join("journal")).unwrap();
    let head = copy::export(&journal, &copied).unwrap();
    assert_eq!(head, before.head);
    let other = tempfile::tempdir().unwrap();
    assert_eq!(copy::restore(&copied, other.path()).unwrap(), head);
    let segment = "journal/000000000001.jsonl";
    let bytes = fs::read(folder.path().join(segment)).unwrap();
    assert_eq!(fs::read(other.path().join(segment)).unwrap(), bytes);
    assert_eq!(fs::read(&copied).unwrap(), bytes);
    let (first, ..) = Store::open(folder.path(), &mut |_, _| {}).unwrap();
    let (second, ledger, _) = Store::open(other.path(), &mut |_, _| {}).unwrap();
    assert_eq!(first.state_digest(), second.state_digest());
    assert_eq!(figures(&ledger), figures(&before));
    let again = copy::restore(&copied, other.path());
    assert!(matches!(again, Err(JournalError::NotEmpty { .. })));
    fs::write(&copied, &bytes[..bytes.len() - 10]).unwrap();
    let third = tempfile::tempdir().unwrap();
    assert!(matches!(copy::restore(&copied, third.path()), Err(JournalError::Corrupt { .. })));
    assert_eq!(fs::read_dir(third.path()).unwrap().count(), 0);
}

#[test]
fn a_second_process_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _open = Store::open(folder.path(), &mut |_, _| {}).unwrap();
    let second = Store::open(folder.path(), &mut |_, _| {});
    assert!(matches!(second.err(), Some(JournalError::InUse { .. })));
}

#[test]
fn a_repeated_request_gets_the_first_answer_and_another_content_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let writer = start(folder.path());
    let first = writer.submit_blocking(command(7)).unwrap();
    assert_eq!(first, Acknowledged { sequence: 1, answer: 7.into() });
    assert_eq!(writer.submit_blocking(command(7)).unwrap(), first);
    drop(writer);
    let writer = start(folder.path());
    assert_eq!(writer.submit_blocking(command(7)).unwrap(), first);
    let other = Command { request_id: "request-7".into(), ..command(8) };
    let refused = writer.submit_blocking(other).unwrap_err();
    assert!(matches!(refused, SubmitError::Reused { sequence: 1, .. }), "{refused}");
    assert_eq!(writer.snapshot().head.sequence, 1);
}

#[test]
fn a_line_prints_as_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), 5);
    let text = fs::read(folder.path().join("journal/000000000001.jsonl")).unwrap();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let sealed = Sealed::open(line).unwrap();
        assert_eq!(sealed.line, line);
        assert_eq!(Sealed::seal(sealed.entry.clone()), sealed);
    }
}

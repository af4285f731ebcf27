//! `kill -9` while several threads write: what was acknowledged is there, and nothing by halves.

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use price_linkage::{
    service::writer::Writer,
    store::{Store, ledger::Ledger},
};

use facts::{Random, command, month, text, three};

#[path = "damage/facts.rs"]
mod facts;

const STORE: &str = "PRICE_LINKAGE_CRASH_STORE";
const ROUND: &str = "PRICE_LINKAGE_CRASH_ROUND";
const KILLS: u64 = 25;
const THREADS: u64 = 4;

/// Not a test of its own: what the child process runs, until it is killed.
#[test]
fn child() {
    let (Ok(folder), Ok(round)) = (env::var(STORE), env::var(ROUND)) else { return };
    let (store, ledger, _) = Store::open(Path::new(&folder)).unwrap();
    let writer = Writer::start(store, ledger).unwrap();
    thread::scope(|scope| {
        for area in 0..THREADS {
            let (writer, round) = (&writer, &round);
            scope.spawn(move || {
                for n in 0.. {
                    let id = format!("{round}-{area}-{n}");
                    let acknowledged = writer.submit(command(&id, &id, three(area * 3))).unwrap();
                    let line = format!("acknowledged {id} {}\n", acknowledged.sequence.unwrap());
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// Starts the child, kills it after so many acknowledgements, gives all that it printed.
fn killed_after(acknowledgements: u64, folder: &Path, round: u64) -> Vec<(String, u64)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(STORE, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    let mut read = |until: u64| {
        while (seen.len() as u64) < until {
            let Some(Ok(line)) = lines.next() else { break };
            // libtest may have begun the line with the name of the test.
            let Some((_, rest)) = line.split_once("acknowledged ") else { continue };
            let (id, sequence) = rest.split_once(' ').unwrap();
            seen.push((id.to_owned(), sequence.parse().unwrap()));
        }
    };
    read(acknowledgements);
    child.kill().unwrap();
    child.wait().unwrap();
    read(u64::MAX);
    seen
}

/// How many revisions each of the areas has.
fn revisions(ledger: &Ledger) -> Vec<usize> {
    let series = "cpi".parse().unwrap();
    let count = |area| {
        let column = ledger.figures.column(format!("99{area:04}").parse().unwrap(), &series);
        column.map_or(0, |column| column.revisions(month(0)).len())
    };
    (0..THREADS * 3).map(count).collect()
}

#[test]
fn whatever_was_acknowledged_before_a_kill_is_there_and_nothing_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let mut acknowledged = BTreeSet::new();
    let mut total = 0;
    for round in 0..KILLS {
        let seen = killed_after(1 + random.below(80), folder.path(), round);
        assert!(!seen.is_empty(), "round {round} acknowledged nothing");
        acknowledged.extend(seen);
        let (mut store, ledger, report) = Store::open(folder.path()).unwrap();
        for (id, sequence) in &acknowledged {
            let request = store.request(id).unwrap().unwrap();
            assert_eq!(request.sequence, *sequence, "{id} after round {round}");
            let area = id.split('-').nth(1).unwrap().parse::<usize>().unwrap() * 3;
            let revision = request.answer["revision"].as_u64().unwrap() as usize;
            assert!(revision <= revisions(&ledger)[area]);
        }
        let counts = revisions(&ledger);
        for three in counts.chunks(3) {
            assert_eq!(three, [three[0]; 3], "half an entry after round {round}");
        }
        assert_eq!(counts.iter().step_by(3).sum::<usize>() as u64, report.head.sequence);
        total = report.head.sequence;
        store.verify().unwrap();
    }
    assert!(acknowledged.len() as u64 <= total);
    // The state that went through all that is the one the journal gives.
    let (store, ledger, _) = Store::open(folder.path()).unwrap();
    let digest = store.state_digest();
    drop(store);
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let (store, rebuilt, report) = Store::open(folder.path()).unwrap();
    assert!(report.rebuilt.is_some());
    assert_eq!((store.state_digest(), text(&rebuilt)), (digest, text(&ledger)));
}

//! A process in which several threads record through the writer, without the law and the services
//! above it, so that it starts at once.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

use chrono::{DateTime, Utc};
use price_linkage::{
    service::writer::Writer,
    store::{Store, ledger::Ledger},
};

use crate::facts::{command, month, text, three};

const STORE: &str = "LOST_STORE";
const FROM: &str = "LOST_FROM";
const COUNT: &str = "LOST_COUNT";
pub const THREADS: usize = 4;
/// Small enough that segments are begun often.
const SEGMENT_BYTES: u64 = 20_000;

/// Not a test of its own: what the process runs, until it is killed or has sent so many requests.
#[test]
fn process() {
    let Ok(folder) = env::var(STORE) else { return };
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    let opened = Store::open_with(Path::new(&folder), SEGMENT_BYTES, &mut |_| ());
    let (store, ledger, _) = match opened {
        Ok(opened) => opened,
        Err(error) => return say(format!("\nclosed {error}\n").replace("\n\n", "\n")),
    };
    let writer = Writer::start(store, ledger).unwrap();
    let from: Vec<u64> = serde_json::from_str(&env::var(FROM).unwrap()).unwrap();
    let count: u64 = env::var(COUNT).unwrap().parse().unwrap();
    say("\nopen\n".to_owned());
    thread::scope(|scope| {
        for (thread, from) in from.into_iter().enumerate() {
            let writer = &writer;
            scope.spawn(move || {
                for n in from..from.saturating_add(count) {
                    let id = format!("{thread}-{n}");
                    let answer = writer.submit(command(&id, &id, three(thread as u64 * 3)));
                    say(match answer {
                        Ok(done) => {
                            let sequence = done.sequence.unwrap();
                            format!("acknowledged {id} {sequence} {}\n", done.recorded_at)
                        }
                        Err(why) => format!("refused {id} {why}\n"),
                    });
                }
            });
        }
    });
    writer.shutdown();
    say("ended\n".to_owned());
}

/// What a process said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Open,
    /// The store could not be opened.
    Closed(String),
    Acknowledged {
        thread: usize,
        n: u64,
        sequence: u64,
        at: DateTime<Utc>,
    },
    Refused(String),
    Ended,
}

pub struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts it; each thread sends `count` requests, from that of its number on.
    pub fn start(
        store: &Path,
        from: &[u64; THREADS],
        count: u64,
        set_up: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["writing::process", "--exact", "--nocapture", "--test-threads=1"])
            .env(STORE, store)
            .env(FROM, format!("{from:?}"))
            .env(COUNT, count.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        set_up(&mut command);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next that it says; none once it has ended.
    pub fn next(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next()?.unwrap();
            let (what, rest) = line.split_once(' ').unwrap_or((&line, ""));
            return Some(match what {
                "open" => Said::Open,
                "ended" => Said::Ended,
                "closed" => Said::Closed(rest.to_owned()),
                "refused" => Said::Refused(rest.to_owned()),
                "acknowledged" => {
                    let mut words = rest.splitn(3, ' ');
                    let (thread, n) = words.next().unwrap().split_once('-').unwrap();
                    let (thread, n) = (thread.parse().unwrap(), n.parse().unwrap());
                    let sequence = words.next().unwrap().parse().unwrap();
                    let at = words.next().unwrap().parse().unwrap();
                    Said::Acknowledged { thread, n, sequence, at }
                }
                // What the test harness of the process says.
                _ => continue,
            });
        }
    }

    /// Everything until it ends by itself.
    pub fn all(mut self) -> Vec<Said> {
        let said = std::iter::from_fn(|| self.next()).collect();
        self.child.wait().unwrap();
        said
    }

    /// Kills it, and gives what it had said before.
    pub fn killed(mut self) -> Vec<Said> {
        self.child.kill().unwrap();
        self.all()
    }
}

/// What was acknowledged: by thread and number, the entry.
#[derive(Debug, Default)]
pub struct Book(BTreeMap<(usize, u64), u64>);

impl Book {
    pub fn note(&mut self, said: &[Said]) {
        for one in said {
            let Said::Acknowledged { thread, n, sequence, .. } = one else { continue };
            let before = self.0.insert((*thread, *n), *sequence);
            assert!(before.is_none_or(|before| before == *sequence), "{one:?}: {before:?}");
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What each thread sends next: the request that was not answered, if there is one.
    pub fn next(&self) -> [u64; THREADS] {
        std::array::from_fn(|thread| {
            let last = self.0.range((thread, 0)..(thread + 1, 0)).next_back();
            last.map_or(0, |((_, n), _)| n + 1)
        })
    }

    /// Checks a copy of the store: whatever was acknowledged is there, whole and once, beside it at
    /// most one request of each thread, and the state is the one the journal gives.
    pub fn check(&self, store: &Path, what: &str) {
        let copy = tempfile::tempdir().unwrap();
        copied(store, copy.path());
        let (mut store, ledger, report) = Store::open(copy.path()).unwrap_or_else(|error| {
            panic!("{what}: {error}");
        });
        for ((thread, n), sequence) in &self.0 {
            let found = store.request(&format!("{thread}-{n}")).unwrap();
            let found = found.map(|request| request.sequence);
            assert_eq!(found, Some(*sequence), "{what}: request {thread}-{n} is lost");
        }
        let counts = revisions(&ledger);
        for three in counts.chunks(3) {
            assert_eq!(three, [three[0]; 3], "{what}: half an entry");
        }
        for (next, count) in self.next().into_iter().zip(counts.iter().step_by(3)) {
            assert!((next..=next + 1).contains(count), "{what}: {next} answered, {count} recorded");
        }
        assert_eq!(counts.iter().step_by(3).sum::<u64>(), report.head.sequence, "{what}");
        let digest = store.verify().unwrap().state_digest;
        drop(store);
        fs::remove_dir_all(copy.path().join("state")).unwrap();
        let (store, rebuilt, _) = Store::open(copy.path()).unwrap();
        assert_eq!((store.state_digest(), text(&rebuilt)), (Some(digest), text(&ledger)), "{what}");
    }
}

/// How many revisions each of the areas has.
fn revisions(ledger: &Ledger) -> Vec<u64> {
    let series = "cpi".parse().unwrap();
    let count = |area| {
        let column = ledger.figures.column(format!("99{area:04}").parse().unwrap(), &series);
        column.map_or(0, |column| column.revisions(month(0)).len() as u64)
    };
    (0..THREADS * 3).map(count).collect()
}

pub fn copied(from: &Path, to: &Path) {
    let Ok(found) = fs::read_dir(from) else { return };
    fs::create_dir_all(to).unwrap();
    for found in found.map(Result::unwrap) {
        let (from, to) = (found.path(), to.join(found.file_name()));
        match from.is_dir() {
            true => copied(&from, &to),
            false => drop(fs::copy(from, to).unwrap()),
        }
    }
}

//! What the writer answers: once, in order, and only what is on disk.

use std::{
    error::Error,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use chrono::{DateTime, Utc};
use price_linkage::{
    journal::{
        Entries, Journal, JournalError,
        chain::Head,
        copy::{export, restore},
        entry::{Entry, Operation},
        file::{FileJournal, SEGMENT_BYTES},
        log::Log,
    },
    service::writer::{Acknowledged, Command, Plan, SubmitError, Writer},
    store::{Store, ledger::Ledger},
};
use serde_json::json;

use crate::{
    facts::{Planned, command, figure, text, three},
    fixture::{instant, seal},
};

fn nothing_new(ledger: &Ledger, _: DateTime<Utc>) -> Planned {
    Ok(Plan { operation: None, answer: json!({ "after": ledger.sequence() }) })
}

fn open(folder: &Path) -> Writer {
    let (store, ledger, _) = Store::open(folder).unwrap();
    Writer::start(store, ledger).unwrap()
}

/// Keeps the thread busy until the sender is dropped; the receiver says when it has begun.
fn blocking(id: &str) -> (Command, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let ((begun, has_begun), (release, released)) = (mpsc::channel(), mpsc::channel());
    let plan = move |ledger: &Ledger, at: DateTime<Utc>| {
        begun.send(()).unwrap();
        let _ = released.recv();
        nothing_new(ledger, at)
    };
    (command(id, "", plan), has_begun, release)
}

#[test]
fn a_repeated_request_gets_its_first_answer_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(folder.path());
    let first = writer.submit(command("a", "x", three(1))).unwrap();
    assert_eq!((first.sequence, first.repeated), (Some(1), false));
    writer.submit(command("b", "x", three(1))).unwrap();
    let repeated = Acknowledged { repeated: true, ..first.clone() };
    let ask = |writer: &Writer| writer.submit(command("a", "x", |_, _| panic!("planned again")));
    assert_eq!(ask(&writer).unwrap(), repeated);
    writer.shutdown();
    assert!(matches!(ask(&writer), Err(SubmitError::Stopped)));
    drop(writer);
    let writer = open(folder.path());
    assert_eq!(ask(&writer).unwrap(), repeated);
    let reused = writer.submit(command("a", "y", three(1))).unwrap_err();
    assert!(
        matches!(&reused, SubmitError::RequestIdReused { request_id, first_sequence: 1 }
            if request_id == "a"),
        "{reused}"
    );
    assert_eq!(writer.snapshot().sequence(), 2);
}

#[test]
fn waiting_commands_share_a_batch_see_one_another_and_repeat_within_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(folder.path());
    let (blocker, begun, release) = blocking("blocker");
    thread::scope(|scope| {
        scope.spawn(|| writer.submit(blocker).unwrap());
        begun.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let submitted = tokio::join!(
                biased;
                writer.submit_async(command("a", "x", three(1))),
                writer.submit_async(command("a", "x", three(1))),
                writer.submit_async(command("a", "y", three(1))),
                writer.submit_async(command("b", "x", three(1))),
                async { drop(release) },
            );
            let (a, again, reused, b, ()) = submitted;
            let (a, b) = (a.unwrap(), b.unwrap());
            assert_eq!(again.unwrap(), Acknowledged { repeated: true, ..a.clone() });
            assert!(matches!(reused, Err(SubmitError::RequestIdReused { first_sequence: 1, .. })));
            assert_eq!((a.sequence, b.sequence), (Some(1), Some(2)));
            assert_eq!((&a.answer["revision"], &b.answer["revision"]), (&json!(1), &json!(2)));
            assert!(a.recorded_at <= b.recorded_at);
        });
    });
    assert_eq!(writer.snapshot().figures.len(), 6);
}

#[test]
fn a_refusal_a_panic_or_a_wrong_plan_records_nothing_and_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(folder.path());
    let refused =
        writer.submit(command("a", "", |_, _| Err(Box::<dyn Error + Send + Sync>::from("no"))));
    assert_eq!(refused.unwrap_err().to_string(), "no");
    let panicked = writer.submit(command("b", "", |_, _| panic!("deliberate")));
    assert!(matches!(panicked, Err(SubmitError::Broken { .. })));
    let plan = |revision, seconds, value: &'static str| {
        move |_: &Ledger, at: DateTime<Utc>| {
            let mut figure = figure(1, 0, revision, at + chrono::TimeDelta::seconds(seconds));
            figure.value = value.parse().unwrap();
            let figures = vec![figure];
            let operation = Operation::RecordFigures { figures, decisions: vec![] };
            Ok(Plan { operation: Some(operation), answer: json!(null) })
        }
    };
    let why = |plan| writer.submit(command("c", "", plan)).unwrap_err().to_string();
    assert!(why(plan(2, 0, "1.0")).contains("has revision 2, expected 1"));
    assert!(why(plan(1, 1, "1.0")).contains("says it was recorded at"));
    assert!(why(plan(1, 0, "1.1234567")).contains("would not read back"));
    assert_eq!(writer.snapshot().sequence(), 0);
    assert_eq!(writer.submit(command("c", "", plan(1, 0, "1.0"))).unwrap().sequence, Some(1));
}

#[test]
fn nothing_new_is_answered_without_an_entry() {
    let writer = Writer::in_memory().unwrap();
    writer.submit(command("a", "", three(1))).unwrap();
    let answer = writer.submit(command("b", "", nothing_new)).unwrap();
    assert_eq!((answer.sequence, answer.repeated), (None, false));
    assert_eq!(answer.answer, json!({ "after": 1 }));
    assert_eq!(writer.snapshot().sequence(), 1);
}

#[test]
fn instants_grow_with_every_entry_even_if_the_clock_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let far = instant(3_000_000_000);
    let (mut store, mut ledger, _) = Store::open(folder.path()).unwrap();
    let figures = vec![figure(9, 0, 1, far)];
    let operation = Operation::RecordFigures { figures, decisions: vec![] };
    let entry = seal(&Head::genesis(), 3_000_000_000, operation);
    store.commit(std::slice::from_ref(&entry)).unwrap();
    ledger.apply(&entry).unwrap();
    let writer = Writer::start(store, ledger).unwrap();
    let next = far + chrono::TimeDelta::microseconds(1);
    assert_eq!(writer.submit(command("a", "", three(1))).unwrap().recorded_at, next);
    drop(writer);
    assert_eq!(open(folder.path()).snapshot().recorded_at(), Some(next));
}

#[test]
fn a_full_queue_refuses_instead_of_growing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ledger, _) = Store::open(folder.path()).unwrap();
    let writer = Writer::with_queue(store, ledger, 2).unwrap();
    let (blocker, begun, release) = blocking("blocker");
    thread::scope(|scope| {
        scope.spawn(|| writer.submit(blocker).unwrap());
        begun.recv().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let submitted = tokio::join!(
                biased;
                writer.submit_async(command("a", "", three(1))),
                writer.submit_async(command("b", "", three(1))),
                writer.submit_async(command("c", "", three(1))),
                async { drop(release) },
            );
            assert!(submitted.0.is_ok() && submitted.1.is_ok());
            assert!(matches!(submitted.2, Err(SubmitError::Busy { waiting: 2 })));
        });
    });
    assert_eq!(writer.submit(command("c", "", three(1))).unwrap().sequence, Some(3));
}

#[test]
fn a_writer_in_memory_plans_as_one_with_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let writers = [open(folder.path()), Writer::in_memory().unwrap()];
    let [kept, memory] = writers.map(|writer| {
        let answers: Vec<_> = [("a", 1), ("b", 2), ("a", 1), ("c", 1)]
            .map(|(id, area)| {
                writer.submit(command(id, "", three(area))).map_err(|e| e.to_string())
            })
            .map(|answer| answer.map(|a| (a.sequence, a.answer, a.repeated)))
            .into();
        (answers, writer.snapshot().figures.len())
    });
    assert_eq!(kept, memory);
    assert!(kept.0[1].is_err(), "area 2 already has revision 1, as the first request gave it");
}

/// A journal that counts its appends and can be made to fail.
struct Watched {
    journal: FileJournal,
    appends: Arc<AtomicUsize>,
    failing: Arc<AtomicBool>,
    /// The ledger the writer has published when an append begins.
    published: Arc<Mutex<Option<Arc<Writer>>>>,
}

impl Journal for Watched {
    fn head(&self) -> &Head {
        self.journal.head()
    }

    fn log(&self) -> Log {
        self.journal.log()
    }

    fn append(&mut self, last: u64, entries: &[Entry]) -> Result<(), JournalError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        if let Some(writer) = self.published.lock().unwrap().as_ref() {
            assert_eq!(writer.snapshot().sequence(), last, "published before it was on disk");
        }
        if self.failing.load(Ordering::SeqCst) {
            let source = std::io::Error::other("no space left on device");
            return Err(JournalError::Io { action: "append to", path: "journal".into(), source });
        }
        self.journal.append(last, entries)
    }

    fn read_from(&self, sequence: u64) -> Result<Entries<'_>, JournalError> {
        self.journal.read_from(sequence)
    }
}

#[test]
fn a_failed_append_acknowledges_nobody_and_stops_all_recording() {
    let folder = tempfile::tempdir().unwrap();
    let (appends, failing) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let published = Arc::<Mutex<Option<Arc<Writer>>>>::default();
    let (journal, _) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    let watched = Watched {
        journal,
        appends: Arc::clone(&appends),
        failing: Arc::clone(&failing),
        published: Arc::clone(&published),
    };
    let (store, ledger, _) = Store::over(Box::new(watched), folder.path(), &mut |_| ()).unwrap();
    let writer = Arc::new(Writer::start(store, ledger).unwrap());
    *published.lock().unwrap() = Some(Arc::clone(&writer));
    writer.submit(command("a", "", three(1))).unwrap();
    let before = text(&writer.snapshot());

    let (blocker, begun, release) = blocking("blocker");
    thread::scope(|scope| {
        scope.spawn(|| writer.submit(blocker).unwrap());
        begun.recv().unwrap();
        failing.store(true, Ordering::SeqCst);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let submitted = tokio::join!(
                biased;
                writer.submit_async(command("b", "", three(1))),
                writer.submit_async(command("b", "", three(1))),
                writer.submit_async(command("c", "", nothing_new)),
                writer.submit_async(command("d", "", three(4))),
                async { drop(release) },
            );
            for answer in [submitted.0, submitted.1, submitted.2, submitted.3] {
                assert!(matches!(answer, Err(SubmitError::Unwritable { .. })), "{answer:?}");
            }
        });
    });
    assert_eq!(appends.load(Ordering::SeqCst), 2, "one append for the whole batch");
    failing.store(false, Ordering::SeqCst);
    let refused = writer.submit(command("e", "", three(1))).unwrap_err();
    assert!(refused.to_string().contains("no space left on device"), "{refused}");
    assert_eq!(appends.load(Ordering::SeqCst), 2);
    assert_eq!(text(&writer.snapshot()), before);
    *published.lock().unwrap() = None;
    drop(writer);
    let writer = open(folder.path());
    assert_eq!(text(&writer.snapshot()), before);
    assert_eq!(writer.submit(command("b", "", three(1))).unwrap().sequence, Some(2));
}

#[test]
fn a_running_service_can_be_copied_and_the_copy_gives_the_same_state() {
    let folder = tempfile::tempdir().unwrap();
    let (live, copy) = (folder.path().join("live"), folder.path().join("copy"));
    let writer = open(&live);
    for id in ["a", "b", "c"] {
        writer.submit(command(id, "", three(1))).unwrap();
    }
    let copied = export(&live, &copy).unwrap();
    assert_eq!(copied.head, *writer.snapshot().head());
    writer.submit(command("d", "", three(4))).unwrap();
    let restored = folder.path().join("restored");
    assert_eq!(restore(&copy, &restored).unwrap(), copied);
    let again = open(&restored);
    assert_eq!(again.submit(command("b", "", three(1))).unwrap().sequence, Some(2));
    let before = again.snapshot();
    again.submit(command("d", "", three(4))).unwrap();
    assert_eq!(before.sequence(), 3, "a snapshot stays as it was taken");
    assert_eq!(again.snapshot().figures.len(), writer.snapshot().figures.len());
}

//! Torn, damaged and copied journals.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use price_linkage::journal::{
    Journal, JournalError, Torn,
    chain::Head,
    copy::{Until, export, export_after, restore, restore_with},
    entry::{Draft, Entry},
    file::{FileJournal, SEGMENT_BYTES},
};

use crate::fixture::{entries, seal, small_entries, write_journal};

fn segment(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("journal/{first:012}.jsonl"))
}

/// What opening says of a corrupt journal: the segment, the line and the whole message.
fn corruption(folder: &Path) -> (String, u64, String) {
    match FileJournal::open(folder, SEGMENT_BYTES) {
        Err(error) => {
            let message = error.to_string();
            let JournalError::Corrupt { segment, line, .. } = error else { panic!("{message}") };
            (segment, line, message)
        }
        Ok((journal, torn)) => panic!("opened: {:?}, {torn:?}", journal.head()),
    }
}

fn read_all(journal: &FileJournal) -> Vec<Entry> {
    journal.read_from(1).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_was_appended_is_read_again_from_any_entry_and_across_segments() {
    let folder = tempfile::tempdir().unwrap();
    let entries = entries(12);
    write_journal(folder.path(), 2_000, &entries);
    let (journal, _) = FileJournal::open(folder.path(), 2_000).unwrap();
    assert!(3 < journal.segments().len());
    assert_eq!(*journal.head(), entries[11].head());
    for from in 1..=13 {
        let read: Vec<_> = journal.read_from(from).unwrap().map(Result::unwrap).collect();
        assert_eq!(read, entries[from as usize - 1..]);
    }
}

#[test]
fn a_line_torn_at_any_byte_is_cut_off_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let entries = small_entries(3);
    write_journal(folder.path(), SEGMENT_BYTES, &entries);
    let path = segment(folder.path(), 1);
    let whole = fs::read(&path).unwrap();
    let last = entries[2].line().unwrap().len();
    let kept = whole.len() - last;
    for bytes in 0..last {
        fs::write(&path, &whole[..kept + bytes]).unwrap();
        let (mut journal, torn) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
        let expected = Torn { segment: "000000000001.jsonl".into(), line: 3, bytes: bytes as u64 };
        assert_eq!(torn, (0 < bytes).then_some(expected), "{bytes} bytes");
        assert_eq!(read_all(&journal), entries[..2]);
        assert_eq!(fs::metadata(&path).unwrap().len(), kept as u64);
        journal.append(2, &entries[2..]).unwrap();
        drop(journal);
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn every_flipped_bit_is_found_with_its_segment_and_line() {
    let folder = tempfile::tempdir().unwrap();
    write_journal(folder.path(), 900, &small_entries(4));
    for first in [1, 3] {
        let path = segment(folder.path(), first);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(&path, &damaged).unwrap();
            let line = 1 + whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            let (segment, found, message) = corruption(folder.path());
            assert_eq!((segment, found), (format!("{first:012}.jsonl"), line), "byte {at}");
            assert!(message.contains("`price-linkage restore`"), "{message}");
        }
        fs::write(&path, &whole).unwrap();
    }
    FileJournal::open(folder.path(), 900).unwrap();
}

#[test]
fn a_broken_last_line_with_its_line_feed_is_corruption_and_not_torn() {
    let folder = tempfile::tempdir().unwrap();
    write_journal(folder.path(), SEGMENT_BYTES, &small_entries(2));
    let path = segment(folder.path(), 1);
    let mut bytes = fs::read(&path).unwrap();
    bytes.splice(bytes.len() - 30..bytes.len() - 1, []);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(corruption(folder.path()).1, 2);
    bytes.pop();
    fs::write(&path, &bytes).unwrap();
    let (journal, torn) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    assert_eq!((journal.head().sequence, torn.unwrap().line), (1, 2));
}

#[test]
fn missing_repeated_and_reordered_lines_and_segments_are_corruption() {
    let folder = tempfile::tempdir().unwrap();
    let entries = small_entries(5);
    let path = segment(folder.path(), 1);
    let line = |n: usize| entries[n].line().unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for (lines, broken) in
        [(vec![0, 2], 2), (vec![1], 1), (vec![0, 0], 2), (vec![0, 2, 1], 2), (vec![0, 1, 1, 2], 3)]
    {
        fs::write(&path, lines.iter().copied().flat_map(line).collect::<Vec<_>>()).unwrap();
        assert_eq!(corruption(folder.path()).1, broken, "{lines:?}");
    }
    // An entry of another journal, intact in itself, with the right number.
    let other = seal(
        &seal(&entries[0].head(), 9, entries[4].operation.clone()).head(),
        9,
        entries[4].operation.clone(),
    );
    fs::write(&path, [line(0), line(1), other.line().unwrap()].concat()).unwrap();
    let (_, at, message) = corruption(folder.path());
    assert!(at == 3 && message.contains("previous digest"), "{message}");
    fs::remove_file(&path).unwrap();

    write_journal(folder.path(), 900, &entries);
    for first in [1, 3] {
        let path = segment(folder.path(), first);
        let aside = path.with_extension("aside");
        fs::rename(&path, &aside).unwrap();
        assert_eq!(corruption(folder.path()).0, format!("{:012}.jsonl", first + 2));
        fs::rename(&aside, &path).unwrap();
    }
    // A segment that is not the last may not be torn.
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let (name, at, _) = corruption(folder.path());
    assert_eq!((name.as_str(), at), ("000000000001.jsonl", 2));
    fs::write(&path, &whole).unwrap();
    fs::write(segment(folder.path(), 1).with_file_name("1.jsonl"), "").unwrap();
    assert_eq!(corruption(folder.path()).0, "1.jsonl");
}

#[test]
fn a_second_open_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    let refused = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap_err();
    assert!(matches!(refused, JournalError::Locked { .. }), "{refused}");
    assert!(refused.to_string().ends_with("another process has it open"), "{refused}");
    drop(first);
    FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
}

#[test]
fn a_failed_open_gives_the_lock_back_also_while_children_start() {
    let folder = tempfile::tempdir().unwrap();
    write_journal(folder.path(), SEGMENT_BYTES, &small_entries(2));
    let path = segment(folder.path(), 1);
    let mut damaged = fs::read(&path).unwrap();
    damaged[0] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // A child has every file open until its program begins.
                std::process::Command::new("true").status().unwrap();
            }
        });
        let ends = Ends(&done);
        for _ in 0..2_000 {
            corruption(folder.path());
        }
        drop(ends);
    });
}

/// Ends what waits for it also when a test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_append_that_does_not_follow_is_refused_and_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let entries = small_entries(4);
    let (mut journal, _) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    journal.append(0, &entries[..2]).unwrap();
    let conflict = journal.append(1, &entries[2..]).unwrap_err();
    assert!(matches!(conflict, JournalError::Conflict { expected: 1, actual: 2 }), "{conflict}");
    let gap = journal.append(2, &entries[3..]).unwrap_err();
    assert!(matches!(gap, JournalError::Unchained { sequence: 4, .. }), "{gap}");
    let changed = Entry { principal: "someone else".into(), ..entries[2].clone() };
    assert!(matches!(journal.append(2, &[changed]), Err(JournalError::Entry(_))));
    journal.append(2, &entries[2..]).unwrap();
    assert_eq!(read_all(&journal), entries);
}

#[test]
fn a_copy_is_the_journal_byte_for_byte_and_restores_to_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (store, out) = (folder.path().join("store"), folder.path().join("copy.jsonl"));
    let entries = entries(12);
    write_journal(&store, 2_000, &entries);
    let lines: Vec<u8> = entries.iter().flat_map(|entry| entry.line().unwrap()).collect();
    let copied = export(&store, &out).unwrap();
    assert_eq!((&copied.head, copied.bytes), (&entries[11].head(), lines.len() as u64));
    assert_eq!(fs::read(&out).unwrap(), lines);
    assert!(matches!(export(&store, &out), Err(JournalError::Exists { .. })));

    let again = folder.path().join("again");
    assert_eq!(
        restore_with(&out, &again, (&Until::End, 3_000), |_, _| Ok::<_, JournalError>(())).unwrap(),
        copied
    );
    assert!(1 < fs::read_dir(again.join("journal")).unwrap().count());
    let second = folder.path().join("second.jsonl");
    assert_eq!(export(&again, &second).unwrap(), copied);
    assert_eq!(fs::read(&second).unwrap(), lines);
    assert!(matches!(restore(&out, &again), Err(JournalError::Exists { .. })));
    let names = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(names(folder.path()), 4, "nothing but the two stores and the two copies");
    let (journal, _) = FileJournal::open(&again, SEGMENT_BYTES).unwrap();
    assert_eq!(read_all(&journal), entries);
}

#[test]
fn a_damaged_cut_off_or_empty_copy_restores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, target) = (folder.path().join("copy"), folder.path().join("target"));
    let lines: Vec<u8> = small_entries(3).iter().flat_map(|e| e.line().unwrap()).collect();
    let mut flipped = lines.clone();
    flipped[lines.len() / 2] ^= 4;
    for bytes in [&lines[..lines.len() - 1], &lines[..lines.len() - 90], &flipped, b""] {
        fs::write(&copy, bytes).unwrap();
        let refused = restore(&copy, &target).unwrap_err();
        assert!(matches!(refused, JournalError::Corrupt { .. }), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the copy is there");
    }
    fs::create_dir(&target).unwrap();
    fs::write(&copy, &lines).unwrap();
    assert_eq!(restore(&copy, &target).unwrap().head.sequence, 3);
}

#[test]
fn nothing_gets_its_name_before_what_belongs_to_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let (store, copy, target) = (place("store"), place("copy"), place("target"));
    write_journal(&store, SEGMENT_BYTES, &small_entries(3));
    // What a process of the same number left when it was killed is in nobody's way.
    let part = |name: &str| place(&format!(".{name}.part-{}", std::process::id()));
    fs::write(part("copy"), "left behind").unwrap();
    fs::create_dir_all(part("target").join("journal")).unwrap();
    fs::write(part("target").join("journal/000000000001.jsonl"), "left behind").unwrap();
    let broken = || Err(JournalError::Poisoned { why: "no room for more".into() });
    let refused = export_after(&store, &copy, broken).unwrap_err();
    assert!(matches!(refused, JournalError::Poisoned { .. }), "{refused}");
    export(&store, &copy).unwrap();
    let refused =
        restore_with(&copy, &target, (&Until::End, SEGMENT_BYTES), |_, _| broken()).unwrap_err();
    assert!(matches!(refused, JournalError::Poisoned { .. }), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the store and its copy");
    let beside = |part: &Path, _: &Head| -> Result<(), JournalError> {
        fs::write(part.join("beside"), "there").unwrap();
        Ok(())
    };
    restore_with(&copy, &target, (&Until::End, SEGMENT_BYTES), beside).unwrap();
    assert_eq!(fs::read_to_string(target.join("beside")).unwrap(), "there");
}

#[test]
fn a_copy_of_a_torn_journal_leaves_the_torn_line_out() {
    let folder = tempfile::tempdir().unwrap();
    let (store, out) = (folder.path().join("store"), folder.path().join("copy"));
    write_journal(&store, SEGMENT_BYTES, &small_entries(2));
    let mut file = OpenOptions::new().append(true).open(segment(&store, 1)).unwrap();
    std::io::Write::write_all(&mut file, b"0123").unwrap();
    let copied = export(&store, &out).unwrap();
    assert_eq!((copied.head.sequence, copied.torn.unwrap().bytes), (2, 4));
    assert_eq!(fs::metadata(&out).unwrap().len(), copied.bytes);
}

#[test]
fn a_line_can_be_rechecked_with_a_plain_sha_256_of_its_json() {
    let entries = small_entries(2);
    let line = String::from_utf8(entries[1].line().unwrap()).unwrap();
    let (digest, json) = line.trim_end().split_once('\t').unwrap();
    assert_eq!(digest, price_linkage::journal::entry::sha256_hex(json));
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((value["format"].as_u64(), value["sequence"].as_u64()), (Some(1), Some(2)));
    assert_eq!(value["previous"], entries[0].digest.as_str());
    assert_eq!(value["operation"]["record_figures"]["figures"][0]["value"], "1.10");
}

#[test]
fn a_journal_of_format_1_stays_readable() {
    let sample = include_bytes!("sample-1.jsonl");
    let lines: Vec<_> = sample.split_inclusive(|byte| *byte == b'\n').collect();
    let read = |line: &&[u8]| Entry::read(&line[..line.len() - 1]).unwrap();
    assert_eq!(lines.iter().map(read).collect::<Vec<_>>(), crate::fixture::sample());
    let written: Vec<u8> =
        crate::fixture::sample().iter().flat_map(|e| e.line().unwrap()).collect();
    assert_eq!(written, sample);
}

#[test]
fn a_line_of_a_newer_format_is_called_that() {
    let line = String::from_utf8(small_entries(1)[0].line().unwrap()).unwrap();
    let newer = line.trim_end()[65..].replacen("\"format\":1", "\"format\":2,\"more\":0", 1);
    let digest = price_linkage::journal::entry::sha256_hex(&newer);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("journal")).unwrap();
    fs::write(segment(folder.path(), 1), format!("{digest}\t{newer}\n")).unwrap();
    let message = corruption(folder.path()).2;
    assert!(
        message.contains("written in format 2, expected 1; a newer price-linkage"),
        "{message}"
    );
}

#[test]
fn a_segment_begun_but_never_written_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let entries = small_entries(3);
    write_journal(folder.path(), SEGMENT_BYTES, &entries[..2]);
    fs::write(segment(folder.path(), 3), "").unwrap();
    let (mut journal, torn) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    assert_eq!(torn, None);
    journal.append(2, &entries[2..]).unwrap();
    assert_eq!(fs::read(segment(folder.path(), 3)).unwrap(), entries[2].line().unwrap());
    assert_eq!(read_all(&journal), entries);
    drop(journal);
    fs::write(segment(folder.path(), 5), "").unwrap();
    assert_eq!(corruption(folder.path()).0, "000000000005.jsonl");
}

#[test]
fn an_entry_recorded_before_the_last_one_is_refused_before_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let first = small_entries(3).remove(2);
    let first = seal(&Head::genesis(), 5, first.operation);
    write_journal(folder.path(), SEGMENT_BYTES, std::slice::from_ref(&first));
    let (mut journal, _) = FileJournal::open(folder.path(), SEGMENT_BYTES).unwrap();
    let at = |second| seal(&first.head(), second, first.operation.clone());
    let refused = journal.append(1, &[at(4)]).unwrap_err();
    assert!(refused.to_string().contains("was recorded at"), "{refused}");
    journal.append(1, &[at(5)]).unwrap();
}

#[test]
fn request_ids_have_1_to_200_bytes() {
    let entry = small_entries(1).remove(0);
    for (length, fits) in [(0, false), (1, true), (200, true), (201, false)] {
        let draft = Draft {
            origin: None,
            recorded_at: entry.recorded_at,
            principal: String::new(),
            request_id: "x".repeat(length),
            request_digest: entry.request_digest.clone(),
            operation: entry.operation.clone(),
            answer: serde_json::Value::Null,
        };
        assert_eq!(Entry::seal(&Head::genesis(), draft).is_ok(), fits, "{length}");
    }
}

#[test]
fn a_copy_restores_to_any_entry_and_any_instant() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    // Entry n is recorded in second n - 1.
    let entries = small_entries(3);
    let lines: Vec<u8> = entries.iter().flat_map(|entry| entry.line().unwrap()).collect();
    fs::write(&copy, &lines).unwrap();
    let restored = |name: &str, until: &Until| {
        let target = folder.path().join(name);
        let nothing = |_: &Path, _: &Head| Ok::<_, JournalError>(());
        restore_with(&copy, &target, (until, SEGMENT_BYTES), nothing).map(|copied| {
            let (journal, torn) = FileJournal::open(&target, SEGMENT_BYTES).unwrap();
            assert_eq!((journal.head(), torn), (&copied.head, None));
            assert_eq!(read_all(&journal), entries[..copied.head.sequence as usize]);
            copied.head.sequence
        })
    };
    for last in 1..=3 {
        assert_eq!(restored(&format!("entry-{last}"), &Until::Entry(last)).unwrap(), last);
    }
    let beyond = restored("entry-4", &Until::Entry(4)).unwrap_err().to_string();
    assert!(beyond.contains("line 4: expected entry 4"), "{beyond}");
    let micro = chrono::TimeDelta::microseconds(1);
    for (name, at, last) in [
        ("below", entries[1].recorded_at - micro, 1),
        ("at", entries[1].recorded_at, 2),
        ("above", entries[1].recorded_at + micro, 2),
        ("late", entries[2].recorded_at + micro, 3),
    ] {
        assert_eq!(restored(name, &Until::Instant(at)).unwrap(), last, "{name}");
    }
    let before = restored("before", &Until::Instant(entries[0].recorded_at - micro)).unwrap_err();
    assert!(before.to_string().contains("expected at least one entry"), "{before}");
    assert!(!folder.path().join("before").exists() && !folder.path().join("entry-4").exists());
}

//! A state that is missing, behind, ahead, foreign or damaged.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use price_linkage::{
    journal::{
        copy::{export, restore},
        entry::Entry,
    },
    store::{
        OpenReport, Progress, Store, StoreError, digest::Sum, ledger::Ledger, record::records,
    },
};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{
    facts::{Random, text},
    fixture::{copy_folder, entries, ledger_of, sample, write_journal},
};

/// A closed store that holds the entries.
fn stored(entries: &[Entry]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _, report) = Store::open(folder.path()).unwrap();
    assert_eq!((report.rebuilt, report.replayed), (None, 0));
    store.commit(entries).unwrap();
    store.close().unwrap();
    folder
}

/// Opens the store, checks that it answers as the entries say, and gives the report.
pub fn opens_equal(folder: &Path, entries: &[Entry], digest: &str) -> OpenReport {
    let (mut store, ledger, report) = Store::open(folder).unwrap();
    assert_eq!(text(&ledger), text(&ledger_of(entries)));
    assert_eq!(store.state_digest().as_deref(), Some(digest));
    for entry in entries {
        let request = store.request(&entry.request_id).unwrap().unwrap();
        assert_eq!((request.sequence, &request.answer), (entry.sequence, &entry.answer));
        assert_eq!(request.request_digest, entry.request_digest);
    }
    assert_eq!(store.request("never").unwrap(), None);
    let verified = store.verify().unwrap();
    assert_eq!(verified.state_digest, digest);
    assert_eq!(verified.head.sequence, entries.len() as u64);
    assert_eq!(verified.figures, ledger.figures.len());
    report
}

pub fn digest(folder: &Path) -> String {
    Store::open(folder).unwrap().0.state_digest().unwrap()
}

pub fn state_files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.join("state")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for found in fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.retain(|path| fs::metadata(path).unwrap().len() != 0);
    files.sort();
    files
}

#[test]
fn a_ledger_from_the_state_equals_one_from_the_journal() {
    let entries = entries(12);
    let folder = stored(&entries);
    let digest = digest(folder.path());
    let report = opens_equal(folder.path(), &entries, &digest);
    assert_eq!((report.rebuilt, report.replayed, report.torn), (None, 0, None));
}

#[test]
fn every_way_to_the_same_entries_gives_the_same_digest() {
    let entries = entries(12);
    let by_batch = stored(&entries);
    let digest = digest(by_batch.path());
    let one_by_one = tempfile::tempdir().unwrap();
    for entry in &entries {
        let (mut store, ..) = Store::open(one_by_one.path()).unwrap();
        store.commit(std::slice::from_ref(entry)).unwrap();
    }
    opens_equal(one_by_one.path(), &entries, &digest);
    let copy = by_batch.path().join("copy");
    export(by_batch.path(), &copy).unwrap();
    let restored = tempfile::tempdir().unwrap();
    restore(&copy, restored.path()).unwrap();
    let report = opens_equal(restored.path(), &entries, &digest);
    assert_eq!(report.rebuilt.as_deref(), Some("it is missing"));
}

#[test]
fn a_state_that_is_behind_catches_up() {
    let entries = entries(12);
    let digest = digest(stored(&entries).path());
    for known in [0, 1, 11] {
        let folder = stored(&entries[..known]);
        write_journal_after(folder.path(), &entries, known);
        let mut seen = Vec::new();
        let mut progress = |at: Progress| seen.push(at);
        let opened = Store::open_with(folder.path(), 1 << 20, &mut progress);
        let report = opened.unwrap().2;
        assert_eq!((report.replayed, report.rebuilt), (12 - known as u64, None));
        assert_eq!(seen.last(), Some(&Progress { done: report.replayed, total: report.replayed }));
        opens_equal(folder.path(), &entries, &digest);
    }
}

fn write_journal_after(folder: &Path, entries: &[Entry], known: usize) {
    write_journal(folder, 1 << 20, &entries[known..]);
}

#[test]
fn a_journal_that_lost_entries_is_refused_with_the_command_that_helps() {
    let entries = entries(4);
    let folder = stored(&entries);
    let path = folder.path().join("journal/000000000001.jsonl");
    let whole = fs::read(&path).unwrap();
    let last = entries[3].line().unwrap().len();
    // At the line's beginning, within it, before its line feed, and everything.
    for length in [whole.len() - last, whole.len() - last / 2, whole.len() - 1, 0] {
        fs::write(&path, &whole[..length]).unwrap();
        let refused = Store::open(folder.path()).err().unwrap();
        assert!(matches!(refused, StoreError::LostEntries { state: 4, .. }), "{refused}");
        assert!(refused.to_string().contains("`price-linkage restore`"));
    }
    fs::remove_file(&path).unwrap();
    let refused = Store::open(folder.path()).err().unwrap();
    assert!(matches!(refused, StoreError::LostEntries { journal: 0, state: 4 }), "{refused}");
    fs::write(&path, &whole).unwrap();
    Store::open(folder.path()).unwrap();
}

#[test]
fn a_replaced_journal_is_refused() {
    let folder = stored(&entries(4));
    fs::remove_dir_all(folder.path().join("journal")).unwrap();
    write_journal(folder.path(), 1 << 20, &crate::fixture::small_entries(5));
    let refused = Store::open(folder.path()).err().unwrap();
    assert!(matches!(refused, StoreError::Replaced { sequence: 4, .. }), "{refused}");
}

#[test]
fn a_missing_emptied_or_cut_state_is_rebuilt() {
    let entries = entries(12);
    let sound = stored(&entries);
    let digest = digest(sound.path());
    let damaged = |damage: &dyn Fn(&Path)| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(sound.path(), folder.path());
        damage(folder.path());
        let report = opens_equal(folder.path(), &entries, &digest);
        let again = opens_equal(folder.path(), &entries, &digest);
        assert_eq!((again.rebuilt, again.replayed), (None, 0));
        report.rebuilt.is_some() || report.replayed != 0
    };
    assert!(damaged(&|folder| fs::remove_dir_all(folder.join("state")).unwrap()));
    for file in state_files(sound.path()) {
        let place = file.strip_prefix(sound.path()).unwrap();
        let is_data = place.ends_with("db");
        let noticed = damaged(&|folder| fs::remove_file(folder.join(place)).unwrap());
        assert!(noticed || !is_data, "{} removed", place.display());
        let length = fs::metadata(&file).unwrap().len();
        for kept in [0, 1, 40_000, length / 3, length / 2, length - 1] {
            let cut = |folder: &Path| {
                let file = OpenOptions::new().write(true).open(folder.join(place)).unwrap();
                file.set_len(kept).unwrap();
            };
            // The data file ends in padding, without which it is still whole.
            let noticed = damaged(&cut);
            assert!(noticed || !is_data || 40_000 < kept, "{} cut to {kept}", place.display());
        }
    }
}

#[test]
fn flipped_bytes_in_the_state_never_change_an_answer() {
    let entries = entries(8);
    let sound = stored(&entries);
    let digest = digest(sound.path());
    let files = state_files(sound.path());
    let mut random = Random(2019);
    let mut rebuilt = 0;
    // 200 bytes: 100 one at a time, then in groups of 5 and 20.
    for group in [vec![1; 100], vec![5; 8], vec![20; 3]].concat() {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(sound.path(), folder.path());
        for _ in 0..group {
            let file = &files[random.below(files.len() as u64) as usize];
            let path = folder.path().join(file.strip_prefix(sound.path()).unwrap());
            let mut bytes = fs::read(&path).unwrap();
            // Most of a data file may be padding; its beginning is what is in use.
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
            fs::write(&path, bytes).unwrap();
        }
        let report = opens_equal(folder.path(), &entries, &digest);
        rebuilt += u32::from(report.rebuilt.is_some() || report.replayed != 0);
    }
    assert!(20 < rebuilt, "only {rebuilt} of the damages were where it matters");
}

#[test]
fn an_applied_entry_equals_the_draft_of_a_ledger_that_shares_its_memory() {
    let entries = entries(8);
    let mut ledger = Ledger::default();
    let mut kept = Vec::new();
    for entry in &entries {
        kept.push((ledger.clone(), text(&ledger)));
        ledger.apply(entry).unwrap();
    }
    for (before, text_before) in kept {
        assert_eq!(text(&before), text_before);
    }
    assert!(ledger.apply(&entries[7]).is_err(), "an entry is applied once");
}

#[test]
fn a_state_of_format_1_keeps_its_digest() {
    let folder = stored(&sample());
    let expected = "b5681fa702ac7d045d2e3ffcb07adbba005a186b2dee28d0d061166477b91f1b";
    assert_eq!(digest(folder.path()), expected);
    let first: Vec<_> = records(&sample()[0]).unwrap();
    let rows: Vec<_> = first.iter().map(|record| String::from_utf8_lossy(&record.key)).collect();
    assert_eq!(rows, ["990001/2010-01/cpi/000001", "990001/2010-01/000001", "000009/request-1"]);
    assert!(first.iter().all(|record| record.value.starts_with(b"1 1/1\n{")));
}

#[test]
fn records_stay_below_64_kib_and_share_no_key() {
    let mut keys = BTreeSet::new();
    for record in entries(12).iter().flat_map(|entry| records(entry).unwrap()) {
        assert!(record.value.len() < 64 << 10);
        assert!(keys.insert((record.tree, record.key)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_entries_are_batched_closed_and_reopened_the_state_is_the_same(
        cuts in proptest::collection::vec((1_usize..4, any::<bool>(), any::<bool>()), 1..8),
    ) {
        let entries = entries(20);
        let folder = tempfile::tempdir().unwrap();
        let mut done = 0;
        for (size, flushed, rebuilt) in cuts {
            let (mut store, ..) = Store::open(folder.path()).unwrap();
            let batch = &entries[done..entries.len().min(done + size)];
            store.commit(batch).unwrap();
            done += batch.len();
            if flushed {
                store.flush().unwrap();
            }
            drop(store);
            if rebuilt {
                fs::remove_dir_all(folder.path().join("state")).unwrap();
            }
        }
        let (store, ledger, _) = Store::open(folder.path()).unwrap();
        prop_assert_eq!(text(&ledger), text(&ledger_of(&entries[..done])));
        let mut sum = Sum::default();
        entries[..done].iter().for_each(|entry| sum.add_entry(entry).unwrap());
        prop_assert_eq!(store.state_digest().unwrap(), sum.hex());
    }
}

#[test]
fn a_compacted_state_is_the_same_in_a_folder_of_its_own() {
    let entries = entries(40);
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _, _) = Store::open(folder.path()).unwrap();
    // Flushed one by one, sled keeps old pages beside the new ones.
    for entry in &entries {
        store.commit(std::slice::from_ref(entry)).unwrap();
        store.flush().unwrap();
    }
    let before = store.state_digest().unwrap();
    let generations = || fs::read_dir(folder.path().join("state")).unwrap().count();
    assert_eq!(generations(), 1);
    let mut told = 0;
    store.compact(&mut |at| told = at.done).unwrap();
    assert_eq!((told, store.state_digest().as_deref()), (40, Some(before.as_str())));
    assert_eq!(store.request(&entries[7].request_id).unwrap().unwrap().sequence, 8);
    store.close().unwrap();
    assert_eq!(generations(), 1);
    assert_eq!(opens_equal(folder.path(), &entries, &before).rebuilt, None);
}

//! What happens when sled fails while the store is in use.

use std::{fs, path::Path};

use serde_json::json;

use super::{Store, record::Tree};
use crate::journal::{
    chain::Head,
    entry::{Draft, Entry, Operation},
};

fn entries(after: &Head, count: u64) -> Vec<Entry> {
    let mut head = after.clone();
    let mut entries = Vec::new();
    for _ in 0..count {
        let draft = Draft {
            recorded_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            principal: "test".into(),
            request_id: format!("request-{}", head.sequence + 1),
            request_digest: "0".repeat(64),
            origin: None,
            operation: Operation::RecordFigures { figures: vec![], decisions: vec![] },
            answer: json!({ "text": "long ".repeat(30_000) }),
        };
        let entry = Entry::seal(&head, draft).unwrap();
        head = entry.head();
        entries.push(entry);
    }
    entries
}

fn stored(folder: &Path, count: u64) -> (Store, Vec<Entry>) {
    let (mut store, ..) = Store::open(folder).unwrap();
    let entries = entries(&Head::genesis(), count);
    store.commit(&entries).unwrap();
    (store, entries)
}

fn answers(store: &mut Store, entries: &[Entry]) {
    for entry in entries {
        let request = store.request(&entry.request_id).unwrap().unwrap();
        assert_eq!((request.sequence, request.answer), (entry.sequence, entry.answer.clone()));
    }
}

#[test]
fn a_request_that_sled_lost_is_answered_from_the_journal_and_the_state_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, entries) = stored(folder.path(), 3);
    let digest = store.state_digest().unwrap();
    for part in ["", "\x00000002"] {
        let key = format!("{}{part}", super::record::request_key("request-2"));
        let tree = Tree::Requests as usize;
        store.state.as_ref().unwrap().trees[tree].remove(key).unwrap().unwrap();
        assert!(store.verify().is_err());
        answers(&mut store, &entries[1..2]);
        assert_eq!(store.state_digest(), None);
        answers(&mut store, &entries);
        store.flush().unwrap();
        assert_eq!(store.state_digest().as_ref(), Some(&digest));
        assert_eq!(store.verify().unwrap().head, entries[2].head());
    }
}

#[test]
fn a_state_that_fails_after_the_journal_was_synced_is_rebuilt_and_the_commit_stands() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut all) = stored(folder.path(), 2);
    let more = entries(store.head(), 2);
    // A row of the second entry is there already, which makes its transaction fail.
    store.state.as_mut().unwrap().apply(&more[1]).unwrap();
    store.commit(&more).unwrap();
    all.extend(more);
    answers(&mut store, &all);
    assert_eq!(store.verify().unwrap().head.sequence, 4);
    assert!(store.generations.newest().unwrap().ends_with("000002"));
}

#[test]
fn without_a_place_for_the_state_the_journal_goes_on_and_the_state_follows_later() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, mut all) = stored(folder.path(), 2);
    store.doubt("test");
    let state = folder.path().join("state");
    fs::remove_dir_all(&state).unwrap();
    fs::write(&state, "in the way").unwrap();
    assert!(store.flush().is_err());
    let more = entries(store.head(), 2);
    store.commit(&more).unwrap();
    all.extend(more);
    answers(&mut store, &all);
    fs::remove_file(&state).unwrap();
    fs::create_dir(&state).unwrap();
    store.flush().unwrap();
    assert_eq!(store.verify().unwrap().head.sequence, 4);
    answers(&mut store, &all);
    assert!(store.state.is_some());
}

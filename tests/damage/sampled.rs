//! Thousands of damages, sampled over every file of the state and of the journal. One in the state
//! is healed and changes no answer; one in the journal is found when the store is opened, and the
//! message says where it is and which command helps, and that command does.
//!
//! The long run: `DAMAGES=50000 cargo test --release --test damage sampled`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use price_linkage::{
    journal::{
        JournalError,
        copy::export,
        entry::{Entry, sha256_hex},
    },
    store::{Store, StoreError},
};
use tempfile::TempDir;

use crate::{
    facts::Random,
    fixture::copy_folder,
    kinds::every_kind,
    store::{digest, opens_equal, state_files},
};

/// How many damages there are: three fifths in the journal, and in the state, which takes longer to
/// heal, two.
const DAMAGES: usize = 2_000;
const SEGMENT_BYTES: u64 = 12 << 10;
const ROUNDS: u64 = 3;
const WORKERS: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// The bit of a byte.
    Flip(usize, u8),
    /// A page, or what there is of it, as zeros.
    Zero(usize, usize),
    /// What is left in front.
    Cut(usize),
    Removed,
}

#[derive(Debug, Clone)]
struct Damage {
    /// The file, within the store.
    file: PathBuf,
    how: How,
}

fn damages() -> usize {
    env::var("DAMAGES").map_or(DAMAGES, |count| count.parse().unwrap())
}

/// A closed store with entries of every kind, and the files that its runs refer to.
fn stored(entries: &[Entry]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, ..) = Store::open_with(folder.path(), SEGMENT_BYTES, &mut |_| ()).unwrap();
    for entry in entries {
        store.commit(std::slice::from_ref(entry)).unwrap();
    }
    store.close().unwrap();
    folder
}

fn journal_files(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder.join("journal")).unwrap();
    let mut files: Vec<_> = found.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

/// Damages of every kind in every file, then anywhere.
fn sample(files: &[PathBuf], folder: &Path, count: usize, random: &mut Random) -> Vec<Damage> {
    let mut sampled = Vec::new();
    let mut turn = 0;
    while sampled.len() < count {
        // The first turns go through the files; large files then come as often as small ones.
        let file = &files[turn % files.len()];
        let bytes = fs::read(file).unwrap();
        let how = match turn / files.len() % 5 {
            0 if turn < files.len() => How::Removed,
            0 | 1 => How::Flip(random.below(bytes.len() as u64) as usize, 1 << random.below(8)),
            kind @ (2 | 3) => {
                let page = if kind == 2 { 512 } else { 4096 };
                let at = random.below(bytes.len().div_ceil(page) as u64) as usize * page;
                How::Zero(at, page.min(bytes.len() - at))
            }
            _ => How::Cut(random.below(bytes.len() as u64) as usize),
        };
        turn += 1;
        // A page of zeros is not damaged by zeros.
        let changes = !matches!(how, How::Zero(at, length)
            if bytes[at..at + length].iter().all(|byte| *byte == 0));
        if changes {
            sampled.push(Damage { file: file.strip_prefix(folder).unwrap().into(), how });
        } else if random.below(4) == 0 {
            // Elsewhere in a file that is mostly padding.
            let at = random.below(bytes.len() as u64) as usize;
            let file = file.strip_prefix(folder).unwrap().into();
            sampled.push(Damage { file, how: How::Flip(at, 128) });
        }
    }
    sampled
}

fn apply(folder: &Path, Damage { file, how }: &Damage) {
    let path = folder.join(file);
    let mut bytes = fs::read(&path).unwrap();
    match *how {
        How::Flip(at, bits) => bytes[at] ^= bits,
        How::Zero(at, length) => bytes[at..at + length].fill(0),
        How::Cut(length) => bytes.truncate(length),
        How::Removed => return fs::remove_file(&path).unwrap(),
    }
    fs::write(&path, bytes).unwrap();
}

/// Works through the damages on several threads.
fn each(damages: &[Damage], work: impl Fn(&Damage) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(damage) = damages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(damage);
                }
            });
        }
    });
}

#[test]
fn whatever_is_damaged_in_the_state_is_healed_and_changes_no_answer() {
    let entries = every_kind(ROUNDS);
    let sound = stored(&entries);
    let digest = digest(sound.path());
    let files = state_files(sound.path());
    let damages = sample(&files, sound.path(), damages() * 2 / 5, &mut Random(2014));
    let (healed, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    each(&damages, |damage| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(sound.path(), folder.path());
        apply(folder.path(), damage);
        let report = opens_equal(folder.path(), &entries, &digest);
        if report.rebuilt.is_some() || report.replayed != 0 {
            healed.fetch_add(1, Ordering::Relaxed);
        }
        // A store that was healed stays so.
        if done.fetch_add(1, Ordering::Relaxed) % 20 == 0 {
            let again = opens_equal(folder.path(), &entries, &digest);
            assert_eq!((again.rebuilt, again.replayed), (None, 0), "{damage:?}");
        }
    });
    let healed = healed.into_inner();
    println!("{} damages in {} files of the state, {healed} healed", damages.len(), files.len());
    assert!(damages.len() / 5 < healed, "only {healed} were where it matters");
}

/// The segment and the line that opening must name; none when lines are missing at the very end,
/// which only the state shows.
fn place(files: &[PathBuf], folder: &Path, damage: &Damage) -> Option<(String, u64)> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let at = files.iter().position(|file| file.ends_with(&damage.file)).unwrap();
    let next = files.get(at + 1).map(|next| (name(next), 1));
    let bytes = fs::read(folder.join(&damage.file)).unwrap();
    let line = |byte: usize| {
        let before = bytes[..byte].iter().filter(|byte| **byte == b'\n').count();
        Some((name(&damage.file), before as u64 + 1))
    };
    match damage.how {
        How::Flip(byte, _) => line(byte),
        // Zeros to the end of the last line look like an append that never came to its end.
        How::Zero(byte, length) if next.is_none() && byte + length == bytes.len() && 1 < length => {
            None
        }
        How::Zero(byte, _) => line(byte),
        How::Removed | How::Cut(0) => next,
        How::Cut(length) if bytes[length - 1] == b'\n' => next,
        How::Cut(length) => next.and_then(|_| line(length)),
    }
}

#[test]
fn whatever_is_damaged_in_the_journal_is_found_with_its_place_and_the_command_that_helps() {
    let entries = every_kind(ROUNDS);
    let sound = stored(&entries);
    let digest = digest(sound.path());
    let files = journal_files(sound.path());
    assert!(3 < files.len(), "{files:?}");
    let damages = sample(&files, sound.path(), damages() * 3 / 5, &mut Random(2016));
    let lost = AtomicUsize::new(0);
    each(&damages, |damage| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(sound.path(), folder.path());
        let expected = place(&files, folder.path(), damage);
        apply(folder.path(), damage);
        let refused = Store::open_with(folder.path(), SEGMENT_BYTES, &mut |_| ()).map(drop);
        let refused = refused.expect_err(&format!("{damage:?}"));
        let message = refused.to_string();
        assert!(message.contains("`price-linkage restore`"), "{damage:?}: {message}");
        match refused {
            StoreError::Journal(JournalError::Corrupt { segment, line, .. }) => {
                assert_eq!(Some((segment, line)), expected, "{damage:?}: {message}");
            }
            StoreError::LostEntries { journal, state } => {
                assert_eq!(expected, None, "{damage:?}: {message}");
                assert!(journal < state && state == entries.len() as u64, "{message}");
                lost.fetch_add(1, Ordering::Relaxed);
            }
            other => panic!("{damage:?}: {other}"),
        }
    });
    let lost = lost.into_inner();
    println!("{} damages in {} segments, {lost} at the end", damages.len(), files.len());
    assert!(0 < lost && lost < damages.len() / 2);
    opens_equal(sound.path(), &entries, &digest);
}

/// Runs the program; gives its exit and what it said.
fn said(arguments: &[&str]) -> (bool, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_price-linkage")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (done.status.success(), text(done.stdout), text(done.stderr))
}

#[test]
fn the_command_that_a_damaged_journal_names_brings_everything_back() {
    let entries = every_kind(ROUNDS);
    let sound = stored(&entries);
    let digest = digest(sound.path());
    // Rosters leave files beside the journal, each under the SHA-256 of what it holds.
    let kept = sound.path().join("kept");
    fs::create_dir(&kept).unwrap();
    for month in ["2010-01", "2010-03", "2010-05"] {
        for what in ["claims", "next claims", "outcomes"] {
            let text = format!("{what} of {month}");
            fs::write(kept.join(sha256_hex(&text)), text).unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (copy, store, aside) = (place("copy.jsonl"), place("store"), place("aside"));
    export(sound.path(), Path::new(&copy)).unwrap();
    copy_folder(&kept, Path::new(&format!("{copy}.kept")));
    let files = journal_files(sound.path());
    let damage = |at: usize, how| {
        let file = Path::new("journal").join(files[at].file_name().unwrap());
        Damage { file, how }
    };
    let last = files.len() - 1;
    for damage in [
        damage(0, How::Flip(700, 4)),
        damage(1, How::Zero(4096, 4096)),
        damage(1, How::Cut(100)),
        damage(last, How::Cut(0)),
        damage(2, How::Removed),
        damage(last, How::Removed),
    ] {
        copy_folder(sound.path(), Path::new(&store));
        apply(Path::new(&store), &damage);
        let (opened, _, message) = said(&["--store", &store, "verify"]);
        assert!(!opened && message.contains("`price-linkage restore`"), "{damage:?}: {message}");
        fs::rename(&store, &aside).unwrap();
        let (restored, told, message) = said(&["--store", &store, "restore", &copy]);
        assert!(restored, "{damage:?}: {message}");
        assert!(told.contains(&format!("state {digest}")), "{told}");
        let (sound, told, message) = said(&["--store", &store, "verify"]);
        assert!(sound && told.contains("9 files of roster runs"), "{told}{message}");
        opens_equal(Path::new(&store), &entries, &digest);
        fs::remove_dir_all(&store).unwrap();
        fs::remove_dir_all(&aside).unwrap();
    }
}

//! `export`, `restore` and `verify`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use clap::Args;

use crate::{
    journal::{
        JournalError,
        chain::Head,
        copy::{self, Until},
        file::SEGMENT_BYTES,
    },
    service::{Stage, following},
    store::{OpenReport, Store, StoreError, Verification, kept::Kept, ledger::Ledger},
};

use super::{Place, output::progress};

/// `export`
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file to write.
    file: PathBuf,
}

/// `restore`
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The copy to read.
    file: PathBuf,
    /// Only up to this entry.
    #[arg(long, value_name = "ENTRY", value_parser = clap::value_parser!(u64).range(1..))]
    until_entry: Option<u64>,
    /// Only what was recorded by this instant, for example 2026-03-31T23:59:59+08:00.
    #[arg(long, value_name = "INSTANT", conflicts_with = "until_entry")]
    until: Option<DateTime<FixedOffset>>,
    /// Restore nothing unless the last entry has this digest, as `export` printed it: a copy that was cut off
    /// at the end of a line looks whole.
    #[arg(long, value_name = "DIGEST")]
    head: Option<String>,
}

fn folder(place: &Place) -> anyhow::Result<&PathBuf> {
    place.store.as_ref().context("expected --store DIR")
}

/// Where the files of roster runs lie beside a copy of the journal.
fn beside(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(".kept");
    name.into()
}

/// Checks that every file a run refers to is there as it was; gives how many.
fn whole(folder: &Path, ledger: &Ledger) -> anyhow::Result<usize> {
    let referred = ledger.runs.kept();
    let damaged = Kept::of(folder)?.damaged(&referred)?;
    anyhow::ensure!(
        damaged.is_empty(),
        "{} files of roster runs are missing or damaged, the first {}\nhint: copy them from a backup \
         into {}",
        damaged.len(),
        damaged[0],
        folder.join("kept").display()
    );
    Ok(referred.len())
}

fn open(folder: &Path) -> anyhow::Result<(Store, Ledger, OpenReport)> {
    let bar = progress();
    let opened = Store::open_with(folder, SEGMENT_BYTES, &mut |at| {
        bar.show(Stage::Rebuild, at.done, at.total);
    });
    bar.clear();
    let (store, ledger, report) = opened?;
    if let Some(why) = &report.rebuilt {
        eprintln!("rebuilt the state from the journal: {why}");
    }
    Ok((store, ledger, report))
}

/// Why a store was not restored.
#[derive(Debug, thiserror::Error)]
enum RestoreError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the copy ends at entry {} with the digest {}, expected {expected}", actual.sequence, actual.digest)]
    Head { expected: String, actual: Head },
}

impl Export {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        // Beside a running service this is safe: an unfinished line is not copied.
        let folder = folder(place)?;
        let (beside, mut files) = (beside(&self.file), 0);
        let copied = copy::export_after(folder, &self.file, || -> Result<(), StoreError> {
            files = Kept::of(folder)?.copy_to(&beside)?;
            Ok(())
        })?;
        println!("{} entries, head {}", copied.head.sequence, copied.head.digest);
        if 0 < files {
            println!("{files} files of roster runs in {}", beside.display());
        }
        Ok(())
    }
}

impl Restore {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let folder = folder(place)?;
        let beside = beside(&self.file);
        let until = match (self.until_entry, self.until) {
            (Some(entry), _) => Until::Entry(entry),
            (None, Some(instant)) => Until::Instant(instant.to_utc()),
            (None, None) => Until::End,
        };
        let kept = |store: &Path, head: &Head| -> Result<(), RestoreError> {
            if let Some(expected) = self.head.as_ref().filter(|expected| **expected != head.digest)
            {
                let (expected, actual) = (expected.clone(), head.clone());
                return Err(RestoreError::Head { expected, actual });
            }
            if beside.exists() {
                Kept::copied(beside).copy_to(&store.join("kept"))?;
            }
            Ok(())
        };
        let copied = copy::restore_with(&self.file, folder, (&until, SEGMENT_BYTES), kept)?;
        let (store, ledger, _) = open(folder)?;
        whole(folder, &ledger)?;
        println!("{} entries, head {}", copied.head.sequence, copied.head.digest);
        println!("state {}", store.state_digest().unwrap_or_default());
        store.close()?;
        Ok(())
    }
}

/// Lets a follower's store record for itself.
pub(super) fn promote(place: &Place) -> anyhow::Result<()> {
    let leader = following::promote(folder(place)?)?;
    println!("follows {leader} no more");
    Ok(())
}

/// Builds the state anew and tells how large it was and is.
pub(super) fn compact(place: &Place) -> anyhow::Result<()> {
    let folder = folder(place)?;
    anyhow::ensure!(folder.exists(), "{}: no store here", folder.display());
    let state = folder.join("state");
    let before = bytes_of(&state)?;
    let (mut store, _, _) = open(folder)?;
    let bar = progress();
    let compacted = store.compact(&mut |at| bar.show(Stage::Rebuild, at.done, at.total));
    bar.clear();
    compacted?;
    let digest = store.state_digest().unwrap_or_default();
    store.close()?;
    println!("state {digest}: {before} bytes before, {} now", bytes_of(&state)?);
    Ok(())
}

/// How many bytes the files below a folder have.
fn bytes_of(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    if !folder.exists() {
        return Ok(bytes);
    }
    let found = std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for found in found {
        let found = found?;
        let about = found.metadata()?;
        bytes += if about.is_dir() { bytes_of(&found.path())? } else { about.len() };
    }
    Ok(bytes)
}

pub(super) fn verify(place: &Place) -> anyhow::Result<()> {
    let folder = folder(place)?;
    anyhow::ensure!(folder.exists(), "{}: no store here", folder.display());
    let (store, ledger, _) = open(folder)?;
    let files = whole(folder, &ledger)?;
    let Verification { head, figures, standards, decisions, documents, records, state_digest } =
        store.verify()?;
    println!("{} entries, head {}", head.sequence, head.digest);
    println!(
        "{figures} figures, {standards} standards, {decisions} decisions, {documents} documents"
    );
    println!("{records} records, state {state_digest}");
    if 0 < files {
        println!("{files} files of roster runs");
    }
    store.close()?;
    Ok(())
}

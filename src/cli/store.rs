//! `export`, `restore` and `verify`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::{
    journal::{copy, file::SEGMENT_BYTES},
    service::Stage,
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
        let kept = |store: &Path| -> Result<(), StoreError> {
            if beside.exists() {
                Kept::copied(beside).copy_to(&store.join("kept"))?;
            }
            Ok(())
        };
        let copied = copy::restore_with(&self.file, folder, SEGMENT_BYTES, kept)?;
        let (store, ledger, _) = open(folder)?;
        whole(folder, &ledger)?;
        println!("{} entries, head {}", copied.head.sequence, copied.head.digest);
        println!("state {}", store.state_digest().unwrap_or_default());
        store.close()?;
        Ok(())
    }
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

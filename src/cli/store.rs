//! `export`, `restore` and `verify`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::{
    journal::{copy, file::SEGMENT_BYTES},
    service::Stage,
    store::{OpenReport, Store, Verification},
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

fn open(folder: &Path) -> anyhow::Result<(Store, OpenReport)> {
    let bar = progress();
    let opened = Store::open_with(folder, SEGMENT_BYTES, &mut |at| {
        bar.show(Stage::Rebuild, at.done, at.total);
    });
    bar.clear();
    let (store, _, report) = opened?;
    if let Some(why) = &report.rebuilt {
        eprintln!("rebuilt the state from the journal: {why}");
    }
    Ok((store, report))
}

impl Export {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        // Beside a running service this is safe: an unfinished line is not copied.
        let copied = copy::export(folder(place)?, &self.file)?;
        println!("{} entries, head {}", copied.head.sequence, copied.head.digest);
        Ok(())
    }
}

impl Restore {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let folder = folder(place)?;
        let copied = copy::restore(&self.file, folder)?;
        let (store, _) = open(folder)?;
        println!("{} entries, head {}", copied.head.sequence, copied.head.digest);
        println!("state {}", store.state_digest().unwrap_or_default());
        store.close()?;
        Ok(())
    }
}

pub(super) fn verify(place: &Place) -> anyhow::Result<()> {
    let folder = folder(place)?;
    anyhow::ensure!(folder.exists(), "{}: no store here", folder.display());
    let (store, _) = open(folder)?;
    let Verification { head, figures, standards, decisions, documents, records, state_digest } =
        store.verify()?;
    println!("{} entries, head {}", head.sequence, head.digest);
    println!(
        "{figures} figures, {standards} standards, {decisions} decisions, {documents} documents"
    );
    println!("{records} records, state {state_digest}");
    store.close()?;
    Ok(())
}

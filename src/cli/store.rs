//! `export`, `restore` and `verify`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::{
    journal::{copy, file::FileJournal},
    store::Store,
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

impl Export {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let folder = folder(place)?.join("journal");
        anyhow::ensure!(folder.exists(), "{}: no journal here", folder.display());
        // Reading a journal that is being written is safe: an unfinished line is not copied.
        let journal = FileJournal::open_for_reading(&folder)?;
        let head = copy::export(&journal, &self.file)?;
        println!("{} entries, head {}", head.sequence, head.digest);
        Ok(())
    }
}

impl Restore {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let folder = folder(place)?;
        let head = copy::restore(&self.file, folder)?;
        let bar = progress();
        let opened = Store::open(folder, &mut |done, all| {
            bar.show(crate::service::Stage::Rebuild, done, all);
        });
        bar.clear();
        let (store, ..) = opened?;
        println!("{} entries, head {}", head.sequence, head.digest);
        println!("state {}", store.state_digest());
        Ok(())
    }
}

pub(super) fn verify(place: &Place) -> anyhow::Result<()> {
    let folder = folder(place)?;
    anyhow::ensure!(folder.join("journal").exists(), "{}: no store here", folder.display());
    let bar = progress();
    let opened = Store::open(folder, &mut |done, all| {
        bar.show(crate::service::Stage::Rebuild, done, all);
    });
    bar.clear();
    let (store, _, report) = opened?;
    if let Some(why) = report.rebuilt {
        println!("rebuilt the state from the journal: {why}");
    }
    let verified = store.verify()?;
    println!("{} entries, head {}", verified.head.sequence, verified.head.digest);
    println!("{} records, state {}", verified.records, verified.state_digest);
    Ok(())
}

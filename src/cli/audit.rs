//! `audit`: the journal's entries, and whether its chain holds.

use std::io::Write;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::{
    client::{audit, instant},
    grpc::v1::{self, EntryKind},
};

use super::{
    Format, Language, Place,
    client::{lists, told, with},
    output::{Rows, json, say},
};

/// `audit`
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Only entries of this kind.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only entries of this principal.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Walk the chain of a running service instead, from the first entry to the last.
    #[arg(long, conflicts_with_all = ["kind", "by"])]
    verify: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Figures,
    Standards,
    Law,
    MakeRun,
    MoveRun,
}

impl From<Kind> for EntryKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Figures => Self::Figures,
            Kind::Standards => Self::Standards,
            Kind::Law => Self::Law,
            Kind::MakeRun => Self::MakeRun,
            Kind::MoveRun => Self::MoveRun,
        }
    }
}

fn kind_word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Unspecified => "",
        EntryKind::Figures => "figures",
        EntryKind::Standards => "standards",
        EntryKind::Law => "law",
        EntryKind::MakeRun => "make_run",
        EntryKind::MoveRun => "move_run",
    }
}

/// Columns of `audit`.
const COLUMNS: [&str; 11] = [
    "sequence",
    "recorded_at",
    "by",
    "kind",
    "rows",
    "decisions",
    "documents",
    "run",
    "digest",
    "origin",
    "request_id",
];

impl Audit {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        if self.verify {
            return verify(place);
        }
        let request = v1::ListEntriesRequest {
            kind: self.kind.map_or(EntryKind::Unspecified, EntryKind::from).into(),
            principal: self.by.clone().unwrap_or_default(),
            page_size: 1_000,
            ..Default::default()
        };
        let entries = with(place, |transport| async move {
            lists::entries(&transport, request).await.map_err(told)
        })?;
        if place.format == Format::Json {
            return entries.iter().try_for_each(|entry| json("JournalEntry", entry));
        }
        let mut rows = Rows::new(&COLUMNS);
        for one in entries {
            let at = instant(one.recorded_at);
            let at = at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            rows.push(vec![
                one.sequence.to_string(),
                at.unwrap_or_default(),
                one.principal.clone(),
                kind_word(one.kind()).to_owned(),
                one.rows.to_string(),
                one.decisions.to_string(),
                one.documents.len().to_string(),
                one.run.clone(),
                one.digest.clone(),
                one.origin.clone(),
                one.request_id.clone(),
            ]);
        }
        rows.print(place.format)
    }
}

fn verify(place: &Place) -> anyhow::Result<()> {
    let found = with(place, |transport| async move {
        let found = audit(&transport).verify_journal(v1::VerifyJournalRequest {}).await;
        Ok(found.map_err(told)?.into_inner())
    })?;
    if place.format == Format::Json {
        json("JournalVerification", &found)?;
    }
    if !found.sound {
        bail!("{}", say(place, &found.why));
    }
    let (entries, head) = (found.entries, &found.head);
    match (place.format, place.lang) {
        (Format::Json, _) => {}
        (_, Language::Zh) => writeln!(std::io::stdout(), "{entries} 笔首尾相连,末笔 {head}")?,
        (_, Language::En) => writeln!(std::io::stdout(), "{entries} entries in one chain, {head}")?,
    }
    Ok(())
}

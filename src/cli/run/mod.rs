//! `run`: subsidy runs, from headcounts to receipts.

use std::{fs, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::{
    domain::month::Month,
    grpc::{run_message::headcount, v1},
    intake::{folder::load, headcounts::read_headcounts},
};

use super::{
    Place,
    client::{self, Transport, told, with},
    record::row_problems,
};

mod sheet;

mod show;

mod due;

mod roster;

mod upload;

use due::{Due, Missing};
pub(super) use roster::Keys;
use show::{drift, lines, receipt, show_one, verify};

/// `run`
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Who asks; recorded with everything done. Somebody else must approve what this person made.
    #[arg(long = "as", value_name = "NAME", env = "PRICE_LINKAGE_PRINCIPAL", global = true)]
    principal: Option<String>,
    #[command(flatten)]
    keys: roster::Keys,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a run from a CSV of headcounts: index_month, area_code, group, residence, persons,
    /// households; headers in English or Chinese, UTF-8 or GB18030.
    Make(Make),
    /// Make an adjustment (补发) of a released or closed run: pay what it and its earlier adjustments
    /// leave unpaid of today's amounts. What was paid too much is only told.
    Adjust(Adjust),
    /// Make a run from a roster: a list of persons, each paid once at the highest.
    Roster(roster::Make),
    /// The payment list of an approved roster run, from the roster it was made from.
    PaymentList(roster::PaymentList),
    /// Say what became of lines of a released run's payment list: a CSV with the columns reference
    /// and outcome (paid, account_unknown, account_closed, name_mismatch, failed), in English or
    /// Chinese.
    Settle(Settle),
    /// A fresh key under which persons are kept. Whoever has it can tell who is in a run.
    Key,
    /// Runs, the newest first.
    List(List),
    /// One run: state, totals by source of funds, findings, life, what it rests on.
    Show(Named),
    /// The lines of a run.
    Lines(Named),
    /// Hand a draft in for approval.
    Submit(Step),
    /// Approve a submitted run.
    Approve(Step),
    /// Refuse a submitted run, with a reason.
    Reject(Step),
    /// Hand an approved run over for payment.
    Release(Step),
    /// Settle a released run.
    Close(Step),
    /// Take back a run that is not released, with a reason.
    Void(Step),
    /// Compute a run again from what it pins, and compare.
    Verify(Named),
    /// What live runs would pay otherwise today.
    Drift,
    /// The payments that fall due in a month, with their index months, groups and rhythm.
    Due(Due),
    /// Payments whose due date is near or past, or unknown, and that no live run pays yet.
    Missing(Missing),
    /// The receipt: canonical JSON from which an outsider can check the run; its SHA-256 goes to
    /// standard error.
    Receipt(Named),
    /// A spreadsheet of a run, for offices to sign and send; its SHA-256 goes to standard error.
    Sheet(sheet::Sheet),
}

#[derive(Debug, Args)]
struct Make {
    /// The headcounts.
    file: PathBuf,
    /// Refuse assumptions.
    #[arg(long)]
    strict: bool,
    /// Pay months without a trigger where a document records that it was so decided.
    #[arg(long)]
    discretion: bool,
    /// What you say about it.
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    recording: Recording,
}

#[derive(Debug, Args)]
struct Adjust {
    /// The run, for example R25.
    run: String,
    /// What you say about it.
    #[arg(long, default_value = "")]
    note: String,
    #[command(flatten)]
    recording: Recording,
}

#[derive(Debug, Args)]
struct Recording {
    /// Work it out and answer, but record nothing.
    #[arg(long)]
    validate_only: bool,
    /// The request's id, a UUID. Give the same one again when an answer was lost.
    #[arg(long)]
    request_id: Option<uuid::Uuid>,
}

#[derive(Debug, Args)]
struct List {
    /// Runs that pay this area or one below.
    #[arg(long, value_name = "CODE")]
    within: Option<String>,
    /// Runs that pay for this index month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<Month>,
}

#[derive(Debug, Args)]
struct Named {
    /// The run, for example R25.
    run: String,
}

#[derive(Debug, Args)]
struct Settle {
    /// The run, for example R25.
    run: String,
    /// What came back.
    file: PathBuf,
    #[command(flatten)]
    recording: Recording,
}

#[derive(Debug, Args)]
struct Step {
    /// The run, for example R25.
    run: String,
    /// Why; needed to reject, to void and to overrule a blocking finding.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    recording: Recording,
}

impl Recording {
    fn id(&self) -> String {
        self.request_id.unwrap_or_else(uuid::Uuid::now_v7).to_string()
    }
}

impl Run {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        if place.server.is_none() && place.store.is_none() && !self.keeps_nothing() {
            bail!("runs are kept in a store\nhint: give --server URL or --store DIR");
        }
        match &self.command {
            Command::Make(make) => self.make(place, make),
            Command::Adjust(adjust) => self.adjust(place, adjust),
            Command::Roster(make) => {
                let by = self.principal.as_deref().unwrap_or_default();
                match &place.server {
                    Some(_) => make.over_server(place, self.asked(make.head()?)?),
                    None => make.run(place, by, &self.keys),
                }
            }
            Command::PaymentList(list) => list.run(place),
            Command::Settle(settle) => self.settle(place, settle),
            Command::Key => roster::key(),
            Command::List(list) => list.run(place),
            Command::Show(named) => show_one(place, &with(place, |t| get(t, named.run.clone()))?),
            Command::Lines(named) => lines(place, named.run.clone()),
            Command::Submit(step) => self.step(place, v1::RunMove::Submit, step),
            Command::Approve(step) => self.step(place, v1::RunMove::Approve, step),
            Command::Reject(step) => self.step(place, v1::RunMove::Reject, step),
            Command::Release(step) => self.step(place, v1::RunMove::Release, step),
            Command::Close(step) => self.step(place, v1::RunMove::Close, step),
            Command::Void(step) => self.step(place, v1::RunMove::Void, step),
            Command::Verify(named) => verify(place, named.run.clone()),
            Command::Drift => drift(place),
            Command::Due(due) => due.run(place),
            Command::Missing(missing) => missing.run(place),
            Command::Receipt(named) => receipt(place, named.run.clone()),
            Command::Sheet(sheet) => sheet.run(place),
        }
    }

    fn keeps_nothing(&self) -> bool {
        match &self.command {
            Command::Make(make) => make.recording.validate_only,
            Command::Roster(make) => make.keeps_nothing(),
            Command::Key | Command::Due(_) => true,
            _ => false,
        }
    }

    fn asked<T>(&self, message: T) -> anyhow::Result<tonic::Request<T>> {
        let mut request = tonic::Request::new(message);
        if let Some(name) = &self.principal {
            let name = name.parse().context("--as: expected printable ASCII characters")?;
            request.metadata_mut().insert("principal", name);
        }
        Ok(request)
    }

    fn make(&self, place: &Place, make: &Make) -> anyhow::Result<()> {
        let bytes =
            fs::read(&make.file).with_context(|| format!("read {}", make.file.display()))?;
        let data = load(&place.data)?;
        let headcounts = read_headcounts(&bytes, &data.areas, &data.groups);
        let headcounts = headcounts.map_err(|problems| {
            anyhow::anyhow!("{}: nothing was made\n{problems}", make.file.display())
        })?;
        self.made(
            place,
            v1::MakeRunRequest {
                request_id: make.recording.id(),
                validate_only: make.recording.validate_only,
                headcounts: headcounts.iter().map(headcount).collect(),
                strict: make.strict,
                discretion: make.discretion,
                note: make.note.clone(),
                ..Default::default()
            },
        )
    }

    fn adjust(&self, place: &Place, adjust: &Adjust) -> anyhow::Result<()> {
        self.made(
            place,
            v1::MakeRunRequest {
                request_id: adjust.recording.id(),
                validate_only: adjust.recording.validate_only,
                adjusts: adjust.run.clone(),
                note: adjust.note.clone(),
                ..Default::default()
            },
        )
    }

    fn made(&self, place: &Place, request: v1::MakeRunRequest) -> anyhow::Result<()> {
        let request = self.asked(request)?;
        let made = with(place, |transport| async move {
            let made = client::run(&transport).make_run(request).await;
            Ok(made.map_err(told)?.into_inner())
        })?;
        row_problems(&made.problems, made.more_problems)?;
        let run = made.run.unwrap_or_default();
        if run.state() != v1::RunState::Draft {
            eprintln!("the request had made {} before; this is how it stands now", run.id);
        }
        show_one(place, &run)
    }

    fn settle(&self, place: &Place, settle: &Settle) -> anyhow::Result<()> {
        let table = fs::read(&settle.file);
        let table = table.with_context(|| format!("read {}", settle.file.display()))?;
        let request = self.asked(v1::SettleRunRequest {
            request_id: settle.recording.id(),
            validate_only: settle.recording.validate_only,
            run: settle.run.clone(),
            table,
        })?;
        let run = with(place, |transport| async move {
            let run = client::roster(&transport).settle_run(request).await;
            Ok(run.map_err(told)?.into_inner())
        })?;
        show_one(place, &run)
    }

    fn step(&self, place: &Place, made: v1::RunMove, step: &Step) -> anyhow::Result<()> {
        let request = self.asked(v1::MoveRunRequest {
            request_id: step.recording.id(),
            validate_only: step.recording.validate_only,
            run: step.run.clone(),
            made: made.into(),
            reason: step.reason.clone(),
        })?;
        let run = with(place, |transport| async move {
            let run = client::run(&transport).move_run(request).await;
            Ok(run.map_err(told)?.into_inner())
        })?;
        show_one(place, &run)
    }
}

async fn get(transport: Transport, run: String) -> anyhow::Result<v1::Run> {
    let run = client::run(&transport).get_run(v1::GetRunRequest { run }).await;
    Ok(run.map_err(told)?.into_inner())
}

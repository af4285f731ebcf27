//! The command line. Data goes to standard output, everything else to standard error.
//!
//! **Invariant:** every question goes through the same services as a remote client's, in process or
//! over the network, so that both get the same answer.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};

mod ask;

mod audit;

mod beside;

mod cases;

mod credentials;

mod doors;

mod principals;

mod client;

mod config;

mod diff;

mod law;

mod log;

#[cfg(feature = "traces")]
mod traces;

mod notice;

mod output;

mod owed;

mod record;

mod replay;

mod run;

mod serve;

mod store;

/// Decides, computes, explains and keeps China's temporary price subsidies (价格临时补贴).
#[derive(Debug, Parser)]
#[command(name = "price-linkage", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Where answers come from and how they are shown")]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where answers come from, and how they are shown.
#[derive(Debug, Clone, Args)]
struct Place {
    /// Ask a running server, for example http://127.0.0.1:50051.
    #[arg(long, global = true, value_name = "URL", conflicts_with = "store")]
    server: Option<String>,
    /// Work in process on a store folder. With neither, the shipped data is used in memory.
    #[arg(long, global = true, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Lay a folder of own data over the shipped one: areas, indices, standards, calendar,
    /// instruments. May be repeated.
    #[arg(long, global = true, value_name = "DIR")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    credentials: credentials::Credentials,
    /// How to show data.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Language of sentences.
    #[arg(long, global = true, value_enum, default_value_t = Language::Zh)]
    lang: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For reading.
    Table,
    /// With the documented columns.
    Csv,
    /// The messages of the API as JSON.
    Json,
    /// The columns of CSV, typed, as Parquet.
    Parquet,
    /// The same as an Arrow IPC file.
    Arrow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// 中文.
    Zh,
    /// English.
    En,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve gRPC on the embedded store; seeds it with the shipped data on first start.
    Serve(Box<serve::Serve>),
    /// The file that `serve --config` reads.
    #[command(subcommand)]
    Config(config::Config),
    /// Index figures.
    #[command(subcommand)]
    Index(record::Index),
    /// Assistance standards.
    #[command(subcommand)]
    Standard(record::Standard),
    /// Has it triggered, why, since when, by when must it be paid, what is missing.
    Status(ask::Status),
    /// The notice of a month, for an office to send: the mechanism starts, goes on or is suspended.
    Notice(notice::Notice),
    /// The states of an area through time, or with --recorded the decisions as recorded.
    History(ask::History),
    /// What each group is owed, with the derivation.
    Subsidy(owed::Subsidy),
    /// Months under the law of the time, of another time, or of a named document.
    Replay(owed::Replay),
    /// Two or more laws over the same months: gained, lost, paid differently, and what they cost.
    Compare(replay::compare::Compare),
    /// One or two parameters moved over ranges: months paid and cost at each point.
    Sweep(replay::sweep::Sweep),
    /// How far areas are from their thresholds, and what the coming month would have to be.
    Outlook(replay::outlook::Outlook),
    /// Why two laws or two knowledge dates answer differently: where the derivations part.
    ExplainDiff(replay::explain::ExplainDiff),
    /// Draw a chart as SVG or PNG: indices with thresholds, areas × months, cost, a sweep.
    Chart(replay::chart::Chart),
    /// Subsidy runs: made from headcounts, approved by somebody else, kept with all they rest on.
    Run(run::Run),
    /// The law as data.
    #[command(subcommand)]
    Rules(law::Rules),
    /// Published decisions and payouts, recomputed: which are reproduced, and why others cannot be.
    Cases(cases::Cases),
    /// The areas.
    Areas(law::Areas),
    /// The journal: who recorded, decided and approved what, when.
    Audit(audit::Audit),
    /// Write a verified copy of the journal of --store to a file: the backup.
    Export(store::Export),
    /// Make a new store in --store from a copy.
    Restore(store::Restore),
    /// Who may sign in to `serve`, and what each role may do.
    Principals(principals::Principals),
    /// Walk the journal's chain and the state of --store.
    Verify,
    /// Let the store of a follower record for itself. Only when its leader is gone for good.
    Promote,
    /// Write the state of --store anew from its journal, which gives back what it no longer needs. No
    /// service may have the store open.
    Compact,
}

/// By which clocks and under which law.
#[derive(Debug, Clone, Default, Args)]
struct Asking {
    /// Only what was recorded by this instant, for example 2020-02-10T00:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<chrono::DateTime<chrono::Utc>>,
    /// Only figures released on or before this day; one without a release date is not seen.
    #[arg(long, value_name = "YYYY-MM-DD")]
    published_by: Option<chrono::NaiveDate>,
    /// Refuse assumptions: what the law leaves open stays open.
    #[arg(long)]
    strict: bool,
    /// The law in force in this month, applied to every month.
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "law_document")]
    law_as_of: Option<crate::domain::month::Month>,
    /// This document and those it amends, applied to every month.
    #[arg(long, value_name = "ID")]
    law_document: Option<String>,
    /// Lay a reform over that law: a document of kind "reform" in TOML or JSON; may be repeated.
    /// Answers under it are hypothetical, and nothing is paid by them.
    #[arg(long, value_name = "FILE")]
    reform: Vec<PathBuf>,
    /// A reform in one word, for example trigger.conditions.cpi.threshold=3.0; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
}

/// Reads the command line and runs its command; problems go to standard error.
pub fn run() -> ExitCode {
    let done = config::parse().and_then(|cli| {
        let told = match &cli.command {
            Command::Serve(serve) => serve.told.clone(),
            _ => log::Told::default(),
        };
        let _until_the_end = told.begin()?;
        dispatch(cli)
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            // A reader that closed the pipe has seen enough.
            let pipe = error.chain().any(|cause| {
                cause
                    .downcast_ref::<std::io::Error>()
                    .is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
            });
            if pipe {
                return ExitCode::SUCCESS;
            }
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { place, command } = cli;
    match command {
        Command::Serve(serve) => serve.run(&place)?,
        Command::Config(config) => config.run()?,
        Command::Index(index) => index.run(&place)?,
        Command::Standard(standard) => standard.run(&place)?,
        Command::Status(status) => status.run(&place)?,
        Command::Notice(notice) => notice.run(&place)?,
        Command::History(history) => history.run(&place)?,
        Command::Subsidy(subsidy) => subsidy.run(&place)?,
        Command::Replay(replay) => replay.run(&place)?,
        Command::Compare(compare) => compare.run(&place)?,
        Command::Sweep(sweep) => sweep.run(&place)?,
        Command::Outlook(outlook) => outlook.run(&place)?,
        Command::ExplainDiff(explain) => explain.run(&place)?,
        Command::Chart(chart) => chart.run(&place)?,
        Command::Run(run) => run.run(&place)?,
        Command::Rules(rules) => return rules.run(&place),
        Command::Cases(cases) => cases.run(&place)?,
        Command::Areas(areas) => areas.run(&place)?,
        Command::Audit(audit) => audit.run(&place)?,
        Command::Export(export) => export.run(&place)?,
        Command::Restore(restore) => restore.run(&place)?,
        Command::Principals(principals) => principals.run(&place)?,
        Command::Verify => store::verify(&place)?,
        Command::Compact => store::compact(&place)?,
        Command::Promote => store::promote(&place)?,
    }
    Ok(ExitCode::SUCCESS)
}

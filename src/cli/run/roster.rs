//! `run roster`: from a list of persons to a payment list.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    access::{Origin, principal::Reach},
    domain::{life::Life, month::Month, run::Run},
    grpc::{run_message::run_message, v1},
    roster::{columns::Mapping, list::Totals, person::PersonKey, source::Format, work::Watch},
    service::{
        Request, Service,
        roster::{Means, Roster, RosterSpec, Worked},
    },
};

use super::{
    Recording,
    show::show_one,
    upload::{self, RejectsFile},
};
use crate::cli::{Place, client, output::progress};

/// `run roster`
#[derive(Debug, Args)]
pub(super) struct Make {
    #[command(flatten)]
    source: RosterFile,
    /// The index month.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// Refuse assumptions.
    #[arg(long)]
    strict: bool,
    /// Pay months without a trigger where a document records that it was so decided.
    #[arg(long)]
    discretion: bool,
    /// What you say about it.
    #[arg(long, default_value = "")]
    note: String,
    /// Pay those whom this released run did not reach: failed, or not on its roster.
    #[arg(long, value_name = "RUN")]
    follows: Option<String>,
    /// Who left a group: a CSV with the columns person_id and since; a row without a day counts from
    /// the beginning. They are not paid.
    #[arg(long, value_name = "FILE")]
    ended: Option<PathBuf>,
    /// Who is paid elsewhere or pays contributions: a CSV with the columns person_id and, where it
    /// conflicts with one group only, group. They stop the approval until it is overruled.
    #[arg(long, value_name = "FILE")]
    elsewhere: Option<PathBuf>,
    /// With --validate-only: write the payment list as it would be, without references.
    #[arg(long, value_name = "FILE", requires = "validate_only")]
    list: Option<PathBuf>,
    /// Write the rows that are not paid, with the reason.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    means: MeansArgs,
    #[command(flatten)]
    recording: Recording,
}

#[derive(Debug, Args)]
struct MeansArgs {
    /// How many parts are worked on at once; as many as there are processors when left out.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Most MiB of rows held in memory; what does not fit goes to a temporary file.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    memory: usize,
}

impl MeansArgs {
    fn means(&self) -> Means {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.threads.unwrap_or_else(processors).clamp(1, 64);
        Means { workers, memory: self.memory.saturating_mul(1 << 20) }
    }
}

/// Where persons' keys are.
#[derive(Debug, Args)]
pub(in crate::cli) struct Keys {
    /// The keys under which persons are kept, one a line, the one for new months first; `run key`
    /// makes one. Needed for roster runs.
    #[arg(long, value_name = "FILE", env = "PRICE_LINKAGE_PERSON_KEYS", global = true)]
    person_keys: Option<PathBuf>,
}

impl Keys {
    /// The keys.
    pub fn read(&self) -> anyhow::Result<Vec<PersonKey>> {
        let Some(path) = &self.person_keys else { return Ok(Vec::new()) };
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        PersonKey::read_all(&text).with_context(|| format!("read {}", path.display()))
    }
}

/// The service in process, with the keys.
fn opened(place: &Place, keys: &Keys) -> anyhow::Result<Service> {
    let keys = keys.read()?;
    let mut service = client::open(place)?;
    service.person_keys = keys;
    Ok(service)
}

/// `run key`
pub(super) fn key() -> anyhow::Result<()> {
    println!("{}", PersonKey::fresh()?.to_hex());
    Ok(())
}

/// A roster as a file.
#[derive(Debug, Args)]
struct RosterFile {
    /// The roster: .csv (UTF-8 or GB18030), .parquet or .xlsx. Columns: person_id, name, area_code,
    /// group, residence; where there are any, id_type, status, from, until, account; headers in
    /// English or Chinese.
    roster: PathBuf,
    /// A TOML file that names the headers, such as person_id = "身份证号".
    #[arg(long, value_name = "FILE")]
    columns: Option<PathBuf>,
}

impl RosterFile {
    fn mapping(&self) -> anyhow::Result<Mapping> {
        let Some(path) = &self.columns else { return Ok(Mapping::default()) };
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }

    fn open(&self) -> anyhow::Result<File> {
        let file = File::open(&self.roster);
        file.with_context(|| format!("open {}", self.roster.display()))
    }

    fn roster(&self) -> anyhow::Result<Roster> {
        let (mapping, format) = (self.mapping()?, format(&self.roster)?);
        Ok(Roster { file: self.open()?, format, mapping })
    }

    fn head(&self) -> anyhow::Result<v1::RosterHead> {
        let format = upload::format(format(&self.roster)?).into();
        Ok(v1::RosterHead { format, columns: self.mapping()?.into_iter().collect() })
    }
}

/// `run list`
#[derive(Debug, Args)]
pub(super) struct PaymentList {
    /// The run, for example R25.
    run: String,
    #[command(flatten)]
    source: RosterFile,
    /// The payment list: .csv, .parquet or .xlsx.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    means: MeansArgs,
}

impl PaymentList {
    pub fn run(&self, place: &Place) -> anyhow::Result<()> {
        let (whole, file) = Whole::create(&self.out)?;
        if place.server.is_some() {
            let head = v1::PaymentListHead {
                run: self.run.clone(),
                format: upload::format(format(&self.out)?).into(),
                roster: Some(self.source.head()?),
            };
            let roster = self.source.open()?;
            let totals = client::with(place, |transport| {
                upload::list(transport, head, roster, file, &self.out)
            })?;
            whole.finish()?;
            println!("{}: {}", self.out.display(), upload::checked_by(&totals));
            return Ok(());
        }
        let roster = self.source.roster()?;
        let service = client::open(place)?;
        let bar = progress();
        let cancelled = cancelled_by_hand()?;
        let progress = |done, of| bar.share(done, of);
        let watch = Watch { progress: &progress, cancelled: &cancelled };
        let to = (file, format(&self.out)?);
        let totals = service.write_run_list(&self.run, &roster, to, self.means.means(), &watch)?;
        bar.clear();
        whole.finish()?;
        told(&self.out, &totals, true);
        Ok(())
    }
}

fn format(path: &Path) -> anyhow::Result<Format> {
    Format::of(path).with_context(|| {
        format!("{}: expected a name that ends in .csv, .parquet or .xlsx", path.display())
    })
}

/// A file that appears under its name only once it is whole.
struct Whole {
    part: PathBuf,
    path: PathBuf,
}

impl Whole {
    fn create(path: &Path) -> anyhow::Result<(Self, File)> {
        if path.exists() {
            bail!("{}: it exists; expected a new name", path.display());
        }
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).with_context(|| format!("create {}", part.display()))?;
        Ok((Self { part, path: path.to_owned() }, file))
    }

    fn finish(self) -> anyhow::Result<()> {
        fs::rename(&self.part, &self.path)
            .with_context(|| format!("rename to {}", self.path.display()))
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // After it was renamed there is nothing under this name.
        let _ = fs::remove_file(&self.part);
    }
}

impl Make {
    /// Whether it needs no store.
    pub fn keeps_nothing(&self) -> bool {
        self.recording.validate_only
    }

    /// What a server is asked.
    pub fn head(&self) -> anyhow::Result<v1::MakeRosterRunHead> {
        Ok(v1::MakeRosterRunHead {
            request_id: self.recording.id(),
            validate_only: self.recording.validate_only,
            month: Some(client::year_month(self.month)),
            strict: self.strict,
            discretion: self.discretion,
            note: self.note.clone(),
            follows: self.follows.clone().unwrap_or_default(),
            ended: list(&self.ended)?,
            elsewhere: list(&self.elsewhere)?,
            roster: Some(self.source.head()?),
        })
    }

    /// Has a server make it.
    pub fn over_server(
        &self,
        place: &Place,
        asked: tonic::Request<v1::MakeRosterRunHead>,
    ) -> anyhow::Result<()> {
        if self.list.is_some() {
            bail!("--list: a server writes no payment list of a trial\nhint: try it in process");
        }
        let file = self.source.open()?;
        let (whole, rejects) = match &self.rejects {
            None => (None, None),
            Some(path) => {
                let (whole, file) = Whole::create(path)?;
                (Some((whole, path)), Some(RejectsFile { file, format: format(path)? }))
            }
        };
        let bar = progress();
        let made =
            client::with(place, |transport| upload::make(transport, asked, file, rejects, &bar));
        bar.clear();
        let (run, totals) = made?;
        if let (Some((whole, path)), Some(totals)) = (whole, totals) {
            whole.finish()?;
            told(path, &totals, false);
        }
        show_one(place, &run)
    }

    pub fn run(&self, place: &Place, principal: &str, keys: &Keys) -> anyhow::Result<()> {
        if principal.trim().is_empty() {
            bail!("principal: expected who asks (--as NAME)");
        }
        let roster = self.source.roster()?;
        let means = self.means.means();
        let spec = RosterSpec {
            month: self.month,
            strict: self.strict,
            discretion: self.discretion,
            note: self.note.clone(),
            follows: self.follows.clone(),
            ended: list(&self.ended)?,
            elsewhere: list(&self.elsewhere)?,
            within: Reach::Everywhere,
        };
        let service = opened(place, keys)?;
        let bar = progress();
        let cancelled = cancelled_by_hand()?;
        let progress = |done, of| bar.share(done, of);
        let watch = Watch { progress: &progress, cancelled: &cancelled };
        let life = if self.recording.validate_only {
            let worked = service.try_roster(&roster, &spec, principal, means, &watch)?;
            self.written(&worked, &roster, means, &watch)?;
            {
                let made_at = worked.run.pins.known_at;
                let run = Run { id: String::new(), ..worked.run };
                Life { run: run.into(), made_at, events: Vec::new() }
            }
        } else {
            let (id, origin) = (self.recording.id(), Some(Origin::InProcess.to_string()));
            let request = Request { principal: principal.into(), id, validate_only: false, origin };
            let made = service.make_roster_run(request, &roster, &spec, means, &watch)?;
            if let Some(worked) = &made.1 {
                self.written(worked, &roster, means, &watch)?;
            }
            made.0
        };
        bar.clear();
        show_one(place, &run_message(&life).map_err(client::told)?)
    }

    fn written(
        &self,
        worked: &Worked,
        roster: &Roster,
        means: Means,
        watch: &Watch<'_>,
    ) -> anyhow::Result<()> {
        if let Some(path) = &self.list {
            let (whole, file) = Whole::create(path)?;
            let totals = worked.write_list(roster, (file, format(path)?), means, watch)?;
            whole.finish()?;
            told(path, &totals, true);
        }
        if let Some(path) = &self.rejects {
            let (whole, file) = Whole::create(path)?;
            let totals = worked.write_rejects((file, format(path)?), watch)?;
            whole.finish()?;
            told(path, &totals, false);
        }
        Ok(())
    }
}

/// A list of persons; empty when there is none.
fn list(path: &Option<PathBuf>) -> anyhow::Result<Vec<u8>> {
    let Some(path) = path else { return Ok(Vec::new()) };
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

/// A flag that is set when somebody interrupts the program.
fn cancelled_by_hand() -> anyhow::Result<Arc<AtomicBool>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("wait for signals")?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancelled);
    // It ends with the program.
    thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
    Ok(cancelled)
}

/// Says by what a written list is checked.
fn told(path: &Path, totals: &Totals, sums: bool) {
    let Totals { lines, fen, sha256 } = totals;
    let sum = match sums {
        true => format!(", {}.{:02} yuan", fen / 100, fen % 100),
        false => String::new(),
    };
    println!("{}: {lines} lines{sum}, sha256 {sha256}", path.display());
}

//! A mixture of everything for a long time: what is slow, what fails, and how much memory it takes.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use price_linkage::grpc::{
    Decimal,
    v1::{
        self, RunMove, index_service_client::IndexServiceClient,
        replay_service_client::ReplayServiceClient, run_service_client::RunServiceClient,
        trigger_service_client::TriggerServiceClient,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Request, transport::Channel};

use crate::{
    plot,
    serving::{Failure, Served, ours},
};

/// What is sent, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Status,
    Page,
    Replay,
    Record,
    Run,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Status, Self::Page, Self::Replay, Self::Record, Self::Run];

    pub fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Page => "page",
            Self::Replay => "replay",
            Self::Record => "record",
            Self::Run => "run",
        }
    }

    fn every(self) -> Duration {
        Duration::from_millis(match self {
            Self::Status => 10,
            Self::Page => 250,
            Self::Replay => 2_000,
            Self::Record => 2_000,
            Self::Run => 5_000,
        })
    }
}

/// What was measured from one instant to the next.
pub struct Window {
    pub minutes: f64,
    /// By kind: how many, how many failed, and what half and 99 of 100 took at most.
    pub kinds: [(usize, usize, Duration, Duration); 5],
    pub resident_kib: u64,
}

const WINDOW: Duration = Duration::from_secs(20);

type Taken = Arc<Mutex<Vec<(Kind, Result<Duration, String>)>>>;

pub async fn measure(minutes: u64, out: &Path) -> Result<(), Failure> {
    fs::create_dir_all(out)?;
    let served = Arc::new(ours()?);
    let (taken, stop) = (Taken::default(), Arc::new(AtomicBool::new(false)));
    let workers: Vec<_> = Kind::ALL
        .into_iter()
        .map(|kind| tokio::spawn(works(kind, served.clone(), taken.clone(), stop.clone())))
        .collect();
    let (start, mut windows, mut told) = (Instant::now(), Vec::new(), 0);
    let windows_wanted = minutes * 60 / WINDOW.as_secs();
    for count in 1..=windows_wanted {
        tokio::time::sleep_until((start + WINDOW * count as u32).into()).await;
        let taken = std::mem::take(&mut *taken.lock().map_err(|_| "a worker panicked")?);
        for (kind, result) in &taken {
            if let (Err(why), true) = (result, told < 20) {
                told += 1;
                eprintln!("{}: {why}", kind.name());
            }
        }
        let minutes = start.elapsed().as_secs_f64() / 60.0;
        let kinds = Kind::ALL.map(|kind| summed(kind, &taken));
        windows.push(Window { minutes, kinds, resident_kib: served.resident() });
        fs::write(out.join("soak.csv"), table(&windows))?;
        fs::write(out.join("soak.svg"), plot::drawn(&windows))?;
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await??;
    }
    let late = std::mem::take(&mut *taken.lock().map_err(|_| "a worker panicked")?);
    let late = late.into_iter().filter_map(|(_, result)| result.err());
    late.map(Failure::from).try_for_each(Err)?;
    tell(&windows, &served)
}

fn summed(
    kind: Kind,
    taken: &[(Kind, Result<Duration, String>)],
) -> (usize, usize, Duration, Duration) {
    let of_kind = || taken.iter().filter(|(one, _)| *one == kind).map(|(_, result)| result);
    let mut times: Vec<_> = of_kind().filter_map(|result| result.as_ref().ok()).collect();
    times.sort_unstable();
    let at =
        |percent: usize| times.get(times.len() * percent / 100).map_or(Duration::ZERO, |one| **one);
    (of_kind().count(), of_kind().filter(|result| result.is_err()).count(), at(50), at(99))
}

fn table(windows: &[Window]) -> String {
    let mut table = "minutes,kind,count,errors,p50_us,p99_us,resident_kib\n".to_owned();
    for window in windows {
        for (kind, (count, errors, half, most)) in Kind::ALL.into_iter().zip(window.kinds) {
            let (minutes, name, kib) = (window.minutes, kind.name(), window.resident_kib);
            let (half, most) = (half.as_micros(), most.as_micros());
            let _ = writeln!(table, "{minutes:.2},{name},{count},{errors},{half},{most},{kib}");
        }
    }
    table
}

/// The middle one.
fn median(mut of: Vec<u128>) -> u128 {
    of.sort_unstable();
    of.get(of.len() / 2).copied().unwrap_or(0)
}

fn tell(windows: &[Window], served: &Served) -> Result<(), Failure> {
    let third = (windows.len() / 3).max(1);
    let (first, last) = (&windows[..third], &windows[windows.len() - third..]);
    println!("kind     calls  errors  p99, first third  p99, last third  (medians of windows)");
    let mut failed = 0;
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        let slow = |part: &[Window]| {
            let all = part.iter().map(|window| window.kinds[at].3.as_micros()).collect();
            median(all) as f64 / 1_000.0
        };
        let count: usize = windows.iter().map(|window| window.kinds[at].0).sum();
        let errors: usize = windows.iter().map(|window| window.kinds[at].1).sum();
        failed += errors;
        let (name, before, after) = (kind.name(), slow(first), slow(last));
        println!("{name:<8}{count:>6}{errors:>8}{before:>15.2} ms{after:>14.2} ms");
    }
    let resident = |part: &[Window]| {
        let all = part.iter().map(|window| u128::from(window.resident_kib)).collect();
        median(all) as f64 / 1_024.0
    };
    let (before, after) = (resident(first), resident(last));
    let entries = fs::read_dir(served.store().join("journal"))?
        .map(|segment| Ok(fs::read(segment?.path())?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let entries: usize =
        entries.iter().map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count()).sum();
    println!("memory: {before:.1} MiB in the first third, {after:.1} MiB in the last");
    println!("journal: {entries} entries at the end");
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} calls failed").into()),
    }
}

async fn works(
    kind: Kind,
    served: Arc<Served>,
    taken: Taken,
    stop: Arc<AtomicBool>,
) -> Result<(), Failure> {
    let channel = served.connected().await?;
    let start = Instant::now();
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = start + kind.every() * count;
        tokio::time::sleep_until(due.into()).await;
        let done = once(kind, u64::from(count), &channel, &served).await;
        // From when it was due: one slow call delays those after it, as it would a person.
        let result = done.map(|()| due.elapsed()).map_err(|why| why.to_string());
        taken.lock().map_err(|_| "another worker panicked")?.push((kind, result));
        count += 1;
    }
    Ok(())
}

fn month(after: u64) -> Option<v1::YearMonth> {
    let months = 2021 * 12 + 4 + after;
    Some(v1::YearMonth { year: (months / 12) as i32, month: (months % 12 + 1) as i32 })
}

fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn by<T>(message: T, principal: &'static str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("principal", tonic::metadata::MetadataValue::from_static(principal));
    request
}

async fn once(kind: Kind, count: u64, channel: &Channel, served: &Served) -> Result<(), Failure> {
    let channel = channel.clone();
    match kind {
        Kind::Status => {
            let month = v1::YearMonth { year: 2019, month: 1 + (count % 12) as i32 };
            let area = ["150100", "150300", "320000", "420000"][count as usize % 4].to_owned();
            let asked = v1::GetStatusRequest { area, month: Some(month), ..Default::default() };
            TriggerServiceClient::new(channel).get_status(asked).await?;
        }
        Kind::Page => {
            return page(served, ["/", "/areas/150100?month=2019-07"][count as usize % 2]).await;
        }
        Kind::Replay => {
            let asked = v1::ReplayRequest {
                areas: ["150000", "320000", "420000", "440000"].map(str::to_owned).to_vec(),
                from: Some(v1::YearMonth { year: 2015, month: 1 }),
                with_amounts: true,
                ..Default::default()
            };
            let mut months = ReplayServiceClient::new(channel).replay(asked).await?.into_inner();
            while months.message().await?.is_some() {}
        }
        Kind::Record => {
            let figure = |area: &str| v1::Figure {
                area: area.into(),
                series: "cpi".into(),
                month: month(40),
                value: Some(Decimal { value: format!("2.{}", count % 10) }),
                source: "调查队".into(),
                ..Default::default()
            };
            let figures = ["990000", "990100", "990200"].map(figure).to_vec();
            let asked =
                v1::RecordFiguresRequest { request_id: id(), figures, ..Default::default() };
            let told =
                IndexServiceClient::new(channel).record_figures(by(asked, "recorder")).await?;
            if let Some(problem) = told.get_ref().problems.first() {
                return Err(format!("{problem:?}").into());
            }
        }
        Kind::Run => return run(count, channel).await,
    }
    Ok(())
}

/// Makes a run, submits it, and voids it, so that its month is free again.
async fn run(count: u64, channel: Channel) -> Result<(), Failure> {
    let mut runs = RunServiceClient::new(channel);
    let headcount = |residence: v1::Residence| v1::Headcount {
        month: month(count % 12),
        area: "990101".into(),
        group: "subsistence_allowance".into(),
        residence: residence as i32,
        persons: 100 + (count % 50) as i64,
        households: 0,
    };
    let headcounts = [v1::Residence::Urban, v1::Residence::Rural].map(headcount).to_vec();
    let asked = v1::MakeRunRequest { request_id: id(), headcounts, ..Default::default() };
    let made = runs.make_run(by(asked, "maker")).await?.into_inner();
    let id = match made.run {
        Some(run) => run.id,
        None => return Err(format!("no run: {:?}", made.problems).into()),
    };
    for step in [RunMove::Submit, RunMove::Void] {
        let asked = v1::MoveRunRequest {
            request_id: self::id(),
            run: id.clone(),
            made: step as i32,
            reason: "试算".into(),
            ..Default::default()
        };
        runs.move_run(by(asked, "maker")).await?;
    }
    Ok(())
}

async fn page(served: &Served, path: &str) -> Result<(), Failure> {
    let address = served.page.as_deref().ok_or("no page")?;
    let mut stream = TcpStream::connect(address).await?;
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    match answer.starts_with(b"HTTP/1.1 200 ") {
        true => Ok(()),
        false => {
            let head: Vec<u8> = answer.into_iter().take_while(|byte| *byte != b'\r').collect();
            Err(format!("{path}: {}", String::from_utf8_lossy(&head)).into())
        }
    }
}

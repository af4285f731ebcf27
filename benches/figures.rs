//! The figures the README quotes: `cargo bench`. Each is a median over rounds in one run; compare the
//! ratios, since machines differ.

use std::{
    fs,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use price_linkage::{
    domain::{
        area::{AreaCode, Level, Resolved},
        figure::Figure,
        group::Residence,
        month::Month,
        run::Headcount,
    },
    engine::{
        budget::budget,
        draft::BudgetError,
        question::{Applied, Terms},
        timeline::Timeline,
        trigger::Follower,
    },
    grpc::{server, v1},
    intake::{figures::NewFigure, folder::library},
    service::{
        Request, Service,
        check::check_texts,
        replay::{
            compare::{Extent, compare},
            parallel::in_order,
            sweep::{Axis, Sweep, points},
            totals::{Heads, LawTotals},
        },
        status::answer,
    },
};
use tokio::net::TcpListener;
use tonic::transport::{Channel, Server, server::TcpIncoming};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds[rounds.len() / 2]
}

fn timed(rounds: usize, mut run: impl FnMut()) -> Duration {
    let one = |_| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    median((0..rounds).map(one).collect())
}

/// The most memory this process has held, in MiB.
fn peak() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

/// User and system time of this process.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

fn documents(service: &Service) {
    let data = &service.reference.data;
    let spent = timed(9, || {
        black_box(library(&data.texts, &data.areas).unwrap());
    });
    println!("{} documents read and put together: {spent:?}", data.texts.len());
    let mut checked = None;
    let spent = timed(9, || checked = Some(black_box(check_texts(data, &data.texts))));
    let cases = checked.map_or(0, |checked| checked.cases);
    println!("{} documents read and checked, with {cases} own cases: {spent:?}", data.texts.len());
}

/// What the README calls resolution plus decision: which law holds, and what it makes of the month.
fn resolution(service: &Service) {
    let ledger = service.writer.snapshot();
    let world = service.reference.world(&ledger);
    let terms = Terms::default();
    let area: AreaCode = "150100".parse().unwrap();
    let month: Month = "2020-03".parse().unwrap();
    const CALLS: u32 = 1_000;
    let spent = timed(5, || {
        for _ in 0..CALLS {
            black_box(service.answer(&ledger, area, month, &terms, false).unwrap());
        }
    });
    println!("resolution plus decision, history at hand: {:?}", spent / CALLS);
    let spent = timed(5, || {
        for _ in 0..CALLS {
            let applied = Applied::new(world, area, month, &terms).unwrap().unwrap();
            black_box(Follower::default().step(&applied).unwrap());
        }
    });
    println!("resolution plus decision of a month by itself: {:?}", spent / CALLS);
    let spent = timed(5, || {
        let timeline = Timeline::through(world, area, month, &terms).unwrap();
        black_box(answer(world, &timeline, month, &terms, false).unwrap());
    });
    println!("resolution plus decision, history from the first month on: {spent:?}");
}

fn decisions(service: &Service) {
    let ledger = service.writer.snapshot();
    let world = service.reference.world(&ledger);
    let terms = Terms::default();
    let area: AreaCode = "150100".parse().unwrap();
    let month: Month = "2020-03".parse().unwrap();
    let newest = ledger.figures.newest().unwrap();
    let timeline = Timeline::through(world, area, newest, &terms).unwrap();
    const CALLS: u32 = 10_000;
    for (name, amounts) in [("one decision", false), ("one decision with all sums", true)] {
        let spent = timed(5, || {
            for _ in 0..CALLS {
                black_box(answer(world, &timeline, month, &terms, amounts).unwrap());
            }
        });
        println!("{name}: {:?}", spent / CALLS);
    }
    let spent = timed(5, || {
        black_box(Timeline::through(world, area, newest, &terms).unwrap());
    });
    println!("history of one area, {} months: {spent:?}", timeline.outcomes().len());
    let areas = ledger.figures.areas();
    let first: Month = "2010-01".parse().unwrap();
    let mut lines = 0_usize;
    let spent = timed(3, || {
        lines = 0;
        for area in &areas {
            let timeline = Timeline::through(world, *area, newest, &terms).unwrap();
            for month in first.through(newest) {
                let found = answer(world, &timeline, month, &terms, true).unwrap();
                lines += found.quote.map_or(0, |quote| quote.lines.len());
            }
        }
    });
    let months = first.through(newest).count();
    println!(
        "replay of every area with an index ({}) x {months} months x every group: {spent:?}, \
         {lines} lines",
        areas.len()
    );
}

/// Every county of the nation × the groups of 2016 × the months of 2020, each prefecture at a CPI of
/// 4 per cent.
fn national_budget(service: &Service) {
    let ledger = service.writer.snapshot();
    let data = &service.reference.data;
    let (first, last): (Month, Month) = ("2020-01".parse().unwrap(), "2020-12".parse().unwrap());
    let mut figures = ledger.figures.clone();
    for area in data.areas.all().filter(|area| area.level != Level::County) {
        for (series, value) in [("cpi", "4.0"), ("food", "9.0")] {
            for month in "2019-10".parse::<Month>().unwrap().through(last) {
                figures.insert(Figure {
                    area: area.code,
                    series: series.parse().unwrap(),
                    month,
                    value: value.parse().unwrap(),
                    released_on: None,
                    source: "bench".into(),
                    revision: 9,
                    recorded_at: Default::default(),
                });
            }
        }
    }
    let mut world = service.reference.world(&ledger);
    world.figures = &figures;
    let groups =
        ["special_care", "special_hardship", "subsistence_allowance", "unemployment_insurance"];
    let counties: Vec<_> = (data.areas.all())
        .filter(|area| area.level == Level::County)
        .filter(|area| matches!(data.areas.resolve(area.code, first), Resolved::Same(_)))
        .map(|area| area.code)
        .collect();
    let mut rows = Vec::new();
    for month in first.through(last) {
        for area in &counties {
            for group in groups {
                rows.extend(Residence::ALL.map(|residence| Headcount {
                    month,
                    area: *area,
                    group: group.parse().unwrap(),
                    residence,
                    persons: 1_000,
                    households: Some(400),
                }));
            }
        }
    }
    let (words, terms) = (service.reference.words(), Terms::default());
    let made = |rows: &[Headcount]| budget(world, &words, rows, &terms, false);
    // Places whose own rule does not pay such a month are left out.
    if let Err(BudgetError::Refused(refused)) = made(&rows) {
        let out: std::collections::HashSet<_> = refused.iter().map(|one| one.row).collect();
        let mut at = 0..;
        rows.retain(|_| !out.contains(&at.next().unwrap()));
    }
    let mut lines = 0;
    let spent = timed(3, || lines = made(&rows).unwrap().lines.len());
    let (areas, all) = (counties.len(), rows.len());
    println!("budget of {areas} counties x 12 months: {spent:?}, {all} headcounts, {lines} lines");
}

/// Every area there is × 200 months × every group, in parallel with shared histories, beside a loop
/// that asks for each month by itself (over one league, scaled by its share of the areas).
fn analysts(service: &Service) {
    let (from, until): (Month, Month) = ("2010-01".parse().unwrap(), "2026-08".parse().unwrap());
    let data = &service.reference.data;
    let all = |areas: Vec<AreaCode>, with_sums| Extent {
        areas,
        from,
        until,
        with_sums,
        heads: Heads::default(),
    };
    let scene = service.scene(Terms::default(), &[]).unwrap();
    let every = all(data.areas.all().map(|area| area.code).collect(), true);
    let mut totals = LawTotals::default();
    let spent = timed(3, || {
        totals = LawTotals::default();
        let one = |block: &&[AreaCode]| {
            compare(&service.reference, std::slice::from_ref(&scene), block, &every).unwrap()
        };
        in_order(&every.blocks(), one, |mut found| {
            totals.add(found.totals.pop().unwrap()).unwrap();
            true
        });
    });
    let (areas, sums) = (every.areas.len(), totals.all().unwrap());
    println!(
        "replay of every area ({areas}) x {} months x every group: {spent:?}, {} paid, {} sums",
        from.through(until).count(),
        totals.paid,
        sums.months + sums.without_sum
    );
    let league: Vec<AreaCode> =
        data.areas.subtree("150000".parse().unwrap()).into_iter().take(4).collect();
    let naive = timed(1, || {
        for area in &league {
            for month in from.through(until) {
                let world = scene.world(&service.reference);
                let timeline = Timeline::through(world, *area, until, &scene.terms).unwrap();
                black_box(answer(world, &timeline, month, &scene.terms, true).unwrap());
            }
        }
    });
    let ratio = naive.as_secs_f64() / league.len() as f64 * areas as f64 / spent.as_secs_f64();
    println!("the same month by month, from {} areas: {ratio:.0} x", league.len());
    let provinces = data.areas.all().filter(|area| area.level == Level::Province);
    let provinces = all(provinces.map(|area| area.code).collect(), false);
    let provinces = Extent { until: "2023-11".parse().unwrap(), ..provinces };
    let tenths = |from: i64, until: i64, by| {
        (from..=until).step_by(by).map(|at| rust_decimal::Decimal::new(at, 1).to_string()).collect()
    };
    let axes = [
        Axis { path: "trigger.conditions.cpi.threshold".into(), values: tenths(20, 50, 1) },
        Axis { path: "trigger.conditions.food.threshold".into(), values: tenths(40, 100, 5) },
    ];
    let grid = points(&axes);
    let mut paid = 0;
    let spent = timed(3, || {
        paid = 0;
        let sweep = Sweep::new(service, &scene, &axes, &provinces).unwrap();
        let one = |point: &Vec<usize>| sweep.point(point).unwrap().paid;
        in_order(&grid, one, |more| {
            paid += more;
            true
        });
    });
    println!(
        "sweep of {} points over {} provinces: {spent:?}, {paid} months paid in all",
        grid.len(),
        provinces.areas.len()
    );
    println!("memory held at most so far: {} MiB", peak());
}

fn recording() {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let (service, begun) = Service::open(folder.path(), &[], &mut |_, _, _| {}).unwrap();
    println!("first start, {} figures seeded: {:?}", begun.figures_seeded, started.elapsed());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let areas: Vec<_> = service.reference.data.areas.all().map(|area| area.code).collect();
    let rows: Vec<NewFigure> = areas
        .iter()
        .filter(|area| **area != AreaCode::NATION)
        .flat_map(|area| {
            let first: Month = "2024-01".parse().unwrap();
            (0..32).map(move |at| NewFigure {
                area: *area,
                series: "fresh_vegetables".parse().unwrap(),
                month: first.plus(at).unwrap(),
                value: "1.0".parse().unwrap(),
                released_on: None,
                source: "bench".into(),
            })
        })
        .take(100_000)
        .collect();
    let started = Instant::now();
    for (at, chunk) in rows.chunks(2_000).enumerate() {
        let request = Request {
            principal: "bench".into(),
            id: format!("bench-{at}"),
            validate_only: false,
            origin: None,
        };
        runtime.block_on(service.record_figures(request, chunk.to_vec())).unwrap();
    }
    println!("recording {} figures in batches of 2000: {:?}", rows.len(), started.elapsed());
    drop(service);
    let started = Instant::now();
    let (again, begun) = Service::open(folder.path(), &[], &mut |_, _, _| {}).unwrap();
    println!("start over that store, {} seeded: {:?}", begun.figures_seeded, started.elapsed());
    drop(again);
}

const CALLS: usize = 5_000;

async fn calls<F, T>(name: &str, mut call: impl FnMut() -> F) -> (f64, f64)
where
    F: Future<Output = T>,
{
    let (mut wall, mut spent) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let (start, before) = (Instant::now(), cpu());
        for _ in 0..CALLS {
            black_box(call().await);
        }
        wall.push(start.elapsed());
        spent.push(cpu() - before);
    }
    let per_second = CALLS as f64 / median(wall).as_secs_f64();
    let cpu_us = median(spent).as_secs_f64() * 1e6 / CALLS as f64;
    println!("{name}: {per_second:.0} calls/s, {cpu_us:.0} us CPU a call (client and server)");
    (per_second, cpu_us)
}

async fn unary(service: Arc<Service>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ours = listener.local_addr().unwrap();
    tokio::spawn(server::serve(service, listener, std::future::pending()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare = listener.local_addr().unwrap();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    tokio::spawn(Server::builder().add_service(health).serve_with_incoming(incoming));
    let connect = async |address| {
        Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
    };
    let echo = HealthClient::new(connect(bare).await);
    let status = v1::trigger_service_client::TriggerServiceClient::new(connect(ours).await);
    let replay = v1::replay_service_client::ReplayServiceClient::new(connect(ours).await);
    let bare = calls("bare tonic unary call", || {
        let mut echo = echo.clone();
        async move { echo.check(HealthCheckRequest { service: String::new() }).await.unwrap() }
    })
    .await;
    let ours = calls("status call, answer only", || {
        let mut status = status.clone();
        let request = v1::GetStatusRequest {
            area: "150100".into(),
            month: Some(v1::YearMonth { year: 2020, month: 3 }),
            asking: None,
            depth: v1::Depth::Answer.into(),
        };
        async move { status.get_status(request).await.unwrap() }
    })
    .await;
    println!(
        "status / bare: {:.2} x CPU, {:.2} x calls per second",
        ours.1 / bare.1,
        ours.0 / bare.0
    );
    let mut rounds = Vec::new();
    for _ in 0..9 {
        let mut replay = replay.clone();
        let request = v1::ReplayRequest {
            within: "000000".into(),
            with_amounts: true,
            asking: Some(v1::Asking { strict: true, ..Default::default() }),
            depth: v1::Depth::Answer.into(),
            ..Default::default()
        };
        let start = Instant::now();
        let mut months = replay.replay(request).await.unwrap().into_inner();
        black_box(months.message().await.unwrap());
        rounds.push(start.elapsed());
    }
    println!("first month of a replay of every area, over the wire: {:?}", median(rounds));
}

fn main() {
    let start = Instant::now();
    let service = Service::in_memory(&[]).unwrap();
    println!("shipped data loaded and checked: {:?}", start.elapsed());
    analysts(&service);
    documents(&service);
    resolution(&service);
    decisions(&service);
    national_budget(&service);
    recording();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(unary(Arc::new(service)));
}

//! Connections that say nothing, too many of them, and very many requests.

use std::{
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use price_linkage::grpc::{
    arrivals::Limits,
    v1::{GetStatusRequest, YearMonth, trigger_service_client::TriggerServiceClient},
};
use tokio::time::timeout;
use tonic::transport::Channel;

use super::fixture::Served;

/// Longer than any answer takes, and shorter than a silent connection may be open.
const SOON: Duration = Duration::from_secs(10);

async fn asked(channel: &Channel) {
    let mut trigger = TriggerServiceClient::new(channel.clone());
    let month = Some(YearMonth { year: 2020, month: 3 });
    let asked = GetStatusRequest { area: "150300".into(), month, ..Default::default() };
    timeout(SOON, trigger.get_status(asked)).await.expect("an answer in time").unwrap();
}

/// So many connections that say nothing, or as many as may be open here.
async fn idle(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let open = move || {
        let begun = Instant::now();
        let one = || TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok();
        let open = std::iter::from_fn(|| (begun.elapsed() < SOON * 6).then(one)?);
        open.take(count).collect()
    };
    tokio::task::spawn_blocking(open).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_take_little_memory_and_keep_nobody_out() {
    let served = Served::start(None);
    let before = served.channel().await;
    asked(&before).await;
    let held = served.held();
    let count = files_here().saturating_sub(500).min(10_000);
    let open = idle(served.address, count).await;
    let grown = served.held().saturating_sub(held);
    println!(
        "{} connections of 10,000 that were wanted, of {count} that may be open: {grown} KiB",
        open.len()
    );
    assert!(Limits::default().connections < open.len(), "{}", open.len());
    // 64 KiB for each that may be there at once.
    assert!(grown < 64 << 10, "{grown} KiB");
    asked(&before).await;
    let after = timeout(SOON, served.channel()).await.expect("room for who comes");
    asked(&after).await;
    drop(open);
}

/// How many files this process may have open.
fn files_here() -> usize {
    let told = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = told.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_files_to_open_goes_on_when_there_are_again() {
    let served = Served::start(Some(100));
    let before = served.channel().await;
    asked(&before).await;
    let open = idle(served.address, 300).await;
    assert!(100 < open.len(), "{}", open.len());
    asked(&before).await;
    drop(open);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = timeout(SOON * 3, served.channel()).await.expect("the service is there again");
    asked(&after).await;
}

/// How many requests are sent; more in the long run: `REQUESTS=1000000 cargo test --release --test abuse`.
fn requests() -> usize {
    std::env::var("REQUESTS").map_or(100_000, |count| count.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_tiny_requests_leave_nothing_behind() {
    let served = Served::start(None);
    let channel = served.channel().await;
    let (requests, rounds, at_once) = (requests(), 10, 50);
    let begun = Instant::now();
    let mut held = Vec::new();
    for _ in 0..rounds {
        let workers = (0..at_once).map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move {
                for _ in 0..requests / rounds / at_once {
                    unknown(&channel).await;
                }
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        held.push(served.held());
    }
    println!("{requests} requests in {:?}: {held:?} KiB", begun.elapsed());
    let grown = held[rounds - 1].saturating_sub(held[2]);
    assert!(grown < 16 << 10, "{held:?} KiB");
}

/// The smallest question there is: about an area that does not exist.
async fn unknown(channel: &Channel) {
    let mut trigger = TriggerServiceClient::new(channel.clone());
    let refused = trigger.get_status(GetStatusRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused}");
}

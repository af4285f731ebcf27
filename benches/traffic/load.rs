//! The highest rate of status calls at which 99 of 100 are answered within a limit.
//!
//! Calls are due at fixed instants, whether earlier ones have been answered or not, and a latency counts
//! from when its call was due: a server that falls behind shows it.

use std::time::{Duration, Instant};

use price_linkage::grpc::v1::{self, trigger_service_client::TriggerServiceClient};
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::serving::{Failure, Served, echo, ours};

/// Within which 99 of 100 calls must be answered.
const LIMIT: Duration = Duration::from_millis(10);
const CONNECTIONS: usize = 8;
/// The first rate that is tried.
const FIRST: u64 = 500;
/// How often the range between a rate that holds and one that does not is halved.
const HALVINGS: u32 = 5;

fn asked(count: u64) -> v1::GetStatusRequest {
    let month = v1::YearMonth { year: 2019 + (count % 3) as i32, month: 1 + (count % 12) as i32 };
    v1::GetStatusRequest { area: "150100".into(), month: Some(month), ..Default::default() }
}

pub async fn measure(rounds: usize, seconds: u64) -> Result<(), Failure> {
    let service = ours()?;
    let answer = TriggerServiceClient::new(service.connected().await?).get_status(asked(0)).await?;
    let bare = echo(answer.get_ref())?;
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..rounds.max(1) {
        for (served, found) in [&bare, &service].into_iter().zip(&mut found) {
            found.push(highest(served, Duration::from_secs(seconds)).await?);
        }
    }
    let [bare, service] = found.map(|mut rates| {
        rates.sort_unstable();
        rates[rates.len() / 2]
    });
    println!("bare tonic server: {bare} calls/s with 99 of 100 within {LIMIT:?}");
    println!("status calls: {service} calls/s with 99 of 100 within {LIMIT:?}");
    println!("status / bare: {:.2} x", service as f64 / bare as f64);
    Ok(())
}

async fn highest(served: &Served, time: Duration) -> Result<u64, Failure> {
    let mut channels = Vec::new();
    for _ in 0..CONNECTIONS {
        channels.push(served.connected().await?);
    }
    holds(&channels, FIRST, time).await?;
    let (mut low, mut high) = (0, FIRST);
    while holds_once_of_two(&channels, high, time).await? {
        (low, high) = (high, high * 2);
    }
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        match holds_once_of_two(&channels, middle, time).await? {
            true => low = middle,
            false => high = middle,
        }
    }
    Ok(low)
}

/// A neighbour on the machine may spoil one try.
async fn holds_once_of_two(
    channels: &[Channel],
    rate: u64,
    time: Duration,
) -> Result<bool, Failure> {
    Ok(holds(channels, rate, time).await? || holds(channels, rate, time).await?)
}

async fn holds(channels: &[Channel], rate: u64, time: Duration) -> Result<bool, Failure> {
    let calls = rate * time.as_millis() as u64 / 1_000;
    let start = Instant::now();
    let mut open = JoinSet::new();
    let mut taken = Vec::with_capacity(calls as usize);
    for count in 0..calls {
        let due = start + Duration::from_nanos(count * 1_000_000_000 / rate);
        // The timer's grain is a millisecond: what fell due in it is sent together.
        if Instant::now() < due {
            tokio::time::sleep_until(due.into()).await;
        }
        let mut client = TriggerServiceClient::new(channels[count as usize % CONNECTIONS].clone());
        open.spawn(async move { client.get_status(asked(count)).await.map(|_| due.elapsed()) });
        while let Some(done) = open.try_join_next() {
            taken.push(done??);
        }
        // Hopelessly behind: enough is seen. What is open is waited for, since a server takes many calls
        // that are given up for an attack.
        if LIMIT * 100 < due.elapsed() {
            while open.join_next().await.is_some() {}
            return Ok(false);
        }
    }
    while let Some(done) = open.join_next().await {
        taken.push(done??);
    }
    taken.sort_unstable();
    Ok(taken.get(taken.len() * 99 / 100).is_some_and(|slow| *slow < LIMIT))
}

//! Load and soak: the release build of `price-linkage serve` under calls from a client of its own.
//!
//! `cargo bench --bench traffic -- load` looks for the highest rate of status calls at which 99 of 100 are
//! answered within 10 ms, of the service and of a bare tonic server in turns, and prints the ratio.
//! `cargo bench --bench traffic -- soak --minutes 60` sends a mixture of calls and page views, and writes
//! `soak.csv` and `soak.svg` with latencies, errors and memory over time; it fails if anything failed.

mod load;
mod plot;
mod serving;
mod soak;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Measure>,
    /// What `cargo bench` passes on.
    #[arg(long, global = true, hide = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Measure {
    /// The highest rate within the limit, as a ratio to a bare server's.
    Load {
        /// Searches of each, in turns; the medians count.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// How long each rate is tried.
        #[arg(long, default_value_t = 3)]
        seconds: u64,
    },
    /// A mixture of calls for a long time.
    Soak {
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
        minutes: u64,
        /// Where soak.csv and soak.svg are written.
        #[arg(long, default_value = "target/traffic")]
        out: PathBuf,
    },
    /// A bare server that answers a status with the bytes of a file, for `load`.
    #[command(hide = true)]
    Bare { answer: PathBuf },
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let unasked = Measure::Load { rounds: 1, seconds: 1 };
    let done = runtime.block_on(async {
        match Arguments::parse().command.unwrap_or(unasked) {
            Measure::Load { rounds, seconds } => load::measure(rounds, seconds).await,
            Measure::Soak { minutes, out } => soak::measure(minutes, &out).await,
            Measure::Bare { answer } => serving::bare(&answer).await,
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

//! One run of the program as its user starts it: the time on the clock, on the processors, and the
//! most memory it held.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const OUTPUTS: [&str; 2] = ["list.csv", "rejects.csv"];

/// What one run of the program took.
struct Spent {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

/// Prints the medians over the rounds, from CSV and from Parquet.
pub fn measure(rows: u64, counties: u64, rounds: usize, folder: Option<&Path>) {
    let within = folder.map_or_else(std::env::temp_dir, Path::to_owned);
    let folder = tempfile::tempdir_in(within).unwrap();
    crate::generate(rows, counties, 1, folder.path());
    for input in ["roster.csv", "roster.parquet"] {
        let runs: Vec<_> = (0..rounds).map(|_| run(folder.path(), input)).collect();
        let wall = median(runs.iter().map(|run| run.wall).collect());
        let cpu = median(runs.iter().map(|run| run.cpu).collect());
        let peak_mib = median(runs.iter().map(|run| run.peak_kib).collect()) / 1024;
        println!("{rows} rows of {input}: {wall:.2?}, {cpu:.2?} CPU, {peak_mib} MiB at most");
    }
}

fn median<T: Ord + Copy>(mut runs: Vec<T>) -> T {
    runs.sort();
    runs[runs.len() / 2]
}

fn run(folder: &Path, input: &str) -> Spent {
    for output in OUTPUTS {
        // The program writes over nothing.
        let _ = fs::remove_file(folder.join(output));
    }
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_price-linkage"))
        .current_dir(folder)
        .args(["--data", "data", "run", "roster", input, "--month", "2021-04", "--validate-only"])
        .args(["--as", "bench"])
        .args(["--list", OUTPUTS[0], "--rejects", OUTPUTS[1]])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut spent = Spent { wall: Duration::ZERO, cpu: Duration::ZERO, peak_kib: 0 };
    // The highest mark is read until the process is over; its times stay until it is waited for.
    while let Some(peak_kib) = peak_kib(&child) {
        spent.peak_kib = peak_kib;
        sleep(Duration::from_millis(2));
    }
    spent.wall = started.elapsed();
    spent.cpu = cpu(&child);
    let status = child.wait().unwrap();
    assert!(status.success(), "{input}: {status}");
    spent
}

fn peak_kib(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().split(' ').next()?.parse().ok()
}

fn cpu(child: &Child) -> Duration {
    let text = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    let fields: Vec<_> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

//! Nothing lost.

use std::env;

#[path = "../damage/facts.rs"]
mod facts;

mod clients;

mod house;

mod kills;

mod writing;

#[cfg(target_os = "linux")]
mod disk;

#[cfg(target_os = "linux")]
mod faults;

/// How often something is tried: so often by default, and `FAULTS` times as often in the long run.
fn times(default: u64) -> u64 {
    default * env::var("FAULTS").map_or(1, |factor| factor.parse::<u64>().unwrap())
}

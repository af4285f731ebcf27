//! Nothing lost: whatever was acknowledged is there, once and whole, however the service came to its
//! end.
//!
//! * [`kills`]: the real program is killed again and again, while it records what is shipped, while it
//!   opens a store and adopts another law, while clients send everything that changes something, and
//!   while it copies, restores and rebuilds a store. Requests that were not answered are sent again.
//!   The journal is compared with what was sent and answered: nothing acknowledged is missing, nothing
//!   refused or only checked is there, no request has two entries, no entry says half of what was
//!   asked. In the end the state is the one that the journal alone gives, and `verify` and
//!   `audit --verify` pass. Beside it the writer by itself, which starts at once, is killed more often.
//! * [`faults`], on Linux: a library in front of the C library ([`disk`], `faults.c`; it needs a C
//!   compiler) makes the disk full, fails the n-th write or sync, turns the clock, and keeps what was
//!   synced, which is what a loss of power leaves, with some of the rest.
//!
//! A start over the shipped data takes seconds without optimisation, so that by default the service is
//! killed 5 times, and 50 times with it. The writer is killed 50 times. The long run:
//!
//! ```sh
//! KILLS=1000 FAULTS=20 cargo test --release --test lost -- --nocapture
//! ```

#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
fn times(default: u64) -> u64 {
    default * env::var("FAULTS").map_or(1, |factor| factor.parse::<u64>().unwrap())
}

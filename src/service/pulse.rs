//! How the writer is doing, to be read at any time.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

/// Counters of one writer; each is exact by itself, and together they are of about the same instant.
#[derive(Debug, Default)]
pub struct Pulse {
    waiting: AtomicU64,
    commits: AtomicU64,
    commit_micros: AtomicU64,
    flushes: AtomicU64,
    flush_micros: AtomicU64,
    is_unwritable: AtomicBool,
}

/// What a [`Pulse`] said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Commands that wait or are being carried out.
    pub waiting: u64,
    /// Appends to the journal, each with a sync.
    pub commits: u64,
    /// How long they took, all together.
    pub committing: Duration,
    /// Flushes of the state.
    pub flushes: u64,
    /// How long they took, all together.
    pub flushing: Duration,
    /// Whether nothing is recorded any more until the service is started again.
    pub is_unwritable: bool,
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

impl Pulse {
    /// What it says now.
    pub fn read(&self) -> Reading {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            waiting: count(&self.waiting),
            commits: count(&self.commits),
            committing: Duration::from_micros(count(&self.commit_micros)),
            flushes: count(&self.flushes),
            flushing: Duration::from_micros(count(&self.flush_micros)),
            is_unwritable: self.is_unwritable.load(Ordering::Relaxed),
        }
    }

    pub(super) fn queued(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn done(&self, commands: usize) {
        self.waiting.fetch_sub(commands as u64, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.commit_micros.fetch_add(micros(took), Ordering::Relaxed);
    }

    pub(super) fn flushed(&self, took: Duration) {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.flush_micros.fetch_add(micros(took), Ordering::Relaxed);
    }

    pub(super) fn unwritable(&self) {
        self.is_unwritable.store(true, Ordering::Relaxed);
    }
}

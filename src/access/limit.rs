//! How often, and how many times at once, a principal may call.
//!
//! **Invariant:** what is counted belongs to one name; a name that calls too often slows nobody else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What one principal may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Calls a second in the long run; ten times as many may come at once after a pause.
    pub calls_per_second: u32,
    /// Calls at once.
    pub calls_at_once: u32,
}

impl Default for Limits {
    /// 200 calls a second, 64 at once.
    fn default() -> Self {
        Self { calls_per_second: 200, calls_at_once: 64 }
    }
}

/// How many seconds' calls may come at once after a pause.
const BURST_SECONDS: u64 = 10;
/// One call, in the unit in which calls are saved up.
const CALL: u64 = 1_000_000;
/// How long a caller waits who has too many calls open.
const WAIT_AT_ONCE: Duration = Duration::from_secs(1);

/// Why a call is not taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// Too many in a short time.
    TooOften {
        /// When the next will be taken.
        again: Duration,
    },
    /// Too many at once.
    TooMany {
        /// When it is worth trying again.
        again: Duration,
    },
}

impl Exceeded {
    /// When it is worth trying again.
    pub fn again(self) -> Duration {
        let (Self::TooOften { again } | Self::TooMany { again }) = self;
        again
    }
}

/// What each principal has taken. As large as the number of names that ever signed in.
#[derive(Debug)]
pub struct Taken {
    limits: Limits,
    by_name: Mutex<HashMap<String, Arc<Mutex<Bucket>>>>,
}

#[derive(Debug)]
struct Bucket {
    /// Millionths of calls saved up.
    saved: u64,
    at: Instant,
    open: u32,
}

/// A call in progress; it ends when this is dropped.
#[derive(Debug)]
pub struct Held(Arc<Mutex<Bucket>>);

impl Drop for Held {
    fn drop(&mut self) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.open = bucket.open.saturating_sub(1);
    }
}

impl Taken {
    /// Nothing taken so far.
    pub fn new(limits: Limits) -> Self {
        Self { limits, by_name: Mutex::default() }
    }

    /// Takes a call at an instant.
    ///
    /// # Errors
    /// The name has called too often, or has too many calls open.
    pub fn take(&self, name: &str, now: Instant) -> Result<Held, Exceeded> {
        let bucket = self.bucket(name, now);
        let mut counted = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if self.limits.calls_at_once <= counted.open {
            return Err(Exceeded::TooMany { again: WAIT_AT_ONCE });
        }
        let rate = u64::from(self.limits.calls_per_second.max(1));
        let passed = now.saturating_duration_since(counted.at).as_micros();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        // Calls a second are millionths of a call a microsecond.
        let saved = counted.saved.saturating_add(passed.saturating_mul(rate));
        counted.saved = saved.min(self.full());
        counted.at = counted.at.max(now);
        match counted.saved.checked_sub(CALL) {
            Some(left) => {
                counted.saved = left;
                counted.open += 1;
            }
            None => {
                let again = Duration::from_micros((CALL - counted.saved).div_ceil(rate));
                return Err(Exceeded::TooOften { again });
            }
        }
        drop(counted);
        Ok(Held(bucket))
    }

    fn full(&self) -> u64 {
        u64::from(self.limits.calls_per_second.max(1)) * BURST_SECONDS * CALL
    }

    fn bucket(&self, name: &str, now: Instant) -> Arc<Mutex<Bucket>> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = by_name.get(name) {
            return Arc::clone(bucket);
        }
        let fresh = Arc::new(Mutex::new(Bucket { saved: self.full(), at: now, open: 0 }));
        by_name.insert(name.to_owned(), Arc::clone(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_as_saved_up_and_then_at_the_rate() {
        let taken = Taken::new(Limits { calls_per_second: 2, calls_at_once: 1 });
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        for call in 0..20 {
            assert!(taken.take("zhang", at(0)).is_ok(), "call {call}");
        }
        let again = Duration::from_millis(500);
        assert_eq!(taken.take("zhang", at(0)).unwrap_err(), Exceeded::TooOften { again });
        let again = Duration::from_millis(1);
        assert_eq!(taken.take("zhang", at(499)).unwrap_err(), Exceeded::TooOften { again });
        assert!(taken.take("zhang", at(500)).is_ok());
        assert!(taken.take("zhang", at(500)).is_err());
        assert!(taken.take("li", at(500)).is_ok(), "another has its own");
        for call in 0..20 {
            assert!(taken.take("zhang", at(3_600_000)).is_ok(), "call {call} after a long pause");
        }
        assert!(taken.take("zhang", at(3_600_000)).is_err());
    }

    #[test]
    fn calls_at_once_count_until_they_end() {
        let taken = Taken::new(Limits { calls_per_second: 100, calls_at_once: 2 });
        let now = Instant::now();
        let (one, two) = (taken.take("zhang", now).unwrap(), taken.take("zhang", now).unwrap());
        let again = Duration::from_secs(1);
        assert_eq!(taken.take("zhang", now).unwrap_err(), Exceeded::TooMany { again });
        assert!(taken.take("li", now).is_ok());
        drop(one);
        assert!(taken.take("zhang", now).is_ok());
        drop(two);
    }
}

//! Several workers on one roster: taking batches, keeping their order, stopping together.

use std::sync::{
    Condvar, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::{
    RosterError,
    source::{Batch, Source},
};

/// How somebody outside follows and stops the work.
pub struct Watch<'a> {
    /// Called with what is done, of how much.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Set to stop.
    pub cancelled: &'a AtomicBool,
}

impl Watch<'_> {
    /// Whether the work should go on.
    ///
    /// # Errors
    /// Somebody cancelled it.
    pub fn check(&self) -> Result<(), RosterError> {
        match self.cancelled.load(Ordering::Relaxed) {
            true => Err(RosterError::Cancelled),
            false => Ok(()),
        }
    }
}

/// A roster that several workers read.
pub struct Shared<'a> {
    source: Mutex<(Source, u64)>,
    watch: &'a Watch<'a>,
    failed: AtomicBool,
}

impl<'a> Shared<'a> {
    /// Shares a roster.
    pub fn new(source: Source, watch: &'a Watch<'a>) -> Self {
        Self { source: Mutex::new((source, 0)), watch, failed: AtomicBool::new(false) }
    }

    /// The next batch with its number from 0; none at the end, or when another worker failed.
    ///
    /// # Errors
    /// What cannot be read, or it was cancelled.
    pub fn next(&self, used: Option<Batch>) -> Result<Option<(u64, Batch)>, RosterError> {
        self.watch.check()?;
        if self.failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(batch) = source.0.next(used)? else { return Ok(None) };
        let number = source.1;
        source.1 += 1;
        let (done, of) = source.0.progress();
        drop(source);
        (self.watch.progress)(done, of);
        Ok(Some((number, batch)))
    }

    /// Lets each of so many workers do the work; the first failure stops all.
    ///
    /// # Errors
    /// The first failure.
    pub fn run<T: Send>(
        &self,
        workers: usize,
        work: impl Fn() -> Result<T, RosterError> + Sync,
    ) -> Result<Vec<T>, RosterError> {
        together(workers, || work().inspect_err(|_| self.failed.store(true, Ordering::Relaxed)))
    }

    /// The roster.
    pub fn into_source(self) -> Source {
        self.source.into_inner().unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Runs so many workers at once.
///
/// # Errors
/// The first failure.
pub fn together<T: Send>(
    workers: usize,
    work: impl Fn() -> Result<T, RosterError> + Sync,
) -> Result<Vec<T>, RosterError> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(&work)).collect();
        let ended = started.into_iter().map(|one| match one.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let ended: Vec<_> = ended.collect();
        // One that only stopped waiting for another tells nothing.
        let failed =
            |one: &&Result<T, _>| matches!(one, Err(error) if *error != RosterError::Cancelled);
        if let Some(Err(error)) = ended.iter().find(failed) {
            return Err(error.clone());
        }
        ended.into_iter().collect()
    })
}

/// Something that is written part by part, in the order of the parts' numbers.
pub struct InOrder<T> {
    state: Mutex<Turn<T>>,
    turned: Condvar,
}

/// See [`InOrder::held`].
pub struct Held<'a, T>(&'a InOrder<T>);

impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up();
        }
    }
}

struct Turn<T> {
    next: u64,
    broken: bool,
    value: T,
}

impl<T> InOrder<T> {
    /// Begins with part 0.
    pub fn new(value: T) -> Self {
        let state = Mutex::new(Turn { next: 0, broken: false, value });
        Self { state, turned: Condvar::new() }
    }

    /// Waits for the part's turn and does it. A failure, here or told by [`Self::give_up`], lets
    /// nobody wait any longer.
    ///
    /// # Errors
    /// That of the work, or [`RosterError::Cancelled`] when another worker failed.
    pub fn at(
        &self,
        number: u64,
        work: impl FnOnce(&mut T) -> Result<(), RosterError>,
    ) -> Result<(), RosterError> {
        let mut turn = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while turn.next != number && !turn.broken {
            turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        if turn.broken {
            return Err(RosterError::Cancelled);
        }
        let done = work(&mut turn.value);
        turn.next += 1;
        turn.broken = done.is_err();
        drop(turn);
        self.turned.notify_all();
        done
    }

    /// Held by a worker: when it panics, nobody waits for its parts.
    pub fn held(&self) -> Held<'_, T> {
        Held(self)
    }

    /// Nothing will come any more of a part that others wait for.
    pub fn give_up(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).broken = true;
        self.turned.notify_all();
    }

    /// What was written.
    pub fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_written_in_order_and_a_worker_that_panics_lets_nobody_wait() {
        let written = InOrder::new(Vec::new());
        let put = |at: u64| {
            written.at(at, |all| {
                all.push(at);
                Ok(())
            })
        };
        std::thread::scope(|scope| {
            scope.spawn(|| (1..100).step_by(2).for_each(|at| put(at).unwrap()));
            scope.spawn(|| (0..100).step_by(2).for_each(|at| put(at).unwrap()));
        });
        let panicked = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| put(101));
            let panicking = scope.spawn(|| {
                let _held = written.held();
                panic!("on purpose");
            });
            (panicking.join().is_err(), waiting.join().unwrap())
        });
        assert_eq!(panicked, (true, Err(RosterError::Cancelled)));
        assert_eq!(written.into_inner(), (0..100).collect::<Vec<_>>());
    }
}

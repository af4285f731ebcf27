//! Work on many areas on every core, with the results in the order of the areas.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::sync_channel,
    },
    thread,
};

/// Results waiting for those before them, per thread.
const WAITING_MAX: usize = 4;

/// Works on each block and hands over the results in order until one is refused; true when all were
/// taken. At most `WAITING_MAX` results per thread wait for those before them, as far as one block
/// does not take longer than all the others.
pub fn in_order<B: Sync, T: Send>(
    blocks: &[B],
    work: impl Fn(&B) -> T + Sync,
    mut take: impl FnMut(T) -> bool,
) -> bool {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(blocks.len());
    if threads <= 1 {
        return blocks.iter().all(|block| take(work(block)));
    }
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (send, receive) = sync_channel(threads * WAITING_MAX);
    thread::scope(|scope| {
        for _ in 0..threads {
            let send = send.clone();
            let (next, stopped, work) = (&next, &stopped, &work);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(block) = blocks.get(at) else { return };
                    if send.send((at, work(block))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (at, result) in receive {
            early.insert(at, result);
            while let Some(result) = early.remove(&due) {
                due += 1;
                if !take(result) {
                    stopped.store(true, Ordering::Relaxed);
                    return false;
                }
            }
        }
        due == blocks.len()
    })
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn results_come_in_order_and_stop_when_refused() {
        let blocks: Vec<u64> = (0..500).collect();
        let mut seen = Vec::new();
        let slow = |block: &u64| {
            std::thread::sleep(std::time::Duration::from_micros(block % 7 * 50));
            *block
        };
        assert!(in_order(&blocks, slow, |one| {
            seen.push(one);
            true
        }));
        assert_eq!(seen, blocks);
        let mut taken = 0;
        assert!(!in_order(&blocks, slow, |one| {
            taken += 1;
            one < 9
        }));
        assert_eq!(taken, 10);
        assert!(in_order(&[] as &[u64], slow, |_| false));
    }
}

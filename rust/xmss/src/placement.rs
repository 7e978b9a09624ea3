//! Keeps the threads of a batch on processors of their own while there are free ones.
//!
//! A new thread begins beside its maker, and the scheduler may need several milliseconds to move it to an idle processor: as long as a whole
//! batch takes, which then runs as if on one thread. So threads look where they are between chunks.
//!
//! Rules:
//!
//! 1. A thread that finds another one of its batch on its processor moves to one where none is, if it may use such a one.
//!    It gives that place back at once: its affinity afterwards is what it was.
//! 2. The calling thread lets others go first as long as one has not begun: that one may be waiting for this very processor.
//! 3. Places are hints. Wrong or old ones cost time, never a result; a system that refuses to tell or to move is left alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

const NOT_BEGUN: usize = usize::MAX;
const ENDED: usize = usize::MAX - 1;

/// Where the threads of one batch are.
pub struct Places(Vec<AtomicUsize>);

impl Places {
    /// For so many threads.
    pub fn new(threads: usize) -> Self {
        Self((0..threads).map(|_| AtomicUsize::new(NOT_BEGUN)).collect())
    }

    /// Between two chunks of `thread`: notes where it is, and moves it if another one is there.
    pub fn look_around(&self, thread: usize) {
        if self.0.len() == 1 {
            return;
        }
        let here = self.note(thread);
        if thread == 0 {
            if self.any(|place| place == NOT_BEGUN) {
                thread::yield_now();
            }
        } else if self.0[..thread].iter().any(|place| place.load(Ordering::Relaxed) == here) {
            self.leave(thread);
        }
    }

    /// `thread` has done its work.
    pub fn end(&self, thread: usize) {
        // Relaxed, here and below: places are hints (rule 3), and nothing else is read on their strength.
        self.0[thread].store(ENDED, Ordering::Relaxed);
    }

    fn note(&self, thread: usize) -> usize {
        let here = sched_getcpu();
        self.0[thread].store(here, Ordering::Relaxed);
        here
    }

    fn leave(&self, thread: usize) {
        let Ok(allowed) = sched_getaffinity(None) else { return };
        let mut free = allowed;
        for place in &self.0 {
            let taken = place.load(Ordering::Relaxed);
            if taken < CpuSet::MAX_CPU {
                free.unset(taken);
            }
        }
        if free.count() > 0 && sched_setaffinity(None, &free).is_ok() {
            self.note(thread);
            // It asks for what there was before, so it is not refused.
            let _ = sched_setaffinity(None, &allowed);
        }
    }

    fn any(&self, holds: impl Fn(usize) -> bool) -> bool {
        self.0.iter().any(|place| holds(place.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_beside_another_one_moves_away_and_keeps_its_affinity() {
        let before = sched_getaffinity(None).unwrap();
        let places = Places::new(2);
        let taken = sched_getcpu();
        places.0[0].store(taken, Ordering::Relaxed);
        places.leave(1);
        let place = places.0[1].load(Ordering::Relaxed);
        assert_eq!(place == NOT_BEGUN, before.count() == 1, "it moves if there is anywhere to go");
        assert_ne!(place, taken);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
    }

    #[test]
    fn a_thread_alone_looks_nowhere() {
        let places = Places::new(1);
        places.look_around(0);
        assert_eq!(places.0[0].load(Ordering::Relaxed), NOT_BEGUN);
    }
}

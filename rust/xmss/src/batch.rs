//! Verification of a whole batch on several threads.
//!
//! Rules:
//!
//! 1. A batch is cut into chunks of nearly equal size, at most sixteen signatures each: a signature's part of the tree is the cheaper the
//!    more signatures its chunk has, so a badly filled chunk is lost time. Each thread takes the next chunk when it has done one.
//! 2. The calling thread is one of the threads; there are never more threads than chunks. A thread that cannot be started is done without.
//! 3. Chunks are taken in order. A thread stops when the next chunk lies behind a known failure; chunks before it are still checked. So the
//!    smallest failing index is found, whatever the threads do.
//! 4. Between two chunks a thread looks whether it shares its processor with another one of the batch (`placement`).

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::time::{ClockId, clock_gettime};

use crate::hash::Hasher;
use crate::kernel::{Kernel, LANES};
use crate::placement::Places;
use crate::scheme::Scheme;
use crate::verify::{Claim, Verifier};

/// The fewest signatures that a thread is given. Two chunks of half the size cost 1.6 times the work of one, because the tree's part is
/// done twice, and starting a thread takes longer than the steps of a few chains: nine signatures took 541 us on one thread and 556 us on
/// two, sixteen 715 us and 601 us.
const WORTH_A_THREAD: usize = 8;

/// When one thread was at work, on the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The thread's number; 0 is the caller.
    pub thread: usize,
    /// Nanoseconds.
    pub start: u64,
    /// Nanoseconds.
    pub end: u64,
}

/// What came of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The smallest index of a claim that is not true.
    pub first_failure: Option<usize>,
    /// One per thread that worked, by number.
    pub spans: Vec<Span>,
}

/// What the threads of a batch share.
struct Shared<'a> {
    hasher: Hasher,
    claims: &'a [Claim<'a>],
    chunks: usize,
    places: Places,
    /// The next chunk to take. Relaxed: it hands out numbers and nothing else.
    next: AtomicUsize,
    /// The smallest failing index so far, or the batch's length. Relaxed: a thread that reads an old value does work for nothing; the last
    /// value is read after the threads have been joined.
    failed: AtomicUsize,
}

/// Verifies the claims on at most `threads` threads.
///
/// # Panics
///
/// As a thread panicked: a fault of this library.
pub fn verify(scheme: Scheme, kernel: Kernel, claims: &[Claim], threads: usize) -> Outcome {
    let chunks = chunks(claims.len(), threads);
    let threads = threads.min(chunks);
    let shared = Shared {
        hasher: Hasher::new(scheme, kernel),
        claims,
        chunks,
        places: Places::new(threads),
        next: AtomicUsize::new(0),
        failed: AtomicUsize::new(claims.len()),
    };
    let mut spans = Vec::with_capacity(threads);
    thread::scope(|scope| {
        let shared = &shared;
        let started: Vec<_> = (1..threads)
            .map_while(|number| thread::Builder::new().spawn_scoped(scope, move || shared.work(number)).ok())
            .collect();
        if chunks > 0 {
            spans.push(shared.work(0));
        }
        for thread in started {
            spans.push(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
    });
    let failed = shared.failed.into_inner();
    Outcome {
        first_failure: (failed < claims.len()).then_some(failed),
        spans,
    }
}

impl Shared<'_> {
    fn work(&self, thread: usize) -> Span {
        let start = now();
        let mut verifier = Verifier::new(self.hasher);
        loop {
            self.places.look_around(thread);
            let chunk = self.range(self.next.fetch_add(1, Ordering::Relaxed));
            if chunk.is_empty() || chunk.start > self.failed.load(Ordering::Relaxed) {
                break;
            }
            if let Some(failure) = verifier.first_failure(&self.claims[chunk.clone()]) {
                self.failed.fetch_min(chunk.start + failure, Ordering::Relaxed);
            }
        }
        self.places.end(thread);
        Span { thread, start, end: now() }
    }

    /// The claims of a chunk; none for a number past the last.
    fn range(&self, chunk: usize) -> Range<usize> {
        let start = |chunk: usize| chunk.min(self.chunks) * self.claims.len() / self.chunks;
        start(chunk)..start(chunk + 1)
    }
}

/// How many chunks a batch is cut into: as many for each thread, unless it is too small for several.
fn chunks(claims: usize, threads: usize) -> usize {
    let threads = threads.min(claims / WORTH_A_THREAD).max(1);
    claims.div_ceil(LANES * threads) * threads
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

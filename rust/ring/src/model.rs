//! The memory, the futex and the pipe as loom sees them, so that the models check the very code that runs over `Region` and `Fifo`.
//!
//! Words are loom's atomics, data bytes carry loom's race detector, the futex is a mutex and a condition that never time out:
//! a lost wake is a deadlock, which loom reports.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use loom::sync::{Condvar, Mutex};

use crate::layout::*;
use crate::sync::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// A ring or a doorbell, told apart by size.
pub struct Region {
    len: usize,
    words: BTreeMap<usize, AtomicU64>,
    halves: BTreeMap<usize, AtomicU32>,
    data: Vec<UnsafeCell<u8>>,
    /// A race detector for each byte of data.
    tracks: Vec<loom::cell::UnsafeCell<()>>,
    futex: (Mutex<()>, Condvar),
}

// SAFETY: loom runs one thread at a time; races on the data are found by `tracks`.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Memory of a doorbell (`DOORBELL_BYTES`) or of a ring.
    pub fn private(bytes: usize) -> Self {
        let (words, halves): (&[usize], &[usize]) = if bytes == DOORBELL_BYTES {
            (&[DOORBELL_MAGIC, SERVER], &[SEQUENCE, SLOTS, DOORBELL_BLOCKED])
        } else {
            let words = &[HEAD, WRAP_HEAD, TAIL, CAPACITY, MASK, RING_MAGIC, OWNER, EPOCH];
            (words, &[PRODUCER_CPU, CONSUMER_BLOCKED, PRODUCER_BLOCKED, BELL])
        };
        let data = bytes.saturating_sub(HEADER_BYTES);
        Self {
            len: bytes,
            words: words.iter().map(|&at| (at, AtomicU64::new(0))).collect(),
            halves: halves.iter().map(|&at| (at, AtomicU32::new(0))).collect(),
            data: (0..data).map(|_| UnsafeCell::new(0)).collect(),
            tracks: (0..data).map(|_| loom::cell::UnsafeCell::new(())).collect(),
            futex: (Mutex::new(()), Condvar::new()),
        }
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn u32(&self, at: usize) -> &AtomicU32 {
        &self.halves[&at]
    }

    pub(crate) fn u64(&self, at: usize) -> &AtomicU64 {
        &self.words[&at]
    }

    fn tracks(&self, at: usize, len: usize) -> &[loom::cell::UnsafeCell<()>] {
        &self.tracks[at - HEADER_BYTES..at - HEADER_BYTES + len]
    }

    pub(crate) unsafe fn data(&self, at: usize, len: usize) -> &[u8] {
        for track in self.tracks(at, len) {
            track.with(|_| ());
        }
        let bytes = &self.data[at - HEADER_BYTES..at - HEADER_BYTES + len];
        // SAFETY: in bounds (just sliced); the detector would have found a writer.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), len) }
    }

    #[expect(clippy::mut_from_ref, reason = "as in the real region: owned by protocol, not by borrow")]
    pub(crate) unsafe fn data_mut(&self, at: usize, len: usize) -> &mut [u8] {
        for track in self.tracks(at, len) {
            track.with_mut(|_| ());
        }
        let bytes = &self.data[at - HEADER_BYTES..at - HEADER_BYTES + len];
        // SAFETY: in bounds (just sliced); the detector would have found any other user.
        unsafe { std::slice::from_raw_parts_mut(bytes.as_ptr().cast::<u8>().cast_mut(), len) }
    }

    pub(crate) fn prefix(&self, at: usize) -> u32 {
        // SAFETY: published by the producer; the detector checks that.
        u32::from_le_bytes(unsafe { self.data(at, 4) }.try_into().expect("4 bytes"))
    }

    /// As the kernel: the word is compared under the lock under which wakers look for sleepers.
    pub(crate) fn futex_wait(&self, at: usize, seen: u32, _timeout: Option<Duration>) {
        let held = self.futex.0.lock().expect("not poisoned");
        let now = self
            .halves
            .get(&at)
            .map_or_else(|| self.words[&at].load(Relaxed) as u32, |word| word.load(Relaxed));
        if now == seen {
            drop(self.futex.1.wait(held));
        }
    }

    pub(crate) fn futex_wake(&self, _at: usize) {
        let _held = self.futex.0.lock().expect("not poisoned");
        self.futex.1.notify_one();
    }
}

/// A pipe: the bytes in it.
#[derive(Default)]
pub struct Fifo {
    bytes: Mutex<u32>,
    rung: Condvar,
}

impl Fifo {
    /// Writes one byte.
    pub fn ring(&self) -> io::Result<()> {
        *self.bytes.lock().expect("not poisoned") += 1;
        self.rung.notify_one();
        Ok(())
    }

    /// Reads every byte.
    pub fn drain(&self) -> io::Result<()> {
        *self.bytes.lock().expect("not poisoned") = 0;
        Ok(())
    }

    /// Sleeps in epoll until there is a byte.
    pub fn poll(&self) {
        let mut bytes = self.bytes.lock().expect("not poisoned");
        while *bytes == 0 {
            bytes = self.rung.wait(bytes).expect("not poisoned");
        }
    }
}

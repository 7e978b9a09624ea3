//! Doorbells: a word that carries no data, and a flag that says how its sleeper sleeps.
//!
//! 1. A sleeper sets its flag, issues a full fence, reads the futex word, looks at everything again, and only then sleeps.
//! 2. A waker makes its news visible (head, tail, epoch), issues a full fence, and wakes if the flag is set.
//! 3. Between our own ends a wake changes the futex word first, so that a sleeper on its way into the futex does not sleep.
//! 4. The flag is written by its sleeper only. A waker that cleared it and was killed before its wake would cost everybody theirs.
//!
//! Invariant: of the two fences one comes first; so either the sleeper sees the news, or the waker sees the flag. No wake is lost.
//! Not guaranteed: that there is news after a wake.

use std::sync::Arc;
use std::time::Duration;

use crate::layout::{BELL, CONSUMER_BLOCKED, DOORBELL_BLOCKED, HEAD, MAGIC, RING_MAGIC, SEQUENCE};
use crate::sync::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::sync::fence;
use crate::{Fifo, Region};

/// How a consumer sleeps; the value of its flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// In the futex; flag 1, which peers understand.
    Futex,
    /// In epoll, woken through its FIFO; flag 2, between our own ends only.
    Poll,
}

/// What the flag says while its owner is awake.
const AWAKE: u32 = 0;

impl Sleep {
    fn flag(self) -> u32 {
        match self {
            Self::Futex => 1,
            Self::Poll => 2,
        }
    }
}

/// Which words make up a bell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A many-client server's doorbell object: word `SEQUENCE`.
    Doorbell,
    /// The consumer's bell in a ring of ours: word `BELL`.
    Ring,
    /// The consumer's bell in a peer's ring: word is the low half of `HEAD`.
    PeerRing,
}

/// One consumer's bell: the futex word and the flag, wherever they lie.
#[derive(Clone)]
pub struct Bell {
    region: Arc<Region>,
    kind: Kind,
}

impl Bell {
    /// The bell of a many-client server: its word is the doorbell object's sequence.
    #[must_use]
    pub fn doorbell(region: Arc<Region>) -> Self {
        Self {
            region,
            kind: Kind::Doorbell,
        }
    }

    /// The bell of a ring's own consumer: its word is `BELL`, or the low half of `head` in a peer's ring.
    #[must_use]
    pub fn of_ring(region: Arc<Region>) -> Self {
        // Relaxed: written before the ring could be seen, and never again.
        let kind = if region.u64(RING_MAGIC).load(Relaxed) == MAGIC {
            Kind::Ring
        } else {
            Kind::PeerRing
        };
        Self { region, kind }
    }

    /// Wakes the consumer if it sleeps (always, if `foreign`: a peer's flag is not trusted). Call after publishing.
    /// A doorbell's sequence grows by one each time. `fifo` is used for flag 2.
    #[inline]
    pub fn ring(&self, foreign: bool, fifo: Option<&Fifo>) {
        if self.kind == Kind::Doorbell {
            // Release: pairs with the Acquire in `arm`: who reads this sequence sees what was published before.
            self.region.u32(SEQUENCE).fetch_add(1, Release);
        }
        // Pairs with the fence in `arm` (rule 2).
        fence(SeqCst);
        let flag = self.region.u32(self.flag()).load(Relaxed);
        if flag != AWAKE || foreign {
            self.wake(flag, fifo);
        }
    }

    #[cold]
    fn wake(&self, flag: u32, fifo: Option<&Fifo>) {
        if self.kind == Kind::Ring {
            // Relaxed: the fence in `ring` has come before it, and releases the news to who reads this value in `arm` (rule 3).
            self.region.u32(BELL).fetch_add(1, Relaxed);
        }
        match fifo {
            // A pipe of ours fails only if it is closed, and then nobody sleeps on it.
            Some(fifo) if flag == Sleep::Poll.flag() => drop(fifo.ring()),
            _ => self.region.futex_wake(self.word()),
        }
    }

    /// Says how this consumer is about to sleep; look at every ring again after it. Returns the futex word's value.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        self.region.u32(self.flag()).store(sleep.flag(), Relaxed);
        // Pairs with the fence in `ring` (rule 1).
        fence(SeqCst);
        // Acquire: pairs with the Release of whoever changed it.
        match self.kind {
            Kind::PeerRing => self.region.u64(HEAD).load(Acquire) as u32,
            Kind::Doorbell | Kind::Ring => self.region.u32(self.word()).load(Acquire),
        }
    }

    /// Awake again. Always call it after waking: nobody else clears the flag.
    pub fn disarm(&self) {
        // Relaxed: seen late, it costs a waker one needless wake.
        self.region.u32(self.flag()).store(AWAKE, Relaxed);
    }

    /// Sleeps in the futex while the word still is `seen`, at most `timeout`. Spurious returns are allowed.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        self.region.futex_wait(self.word(), seen, timeout);
    }

    fn word(&self) -> usize {
        match self.kind {
            Kind::Doorbell => SEQUENCE,
            Kind::Ring => BELL,
            Kind::PeerRing => HEAD,
        }
    }

    fn flag(&self) -> usize {
        match self.kind {
            Kind::Doorbell => DOORBELL_BLOCKED,
            Kind::Ring | Kind::PeerRing => CONSUMER_BLOCKED,
        }
    }
}

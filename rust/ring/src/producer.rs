//! The sending end of a ring.
//!
//! Invariants: `head` is ours alone and never read back; `tail` is what the consumer last said, checked, and only reloaded when
//! the ring looks full. A message is contiguous: where it does not fit before the end, the rest is skipped and `wrap_head` says where.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::Region;
use crate::error::RingError;
use crate::header::Shape;
use crate::layout::{HEAD, PREFIX_BYTES, PRODUCER_BLOCKED, PRODUCER_CPU, TAIL, WRAP_HEAD};
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::sync::cpu_hint;

/// The processor hint is refreshed once in so many messages: a process moves far less often, and arm64 needs a system call for it.
const HINT_EVERY: u32 = 16;

/// The only sender into a ring.
pub struct Producer {
    region: Arc<Region>,
    shape: Shape,
    head: u64,
    tail: u64,
    published: u32,
    /// Whether we said that we wait for room.
    waiting: AtomicBool,
}

/// Room for one message; dropped without `publish` it leaves the ring as it was.
pub struct Claim<'a> {
    ring: &'a mut Producer,
    /// The counter at which the message starts: `ring.head`, or the next multiple of the capacity after it.
    start: u64,
    len: usize,
}

impl Producer {
    /// Takes the sending end of `region`, whose header is validated against its true size.
    ///
    /// # Errors
    /// `Corrupt`: the header contradicts itself or the size.
    pub fn attach(region: Arc<Region>) -> Result<Self, RingError> {
        let shape = Shape::of(&region)?;
        let head = region.u64(HEAD).load(Relaxed);
        // Acquire: pairs with the consumer's Release of `tail`.
        let tail = region.u64(TAIL).load(Acquire);
        shape.used(head, tail)?;
        Ok(Self {
            region,
            shape,
            head,
            tail,
            published: 0,
            waiting: AtomicBool::new(false),
        })
    }

    /// Starts again at 0 after the server has emptied the ring.
    pub(crate) fn restart(&mut self) {
        self.head = 0;
        self.tail = 0;
        self.published = 0;
        self.waiting.store(false, Relaxed);
    }

    /// Largest payload that always fits an empty ring, in bytes: half the capacity less the prefix.
    #[must_use]
    pub fn most(&self) -> usize {
        self.shape.most()
    }

    /// Room for a payload of `len` bytes; `None` while the ring is too full.
    ///
    /// # Errors
    /// `TooLarge`: more than `most`, so it might never fit. `Corrupt`: the consumer's counter is impossible.
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<Option<Claim<'_>>, RingError> {
        if len > self.shape.most() {
            return Err(RingError::TooLarge {
                need: len,
                most: self.shape.most(),
            });
        }
        let size = (PREFIX_BYTES + len) as u64;
        let till_end = self.shape.till_end(self.head);
        let skipped = if size > till_end { till_end } else { 0 };
        let fits = |used: u64| self.shape.capacity - used >= skipped + size;
        if !fits(self.head.wrapping_sub(self.tail)) {
            // Acquire: pairs with the consumer's Release in `release`: it has read what we are about to overwrite.
            let tail = self.region.u64(TAIL).load(Acquire);
            let used = self.shape.used(self.head, tail)?;
            self.tail = tail;
            if !fits(used) {
                return Ok(None);
            }
        }
        let start = self.head.wrapping_add(skipped);
        Ok(Some(Claim { ring: self, start, len }))
    }

    /// Whether the consumer has taken everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // Acquire: pairs with the consumer's Release of `tail`.
        self.region.u64(TAIL).load(Acquire) == self.head
    }

    /// Says that this side waits for room (`true`) or no longer does. Set it, arm the bell, claim again, and only then sleep:
    /// the fence in `Bell::arm` pairs with the one in `Consumer::release`, so that either it sees the flag, or we see its new tail.
    /// In a peer's ring nothing is written: its consumer would not look.
    pub fn set_blocked(&self, blocked: bool) {
        self.waiting.store(blocked, Relaxed);
        if self.shape.ours {
            self.region.u32(PRODUCER_BLOCKED).store(u32::from(blocked), Relaxed);
        }
    }

    /// Whether this side waits for room and the consumer has released something since the last `claim`.
    #[must_use]
    pub fn room_came(&self) -> bool {
        // Relaxed: only a hint to claim again.
        self.waiting.load(Relaxed) && self.region.u64(TAIL).load(Relaxed) != self.tail
    }
}

impl Claim<'_> {
    /// Where the payload goes. Uninitialised bytes of an earlier message: write all of it.
    #[inline]
    pub fn bytes(&mut self) -> &mut [u8] {
        let at = self.ring.shape.offset(self.start) + PREFIX_BYTES;
        // SAFETY: free bytes (claim saw the consumer's tail beyond them, Acquire), ours until published, and `self` is borrowed.
        unsafe { self.ring.region.data_mut(at, self.len) }
    }

    /// Makes the message visible to the consumer. Waking it is the bell's work.
    #[inline]
    pub fn publish(self) {
        let Self { ring, start, len } = self;
        let region = &*ring.region;
        // SAFETY: the four bytes before the payload, ours as above.
        let prefix = unsafe { region.data_mut(ring.shape.offset(start), PREFIX_BYTES) };
        prefix.copy_from_slice(&(len as u32).to_le_bytes());
        if start != ring.head {
            // Relaxed: the Release of `head` below carries it. The consumer has passed the last wrap, else there were no room for this one.
            region.u64(WRAP_HEAD).store(ring.head, Relaxed);
        }
        if ring.shape.ours && ring.published % HINT_EVERY == 0 {
            region.u32(PRODUCER_CPU).store(cpu_hint(), Relaxed);
        }
        ring.published = ring.published.wrapping_add(1);
        ring.head = start.wrapping_add((PREFIX_BYTES + len) as u64);
        // Release: pairs with the consumer's Acquire of `head`: prefix, payload and wrap_head are visible before it.
        region.u64(HEAD).store(ring.head, Release);
    }
}

//! The receiving end of a ring.
//!
//! Invariants: `tail` is ours alone and never read back; `head` is what the producer last said, checked, and only reloaded when
//! the ring looks empty. A length is read once, and a message lies inside what was published and before the ring's end, or is refused.
//! Not guaranteed: that a payload stays as it is under a hostile producer. It cannot make us read beyond it, but two reads of one byte may
//! differ: what was checked and is used later, a `str` above all, must be copied before it is checked.

use std::sync::Arc;

use crate::Region;
use crate::error::RingError;
use crate::header::Shape;
use crate::layout::{HEAD, PREFIX_BYTES, PRODUCER_BLOCKED, PRODUCER_CPU, TAIL, WRAP_HEAD};
use crate::sync::Ordering::{Acquire, Relaxed, Release, SeqCst};
use crate::sync::fence;

/// The only receiver from a ring.
pub struct Consumer {
    region: Arc<Region>,
    shape: Shape,
    head: u64,
    tail: u64,
    /// Payload length of the message at `tail`, once it has been looked at.
    peeked: Option<usize>,
}

impl Consumer {
    /// Takes the receiving end of `region`, whose header is validated against its true size.
    ///
    /// # Errors
    /// `Corrupt`: the header contradicts itself or the size.
    pub fn attach(region: Arc<Region>) -> Result<Self, RingError> {
        let shape = Shape::of(&region)?;
        let tail = region.u64(TAIL).load(Relaxed);
        // Acquire: pairs with the producer's Release of `head`.
        let head = region.u64(HEAD).load(Acquire);
        shape.used(head, tail)?;
        Ok(Self {
            region,
            shape,
            head,
            tail,
            peeked: None,
        })
    }

    /// Starts again at 0 after the server has emptied the ring.
    pub(crate) fn restart(&mut self) {
        self.head = 0;
        self.tail = 0;
        self.peeked = None;
    }

    /// The oldest message, in place, until it is released; `None` when there is none. The other process can still write there: read
    /// nothing twice that must not change in between, and keep no `str` of it.
    ///
    /// # Errors
    /// `Corrupt`: counters or a length are impossible; the ring stays so.
    #[inline]
    pub fn peek(&mut self) -> Result<Option<&[u8]>, RingError> {
        let len = match self.peeked {
            Some(len) => len,
            None => match self.next()? {
                Some(len) => len,
                None => return Ok(None),
            },
        };
        self.peeked = Some(len);
        let at = self.shape.offset(self.tail) + PREFIX_BYTES;
        // SAFETY: inside the mapping, published (Acquire of `head`), left alone by a producer that keeps the protocol until our tail passes
        // them. One that breaks it races with our reads of plain bytes, of which every value is valid; hence the rule for `peek`.
        Ok(Some(unsafe { self.region.data(at, len) }))
    }

    /// Finds the message at `tail`, skipping the rest of the ring where the producer wrapped; returns its length.
    fn next(&mut self) -> Result<Option<usize>, RingError> {
        let mut used = self.shape.used(self.head, self.tail)?;
        if used == 0 {
            // Acquire: pairs with the producer's Release in `publish`.
            self.head = self.region.u64(HEAD).load(Acquire);
            used = self.shape.used(self.head, self.tail)?;
            if used == 0 {
                return Ok(None);
            }
        }
        // Relaxed: carried by the Acquire of `head`; a later wrap cannot be there before our tail has passed this one.
        if self.region.u64(WRAP_HEAD).load(Relaxed) == self.tail {
            let skipped = self.shape.till_end(self.tail);
            if skipped > used {
                return Err(RingError::Corrupt("it wraps beyond what was published"));
            }
            self.tail = self.tail.wrapping_add(skipped);
            used -= skipped;
            if used == 0 {
                // A peer may publish the jump before the message.
                self.region.u64(TAIL).store(self.tail, Release);
                return Ok(None);
            }
        }
        let reach = used.min(self.shape.till_end(self.tail));
        if reach < PREFIX_BYTES as u64 {
            return Err(RingError::Corrupt("a length is cut off"));
        }
        let len = self.region.prefix(self.shape.offset(self.tail));
        if u64::from(len) > reach - PREFIX_BYTES as u64 {
            return Err(RingError::Corrupt("a message is longer than what was published"));
        }
        Ok(Some(len as usize))
    }

    /// Gives the peeked message's room back; without one does nothing. True while the producer says that it waits for room:
    /// ring its bell then, once after the last release of a batch.
    #[inline]
    pub fn release(&mut self) -> bool {
        let Some(len) = self.peeked.take() else { return false };
        self.tail = self.tail.wrapping_add((PREFIX_BYTES + len) as u64);
        // Release: pairs with the producer's Acquire of `tail`: we have read everything before it.
        self.region.u64(TAIL).store(self.tail, Release);
        if !self.shape.ours {
            return false;
        }
        // Pairs with the fence in `Bell::arm`, which a waiting producer passes after setting its flag: either we see the flag, or it
        // sees the new tail when it looks again.
        fence(SeqCst);
        self.region.u32(PRODUCER_BLOCKED).load(Relaxed) != 0
    }

    /// Cheap look whether a message may be there; the spin's question.
    #[inline]
    #[must_use]
    pub fn has_message(&self) -> bool {
        // Acquire only for symmetry with `peek`; nothing is read on the strength of it.
        self.region.u64(HEAD).load(Acquire) != self.tail
    }

    /// The processor that the producer last published on, plus one; 0 is unknown (always, for a peer).
    #[must_use]
    pub fn peer_cpu(&self) -> u32 {
        if self.shape.ours {
            self.region.u32(PRODUCER_CPU).load(Relaxed)
        } else {
            0
        }
    }

    /// How many bytes have been taken; grows with each release.
    pub(crate) fn taken(&self) -> u64 {
        self.tail
    }
}

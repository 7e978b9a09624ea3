//! A ring's header: written once by its creator, validated once by each end, emptied by the server between two owners.

use crate::Region;
use crate::error::RingError;
use crate::layout::{
    BELL, CAPACITY, CONSUMER_BLOCKED, HEAD, HEADER_BYTES, LEAST_CAPACITY, MAGIC, MASK, NEVER_WRAPPED, PRODUCER_BLOCKED, PRODUCER_CPU,
    RING_MAGIC, TAIL, WRAP_HEAD,
};
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// What never changes about a ring, taken once and never read from shared memory again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Bytes of data, a power of two, all inside the region.
    pub(crate) capacity: u64,
    /// Whether both ends are ours, so that our additions to the layout mean something.
    pub(crate) ours: bool,
}

impl Shape {
    /// Validates a header against the region's true size; `None` while its creator has not written it yet.
    pub(crate) fn read(region: &Region) -> Result<Option<Self>, RingError> {
        if region.len() <= HEADER_BYTES {
            return Err(RingError::Corrupt("the object is no larger than a header"));
        }
        // Acquire: pairs with the Release of `format_ring`, which writes the capacity last.
        let capacity = region.u64(CAPACITY).load(Acquire);
        let mask = region.u64(MASK).load(Acquire);
        if capacity == 0 || mask == 0 {
            return Ok(None);
        }
        if !capacity.is_power_of_two() || capacity < LEAST_CAPACITY {
            return Err(RingError::Corrupt("the capacity is not a power of two of at least 16"));
        }
        if mask != capacity - 1 {
            return Err(RingError::Corrupt("mask is not capacity - 1"));
        }
        if capacity > (region.len() - HEADER_BYTES) as u64 {
            return Err(RingError::Corrupt("the capacity is larger than the object"));
        }
        Ok(Some(Self {
            capacity,
            ours: region.u64(RING_MAGIC).load(Relaxed) == MAGIC,
        }))
    }

    /// As `read`, for a ring that must be complete.
    pub(crate) fn of(region: &Region) -> Result<Self, RingError> {
        Self::read(region)?.ok_or(RingError::Corrupt("the header is not written yet"))
    }

    /// Checks what a counter pair claims: bytes published and not consumed.
    pub(crate) fn used(self, head: u64, tail: u64) -> Result<u64, RingError> {
        let used = head.wrapping_sub(tail);
        if used > self.capacity {
            return Err(RingError::Corrupt("head and tail are further apart than the capacity"));
        }
        Ok(used)
    }

    /// Where a counter points in the region.
    pub(crate) fn offset(self, counter: u64) -> usize {
        HEADER_BYTES + (counter & (self.capacity - 1)) as usize
    }

    /// Bytes from a counter's place to the ring's end; never 0.
    pub(crate) fn till_end(self, counter: u64) -> u64 {
        self.capacity - (counter & (self.capacity - 1))
    }

    /// Largest payload that fits an empty ring at any place: half of it less the prefix, and within a u32.
    pub(crate) fn most(self) -> usize {
        (self.capacity / 2 - 4).min(u64::from(u32::MAX)) as usize
    }
}

/// Writes the header of an empty ring over a whole region; `ours` marks that our additions to the layout hold.
///
/// # Errors
/// `Corrupt`: the region less its header is not a power of two of at least 16 bytes.
pub fn format_ring(region: &Region, ours: bool) -> Result<(), RingError> {
    let capacity = region.len().saturating_sub(HEADER_BYTES) as u64;
    if !capacity.is_power_of_two() || capacity < LEAST_CAPACITY {
        return Err(RingError::Corrupt("the size is not that of a header and a power of two"));
    }
    region.u64(RING_MAGIC).store(if ours { MAGIC } else { 0 }, Relaxed);
    clear(region);
    region.u64(MASK).store(capacity - 1, Release);
    // Release: whoever reads this capacity (`Shape::read`) sees all of the header.
    region.u64(CAPACITY).store(capacity, Release);
    Ok(())
}

/// Empties a ring that nobody else uses. What orders this before the next user is the Release of the owner word or the capacity.
pub(crate) fn clear(region: &Region) {
    region.u64(HEAD).store(0, Relaxed);
    region.u64(WRAP_HEAD).store(NEVER_WRAPPED, Relaxed);
    region.u64(TAIL).store(0, Relaxed);
    region.u32(PRODUCER_CPU).store(0, Relaxed);
    region.u32(CONSUMER_BLOCKED).store(0, Relaxed);
    region.u32(PRODUCER_BLOCKED).store(0, Relaxed);
    region.u32(BELL).store(0, Relaxed);
}

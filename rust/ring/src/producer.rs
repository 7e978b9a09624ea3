//! The sending end of a ring.

use std::sync::Arc;

use crate::error::RingError;
use crate::region::Region;

/// The only sender into a ring.
pub struct Producer {}

/// Room for one message; dropped without `publish` it leaves the ring as it was.
pub struct Claim<'a> {
    _ring: &'a mut Producer,
}

impl Producer {
    /// Takes the sending end of `region`, whose header is validated against its true size.
    pub fn attach(region: Arc<Region>) -> Result<Self, RingError> {
        todo!("{}", region.len())
    }
    /// Largest payload that always fits an empty ring, in bytes: half the capacity less the prefix.
    pub fn most(&self) -> usize {
        todo!()
    }
    /// Room for a payload of `len` bytes; `None` while the ring is too full.
    pub fn claim(&mut self, len: usize) -> Result<Option<Claim<'_>>, RingError> {
        todo!("{len}")
    }
    /// Whether the consumer has taken everything.
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Says that this side waits for room (`true`) or no longer does; look again after setting it.
    pub fn set_blocked(&self, blocked: bool) {
        todo!("{blocked}")
    }
}

impl Claim<'_> {
    /// Where the payload goes. Uninitialised bytes of an earlier message: write all of it.
    pub fn bytes(&mut self) -> &mut [u8] {
        todo!()
    }
    /// Makes the message visible to the consumer. Waking it is the bell's work.
    pub fn publish(self) {
        todo!()
    }
}

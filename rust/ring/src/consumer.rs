//! The receiving end of a ring.

use std::sync::Arc;

use crate::error::RingError;
use crate::region::Region;

/// The only receiver from a ring.
pub struct Consumer {}

impl Consumer {
    /// Takes the receiving end of `region`, whose header is validated against its true size.
    pub fn attach(region: Arc<Region>) -> Result<Self, RingError> {
        todo!("{}", region.len())
    }
    /// The oldest message, in place, until it is released; `None` when there is none.
    pub fn peek(&mut self) -> Result<Option<&[u8]>, RingError> {
        todo!()
    }
    /// Gives the peeked message's room back. True if the producer said that it waits for room.
    pub fn release(&mut self) -> bool {
        todo!()
    }
    /// Cheap look whether a message may be there; the spin's question.
    pub fn has_message(&self) -> bool {
        todo!()
    }
}

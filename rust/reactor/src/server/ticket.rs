//! The one-shot right and duty to answer one request.

/// Names one request of one driver for ever; never reused, so that a late reply reaches nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

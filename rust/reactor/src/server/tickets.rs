//! The one-shot right and duty to answer one request, and what the reactor keeps under it.

use super::slab::Slab;

/// Names one request of one driver for ever; never reused, so that a late reply reaches nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// How a reply finds its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// In the order of its connection, at this place.
    Plain(u64),
    /// As soon as it is there, under this request id.
    Id(u64),
}

/// A request accepted and not yet answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    /// Key of its connection, which may be gone.
    pub(crate) connection: u64,
    /// Number of its method.
    pub(crate) method: u32,
    /// Where it stands in its connection's list of flights.
    pub(crate) position: u32,
    /// How its reply travels.
    pub(crate) way: Way,
}

/// Every request in flight, by ticket.
pub(crate) type Flights = Slab<Flight>;

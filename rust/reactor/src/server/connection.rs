//! What the reactor keeps of one connection, whatever carries it, and the rules when to read from it and when it is over.
//!
//! Invariants
//! 1. A connection is read only while it is below its bounds; once over one it is not read until it is at or below half of both.
//! 2. It is over when its input is over, everything taken was answered and everything answered was sent.

use rustix::event::epoll::EventFlags;
use rustix::fd::OwnedFd;

use super::buffers::Pile;
use super::order::Order;
use crate::limits::Limits;

/// What carries a connection. A socket is ended by `hang_up`.
pub(crate) enum Line {
    /// A stream socket.
    Socket(OwnedFd),
    /// A slot of the shared-memory rings.
    Slot(u32),
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) line: Line,
    /// Plain replies that wait for earlier ones, as whole frames.
    pub(crate) order: Order<Vec<u8>>,
    /// Bytes of these.
    pub(crate) held: usize,
    /// Tickets of its requests in flight; a `Flight` knows its position here.
    pub(crate) flights: Vec<u64>,
    /// How many of these carry an id.
    pub(crate) with_id: usize,
    /// Highest id that it used: a higher one is no duplicate.
    pub(crate) highest_id: u64,
    /// Frames not yet sent.
    pub(crate) outbox: Pile,
    /// Bytes received and not yet parsed (sockets).
    pub(crate) inbox: Pile,
    /// No more requests are taken from outside: its end was read, or nonsense, or the server drains.
    pub(crate) input_over: bool,
    /// Over a bound, see invariant 1.
    pub(crate) paused: bool,
    /// In the list of connections with something to send, or that may be over.
    pub(crate) dirty: bool,
    /// In the list of connections with something to parse.
    pub(crate) pending: bool,
    /// What epoll watches for.
    pub(crate) interest: EventFlags,
    /// Something was put into its ring since its bell was last rung (shared memory).
    pub(crate) published: bool,
    /// Nothing can be sent any more.
    pub(crate) broken: bool,
    /// Largest body of a reply, bytes.
    pub(crate) most_reply: usize,
}

impl Connection {
    pub(crate) fn new(line: Line, most_reply: usize) -> Self {
        Self {
            line,
            order: Order::new(),
            held: 0,
            flights: Vec::new(),
            with_id: 0,
            highest_id: 0,
            outbox: Pile::default(),
            inbox: Pile::default(),
            input_over: false,
            paused: false,
            dirty: false,
            pending: false,
            interest: EventFlags::IN,
            published: false,
            broken: false,
            most_reply,
        }
    }

    /// Requests taken whose replies have not left; errors of the reactor that wait in the order are among them.
    #[inline]
    fn taken(&self) -> usize {
        self.order.len() + self.with_id
    }

    /// Whether a further request may be taken; going over a bound pauses.
    #[inline]
    pub(crate) fn may_take(&mut self, limits: &Limits) -> bool {
        let queued = self.outbox.len() + self.held;
        if self.taken() >= limits.max_in_flight as usize || queued > limits.max_queued {
            self.paused = true;
        }
        !self.paused && !self.broken
    }

    /// Whether further requests are taken from it now.
    #[inline]
    pub(crate) fn is_read(&self) -> bool {
        !self.paused && !self.input_over && !self.broken
    }

    /// Ends a pause if it is time; true if it ended.
    #[inline]
    pub(crate) fn resume(&mut self, limits: &Limits) -> bool {
        let queued = self.outbox.len() + self.held;
        if !self.paused || self.taken() > limits.max_in_flight as usize / 2 || queued > limits.max_queued / 2 {
            return false;
        }
        self.paused = false;
        true
    }

    /// See invariant 2.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.broken || (self.input_over && self.taken() == 0 && self.outbox.is_empty() && self.inbox.is_empty())
    }

    /// What epoll should watch for.
    #[inline]
    pub(crate) fn wanted(&self) -> EventFlags {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, self.is_read());
        flags.set(EventFlags::OUT, !self.outbox.is_empty());
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::buffers::Buffers;

    #[test]
    fn it_pauses_over_a_bound_and_goes_on_at_half_of_both() {
        let limits = Limits {
            max_in_flight: 4,
            max_queued: 100,
            ..Limits::default()
        };
        let (mut connection, mut buffers) = (Connection::new(Line::Slot(0), 100), Buffers::new());
        for _ in 0..4 {
            assert!(connection.may_take(&limits));
            connection.order.take();
        }
        assert!(!connection.may_take(&limits));
        assert_eq!(connection.wanted(), EventFlags::empty());
        connection.order.pass();
        assert!(!connection.resume(&limits));
        connection.order.pass();
        assert!(connection.resume(&limits) && connection.may_take(&limits));
        connection.outbox.end(&mut buffers).extend_from_slice(&[0; 101]);
        assert!(!connection.may_take(&limits));
        assert_eq!(connection.wanted(), EventFlags::OUT);
        connection.outbox.advance(50, &mut buffers);
        assert!(!connection.resume(&limits));
        connection.outbox.advance(1, &mut buffers);
        assert!(connection.resume(&limits));
    }

    #[test]
    fn it_is_over_when_nothing_more_comes_and_everything_was_answered_and_sent() {
        let (mut connection, mut buffers) = (Connection::new(Line::Slot(0), 100), Buffers::new());
        connection.order.take();
        connection.input_over = true;
        assert!(!connection.is_over());
        connection.outbox.end(&mut buffers).push(1);
        connection.order.pass();
        assert!(!connection.is_over());
        connection.outbox.advance(1, &mut buffers);
        assert!(connection.is_over());
    }
}

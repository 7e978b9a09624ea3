//! A server without a thread: everything it does, it does in `turn`.
//!
//! ```text
//!  Serving --drain, Handle::shutdown--> Draining --nothing in flight, everything sent--> Ended
//!     `--------------------------abort, deadline, drop-----------------------------------^
//! ```

mod turning;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use proofplane_ring::Spin;
use rustix::event::epoll::EventFlags;

use super::completions::{Completion, Handle, Queue};
use super::connection::Line;
use super::core::{Connections, Core};
use super::listener::Listener;
use super::poll::{Poll, keys};
use super::rings::Rings;
use super::sockets::{self, Sockets};
use super::tickets::Ticket;
use super::types::{Options, Reply, Request, ServeError, Stats, Wait};
use crate::address::Address;
use crate::contract::Contract;
use crate::spinning;

/// What carries the connections.
enum Transport {
    Sockets(Sockets),
    Rings(Rings),
    /// Drained, as far as sockets go: nobody can connect any more.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Draining,
    Ended,
}

/// The server. Whoever owns it turns it; it is not shared.
///
/// Its descriptor (`AsFd`) is readable when a turn has something to do. Over sockets one turn per readiness is enough. Over
/// shared memory only a turn that returned 0 has armed the bell: after a turn that handed out requests, turn again.
pub struct Driver {
    core: Core,
    connections: Connections,
    transport: Transport,
    poll: Poll,
    queue: Arc<Queue>,
    /// Completions being taken; empty between turns.
    items: Vec<Completion>,
    /// Connections being flushed; empty between flushes.
    flushed: Vec<u64>,
    phase: Phase,
    deadline: Option<Instant>,
    /// The process that made it.
    maker: u32,
    shortcuts: u32,
    /// Over sockets.
    spin: Spin,
    /// The bell of the rings could not be armed: the owner must come back at once.
    again: bool,
    /// The queue's bell was taken back when the driver last attended: its readiness in epoll is old news.
    bell_taken: bool,
    turns: usize,
}

impl Driver {
    /// Listens: reclaims what a dead server left, binds under a temporary name (0600), listens, renames; or makes the rings.
    ///
    /// # Errors
    /// `InUse`: a living server has the address. `Io` of kind `InvalidInput`: the contract or a limit cannot be served.
    /// `Io` otherwise: the system refused, or something that is no socket stands at the path.
    pub fn bind(address: &Address, contract: Contract, options: Options) -> Result<Self, ServeError> {
        let core = Core::new(&contract, &options.limits)?;
        let poll = Poll::new()?;
        let queue = Arc::new(Queue::new()?);
        poll.add(&*queue, keys::BELL, EventFlags::IN)?;
        let transport = match address {
            Address::Socket(path) => Transport::Sockets(Sockets::new(Listener::bind(path, &options.peers)?, &poll)?),
            Address::SharedMemory(name) => Transport::Rings(Rings::new(name, &options, &poll)?),
        };
        Ok(Self {
            core,
            connections: Connections::new(),
            transport,
            poll,
            queue,
            items: Vec::new(),
            flushed: Vec::new(),
            phase: Phase::Serving,
            deadline: None,
            maker: std::process::id(),
            shortcuts: 0,
            spin: spinning::spin(options.spin_us),
            again: false,
            bell_taken: false,
            turns: 0,
        })
    }

    /// For other threads.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.queue))
    }

    /// Accepts, reads, parses, takes completions, writes; each request goes to `sink` at once. Returns how many.
    /// Bounded: at most one read per connection and 256 requests a turn, so that the driver's owner gets its time.
    /// Once the server has ended it returns 0 at once, whatever `wait` says.
    ///
    /// # Errors
    /// The system cannot wait for events or set a timer; one connection's failures are not errors of the turn.
    pub fn turn(&mut self, wait: Wait, sink: &mut dyn FnMut(Request<'_>)) -> io::Result<usize> {
        if self.phase == Phase::Ended {
            return Ok(0);
        }
        let before = self.core.handed_out();
        self.again = false;
        self.turns = self.turns.wrapping_add(1);
        self.core.begin(self.connections.len());
        let woken = self.attend();
        let wait = if woken || (!self.core.pending.is_empty() && !self.core.held) {
            Wait::No
        } else {
            wait
        };
        if matches!(self.transport, Transport::Rings(_)) {
            self.turn_rings(wait, sink)?;
        } else if wait == Wait::Spin && self.connections.len() > 0 {
            self.spin_sockets(sink)?;
        } else if !self.shortcut(wait, sink) {
            self.wait(wait)?;
            self.events(sink)?;
        }
        self.parse_pending(sink);
        loop {
            self.take_completions();
            self.update_held();
            self.flush_dirty();
            let again = self.again || (!self.core.pending.is_empty() && !self.core.held);
            if self.phase == Phase::Ended || self.queue.leave(false, again) {
                break;
            }
            self.attend();
        }
        Ok((self.core.handed_out() - before) as usize)
    }

    /// Answers from the driver's own thread; sent by `flush` or the next turn. A ticket that is unknown (answered, or its client gone) is ignored: false.
    pub fn complete(&mut self, ticket: Ticket, reply: Reply<&[u8]>) -> bool {
        let flight = self.core.land(ticket, &mut self.connections);
        self.update_held();
        let Some(flight) = flight else { return false };
        let Some(connection) = self.connections.get_mut(flight.connection) else {
            return false;
        };
        let ring = match (&mut self.transport, &connection.line) {
            (Transport::Rings(rings), Line::Slot(slot)) => Some(rings.response(*slot)),
            _ => None,
        };
        self.core.answer(&flight, connection, reply, ring);
        true
    }

    /// Sends what can be sent without blocking.
    ///
    /// # Errors
    /// None today: a connection that cannot be sent to is closed.
    pub fn flush(&mut self) -> io::Result<()> {
        self.flush_dirty();
        if !self.core.pending.is_empty() && !self.core.held {
            self.queue.wake();
        }
        Ok(())
    }

    /// Whether `Wait::Spin` would do more than `Wait::No`: always over shared memory, where a turn must also be repeated until it
    /// returns 0; over sockets while spinning pays.
    pub fn spins(&mut self) -> bool {
        matches!(self.transport, Transport::Rings(_)) || self.spin.due()
    }

    /// Stops accepting connections and requests; what is in flight may finish. True once nothing is in flight and everything is sent.
    pub fn drain(&mut self) -> bool {
        if self.phase == Phase::Serving {
            self.phase = Phase::Draining;
            self.core.closing = true;
            if let Transport::Sockets(transport) = &self.transport {
                transport.unwatch(&self.poll);
                self.transport = Transport::Closed;
            }
            for key in self.connections.keys() {
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.input_over = true;
                    connection.inbox.clear(&mut self.core.post.buffers);
                    self.core.post.mark(key, connection);
                }
            }
        }
        self.flush_dirty();
        self.phase == Phase::Ended
    }

    /// Whether requests are handed out where their clients can still write.
    pub(crate) fn is_shared_memory(&self) -> bool {
        matches!(self.transport, Transport::Rings(_))
    }

    /// Whether it takes no more requests.
    pub fn draining(&self) -> bool {
        self.phase != Phase::Serving
    }

    /// Whether it has ended: drained or aborted.
    pub fn ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Ends it: what is in flight is answered with an error as far as it goes without blocking, everything is closed and unlinked. Also on drop.
    pub fn abort(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        self.take_completions();
        for ticket in self.core.tickets() {
            self.complete(ticket, Reply::Error("the server is shutting down".into()));
        }
        self.flush_dirty();
        self.end();
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            open: self.connections.len() as u64,
            in_flight: self.core.in_flight() as u64,
            ..self.core.post.stats
        }
    }

    /// Begins to look at the queue and takes what is there; true if somebody rang or asked for something.
    fn attend(&mut self) -> bool {
        let attended = self.queue.attend(&mut self.items);
        self.bell_taken = attended.rung;
        let woken = attended.rung || attended.shutdown.is_some() || !self.items.is_empty();
        self.complete_items();
        if let Some(deadline) = attended.shutdown {
            self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
            self.drain();
            self.tick();
        }
        woken
    }

    fn take_completions(&mut self) {
        while self.queue.take(&mut self.items) {
            self.complete_items();
        }
    }

    fn complete_items(&mut self) {
        let mut items = std::mem::take(&mut self.items);
        for (ticket, reply) in items.drain(..) {
            match reply {
                Reply::Ok(payload) => self.complete(ticket, Reply::Ok(&payload)),
                Reply::Error(message) => self.complete(ticket, Reply::Error(message)),
            };
        }
        self.items = items;
    }

    /// Sends what is queued on every connection that has something, and ends those that are over; the last of a drain ends the server.
    fn flush_dirty(&mut self) {
        let mut dirty = std::mem::replace(&mut self.core.post.dirty, std::mem::take(&mut self.flushed));
        for key in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(key) else {
                continue;
            };
            connection.dirty = false;
            match (&mut self.transport, &connection.line) {
                (Transport::Rings(rings), Line::Slot(slot)) => rings.flush(*slot, connection, &mut self.core),
                _ => sockets::flush(key, connection, &mut self.core, &self.poll),
            }
            if connection.is_over() {
                self.remove(key);
            } else {
                sockets::resume(key, &mut self.core, &mut self.connections);
            }
        }
        self.flushed = dirty;
        self.end_if_drained();
    }

    /// Ends a connection; what is in flight from it becomes orphaned.
    fn remove(&mut self, key: u64) {
        let Some(mut connection) = self.connections.remove(key) else {
            return;
        };
        connection.inbox.clear(&mut self.core.post.buffers);
        connection.outbox.clear(&mut self.core.post.buffers);
        sockets::hang_up(&connection, &self.poll);
        match (&mut self.transport, &connection.line) {
            (Transport::Rings(rings), Line::Slot(slot)) => rings.cut_off(*slot),
            (Transport::Sockets(transport), _) => {
                // A failure keeps the listener out of epoll until the next connection ends; those that are there are served.
                let _ = transport.accept_again(&self.poll);
            }
            _ => {}
        }
    }

    /// Time has passed: the deadline of a shutdown, or the end of the listener's rest.
    fn tick(&mut self) {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.abort();
        } else if self.deadline.is_some() {
            let _ = self.poll.set_timer(self.deadline);
        } else if let Transport::Sockets(transport) = &mut self.transport {
            let _ = transport.accept_again(&self.poll);
        }
    }

    /// Stops or resumes reading every connection when the server as a whole comes to its bound or is at half of it again.
    fn update_held(&mut self) {
        if self.core.changes_held() {
            for key in self.connections.keys() {
                if let Some(connection) = self.connections.get_mut(key) {
                    self.core.post.mark(key, connection);
                }
            }
        }
    }

    fn end_if_drained(&mut self) {
        if self.phase == Phase::Draining && self.core.in_flight() == 0 && self.connections.len() == 0 {
            self.end();
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Ended;
        for key in self.connections.keys() {
            if let Some(connection) = self.connections.remove(key) {
                sockets::hang_up(&connection, &self.poll);
            }
        }
        match &self.transport {
            Transport::Sockets(transport) => transport.unwatch(&self.poll),
            Transport::Rings(rings) => rings.unwatch(&self.poll),
            Transport::Closed => {}
        }
        self.transport = Transport::Closed;
        self.poll.remove(&*self.queue);
        // An ended driver's descriptor tells nothing any more; if the system cannot stop a timer there is none.
        let _ = self.poll.set_timer(None);
        self.queue.close();
    }
}

impl AsFd for Driver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poll.as_fd()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A forked child has the descriptors too; what it sent would reach its parent's clients.
        if self.maker == std::process::id() {
            self.abort();
        }
    }
}

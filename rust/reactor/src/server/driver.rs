//! A server without a thread: everything it does, it does in `turn`.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::ticket::Ticket;
use crate::address::Address;
use crate::contract::Contract;
use crate::limits::Limits;

/// How a server is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// Client slots of a shared-memory server; 0 means 8.
    pub slots: u32,
    /// Bytes of each request ring; 0 means 1 MiB.
    pub request_ring: usize,
    /// Bytes of each reply ring; 0 means 1 MiB.
    pub response_ring: usize,
    /// Users that may connect besides our own and root.
    pub peers: Vec<u32>,
    /// Stay in a spin after work for at most so many microseconds (shared memory); 0 means 20.
    pub spin_us: u32,
}

/// A server could not start, or its address died under it.
#[derive(Debug)]
pub enum ServeError {
    /// A living server has this address.
    InUse(String),
    /// The system refused.
    Io(io::Error),
}

/// A request, on loan until the sink returns.
#[derive(Debug)]
pub struct Request<'a> {
    /// Answer with this.
    pub ticket: Ticket,
    /// Number in the contract.
    pub method: u32,
    /// The packed fields.
    pub payload: &'a [u8],
}

/// An answer. The reactor adds the response's name, the id and the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply<B> {
    /// The packed fields of the method's response.
    Ok(B),
    /// A message for the error reply.
    Error(String),
}

/// How long a turn may wait for something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Only what is there now.
    No,
    /// Spin as learned (shared memory), never sleep; if it ends with nothing the bell is armed and `fd` will tell.
    Spin,
    /// Until there is something, at most so long.
    Sleep(Option<Duration>),
}

/// Counters since the start, and gauges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Requests handed out.
    pub requests: u64,
    /// Replies sent or queued, errors included.
    pub replies: u64,
    /// Of these, errors made by the reactor.
    pub refused: u64,
    /// Replies whose client was gone.
    pub orphaned: u64,
    /// Requests accepted and not answered now.
    pub in_flight: u64,
}

/// The server. Whoever owns it turns it; it is not shared.
pub struct Driver {}

impl Driver {
    /// Listens: reclaims what a dead server left, binds under a temporary name (0600), listens, renames; or makes the rings.
    pub fn bind(address: &Address, contract: Contract, options: Options) -> Result<Self, ServeError> {
        todo!("{address:?} {contract:?} {options:?}")
    }
    /// For other threads.
    pub fn handle(&self) -> Handle {
        todo!()
    }
    /// Accepts, reads, parses, takes completions, writes; each request goes to `sink` at once. Returns how many.
    /// Bounded: at most one read per connection and 256 requests a turn, so that the driver's owner gets its time.
    pub fn turn(&mut self, wait: Wait, sink: &mut dyn FnMut(Request<'_>)) -> io::Result<usize> {
        let _ = sink;
        todo!("{wait:?}")
    }
    /// Answers from the driver's own thread; sent by `flush` or the next turn. A ticket that is unknown (answered, or its client gone) is ignored: false.
    pub fn complete(&mut self, ticket: Ticket, reply: Reply<&[u8]>) -> bool {
        todo!("{ticket:?} {reply:?}")
    }
    /// Sends what can be sent without blocking.
    pub fn flush(&mut self) -> io::Result<()> {
        todo!()
    }
    /// Whether `Wait::Spin` would do more than `Wait::No`.
    pub fn spins(&self) -> bool {
        todo!()
    }
    /// Stops accepting connections and requests; what is in flight may finish. True once nothing is in flight and everything is sent.
    pub fn drain(&mut self) -> bool {
        todo!()
    }
    /// Ends it: what is in flight is answered with an error as far as it goes without blocking, everything is closed and unlinked. Also on drop.
    pub fn abort(&mut self) {
        todo!()
    }
    /// Counters.
    pub fn stats(&self) -> Stats {
        todo!()
    }
}

impl AsFd for Driver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}

/// What other threads hold of a driver: it queues and wakes, and outlives the driver harmlessly.
#[derive(Clone)]
pub struct Handle {}

impl Handle {
    /// Answers from any thread.
    pub fn complete(&self, ticket: Ticket, reply: Reply<Vec<u8>>) {
        todo!("{ticket:?} {reply:?}")
    }
    /// Wakes whoever sleeps in `turn` or watches the descriptor.
    pub fn notify(&self) {
        todo!()
    }
    /// Asks the driver to drain, and to abort at the deadline.
    pub fn shutdown(&self, deadline: Instant) {
        todo!("{deadline:?}")
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(who) => write!(f, "{who} already serves there"),
            Self::Io(error) => write!(f, "cannot serve: {error}"),
        }
    }
}

impl std::error::Error for ServeError {}

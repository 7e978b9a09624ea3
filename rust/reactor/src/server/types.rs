//! The values that a server's owner gives and gets: options, requests, replies, waits, counters, errors.

use std::fmt;
use std::io;
use std::time::Duration;

use super::tickets::Ticket;
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
    /// Stay in a spin after work for at most so many microseconds; 0 means 50.
    pub spin_us: u32,
}

/// A server could not start, or its address died under it.
#[derive(Debug)]
pub enum ServeError {
    /// A living server has this address.
    InUse(String),
    /// The system refused, or what is to be served cannot be (kind `InvalidInput`).
    Io(io::Error),
}

/// A request, on loan until the sink returns.
#[derive(Debug)]
pub struct Request<'a> {
    /// Answer with this.
    pub ticket: Ticket,
    /// Number in the contract.
    pub method: u32,
    /// The packed fields. Over shared memory they lie where the client can still write: two reads of one byte may differ, so what is
    /// checked and used later (a `str` above all) must be copied first.
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
    /// Spin as learned, never sleep; if it ends with nothing, `fd` will tell (over shared memory the bell is armed). Over sockets only
    /// while clients are connected; over shared memory only while nothing is in flight: handlers on other threads need the processor.
    Spin,
    /// Until there is something, at most so long; over shared memory it spins first, as `Spin` does. A call of `Handle` and a signal
    /// end it too.
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

impl ServeError {
    /// What is to be served cannot be: the caller's mistake.
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Io(io::Error::new(io::ErrorKind::InvalidInput, why.into()))
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

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for ServeError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

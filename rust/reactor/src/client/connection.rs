//! One connection: frames out, replies in, in order (plain) or by id.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// Names one call of one connection: the request id, or its place in the order of a plain connection. Never reused.
pub type Call = u64;

/// A call was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The frame is larger than the connection carries.
    TooLarge { need: usize, most: usize },
    /// The queue of unsent requests is full: let replies come in first.
    WouldBlock,
    /// The connection is over.
    Lost(Lost),
}

/// Why a connection is over. Every call in flight fails with it at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The server closed, died, or cut us off.
    Ended(String),
    /// The bytes make no sense, or the system failed.
    Broken(String),
}

/// The connection. Whoever owns it turns it; it is not shared, and not to be used after a fork.
pub struct Connection {}

impl Connection {
    /// From now on requests carry ids (after `Hello` has said that the server knows them).
    pub fn use_ids(&mut self, ids: bool) {
        todo!("{ids}")
    }
    /// Queues a request: `name` and the packed fields in `payload`. Nothing is sent before `flush` or `turn`.
    pub fn submit(&mut self, name: &str, payload: &[u8]) -> Result<Call, SubmitError> {
        todo!("{name} {}", payload.len())
    }
    /// Sends what goes without blocking; true when nothing is left.
    pub fn flush(&mut self) -> Result<bool, Lost> {
        todo!()
    }
    /// Takes what has come: each reply's call, name and packed fields go to `sink`. Also flushes. Returns how many.
    /// Never blocks; with `spin` it spins as learned before giving up (shared memory). When it returns 0 the bell is armed and `fd` will tell.
    pub fn turn(&mut self, spin: bool, sink: &mut dyn FnMut(Call, &str, &[u8])) -> Result<usize, Lost> {
        let _ = sink;
        todo!("{spin}")
    }
    /// As `turn`, but sleeps until at least one reply has come; 0 when the deadline passed.
    pub fn wait(&mut self, deadline: Option<Instant>, sink: &mut dyn FnMut(Call, &str, &[u8])) -> Result<usize, Lost> {
        let _ = sink;
        todo!("{deadline:?}")
    }
    /// Whether anything is unsent, so that `fd` must also be watched for writing (sockets), or turned again soon (rings).
    pub fn wants_write(&self) -> bool {
        todo!()
    }
    /// Calls sent or queued, and not answered.
    pub fn in_flight(&self) -> usize {
        todo!()
    }
    /// Whether spinning can pay here (shared memory).
    pub fn spins(&self) -> bool {
        todo!()
    }
    /// Closes at once; calls in flight get no reply.
    pub fn close(&mut self) {
        todo!()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        todo!()
    }
}

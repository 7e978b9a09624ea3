//! One connection: frames out, replies in, in order (plain) or by id.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::delivery::Delivery;
use super::pending::Pending;
use super::shared::SharedLink;
use super::socket::SocketLink;
use crate::envelope::{Head, NAME_BYTES};
use crate::limits::Limits;

/// Names one call of one connection: the request id, or its place in the order of a plain connection. Never reused.
pub type Call = u64;

/// A call was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmitError {
    /// The frame is larger than the connection carries.
    TooLarge {
        /// Its body, or the command's name, in bytes.
        need: usize,
        /// The most that goes.
        most: usize,
    },
    /// The queue of unsent requests is full: let replies come in first.
    WouldBlock,
    /// The connection is over.
    Lost(Lost),
}

/// Why a connection is over. Every call in flight fails with it at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The server closed, died, or cut us off; or this side closed.
    Ended(String),
    /// The bytes make no sense, or the system failed.
    Broken(String),
}

/// What carries the frames.
pub(super) enum Link {
    /// A Unix stream socket.
    Socket(SocketLink),
    /// Two rings in shared memory.
    Shared(Box<SharedLink>),
}

/// The connection. Whoever owns it turns it; it is not shared, and not to be used after a fork.
///
/// Invariants: a call is in flight from `submit` until its reply went to a sink or the connection was lost, whoever still cares for
/// it: a caller that gives up drops its own end, and the reply is read all the same. Once lost, it stays lost for the same reason.
pub struct Connection {
    link: Link,
    pending: Pending,
    ids: bool,
    most_out: usize,
    lost: Option<Lost>,
}

impl Connection {
    /// A fresh connection, plain.
    pub(super) fn new(link: Link, limits: &Limits) -> Self {
        Self {
            link,
            pending: Pending::new(),
            ids: false,
            most_out: limits.max_frame as usize,
            lost: None,
        }
    }

    /// From now on requests carry ids (after `Hello` has said that the server knows them).
    pub fn use_ids(&mut self, ids: bool) {
        self.ids = ids;
    }

    /// From now on no request's body is larger than `most` bytes (what `Hello` said of the server), nor than our own limit.
    pub fn limit_requests(&mut self, most: u32) {
        self.most_out = self.most_out.min(most as usize);
    }

    /// Queues a request: `name` and the packed fields in `payload`. Nothing is sent before `flush` or `turn`, though a server that is
    /// awake may see a request in its ring earlier.
    pub fn submit(&mut self, name: &str, payload: &[u8]) -> Result<Call, SubmitError> {
        if let Some(lost) = &self.lost {
            return Err(SubmitError::Lost(lost.clone()));
        }
        let Ok(head) = Head::request(self.ids.then(|| self.pending.next()), name) else {
            return Err(SubmitError::TooLarge {
                need: name.len(),
                most: NAME_BYTES,
            });
        };
        let queued = match &mut self.link {
            Link::Socket(socket) => socket.queue(&head, payload, self.most_out),
            Link::Shared(shared) => shared.queue(&head, payload, self.most_out),
        };
        match queued {
            Ok(()) => Ok(self.pending.admit(self.ids)),
            Err(SubmitError::Lost(lost)) => Err(SubmitError::Lost(self.lose(lost))),
            Err(error) => Err(error),
        }
    }

    /// Sends what goes without blocking; true when nothing is left. When the server is gone, what was unsent is dropped and the next
    /// `turn` or `wait` says so, after the replies that came before.
    pub fn flush(&mut self) -> Result<bool, Lost> {
        self.check()?;
        let flushed = match &mut self.link {
            Link::Socket(socket) => socket.flush(),
            Link::Shared(shared) => shared.flush(),
        };
        flushed.map_err(|lost| self.lose(lost))
    }

    /// Takes what has come: each reply's call, name and packed fields go to `sink`. Also flushes. Returns how many.
    /// Never blocks; with `spin` it spins as learned before giving up. When it returns 0 the bell is armed and `fd` will
    /// tell, also of the reply to a request that another thread submits and flushes later; over a socket `fd` tells whatever it returns.
    /// Replies that came before the end go to `sink` also when this returns an error. Over shared memory the packed fields lie where the
    /// server can still write: copy them before checking what must not change afterwards (a `str` above all).
    pub fn turn(&mut self, spin: bool, sink: &mut dyn FnMut(Call, &str, &[u8])) -> Result<usize, Lost> {
        self.check()?;
        let mut delivery = Delivery::new(&mut self.pending, sink);
        let turned = match &mut self.link {
            Link::Socket(socket) => socket.turn(spin, &mut delivery),
            Link::Shared(shared) => shared.turn(spin, &mut delivery),
        };
        let count = delivery.count();
        turned.map(|()| count).map_err(|lost| self.lose(lost))
    }

    /// As `turn`, but sleeps until at least one reply has come; 0 when the deadline passed, or earlier when a signal (so that its
    /// handlers can run) or anything else ended the sleep: whoever still has time calls again. A deadline in the past takes what is there.
    pub fn wait(&mut self, deadline: Option<Instant>, sink: &mut dyn FnMut(Call, &str, &[u8])) -> Result<usize, Lost> {
        self.check()?;
        let mut delivery = Delivery::new(&mut self.pending, sink);
        let waited = match &mut self.link {
            Link::Socket(socket) => socket.wait(deadline, &mut delivery),
            Link::Shared(shared) => shared.wait(deadline, &mut delivery),
        };
        let count = delivery.count();
        waited.map(|()| count).map_err(|lost| self.lose(lost))
    }

    /// Whether `fd` must also be watched for writing (sockets with unsent requests), or this must be turned again within about a
    /// millisecond (a foreign server's full ring; ours rings when there is room).
    pub fn wants_write(&self) -> bool {
        match &self.link {
            _ if self.lost.is_some() => false,
            Link::Socket(socket) => socket.wants_write(),
            Link::Shared(shared) => shared.wants_write(),
        }
    }

    /// Calls sent or queued, and not answered; 0 once lost.
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Whether the next turn should spin: as learned, so that it says no while that does not pay, and now and then yes to try again.
    pub fn spins(&mut self) -> bool {
        match &mut self.link {
            Link::Socket(socket) => socket.spins(),
            Link::Shared(shared) => shared.spins(),
        }
    }

    /// Closes at once; calls in flight get no reply. The descriptor itself stays valid until this is dropped.
    pub fn close(&mut self) {
        if self.lost.is_none() {
            self.lose(Lost::Ended("this side closed the connection".into()));
        }
    }

    fn check(&self) -> Result<(), Lost> {
        self.lost.clone().map_or(Ok(()), Err)
    }

    /// The connection is over, for good.
    fn lose(&mut self, lost: Lost) -> Lost {
        self.lost = Some(lost.clone());
        self.pending.clear();
        match &mut self.link {
            Link::Socket(socket) => socket.close(),
            Link::Shared(shared) => shared.close(),
        }
        lost
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.link {
            Link::Socket(socket) => socket.as_fd(),
            Link::Shared(shared) => shared.as_fd(),
        }
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Ended(why) | Self::Broken(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Lost {}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { need, most } => write!(f, "a request of {need} bytes cannot be sent: this connection carries {most}"),
            Self::WouldBlock => write!(f, "the queue of unsent requests is full: let replies come in first"),
            Self::Lost(lost) => lost.fmt(f),
        }
    }
}

impl std::error::Error for SubmitError {}

#[cfg(test)]
mod tests {
    #[test]
    fn a_connection_may_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<super::Connection>();
    }
}

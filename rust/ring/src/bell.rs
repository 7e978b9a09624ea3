//! Doorbells: a word that carries no data, a flag that says how its sleeper sleeps, and the FIFO for sleepers in epoll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::error::ChannelError;
use crate::region::Region;

/// How a consumer sleeps; the value of its flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleep {
    /// In the futex; flag 1, which peers understand.
    Futex,
    /// In epoll, woken through its FIFO; flag 2, between our own ends only.
    Poll,
}

/// One consumer's bell: the futex word and the flag, wherever they lie.
#[derive(Clone)]
pub struct Bell {
    _region: Arc<Region>,
}

impl Bell {
    /// The bell of a many-client server: its word is the doorbell object's sequence.
    pub fn doorbell(region: Arc<Region>) -> Self {
        Self { _region: region }
    }
    /// The bell of a ring's own consumer: its word is the low half of `head`.
    pub fn of_ring(region: Arc<Region>) -> Self {
        Self { _region: region }
    }
    /// Wakes the consumer if it sleeps (always, if `foreign`: a peer's flag is not trusted). Call after publishing.
    /// A doorbell's sequence grows by one each time. `fifo` is used for flag 2.
    pub fn ring(&self, foreign: bool, fifo: Option<&Fifo>) {
        todo!("{foreign} {}", fifo.is_some())
    }
    /// Says how this consumer is about to sleep; look at every ring again after it. Returns the futex word's value.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        todo!("{sleep:?}")
    }
    /// Awake again.
    pub fn disarm(&self) {
        todo!()
    }
    /// Sleeps in the futex while the word still is `seen`, at most `timeout`. Spurious returns are allowed.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        todo!("{seen} {timeout:?}")
    }
}

/// A named pipe beside the rings: one byte wakes whoever sleeps in epoll on its reading end.
pub struct Fifo {
    fd: OwnedFd,
}

impl Fifo {
    /// Makes `/dev/shm/NAME` (0600) and opens it for reading, non-blocking, without ever seeing end of file.
    pub fn create(name: &str) -> Result<Self, ChannelError> {
        todo!("{name}")
    }
    /// Opens the writing (`true`) or reading end, non-blocking.
    pub fn open(name: &str, write: bool) -> Result<Self, ChannelError> {
        todo!("{name} {write}")
    }
    /// Writes one byte; a full pipe has been rung already.
    pub fn ring(&self) -> io::Result<()> {
        todo!()
    }
    /// Reads everything that was rung.
    pub fn drain(&self) -> io::Result<()> {
        todo!()
    }
}

impl AsFd for Fifo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

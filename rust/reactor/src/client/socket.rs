//! A connection over a Unix stream socket. The descriptor blocks; everything but `wait`'s receive asks not to, call by call.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use proofplane_ring::{Spin, process_id};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::connection::{Lost, SubmitError};
use super::delivery::Delivery;
use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::envelope::Head;
use crate::limits::Limits;

/// Longest sleep in one receive. A receive that sleeps by itself saves the poll before it, but its limit is fixed beforehand, as changing
/// it is a system call: deadlines further away than this sleep in receives, the last piece in a poll that ends on time. Short
/// enough that a caller who returns ten times a second to look for signals never polls; twenty wakes a second cost nothing.
const SLICE: Duration = Duration::from_millis(50);

/// The connection's socket and its two buffers.
pub(super) struct SocketLink {
    fd: OwnedFd,
    outbox: Outbox,
    inbox: Inbox,
    most_in: u32,
    spin: Spin,
    /// The process that made it.
    maker: u32,
}

impl SocketLink {
    /// Takes a connected, blocking socket.
    pub(super) fn new(fd: OwnedFd, limits: &Limits, spin: Spin) -> rustix::io::Result<Self> {
        set_socket_timeout(&fd, Timeout::Recv, Some(SLICE))?;
        Ok(Self {
            fd,
            outbox: Outbox::new(limits.max_queued),
            inbox: Inbox::new(),
            most_in: limits.max_frame,
            spin,
            maker: process_id(),
        })
    }

    /// Queues a frame of at most `most` bytes.
    pub(super) fn queue(&mut self, head: &Head, payload: &[u8], most: usize) -> Result<(), SubmitError> {
        let need = head.as_bytes().len() + payload.len();
        if need > most {
            return Err(SubmitError::TooLarge { need, most });
        }
        if !self.outbox.has_room(need) {
            return Err(SubmitError::WouldBlock);
        }
        self.outbox.push(head.as_bytes(), payload);
        Ok(())
    }

    /// One send of everything, repeated only when a signal came. A server that is gone is no error here: its last replies may still be
    /// unread, and the receive behind them finds the end.
    pub(super) fn flush(&mut self) -> Result<bool, Lost> {
        while !self.outbox.is_empty() {
            match send(&self.fd, self.outbox.unsent(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => {
                    self.outbox.advance(sent);
                    break;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(Errno::PIPE | Errno::CONNRESET) => self.outbox.clear(),
                Err(error) => return Err(Lost::Broken(format!("sending to the server failed: {error}"))),
            }
        }
        Ok(self.outbox.is_empty())
    }

    /// Sends what goes and takes what has come.
    pub(super) fn turn(&mut self, spin: bool, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        let sent = self.flush()?;
        if spin && sent && self.spin(delivery)? {
            return Ok(());
        }
        // A frame larger than one read is read on until it is complete or nothing more is there; `most_in` bounds it.
        while self.receive(RecvFlags::DONTWAIT, delivery)? == Received::Full && delivery.count() == 0 {}
        Ok(())
    }

    /// Sleeps until a reply, the deadline or a signal.
    pub(super) fn wait(&mut self, deadline: Option<Instant>, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        while delivery.count() == 0 {
            let sent = self.flush()?;
            if sent && self.spin.due() && self.spin(delivery)? {
                break;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if sent && left.is_none_or(|left| left > SLICE) {
                if self.receive(RecvFlags::empty(), delivery)? == Received::Interrupted {
                    break;
                }
                continue;
            }
            let events = if sent { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            let mut fds = [PollFd::new(&self.fd, events)];
            let timeout = left.map(|left| Timespec {
                tv_sec: left.as_secs() as i64,
                tv_nsec: left.subsec_nanos().into(),
            });
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => break,
                Ok(_) => {}
                Err(error) => return Err(Lost::Broken(format!("waiting for the server failed: {error}"))),
            }
            self.receive(RecvFlags::DONTWAIT, delivery)?;
        }
        Ok(())
    }

    /// Looks again and again, as long as that has paid, and lets whoever else is ready to run here run between two looks: on one
    /// processor that is the server, whose reply then is there without a sleep and a wake on either side. True if something came.
    fn spin(&mut self, delivery: &mut Delivery<'_>) -> Result<bool, Lost> {
        let mut spin = self.spin.clone();
        let mut received = Ok(Received::Nothing);
        let came = spin.wait(0, || {
            thread::yield_now();
            received = self.receive(RecvFlags::DONTWAIT, delivery);
            received.is_err() || delivery.count() > 0
        });
        self.spin = spin;
        received.map(|_| came)
    }

    /// Whether the next turn should spin.
    pub(super) fn spins(&mut self) -> bool {
        self.spin.due()
    }

    /// Whether requests are unsent.
    pub(super) fn wants_write(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The server sees the end at once, also while a forked child has the descriptor too; a child that closes ends nothing.
    /// The descriptor goes when this is dropped.
    pub(super) fn close(&mut self) {
        if self.maker == process_id() {
            // An error means that the server has ended it already.
            let _ = shutdown(&self.fd, Shutdown::Both);
        }
        self.outbox.clear();
    }

    /// One read, and the replies that it completed.
    fn receive(&mut self, flags: RecvFlags, delivery: &mut Delivery<'_>) -> Result<Received, Lost> {
        let room = self.inbox.room();
        match recv(&self.fd, spare_capacity(room), flags) {
            Ok((0, _)) => Err(self.ended("")),
            Ok(_) => {
                let full = room.len() == room.capacity();
                self.inbox.deliver(self.most_in, delivery)?;
                Ok(if full { Received::Full } else { Received::Some })
            }
            Err(Errno::AGAIN) => Ok(Received::Nothing),
            Err(Errno::INTR) => Ok(Received::Interrupted),
            Err(Errno::CONNRESET) => Err(self.ended(" without reading everything that was sent")),
            Err(error) => Err(Lost::Broken(format!("receiving from the server failed: {error}"))),
        }
    }

    fn ended(&self, how: &str) -> Lost {
        let place = if self.inbox.is_partial() { " in the middle of a reply" } else { "" };
        Lost::Ended(format!("the server closed the connection{place}{how}"))
    }
}

impl Drop for SocketLink {
    fn drop(&mut self) {
        self.close();
    }
}

impl AsFd for SocketLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What one read came to.
#[derive(PartialEq, Eq)]
enum Received {
    /// Bytes, and as many as there was room for: more may wait.
    Full,
    /// Bytes, all that were there.
    Some,
    /// None, or the slice of a sleeping receive is over.
    Nothing,
    /// A signal came first.
    Interrupted,
}

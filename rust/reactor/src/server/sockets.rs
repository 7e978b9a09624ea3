//! The socket transport: accepting, one read a turn from each connection that has something, one send for everything queued.

use std::io;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};

use super::connection::{Connection, Line};
use super::core::{Connections, Core, Sink};
use super::listener::{Accepted, Listener};
use super::poll::{Poll, keys};
use crate::frame::{Front, front};

/// Bytes read at once: all that the system holds for one connection by default (208 KiB) in one call.
const READ_BYTES: usize = 256 << 10;
/// Part of a frame up to this size, bytes, is put in front of the next read; a larger one is completed in place,
/// so that no byte of a large frame is moved twice, and a slow sender costs no more than this for each read.
const SMALL: usize = 16 << 10;
/// Connections accepted in one turn, so that a burst of them does not hold up those that are there.
const ACCEPTS_A_TURN: usize = 64;
/// How long accepting rests when the process has no descriptors left, unless one of our connections ends before.
const REST: Duration = Duration::from_millis(100);

/// The socket transport.
pub(crate) struct Sockets {
    listener: Listener,
    scratch: Vec<u8>,
    /// Whether epoll watches the listener.
    accepting: bool,
    /// The connection that was read last.
    pub(crate) last: Option<u64>,
}

/// Ends a connection so that its client sees the end and epoll forgets it, also where a forked child has copies of the descriptor.
pub(crate) fn hang_up(connection: &Connection, poll: &Poll) {
    if let Line::Socket(fd) = &connection.line {
        poll.remove(fd);
        // A client that is gone has ended it already.
        let _ = shutdown(fd, Shutdown::Both);
    }
}

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// So many bytes.
    Some(usize),
    /// It was not tried: what came before is not parsed yet, or a bound is reached.
    NotNow,
    /// Nothing is there now.
    Nothing,
    /// The client will send no more.
    End,
    /// The connection is gone.
    Broken,
}

impl Sockets {
    pub(crate) fn new(listener: Listener, poll: &Poll) -> io::Result<Self> {
        poll.add(&listener, keys::LISTENER, EventFlags::IN)?;
        Ok(Self {
            listener,
            scratch: vec![0; READ_BYTES],
            accepting: true,
            last: None,
        })
    }

    /// Takes out of epoll what a forked child would keep in it, before the listener closes.
    pub(crate) fn unwatch(&self, poll: &Poll) {
        poll.remove(&self.listener);
    }

    /// Takes new clients, as many as there is room for.
    pub(crate) fn accept(&mut self, core: &mut Core, connections: &mut Connections, poll: &Poll) -> io::Result<()> {
        for _ in 0..ACCEPTS_A_TURN {
            if connections.len() >= core.limits.max_connections as usize {
                return self.rest(poll, None);
            }
            match self.listener.accept() {
                Accepted::Nobody => return Ok(()),
                Accepted::Exhausted => return self.rest(poll, Some(Instant::now() + REST)),
                Accepted::Client(fd) => {
                    let mut connection = Connection::new(Line::Socket(fd), core.limits.max_frame as usize);
                    connection.interest = if core.held { EventFlags::empty() } else { EventFlags::IN };
                    let key = connections.insert(connection);
                    let watched = connections.get(key).map(|connection| match &connection.line {
                        Line::Socket(fd) => poll.add(fd, key, connection.interest),
                        Line::Slot(_) => Ok(()),
                    });
                    if let Some(Err(_)) = watched {
                        // The system watches no more descriptors: this client sees the end, later ones wait.
                        if let Some(connection) = connections.remove(key) {
                            hang_up(&connection, poll);
                        }
                        return self.rest(poll, Some(Instant::now() + REST));
                    }
                    core.post.stats.accepted += 1;
                }
            }
        }
        Ok(())
    }

    /// Stops watching the listener, whose readiness would wake us in vain.
    fn rest(&mut self, poll: &Poll, until: Option<Instant>) -> io::Result<()> {
        self.accepting = false;
        poll.modify(&self.listener, keys::LISTENER, EventFlags::empty())?;
        poll.set_timer(until)
    }

    /// There may be room for a further connection: watches the listener again.
    pub(crate) fn accept_again(&mut self, poll: &Poll) -> io::Result<()> {
        if !self.accepting {
            self.accepting = true;
            poll.modify(&self.listener, keys::LISTENER, EventFlags::IN)?;
        }
        Ok(())
    }

    /// Reads once from a connection and takes what it can.
    pub(crate) fn read(&mut self, key: u64, core: &mut Core, connections: &mut Connections, sink: &mut Sink<'_>) -> Read {
        let Some(connection) = connections.get_mut(key) else {
            return Read::NotNow;
        };
        if connection.pending || !connection.is_read() || !core.may_take(connection) {
            if connection.paused {
                core.post.mark(key, connection);
            }
            return Read::NotNow;
        }
        let read = if connection.inbox.len() <= SMALL {
            self.read_small(key, connection, core, sink)
        } else {
            read_large(key, connection, core, sink)
        };
        match read {
            Read::Some(_) => {
                self.last = Some(key);
                if !connection.inbox.is_empty() && !connection.pending && is_whole(connection, core) {
                    connection.pending = true;
                    core.pending.push_back(key);
                }
            }
            Read::Nothing | Read::NotNow => {}
            Read::End => {
                connection.input_over = true;
                connection.inbox.clear(&mut core.post.buffers);
                core.post.mark(key, connection);
            }
            Read::Broken => {
                connection.broken = true;
                core.post.mark(key, connection);
            }
        }
        read
    }

    fn read_small(&mut self, key: u64, connection: &mut Connection, core: &mut Core, sink: &mut Sink<'_>) -> Read {
        let held = connection.inbox.len();
        let read = receive(connection, |fd| {
            recv(fd, &mut self.scratch[held..], RecvFlags::DONTWAIT).map(|(_, count)| count)
        });
        if let Read::Some(count) = read {
            self.scratch[..held].copy_from_slice(connection.inbox.rest());
            connection.inbox.clear(&mut core.post.buffers);
            let bytes = &self.scratch[..held + count];
            let used = core.parse(key, connection, bytes, sink);
            if used < bytes.len() {
                connection.inbox.end(&mut core.post.buffers).extend_from_slice(&bytes[used..]);
            }
        }
        read
    }
}

/// Reads into the inbox itself, which grows with what has come, never with what a prefix promises.
fn read_large(key: u64, connection: &mut Connection, core: &mut Core, sink: &mut Sink<'_>) -> Read {
    let mut inbox = std::mem::take(&mut connection.inbox);
    let held = inbox.len();
    let missing = match front(inbox.rest(), core.limits.max_frame) {
        Front::Partial { total } => total - held,
        // Whole already, or too large: parsing says what it is.
        _ => 0,
    };
    let end = inbox.end(&mut core.post.buffers);
    end.reserve(missing.min(held).max(SMALL));
    let read = receive(connection, |fd| {
        recv(fd, spare_capacity(end), RecvFlags::DONTWAIT).map(|(_, count)| count)
    });
    if let Read::Some(_) = read {
        let used = core.parse(key, connection, inbox.rest(), sink);
        inbox.advance(used, &mut core.post.buffers);
    }
    connection.inbox = inbox;
    read
}

fn receive(connection: &Connection, read: impl FnOnce(&rustix::fd::OwnedFd) -> Result<usize, Errno>) -> Read {
    let Line::Socket(fd) = &connection.line else { return Read::Nothing };
    match read(fd) {
        Ok(0) => Read::End,
        Ok(count) => Read::Some(count),
        Err(Errno::AGAIN | Errno::INTR) => Read::Nothing,
        Err(_) => Read::Broken,
    }
}

/// Whether parsing can go on in the inbox without reading.
fn is_whole(connection: &Connection, core: &Core) -> bool {
    !matches!(front(connection.inbox.rest(), core.limits.max_frame), Front::Partial { .. })
}

/// Parses what was received before and not taken then.
pub(crate) fn parse_pending(key: u64, core: &mut Core, connections: &mut Connections, sink: &mut Sink<'_>) {
    let Some(connection) = connections.get_mut(key) else { return };
    connection.pending = false;
    let mut inbox = std::mem::take(&mut connection.inbox);
    let used = core.parse(key, connection, inbox.rest(), sink);
    inbox.advance(used, &mut core.post.buffers);
    connection.inbox = inbox;
    resume(key, core, connections);
}

/// Puts a connection that may be read again into the list of those with something to parse, if it has.
pub(crate) fn resume(key: u64, core: &mut Core, connections: &mut Connections) {
    let Some(connection) = connections.get_mut(key) else { return };
    if !connection.paused && !connection.pending && !connection.broken && !connection.inbox.is_empty() && is_whole(connection, core) {
        connection.pending = true;
        core.pending.push_back(key);
    }
}

/// Sends what is queued, as much as goes; then watches for what is to be watched for.
pub(crate) fn flush(key: u64, connection: &mut Connection, core: &mut Core, poll: &Poll) {
    let Line::Socket(fd) = &connection.line else { return };
    if !connection.outbox.is_empty() && !connection.broken {
        match send(fd, connection.outbox.rest(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(count) => connection.outbox.advance(count, &mut core.post.buffers),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => connection.broken = true,
        }
    }
    connection.resume(&core.limits);
    let Line::Socket(fd) = &connection.line else { return };
    let mut wanted = connection.wanted();
    if core.held {
        wanted.remove(EventFlags::IN);
    }
    if wanted != connection.interest && !connection.broken {
        match poll.modify(fd, key, wanted) {
            Ok(()) => connection.interest = wanted,
            Err(_) => connection.broken = true,
        }
    }
}

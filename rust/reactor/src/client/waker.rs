//! One descriptor for everything that may end a shared-memory client's sleep in an event loop: a bell, or the server's death.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use proofplane_ring::{ClientChannel, Owner};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::{Errno, read, write};

/// The epoll instance and what it watches: the slot's FIFO (our servers) or an eventfd (foreign ones), and the server's process.
pub(super) struct Waker {
    epoll: OwnedFd,
    note: Option<Note>,
    server: Option<OwnedFd>,
}

impl Waker {
    /// Watches the bell of `channel` and the process `server`, if known. `Ok(None)`: that process is dead.
    pub(super) fn new(channel: &ClientChannel, server: Option<Owner>) -> std::io::Result<Option<Self>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let note = match channel.fifo() {
            Some(fifo) => {
                watch(&epoll, fifo)?;
                None
            }
            None => {
                let note = Note::new()?;
                watch(&epoll, &*note.0)?;
                Some(note)
            }
        };
        let server = match server {
            None => None,
            Some(server) => match server.watch()? {
                None => return Ok(None),
                Some(death) => {
                    watch(&epoll, &death)?;
                    Some(death)
                }
            },
        };
        Ok(Some(Self { epoll, note, server }))
    }

    /// Takes back what was rung, so that the descriptor tells of the next bell.
    pub(super) fn quiet(&self, channel: &ClientChannel) -> std::io::Result<()> {
        match (&self.note, channel.fifo()) {
            (Some(note), _) => note.take()?,
            (None, Some(fifo)) => fifo.drain()?,
            (None, None) => {}
        }
        Ok(())
    }

    /// What wakes the event loop for a foreign server's bell.
    pub(super) fn note(&self) -> Option<&Note> {
        self.note.as_ref()
    }

    /// Whether the server's process is known to be dead.
    pub(super) fn server_died(&self) -> bool {
        let Some(server) = &self.server else { return false };
        let mut fds = [PollFd::new(server, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(1..))
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// A flag in the kernel that makes the waker readable; shared with the sentinel's thread.
#[derive(Clone)]
pub(super) struct Note(Arc<OwnedFd>);

impl Note {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Sets it. A counter at its end is set already.
    pub(super) fn leave(&self) {
        let _ = write(&*self.0, &1u64.to_ne_bytes());
    }

    fn take(&self) -> std::io::Result<()> {
        match read(&*self.0, &mut [0; 8]) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn watch(epoll: &OwnedFd, fd: impl AsFd) -> std::io::Result<()> {
    // Who was ready does not matter: whoever is woken looks at everything.
    Ok(epoll::add(epoll, fd, EventData::new_u64(0), EventFlags::IN)?)
}

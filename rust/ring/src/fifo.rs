//! Named pipes beside the rings, for sleepers in epoll.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::error::ChannelError;
use crate::region::path;

/// A named pipe beside the rings: one byte wakes whoever sleeps in epoll on its reading end.
///
/// Both ends are opened for reading and writing: so neither ever sees end of file, ENXIO or SIGPIPE, whoever comes or goes.
pub struct Fifo {
    fd: OwnedFd,
}

impl Fifo {
    /// Makes `/dev/shm/NAME` (0600) and opens it for reading, non-blocking, without ever seeing end of file.
    ///
    /// # Errors
    /// `Io`: the name exists, or the system refused.
    pub fn create(name: &str) -> Result<Self, ChannelError> {
        fs::mknodat(fs::CWD, path(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        Self::open(name)
    }

    /// Opens both ends of an existing one, non-blocking.
    ///
    /// # Errors
    /// `Absent`: no such pipe. `Malformed`: not a pipe. `Io`: another user's, or the system refused.
    pub fn open(name: &str) -> Result<Self, ChannelError> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match fs::open(path(name), flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(ChannelError::Absent),
            other => other?,
        };
        let stat = fs::fstat(&fd)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo {
            return Err(ChannelError::Malformed("not a named pipe"));
        }
        if stat.st_uid != rustix::process::geteuid().as_raw() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{name} belongs to another user")).into());
        }
        Ok(Self { fd })
    }

    /// Writes one byte; a full pipe has been rung already.
    ///
    /// # Errors
    /// The system refused.
    pub fn ring(&self) -> io::Result<()> {
        match rustix::io::write(&self.fd, b"!") {
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads everything that was rung.
    ///
    /// # Errors
    /// The system refused.
    pub fn drain(&self) -> io::Result<()> {
        let mut rung = [0u8; 512];
        loop {
            match rustix::io::read(&self.fd, &mut rung) {
                Ok(count) if count == rung.len() => {}
                Ok(_) | Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsFd for Fifo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

//! A listening Unix socket under a path: bound under a temporary name, listening before its name can be seen, removed by its owner only.
//!
//! Invariants
//! 1. Whoever sees a socket at the path can connect to it: it is renamed there after it listens.
//! 2. The socket is 0600 from the start: its mode is set on the descriptor, which bind takes over. A umask would be the whole
//!    process's, and other threads create files too.
//! 3. Binding and removing are done under a lock on the directory, so that two servers that start together never both find it free.
//! 4. Only a socket that refuses connections is replaced; only our own inode is removed.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, fchmod, flock, open, renameat, statat, unlinkat};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{
    AddressFamily, Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, shutdown, socket_with,
};
use rustix::process::{Pid, Uid, geteuid, test_kill_process};

use super::types::ServeError;

/// Connections that the system may keep for us until we accept them; it cuts this to its own bound (4096 by default).
const BACKLOG: i32 = 4096;
/// Beginning of a temporary name; the pid, a dash and 8 hexadecimal digits follow.
const TEMPORARY: &str = ".pp-";
/// Entries of the directory looked at for leftovers: a giant directory must not delay the start.
const MOST_ENTRIES: usize = 10_000;
/// Attempts to lock the directory, a millisecond apart: other starting servers hold it for far less each.
const LOCK_ATTEMPTS: u32 = 2_000;

/// The socket.
pub(crate) struct Listener {
    fd: OwnedFd,
    directory: OwnedFd,
    name: OsString,
    /// Device and inode of our socket.
    identity: (u64, u64),
    /// The process that made it: a forked child must not remove what its parent serves.
    maker: u32,
    peers: Vec<u32>,
}

/// What accepting came to.
pub(crate) enum Accepted {
    /// A client that may connect.
    Client(OwnedFd),
    /// Nobody waits.
    Nobody,
    /// The system cannot give us one now; whoever waits goes on waiting.
    Exhausted,
}

impl Listener {
    /// Listens at `path`.
    pub(crate) fn bind(path: &Path, peers: &[u32]) -> Result<Self, ServeError> {
        let name = path.file_name().ok_or_else(|| ServeError::invalid("the path has no file name"))?;
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let lock = Lock::take(&directory)?;
        check_free(path, &directory, name)?;
        remove_leftovers(&directory);
        let temporary = temporary_name();
        let fd = socket()?;
        fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
        bind(&fd, &SocketAddrUnix::new(temporary_path(parent, &temporary))?)?;
        let listening = listen(&fd, BACKLOG)
            .and_then(|()| statat(&directory, &temporary, AtFlags::SYMLINK_NOFOLLOW))
            .and_then(|stat| renameat(&directory, &temporary, &directory, name).map(|()| (stat.st_dev, stat.st_ino)));
        if listening.is_err() {
            let _ = unlinkat(&directory, &temporary, AtFlags::empty());
        }
        drop(lock);
        Ok(Self {
            fd,
            directory,
            name: name.to_owned(),
            identity: listening?,
            maker: std::process::id(),
            peers: peers.to_vec(),
        })
    }

    /// Takes the next client: our own user, root, or one of the peers; others are closed.
    pub(crate) fn accept(&self) -> Accepted {
        loop {
            match accept_with(&self.fd, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(client) => {
                    if socket_peercred(&client).is_ok_and(|peer| self.may_connect(peer.uid)) {
                        return Accepted::Client(client);
                    }
                }
                Err(Errno::AGAIN) => return Accepted::Nobody,
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                // No descriptor or memory left in the process or the system; whatever else it is, trying at once again will not help.
                Err(_) => return Accepted::Exhausted,
            }
        }
    }

    fn may_connect(&self, user: Uid) -> bool {
        user == geteuid() || user.is_root() || self.peers.contains(&user.as_raw())
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.maker != std::process::id() {
            return;
        }
        // A forked child that has the descriptor would keep it listening, and whoever waits in the backlog waiting.
        let _ = shutdown(&self.fd, Shutdown::Both);
        while let Accepted::Client(client) = self.accept() {
            let _ = shutdown(&client, Shutdown::Both);
        }
        // Without the lock too: not removing is worse than the moment in which another server's start could fail.
        let _lock = Lock::take(&self.directory);
        let found = statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|stat| (stat.st_dev, stat.st_ino) == self.identity) {
            let _ = unlinkat(&self.directory, &self.name, AtFlags::empty());
        }
    }
}

/// An exclusive lock on a directory, taken on its descriptor.
struct Lock<'a>(&'a OwnedFd);

impl<'a> Lock<'a> {
    fn take(directory: &'a OwnedFd) -> Result<Self, ServeError> {
        for _ in 0..LOCK_ATTEMPTS {
            match flock(directory, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(1)),
                // A file system without locks: two servers that start together are not told apart there.
                Ok(()) | Err(_) => return Ok(Self(directory)),
            }
        }
        Err(ServeError::Io(io::Error::new(
            io::ErrorKind::TimedOut,
            "another process keeps the socket's directory locked (flock)",
        )))
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        let _ = flock(self.0, FlockOperation::Unlock);
    }
}

fn socket() -> Result<OwnedFd, Errno> {
    socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::NONBLOCK | SocketFlags::CLOEXEC,
        None,
    )
}

/// Errs unless nothing is at the path, or a socket that nobody listens on.
fn check_free(path: &Path, directory: &OwnedFd, name: &OsStr) -> Result<(), ServeError> {
    let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        stat => stat?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        let why = format!("{} exists and is not a socket; it is not replaced", path.display());
        return Err(ServeError::Io(io::Error::new(io::ErrorKind::AlreadyExists, why)));
    }
    let probe = socket()?;
    match connect(&probe, &SocketAddrUnix::new(path)?) {
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
        Ok(()) => Err(ServeError::InUse(match socket_peercred(&probe) {
            Ok(server) => format!("process {}", server.pid.as_raw_nonzero()),
            Err(_) => "a server".into(),
        })),
        // A full backlog, or a socket of another kind: somebody is there.
        Err(Errno::AGAIN | Errno::PROTOTYPE) => Err(ServeError::InUse("a server".into())),
        Err(error) => Err(error.into()),
    }
}

fn temporary_name() -> String {
    // The keys of a hash map's hasher are random in each process and differ with each.
    let random = RandomState::new().build_hasher().finish() as u32;
    format!("{TEMPORARY}{}-{random:08x}", std::process::id())
}

fn temporary_path(parent: &Path, name: &str) -> PathBuf {
    if parent == Path::new(".") { name.into() } else { parent.join(name) }
}

/// Removes temporary sockets of our user whose servers died between bind and rename.
fn remove_leftovers(directory: &OwnedFd) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    for entry in entries.take(MOST_ENTRIES).flatten() {
        let name = entry.file_name();
        if !owner_of(name.to_bytes()).is_some_and(is_dead) {
            continue;
        }
        let ours = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket && stat.st_uid == geteuid().as_raw());
        if ours {
            let _ = unlinkat(directory, name, AtFlags::empty());
        }
    }
}

/// The process that made a temporary name, if it is one.
fn owner_of(name: &[u8]) -> Option<Pid> {
    let name = OsStr::from_bytes(name).to_str()?.strip_prefix(TEMPORARY)?;
    let (pid, random) = name.split_once('-')?;
    let hexadecimal = random.len() == 8 && random.bytes().all(|digit| digit.is_ascii_hexdigit());
    if hexadecimal {
        Pid::from_raw(pid.parse().ok().filter(|pid| *pid > 0)?)
    } else {
        None
    }
}

fn is_dead(pid: Pid) -> bool {
    test_kill_process(pid) == Err(Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_tells_its_owner_and_fits_the_room_that_addresses_leave() {
        let name = temporary_name();
        assert!(name.len() <= crate::address::TEMPORARY_NAME_BYTES);
        assert_eq!(owner_of(name.as_bytes()), Pid::from_raw(std::process::id() as i32));
        assert_ne!(temporary_name(), name);
    }

    #[test]
    fn other_names_are_left_alone() {
        for name in [
            ".pp-",
            ".pp-x-00000000",
            ".pp-0-00000000",
            ".pp--5-00000000",
            ".pp-5-0000000",
            ".pp-5-0000000g",
            "pp-5-00000000",
            ".pp-5",
        ] {
            assert_eq!(owner_of(name.as_bytes()), None, "{name}");
        }
    }
}

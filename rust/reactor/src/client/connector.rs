//! Connecting: one attempt at a time, so that whoever waits between two attempts may sleep in its own way.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use proofplane_ring::{ChannelError, ClientChannel, Owner, Spin};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::{Uid, geteuid};

use super::connection::{Connection, Link};
use super::schedule::{Next, Schedule};
use super::shared::SharedLink;
use super::socket::SocketLink;
use crate::address::Address;
use crate::limits::Limits;
use crate::spinning;

/// Whose server it is; decides how patiently to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Anybody's: 1 ms doubling to 50 ms, 5 s in all.
    Foreign,
    /// Our own child: every 0.2 ms for 50 ms, then every 1 ms while the process lives, up to the start deadline.
    /// Whoever listens must be of our user (or root): others could read the path off its command line and be there first.
    Child {
        /// Its process id.
        pid: u32,
        /// How long it may take to start.
        start_timeout: Duration,
    },
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// Whose server it is.
    pub target: Target,
    /// Slot of a many-client shared-memory server; needed with a foreign one.
    pub slot: Option<u32>,
    /// Spin at most so many microseconds for a reply; 0 means 50.
    pub spin_us: u32,
}

/// What one attempt came to.
#[expect(
    clippy::large_enum_variant,
    reason = "one value a connecting, moved once; a box would cost every call of the connection"
)]
pub enum Attempt {
    /// Connected.
    Connected(Connection),
    /// Not yet (absent, refused, backlog full): wait so long, then attempt again.
    Wait(Duration),
    /// It will not do: the reason, a sentence.
    Failed(String),
}

/// One connecting in progress.
pub struct Connector {
    address: Address,
    options: Options,
    started: Instant,
    schedule: Schedule,
    child: Option<Owner>,
}

/// Why an attempt did not connect.
enum Obstacle {
    /// The server may still come.
    NotYet(String),
    /// Trying again would change nothing.
    Final(String),
}

impl Connector {
    /// Starts the clock.
    pub fn new(address: Address, options: Options) -> Self {
        // A child that cannot be looked at counts as dead.
        let child = match options.target {
            Target::Child { pid, .. } => Owner::of(pid).ok().flatten(),
            Target::Foreign => None,
        };
        Self {
            address,
            started: Instant::now(),
            schedule: Schedule::new(options.target),
            child,
            options,
        }
    }

    /// Tries once; never blocks.
    pub fn attempt(&mut self) -> Attempt {
        let place = self.place();
        let why = match self.try_once() {
            Ok(connection) => return Attempt::Connected(connection),
            Err(Obstacle::Final(why)) => return Attempt::Failed(format!("cannot connect to {place}: {why}")),
            Err(Obstacle::NotYet(why)) => why,
        };
        match self.schedule.next(self.started.elapsed(), self.child.is_some_and(Owner::lives)) {
            Next::Pause(pause) => Attempt::Wait(pause),
            Next::TimedOut(total) => Attempt::Failed(format!(
                "cannot connect to {place}: tried for {total:?}, and still {why}; start the server first, and compare the two addresses"
            )),
            Next::ChildDied(pid) => Attempt::Failed(format!(
                "cannot connect to {place}: the server's process {pid} ended before it could be connected to; look at what it wrote to stderr"
            )),
        }
    }

    /// Attempts and sleeps until connected, failed, or the deadline.
    pub fn connect(&mut self, deadline: Option<Instant>) -> Result<Connection, String> {
        loop {
            let pause = match self.attempt() {
                Attempt::Connected(connection) => return Ok(connection),
                Attempt::Failed(why) => return Err(why),
                Attempt::Wait(pause) => pause,
            };
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(format!(
                    "cannot connect to {}: no server was there before the deadline",
                    self.place()
                ));
            }
            std::thread::sleep(left.map_or(pause, |left| pause.min(left)));
        }
    }

    fn try_once(&self) -> Result<Connection, Obstacle> {
        let limits = &self.options.limits;
        let link = match &self.address {
            Address::Socket(path) => {
                let ours_only = matches!(self.options.target, Target::Child { .. });
                Link::Socket(connect_socket(path, ours_only, limits, spinning::spin(self.options.spin_us))?)
            }
            Address::SharedMemory(name) => Link::Shared(Box::new(self.join(name)?)),
        };
        Ok(Connection::new(link, limits))
    }

    fn join(&self, name: &str) -> Result<SharedLink, Obstacle> {
        let channel = ClientChannel::join(name, self.options.slot).map_err(|error| match error {
            // A slot whose client has just gone is free again once the server has looked.
            ChannelError::Absent | ChannelError::Full { .. } | ChannelError::SlotTaken { .. } => Obstacle::NotYet(error.to_string()),
            ChannelError::Malformed(_) => Obstacle::Final(format!("{error}; another program may use this name")),
            ChannelError::InUse { .. } | ChannelError::Foreign { .. } | ChannelError::Io(_) => Obstacle::Final(error.to_string()),
        })?;
        match SharedLink::new(channel, self.child, &self.options.limits, spinning::spin(self.options.spin_us)) {
            Ok(Some(link)) => Ok(link),
            Ok(None) => Err(Obstacle::NotYet("the server that made these rings is dead".into())),
            Err(error) => Err(Obstacle::Final(format!("the system refused: {error}"))),
        }
    }

    fn place(&self) -> String {
        match &self.address {
            Address::Socket(path) => path.display().to_string(),
            Address::SharedMemory(name) => format!("{name}.shm"),
        }
    }
}

/// One non-blocking connect; the socket blocks afterwards, as `SocketLink` wants it.
fn connect_socket(path: &Path, ours_only: bool, limits: &Limits, spin: Spin) -> Result<SocketLink, Obstacle> {
    let refused = |error: Errno| Obstacle::Final(format!("the system refused: {}", io::Error::from(error)));
    let address = SocketAddrUnix::new(path).map_err(|_| Obstacle::Final("the path is longer than a socket's may be (107 bytes)".into()))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(refused)?;
    match connect(&fd, &address) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Err(Obstacle::NotYet("there is no socket at this path".into())),
        Err(Errno::CONNREFUSED) => return Err(Obstacle::NotYet("nobody listens on this socket".into())),
        // A full backlog; a signal cannot interrupt a connect that does not block.
        Err(Errno::AGAIN) => return Err(Obstacle::NotYet("the server accepts no further connection".into())),
        Err(Errno::ACCESS | Errno::PERM) => {
            return Err(Obstacle::Final(
                "permission denied; run as the server's user, or let it open the directory and socket to yours".into(),
            ));
        }
        Err(Errno::PROTOTYPE) => {
            return Err(Obstacle::Final(
                "what listens there is no stream socket, so no server of this kind".into(),
            ));
        }
        Err(Errno::NOTDIR) => return Err(Obstacle::Final("a part of the path is no directory; correct the address".into())),
        Err(error) => return Err(refused(error)),
    }
    if ours_only {
        let listener = socket_peercred(&fd).map_err(refused)?.uid;
        if !may_be_ours(listener, geteuid()) {
            return Err(Obstacle::Final(format!(
                "user {} listens there, not our child; put the socket into a directory of your own",
                listener.as_raw()
            )));
        }
    }
    rustix::io::ioctl_fionbio(&fd, false).map_err(refused)?;
    SocketLink::new(fd, limits, spin).map_err(refused)
}

/// Whether a process of our own may be one of the user `listener`.
fn may_be_ours(listener: Uid, us: Uid) -> bool {
    listener == us || listener.is_root()
}

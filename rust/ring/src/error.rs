//! What can be wrong with a ring, a slot or a shared-memory object.

use std::{fmt, io};

/// A ring's memory says something impossible, or a message cannot ever fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingError {
    /// The message with its length prefix needs more than half of the ring, so it might never fit.
    TooLarge {
        /// Bytes of the payload.
        need: usize,
        /// Bytes of the largest payload that this ring takes.
        most: usize,
    },
    /// head, tail, wrap_head or a length contradict each other: the other side is broken or hostile.
    Corrupt(&'static str),
}

/// A channel could not be created or joined.
#[derive(Debug)]
pub enum ChannelError {
    /// No such server: its objects are not there (yet), or are those of a dead one.
    Absent,
    /// A living process serves under this name.
    InUse {
        /// Its process id; 0 if it is only just starting.
        pid: u32,
    },
    /// Another program's object, whose user may live or not, has the name of one of ours.
    Foreign {
        /// Its name under /dev/shm.
        object: String,
    },
    /// Every slot is owned by a client.
    Full {
        /// How many there are.
        slots: u32,
    },
    /// The named slot does not exist or is owned by a client.
    SlotTaken {
        /// Its number.
        slot: u32,
    },
    /// The object is not a ring of this layout.
    Malformed(&'static str),
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { need, most } => write!(f, "a message of {need} bytes cannot pass a ring that takes {most}"),
            Self::Corrupt(what) => write!(f, "the ring is corrupt: {what}"),
        }
    }
}

impl std::error::Error for RingError {}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => write!(f, "no living server has created these rings"),
            Self::InUse { pid: 0 } => write!(f, "another process is just starting to serve under this name"),
            Self::InUse { pid } => write!(f, "process {pid} already serves under this name"),
            Self::Foreign { object } => write!(
                f,
                "another program made /dev/shm/{object}: choose another name, or, if that program has ended, remove its objects"
            ),
            Self::Full { slots } => write!(f, "all {slots} client slots are taken"),
            Self::SlotTaken { slot } => write!(f, "slot {slot} is taken or does not exist"),
            Self::Malformed(what) => write!(f, "not a ring of this layout: {what}"),
            Self::Io(error) => write!(f, "shared memory: {error}"),
        }
    }
}

impl std::error::Error for ChannelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<rustix::io::Errno> for ChannelError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

impl From<RingError> for ChannelError {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Corrupt(what) => Self::Malformed(what),
            RingError::TooLarge { .. } => Self::Malformed("too small"),
        }
    }
}

//! What can go wrong, by what the caller should do.

use std::fmt;

use proofplane_reactor::address::AddressError;
use proofplane_reactor::client::{HelloError, Lost, SubmitError};
use proofplane_reactor::server::ServeError as Refusal;

use crate::msgpack::DecodeError;

/// A call has no reply to give.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The service answered an error: its message. The connection is as good as before.
    Refused(String),
    /// The request is larger than the connection carries: send less.
    TooLarge {
        /// Bytes of the request's frame.
        need: usize,
        /// Bytes that the connection carries.
        most: usize,
    },
    /// Too much is in flight or unsent: let replies come in, then call again.
    Busy,
    /// The deadline passed. The call may still have been done.
    Deadline,
    /// The server closed, died, or cut us off: connect again. The call may or may not have been done.
    Ended(String),
    /// The connection's bytes make no sense, or the system failed.
    Broken(String),
    /// A reply came that the contract does not allow: the two sides disagree about it.
    Reply(DecodeError),
    /// A reply of another name came: the two sides disagree about the contract.
    Name(String),
    /// The client was closed while the call was in flight.
    Closed,
}

/// There is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none: correct it.
    Address(String),
    /// Nobody serves there, or it will not have us.
    Unreachable(String),
    /// The server serves another contract: generate anew from the same schema.
    OtherSchema {
        /// Hash of our schema.
        ours: [u8; 32],
        /// Hash of the server's.
        theirs: [u8; 32],
    },
    /// Whoever listens there speaks something else.
    NotOurs(String),
    /// The deadline passed before it had introduced itself.
    Deadline,
}

/// A server could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is none: correct it.
    Address(String),
    /// A living server has it, or the system refused.
    Refused(Refusal),
}

impl From<Lost> for CallError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Ended(why) => Self::Ended(why),
            Lost::Broken(why) => Self::Broken(why),
        }
    }
}

impl From<SubmitError> for CallError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::TooLarge { need, most } => Self::TooLarge { need, most },
            SubmitError::WouldBlock => Self::Busy,
            SubmitError::Lost(lost) => lost.into(),
        }
    }
}

impl From<AddressError> for ConnectError {
    fn from(error: AddressError) -> Self {
        Self::Address(error.0)
    }
}

impl From<HelloError> for ConnectError {
    fn from(error: HelloError) -> Self {
        match error {
            HelloError::Lost(_) | HelloError::NotSent(_) => Self::Unreachable(error.to_string()),
            HelloError::Deadline => Self::Deadline,
            HelloError::Unreadable => Self::NotOurs(error.to_string()),
            HelloError::OtherSchema { ours, theirs } => Self::OtherSchema { ours, theirs },
        }
    }
}

impl From<AddressError> for ServeError {
    fn from(error: AddressError) -> Self {
        Self::Address(error.0)
    }
}

impl From<Refusal> for ServeError {
    fn from(error: Refusal) -> Self {
        Self::Refused(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => f.write_str(message),
            Self::TooLarge { need, most } => write!(f, "the request takes {need} bytes and the connection carries {most}: send less"),
            Self::Busy => f.write_str("too much is in flight: let replies come in, then call again"),
            Self::Deadline => f.write_str("no reply before the deadline"),
            Self::Ended(why) => write!(f, "the connection ended: {why}"),
            Self::Broken(why) => write!(f, "the connection broke: {why}"),
            Self::Reply(error) => write!(f, "the reply is not what the contract says: {error}"),
            Self::Name(name) => write!(f, "a reply named {name:?} came, which the contract does not have here"),
            Self::Closed => f.write_str("the client was closed with the call in flight"),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::Unreachable(why) => f.write_str(why),
            Self::OtherSchema { ours, theirs } => {
                f.write_str("the server serves another schema: ours ")?;
                ours.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str(", theirs ")?;
                theirs.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::NotOurs(why) => write!(f, "no server that we know: {why}"),
            Self::Deadline => f.write_str("connected, but no answer to Hello before the deadline"),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) => f.write_str(why),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for CallError {}
impl std::error::Error for ConnectError {}
impl std::error::Error for ServeError {}

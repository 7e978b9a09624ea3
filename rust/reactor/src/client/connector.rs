//! Connecting: one attempt at a time, so that whoever waits between two attempts may sleep in its own way.

use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::address::Address;
use crate::limits::Limits;

/// Whose server it is; decides how patiently to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Anybody's: 1 ms doubling to 50 ms, 5 s in all.
    Foreign,
    /// Our own child: every 0.2 ms for 50 ms, then every 1 ms while the process lives, up to the start deadline.
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
    /// Spin at most so many microseconds for a reply over shared memory; 0 means 20.
    pub spin_us: u32,
}

/// What one attempt came to.
pub enum Attempt {
    /// Connected.
    Connected(Connection),
    /// Not yet (absent, refused, backlog full): wait so long, then attempt again.
    Wait(Duration),
    /// It will not do: the reason, a sentence.
    Failed(String),
}

/// One connecting in progress.
pub struct Connector {}

impl Connector {
    /// Starts the clock.
    pub fn new(address: Address, options: Options) -> Self {
        todo!("{address:?} {options:?}")
    }
    /// Tries once; never blocks.
    pub fn attempt(&mut self) -> Attempt {
        todo!()
    }
    /// Attempts and sleeps until connected, failed, or the deadline.
    pub fn connect(&mut self, deadline: Option<Instant>) -> Result<Connection, String> {
        todo!("{deadline:?}")
    }
}

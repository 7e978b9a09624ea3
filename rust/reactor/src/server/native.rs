//! A server with its own thread, for handlers that are native: inline when nothing else is in flight, else on a bounded pool.

use std::sync::Arc;
use std::time::Duration;

use super::driver::{Handle, Options, Reply, ServeError, Stats};
use super::ticket::Ticket;
use crate::address::Address;
use crate::contract::Contract;

/// A native service.
pub trait Handler: Send + Sync + 'static {
    /// Handles one request; answers through the responder, now or later, from any thread.
    fn handle(&self, method: u32, payload: &[u8], responder: Responder);
}

/// Answers exactly once; dropped unanswered, it answers an error.
pub struct Responder {
    ticket: Ticket,
    handle: Handle,
}

impl Responder {
    /// Answers.
    pub fn reply(self, reply: Reply<Vec<u8>>) {
        self.handle.complete(self.ticket, reply);
    }
}

/// A running native server: the reactor's thread and its workers.
pub struct Server {}

impl Server {
    /// Starts; when it returns, clients can connect. `workers` 0 means as many as processors may be used.
    pub fn spawn(
        address: &Address,
        contract: Contract,
        options: Options,
        workers: usize,
        handler: Arc<dyn Handler>,
    ) -> Result<Self, ServeError> {
        let _ = handler;
        todo!("{address:?} {contract:?} {options:?} {workers}")
    }
    /// Counters.
    pub fn stats(&self) -> Stats {
        todo!()
    }
    /// Drains for at most `grace`, then aborts; joins every thread. Also on drop, with no grace.
    pub fn shutdown(&mut self, grace: Duration) {
        todo!("{grace:?}")
    }
}

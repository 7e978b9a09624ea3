//! How to connect and how to serve; everything has a default.

use std::time::Duration;

use proofplane_reactor::client::Target;
use proofplane_reactor::limits::Limits;

/// Which requests a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Says Hello first: with request ids if the server knows them, so that replies come as they are done; else plain.
    #[default]
    Ask,
    /// Plain requests and no Hello: replies come in the order of the requests, and schemas are not compared.
    Plain,
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Bounds; `max_in_flight` bounds the calls without a reply.
    pub limits: Limits,
    /// Whose server it is: decides how patiently to connect.
    pub target: Target,
    /// Slot of a many-client shared-memory server; needed with one that is not ours.
    pub slot: Option<u32>,
    /// Longest spin for a reply over shared memory, microseconds; 0 means 20.
    pub spin_us: u32,
    /// Which requests to send.
    pub order: Order,
    /// How long connecting and Hello may take together; a time that no clock reaches means without end. 5 s: what a server that is
    /// just being started is given.
    pub timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            target: Target::Foreign,
            slot: None,
            spin_us: 0,
            order: Order::Ask,
            timeout: Duration::from_secs(5),
        }
    }
}

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Bounds.
    pub limits: Limits,
    /// Threads that run handlers; 0 means as many as processors may be used.
    pub workers: usize,
    /// Requests, by their names on the wire, whose handlers are fast and never block: they may run on the reactor's own thread.
    pub inline: Vec<&'static str>,
    /// Clients of a shared-memory server at once; 0 means 8.
    pub slots: u32,
    /// Bytes of each request ring; 0 means 1 MiB.
    pub request_ring: usize,
    /// Bytes of each reply ring; 0 means 1 MiB.
    pub response_ring: usize,
    /// Users that may connect besides our own and root.
    pub peers: Vec<u32>,
    /// Longest spin over shared memory, microseconds; 0 means 20.
    pub spin_us: u32,
}

//! Every bound of a server and of a client, with its default and its reason.

/// The bounds of one server (per connection unless said) or one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest frame body accepted or sent, bytes. 64 MiB: the largest that `bb` was measured with.
    pub max_frame: u32,
    /// Requests accepted and not yet answered; beyond it the connection is not read.
    pub max_in_flight: u32,
    /// Bytes of replies (server) or requests (client) queued for one connection; beyond it the connection is not read (server),
    /// or submitting would block (client). One frame is always accepted by an empty queue.
    pub max_queued: usize,
    /// Connections served at once (whole server); further ones wait in the backlog.
    pub max_connections: u32,
    /// Requests accepted and not yet answered by the whole server, those of clients that are gone included; beyond it nothing is read
    /// until half of them are answered. It bounds what waits for the handlers' threads and tasks.
    pub max_waiting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 64 << 20,
            max_in_flight: 1024,
            max_queued: 16 << 20,
            max_connections: 1024,
            max_waiting: 4096,
        }
    }
}

//! Bounds, as TypeScript names them.

use napi_derive::napi;
use proofplane_reactor::limits::Limits;

/// The bounds of one client or one server; the rest have the reactor's defaults.
#[napi(object)]
pub struct NativeLimits {
    /// Largest frame body, bytes.
    pub max_frame: u32,
    /// Requests in flight, per connection.
    pub max_in_flight: u32,
    /// Bytes queued, per connection.
    pub max_queued: u32,
    /// Connections of a server.
    pub max_connections: u32,
}

impl NativeLimits {
    /// As the reactor has them.
    pub fn to_reactor(&self) -> Limits {
        Limits {
            max_frame: self.max_frame,
            max_in_flight: self.max_in_flight,
            max_queued: self.max_queued as usize,
            max_connections: self.max_connections,
            ..Limits::default()
        }
    }
}

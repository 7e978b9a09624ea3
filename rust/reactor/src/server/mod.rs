//! Servers: the driver that somebody turns, the handle that other threads hold, the native server with its own thread.

mod driver;
mod native;
mod ticket;

pub use driver::{Driver, Handle, Options, Reply, Request, ServeError, Stats, Wait};
pub use native::{Handler, Responder, Server};
pub use ticket::Ticket;

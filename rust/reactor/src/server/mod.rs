//! Servers: the driver that somebody turns, the handle that other threads hold, the native server with its own thread.
//!
//! ```text
//!  socket --> sockets --.                          .--> sink (the owner's handlers)
//!                        >-- core: parse, accept --'
//!  ring ----> rings ----'                          .--- complete, Handle (completions)
//!                 ^   \                            v
//!                 |    `---- flush <-- post: order, outbox
//!  listener ------'
//! ```

mod buffers;
mod completions;
mod connection;
mod core;
mod driver;
mod listener;
mod native;
mod order;
mod poll;
mod post;
mod rings;
mod service;
mod slab;
mod sockets;
mod tickets;
mod types;
mod workers;

pub use completions::Handle;
pub use driver::Driver;
pub use native::{Handler, Responder, Server};
pub use tickets::Ticket;
pub use types::{Options, Reply, Request, ServeError, Stats, Wait};

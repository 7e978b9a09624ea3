//! The addon of the TypeScript binding: clients and servers of the reactor, turned by Node's own thread.
//!
//! Rules of this crate:
//!
//! 1. Bytes and numbers cross, never values: names, envelopes and order are the reactor's, payloads are TypeScript's.
//! 2. Node's thread does everything; a turn never sleeps, and spins for microseconds at most.
//! 3. The only other thread watches one descriptor for Node, whose loop cannot, and does nothing else.

#![deny(unsafe_code)]

mod client;
mod limits;
mod server;
mod watch;

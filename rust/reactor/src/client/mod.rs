//! Clients: one connection to one server, polled or waited on; and how connecting is retried.
//!
//! ```text
//!  Connector --attempt--> Connection --submit--> Outbox --flush--> socket | request ring
//!     |                      |  ^
//!  Schedule (pure)        Pending  `--turn, wait-- Inbox <-- socket
//!                       (who asked)            or in place  <-- reply ring, Sentinel (foreign servers)
//! ```

mod connection;
mod connector;
mod delivery;
mod greeting;
mod hello;
mod inbox;
mod outbox;
mod pending;
mod schedule;
mod sentinel;
mod shared;
mod socket;
mod waker;

pub use connection::{Call, Connection, Lost, SubmitError};
pub use connector::{Attempt, Connector, Options, Target};
pub use greeting::Greeting;
pub use hello::{HelloError, introduce};

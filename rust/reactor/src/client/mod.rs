//! Clients: one connection to one server, polled or waited on; and how connecting is retried.

mod connection;
mod connector;

pub use connection::{Call, Connection, Lost, SubmitError};
pub use connector::{Attempt, Connector, Options, Target};

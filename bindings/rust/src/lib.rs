//! Typed local calls between processes: what generated Rust clients and services stand on.
//!
//! Built directly on the reactor: a Rust program needs no C ABI between itself and the Rust core.
//! Generated code brings the types of a contract, a client whose methods return a [`Pending`] reply, and a trait whose handlers
//! answer through a [`Responder`]; this crate packs, connects and serves.

#![forbid(unsafe_code)]

mod client;
mod contract;
mod error;
mod hello;
pub mod msgpack;
mod options;
mod pending;
mod reader;
mod responder;
mod server;

pub use client::Client;
pub use contract::{Command, Contract};
pub use error::{CallError, ConnectError, ServeError};
pub use hello::{Hello, HelloResponse};
pub use options::{ClientOptions, Order, ServerOptions};
pub use pending::Pending;
pub use proofplane_reactor::client::Target;
pub use proofplane_reactor::limits::Limits;
pub use proofplane_reactor::server::Stats;
pub use responder::{Handler, RawResponder, Responder, answer};
pub use server::{Server, serve};

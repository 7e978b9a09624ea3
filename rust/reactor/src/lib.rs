//! Framed calls between processes: one readiness loop for servers, one connection for clients, over Unix sockets and shared-memory rings.
//!
//! The core carries bytes: it knows frames, envelopes and the names of methods, and nothing inside a payload.
//! The design, its state diagrams and invariants stand in docs/design/reactor.md.

#![forbid(unsafe_code)]

pub mod address;
pub mod client;
pub mod contract;
pub mod cores;
pub mod envelope;
pub mod frame;
pub mod limits;
pub mod server;
mod spinning;

//! Byte rings in shared memory: one producer, one consumer each, a doorbell that carries no data.
//!
//! The design, its state diagrams and invariants stand in docs/design/ring.md.

#![cfg_attr(
    loom,
    allow(
        dead_code,
        reason = "the channels, which use the rest, make system calls and are not there under loom"
    )
)]

#[cfg(not(all(target_endian = "little", target_pointer_width = "64")))]
compile_error!("the peers' layout is little-endian, and a head's low half must be its first word; counters are used as sizes");

mod bell;
#[cfg(not(loom))]
mod client;
mod consumer;
mod error;
#[cfg(not(loom))]
mod fifo;
mod header;
pub mod layout;
#[cfg(loom)]
mod model;
#[cfg(all(test, loom))]
mod models;
#[cfg(not(loom))]
mod objects;
mod owner;
#[cfg(not(loom))]
mod process;
mod producer;
#[cfg(not(loom))]
mod region;
#[cfg(not(loom))]
mod server;
mod slot;
mod spin;
mod sync;
#[cfg(all(test, not(loom)))]
mod tests;

pub use bell::{Bell, Sleep};
#[cfg(not(loom))]
pub use client::ClientChannel;
pub use consumer::Consumer;
pub use error::{ChannelError, RingError};
#[cfg(not(loom))]
pub use fifo::Fifo;
pub use header::format_ring;
pub use layout::NAME_BYTES;
#[cfg(loom)]
pub use model::{Fifo, Region};
pub use owner::Owner;
#[cfg(not(loom))]
pub use process::process_id;
pub use producer::{Claim, Producer};
#[cfg(not(loom))]
pub use region::Region;
#[cfg(not(loom))]
pub use server::{ServerChannel, ServerSlot, SlotEvent};
pub use spin::Spin;

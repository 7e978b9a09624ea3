//! Byte rings in shared memory: one producer, one consumer each, a doorbell that carries no data.
//!
//! The design, its state diagrams and invariants stand in docs/design/ring.md.

mod bell;
mod channel;
mod consumer;
mod error;
pub mod layout;
mod owner;
mod producer;
mod region;
mod spin;

pub use bell::{Bell, Fifo, Sleep};
pub use channel::{ClientChannel, ServerChannel, ServerSlot, SlotEvent};
pub use consumer::Consumer;
pub use error::{ChannelError, RingError};
pub use owner::Owner;
pub use producer::{Claim, Producer};
pub use region::Region;
pub use spin::Spin;

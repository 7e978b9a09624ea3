//! Rings, doorbells and slots put together: what a server creates and what a client joins.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::bell::{Fifo, Sleep};
use crate::consumer::Consumer;
use crate::error::ChannelError;
use crate::owner::Owner;
use crate::producer::Producer;

/// What a look at the owner words found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotEvent {
    /// A client claimed this slot; watch its owner and serve it.
    Claimed { slot: u32, owner: Owner },
    /// Its client left or died; after dropping what was in flight, call `reset`.
    Left { slot: u32 },
}

/// One client's pair of rings, the server's ends.
pub struct ServerSlot {
    /// From the client.
    pub request: Consumer,
    /// To the client.
    pub response: Producer,
}

/// A many-client server's shared memory: NAME_req_doorbell, NAME_req_bell (FIFO), and for each slot i
/// NAME_req_ring_i, NAME_resp_i, NAME_resp_bell_i (FIFO). Everything is unlinked on drop.
pub struct ServerChannel {}

impl ServerChannel {
    /// Creates all objects; capacities are rounded up to powers of two. Objects of a dead server are removed first,
    /// those of a living one are `InUse`. The doorbell object appears last, complete: clients never see a half-made server.
    pub fn create(name: &str, slots: u32, request_bytes: usize, response_bytes: usize) -> Result<Self, ChannelError> {
        todo!("{name} {slots} {request_bytes} {response_bytes}")
    }
    /// Number of slots.
    pub fn slots(&self) -> u32 {
        todo!()
    }
    /// The server's ends of one slot.
    pub fn slot(&mut self, slot: u32) -> &mut ServerSlot {
        todo!("{slot}")
    }
    /// Compares every owner word with what was seen last time; call on each wake. Pushes what changed.
    pub fn scan(&mut self, events: &mut Vec<SlotEvent>) {
        todo!("{}", events.len())
    }
    /// Makes a slot free again: both rings empty, epoch + 1, owner 0, in this order.
    pub fn reset(&mut self, slot: u32) {
        todo!("{slot}")
    }
    /// Cuts off a client that broke the ring: epoch + 1; its next call fails. The slot stays its own until it leaves.
    pub fn condemn(&mut self, slot: u32) {
        todo!("{slot}")
    }
    /// Wakes the client of a slot after publishing to it.
    pub fn ring(&self, slot: u32) {
        todo!("{slot}")
    }
    /// Whether any slot has a request, any owner word changed, or anything was rung.
    pub fn has_work(&self) -> bool {
        todo!()
    }
    /// Says how the server is about to sleep; call `has_work` after it. Returns the doorbell's value for `wait`.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        todo!("{sleep:?}")
    }
    /// Awake again; drains the FIFO.
    pub fn disarm(&self) {
        todo!()
    }
    /// Sleeps in the futex.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        todo!("{seen} {timeout:?}")
    }
    /// The FIFO's reading end, for epoll.
    pub fn fifo(&self) -> BorrowedFd<'_> {
        todo!()
    }
    /// The processor hint of the client that was served last, for `Spin`.
    pub fn peer_cpu(&self) -> u32 {
        todo!()
    }
}

/// A client's ends: of one slot of a many-client server, or of a one-client server such as `bb`.
pub struct ClientChannel {
    /// To the server.
    pub request: Producer,
    /// From the server.
    pub response: Consumer,
}

impl ClientChannel {
    /// Joins whatever serves under `name`. NAME_req_doorbell: many clients; ours (by its magic) gives a free slot, or `slot`, by
    /// compare-and-swap on the owner word; a peer's needs `slot`. Otherwise NAME_request and NAME_response: the one-client layout.
    pub fn join(name: &str, slot: Option<u32>) -> Result<Self, ChannelError> {
        todo!("{name} {slot:?}")
    }
    /// Whether the server is ours, so that flag 2, FIFOs, owner and epoch mean something.
    pub fn ours(&self) -> bool {
        todo!()
    }
    /// The server's process, when ours; for a peer unknown.
    pub fn server(&self) -> Option<Owner> {
        todo!()
    }
    /// Whether the server cut us off or gave our slot to another (epoch or owner changed).
    pub fn evicted(&self) -> bool {
        todo!()
    }
    /// Wakes the server after publishing, or after a release when it waits for room.
    pub fn ring(&self) {
        todo!()
    }
    /// Says how this client is about to sleep on the reply ring; look again after it. Returns the futex word's value.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        todo!("{sleep:?}")
    }
    /// Awake again.
    pub fn disarm(&self) {
        todo!()
    }
    /// Sleeps in the futex.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        todo!("{seen} {timeout:?}")
    }
    /// The slot's FIFO, when the server is ours.
    pub fn fifo(&self) -> Option<&Fifo> {
        todo!()
    }
    /// The server's processor hint, for `Spin`.
    pub fn peer_cpu(&self) -> u32 {
        todo!()
    }
    /// Gives the slot back to the server, which frees it when it has dropped what was in flight. Also done on drop.
    pub fn leave(&mut self) {
        todo!()
    }
}

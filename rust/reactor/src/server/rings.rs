//! The shared-memory transport: claimed slots become connections, requests are taken in place, replies go straight into the ring.
//!
//! Invariants
//! 1. A slot's rings are touched only between its `Claimed` and its `Left`, and not after it was cut off.
//! 2. A client that the reactor does not read now (over its bounds, cut off, drained) is ignored by the ring, so that the bell can be armed.
//! 3. While a reply waits for room its ring says so, and has been looked at again after it did.

use std::io;
use std::os::fd::OwnedFd;

use proofplane_ring::{ChannelError, Owner, Producer, ServerChannel, ServerSlot, Sleep, SlotEvent, Spin};
use rustix::event::epoll::EventFlags;

use super::connection::{Connection, Line};
use super::core::{Connections, Core, Sink};
use super::poll::{Poll, keys};
use super::types::{Options, ServeError};
use crate::spinning;

/// Client slots unless said otherwise.
const SLOTS: u32 = 8;
/// Bytes of a ring unless said otherwise; the peers' default.
const RING_BYTES: usize = 1 << 20;

/// What the reactor keeps of one slot.
#[derive(Default)]
struct Seat {
    /// Its connection while it is served.
    key: Option<u64>,
    /// Readable when its client dies.
    watch: Option<OwnedFd>,
}

/// The shared-memory transport.
pub(crate) struct Rings {
    channel: ServerChannel,
    seats: Vec<Seat>,
    events: Vec<SlotEvent>,
    spin: Spin,
    /// The bell is armed: whoever publishes wakes us.
    armed: bool,
    /// Where serving begins, so that no slot is always last.
    first: usize,
}

impl Rings {
    pub(crate) fn new(name: &str, options: &Options, poll: &Poll) -> Result<Self, ServeError> {
        let or = |value: usize, default: usize| if value == 0 { default } else { value };
        let slots = if options.slots == 0 { SLOTS } else { options.slots };
        let channel = ServerChannel::create(
            name,
            slots,
            or(options.request_ring, RING_BYTES),
            or(options.response_ring, RING_BYTES),
        )?;
        poll.add(channel.fifo(), keys::FIFO, EventFlags::IN)?;
        let seats = (0..slots).map(|_| Seat::default()).collect();
        let spin = spinning::spin(options.spin_us);
        Ok(Self {
            channel,
            seats,
            events: Vec::new(),
            spin,
            armed: false,
            first: 0,
        })
    }

    /// Takes what every client has sent, as far as its bounds and the turn's go.
    pub(crate) fn serve(&mut self, core: &mut Core, connections: &mut Connections, poll: &Poll, sink: &mut Sink<'_>) {
        self.scan(core, connections, poll);
        let count = self.seats.len();
        self.first = (self.first + 1) % count;
        for index in 0..count {
            let slot = (self.first + index) % count;
            let Some(key) = self.seats[slot].key else { continue };
            let Some(connection) = connections.get_mut(key) else { continue };
            self.serve_slot(slot as u32, key, connection, core, sink);
        }
    }

    fn serve_slot(&mut self, slot: u32, key: u64, connection: &mut Connection, core: &mut Core, sink: &mut Sink<'_>) {
        let ServerSlot { request, response } = self.channel.slot(slot);
        let mut released_to_a_waiter = false;
        for _ in 0..core.quantum {
            if !connection.is_read() || !core.may_take(connection) {
                break;
            }
            match request.peek() {
                Ok(None) => break,
                // The ring still is in step: such a message is refused like any other, and the connection goes on.
                Ok(Some(body)) if body.len() > core.limits.max_frame as usize => {
                    core.refuse_too_large(key, connection, body.len(), Some(response));
                }
                Ok(Some(body)) => core.accept(key, connection, body, Some(response), sink),
                Err(_) => {
                    connection.broken = true;
                    break;
                }
            }
            released_to_a_waiter |= request.release();
        }
        if response.room_came() || connection.paused || connection.broken {
            core.post.mark(key, connection);
        }
        if released_to_a_waiter {
            self.channel.ring(slot);
        }
    }

    fn scan(&mut self, core: &mut Core, connections: &mut Connections, poll: &Poll) {
        self.channel.scan(&mut self.events);
        if self.events.is_empty() {
            return;
        }
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                SlotEvent::Left { slot } => {
                    let seat = std::mem::take(&mut self.seats[slot as usize]);
                    if let Some(watch) = &seat.watch {
                        poll.remove(watch);
                    }
                    if let Some(key) = seat.key {
                        connections.remove(key);
                    }
                    self.channel.reset(slot);
                }
                SlotEvent::Claimed { slot, owner } => match self.watch(slot, owner, poll) {
                    Ok(watch) if !core.closing => {
                        let most = (core.limits.max_frame as usize).min(self.channel.slot(slot).response.most());
                        let key = connections.insert(Connection::new(Line::Slot(slot), most));
                        core.post.stats.accepted += 1;
                        self.seats[slot as usize] = Seat { key: Some(key), watch };
                    }
                    // Not watched, it would keep its slot for ever after its death: better it sees the end now.
                    _ => self.cut_off(slot),
                },
            }
        }
        self.events = events;
    }

    /// Watches for the death of a slot's owner.
    fn watch(&mut self, slot: u32, owner: Owner, poll: &Poll) -> io::Result<Option<OwnedFd>> {
        let watch = owner.watch()?;
        match &watch {
            Some(fd) => poll.add(fd, keys::OWNER - u64::from(slot), EventFlags::IN)?,
            None => self.channel.owner_died(slot),
        }
        Ok(watch)
    }

    /// Moves what waits into the ring, wakes the client if anything was put there, and notes what to wait for.
    pub(crate) fn flush(&mut self, slot: u32, connection: &mut Connection, core: &mut Core) {
        let response = &mut self.channel.slot(slot).response;
        core.post.move_to_ring(connection, response);
        if !connection.outbox.is_empty() {
            response.set_blocked(true);
            core.post.move_to_ring(connection, response);
        }
        if connection.outbox.is_empty() {
            response.set_blocked(false);
        }
        if std::mem::take(&mut connection.published) {
            self.channel.ring(slot);
        }
        connection.resume(&core.limits);
        self.channel.ignore(slot, core.held || !connection.is_read());
    }

    /// The client of this slot is told that it is out; its slot is free again when it has left.
    pub(crate) fn cut_off(&mut self, slot: u32) {
        self.seats[slot as usize].key = None;
        self.channel.slot(slot).response.set_blocked(false);
        self.channel.ignore(slot, true);
        self.channel.condemn(slot);
    }

    /// The client's end for replies.
    pub(crate) fn response(&mut self, slot: u32) -> &mut Producer {
        &mut self.channel.slot(slot).response
    }

    /// The process behind a slot has ended: its descriptor in epoll said so.
    pub(crate) fn owner_died(&mut self, slot: u32) {
        self.channel.owner_died(slot);
    }

    /// Takes out of epoll what a forked child would keep in it.
    pub(crate) fn unwatch(&self, poll: &Poll) {
        poll.remove(self.channel.fifo());
        for watch in self.seats.iter().filter_map(|seat| seat.watch.as_ref()) {
            poll.remove(watch);
        }
    }

    /// Spins as learned; true if there is something to do.
    pub(crate) fn spin(&mut self) -> bool {
        let Self { channel, spin, .. } = self;
        spin.wait(channel.peer_cpu(), || channel.has_work())
    }

    /// Arms the bell; false, and it is not armed, if there is something to do.
    pub(crate) fn arm(&mut self) -> bool {
        self.channel.arm(Sleep::Poll);
        self.armed = true;
        if self.channel.has_work() {
            self.awake();
            return false;
        }
        true
    }

    /// Disarms the bell; true if it was armed.
    pub(crate) fn awake(&mut self) -> bool {
        let armed = std::mem::take(&mut self.armed);
        if armed {
            self.channel.disarm();
        }
        armed
    }
}

impl From<ChannelError> for ServeError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::InUse { pid } => Self::InUse(format!("process {pid}")),
            ChannelError::Foreign { object } => Self::InUse(format!(
                "another program (whose /dev/shm/{object} is there; remove its objects if it has ended)"
            )),
            ChannelError::Io(error) => Self::Io(error),
            other => Self::Io(io::Error::other(other.to_string())),
        }
    }
}

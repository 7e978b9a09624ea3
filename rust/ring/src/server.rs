//! A many-client server's shared memory: one doorbell, and for each slot a request ring, a reply ring and a FIFO.
//!
//! Invariants: the doorbell object is there only while everything else is complete; each slot is in one state of `slot.rs`;
//! only the process that created a channel unlinks it, and only while the doorbell's name still is its own.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use rustix::fs;

use crate::bell::{Bell, Sleep};
use crate::consumer::Consumer;
use crate::error::ChannelError;
use crate::fifo::Fifo;
use crate::header::format_ring;
use crate::layout::{DOORBELL_BYTES, DOORBELL_MAGIC, HEADER_BYTES, MAGIC, MOST_CAPACITY, MOST_SLOTS, SERVER, SLOTS};
use crate::objects::{self, Lock, invalid};
use crate::owner::Owner;
use crate::producer::Producer;
use crate::region::{Region, path};
use crate::slot::{self, Change, Watch};
use crate::sync::Ordering::{Relaxed, Release};

/// What a look at the owner words found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotEvent {
    /// A client claimed this slot; watch its owner and serve it.
    Claimed {
        /// Which.
        slot: u32,
        /// By whom.
        owner: Owner,
    },
    /// Its client left or died; after dropping what was in flight, call `reset`.
    Left {
        /// Which.
        slot: u32,
    },
}

/// One client's pair of rings, the server's ends.
pub struct ServerSlot {
    /// From the client.
    pub request: Consumer,
    /// To the client.
    pub response: Producer,
}

struct Slot {
    ends: ServerSlot,
    request: Arc<Region>,
    response: Arc<Region>,
    bell: Bell,
    fifo: Fifo,
    watch: Watch,
    /// Whether its owner is known to be dead.
    died: bool,
    ignored: bool,
    /// What had been taken from its request ring when `peer_cpu` last looked.
    taken: AtomicU64,
}

/// A many-client server's shared memory: NAME_req_doorbell, NAME_req_bell (FIFO), and for each slot i
/// NAME_req_ring_i, NAME_resp_i, NAME_resp_bell_i (FIFO). Everything is unlinked on drop.
pub struct ServerChannel {
    name: String,
    me: Owner,
    doorbell: Arc<Region>,
    /// The doorbell's inode, to know it again.
    inode: u64,
    bell: Bell,
    fifo: Fifo,
    /// Whether this server may have been rung through its FIFO since it was last drained.
    polled: AtomicBool,
    slots: Vec<Slot>,
}

impl ServerChannel {
    /// Creates all objects; capacities are rounded up to powers of two. Objects of a dead server of ours are removed first,
    /// those of a living one are `InUse`, a doorbell of another program's making is `Foreign`. The doorbell object appears last, complete: clients never see a half-made server.
    ///
    /// # Errors
    /// `InUse`: a living server has the name, or another is just starting. `Foreign`: another program may serve there. `Io`: a bad name, no slots or more than 1024,
    /// a ring larger than 1 GiB, another user's objects, or the system refused.
    pub fn create(name: &str, slots: u32, request_bytes: usize, response_bytes: usize) -> Result<Self, ChannelError> {
        objects::check_name(name)?;
        if slots == 0 || slots > MOST_SLOTS {
            return Err(invalid("a server has 1 to 1024 slots"));
        }
        if request_bytes.max(response_bytes) > MOST_CAPACITY {
            return Err(invalid("a ring has at most 1 GiB"));
        }
        let _lock = Lock::take(name)?;
        objects::check_free(name)?;
        objects::remove_all(name)?;
        Self::make(name, slots, request_bytes, response_bytes).inspect_err(|_| {
            // The first failure is what counts.
            let _ = objects::remove_all(name);
        })
    }

    fn make(name: &str, slots: u32, request_bytes: usize, response_bytes: usize) -> Result<Self, ChannelError> {
        let me = Owner::me()?;
        let fifo = Fifo::create(&objects::request_bell(name))?;
        let slots = (0..slots)
            .map(|slot| Slot::make(name, slot, request_bytes, response_bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let doorbell = Arc::new(Region::create(&objects::doorbell_new(name), DOORBELL_BYTES)?);
        doorbell.u32(SLOTS).store(slots.len() as u32, Relaxed);
        doorbell.u64(SERVER).store(me.word(), Relaxed);
        doorbell.u64(DOORBELL_MAGIC).store(MAGIC, Release);
        let inode = fs::stat(path(&objects::doorbell_new(name)))?.st_ino;
        // The rename is what makes all of it visible to clients.
        fs::rename(path(&objects::doorbell_new(name)), path(&objects::doorbell(name)))?;
        let bell = Bell::doorbell(doorbell.clone());
        Ok(Self {
            name: name.to_owned(),
            me,
            doorbell,
            inode,
            bell,
            fifo,
            polled: AtomicBool::new(false),
            slots,
        })
    }

    /// Number of slots.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.slots.len() as u32
    }

    /// The server's ends of one slot; to be used only between `Claimed` and `Left`.
    pub fn slot(&mut self, slot: u32) -> &mut ServerSlot {
        &mut self.slots[slot as usize].ends
    }

    /// Compares every owner word with what was seen last time; call on each wake. Pushes what changed.
    /// A client that came and went between two looks is not reported: its slot is reset at once.
    pub fn scan(&mut self, events: &mut Vec<SlotEvent>) {
        for (number, slot) in (0..).zip(&mut self.slots) {
            let died = std::mem::take(&mut slot.died);
            match slot.watch.look(&slot.request, died, Owner::lives) {
                Change::Nothing => {}
                Change::Claimed(owner) => events.push(SlotEvent::Claimed { slot: number, owner }),
                Change::Left => events.push(SlotEvent::Left { slot: number }),
                Change::Stale => slot.reset(),
            }
        }
    }

    /// The owner of a served slot is dead, as a descriptor of `Owner::watch` said, or as it gave none: the next `scan` reports `Left`.
    /// Its word does not say so, and /proc cannot be read by a process without descriptors left.
    pub fn owner_died(&mut self, slot: u32) {
        let slot = &mut self.slots[slot as usize];
        slot.died = matches!(slot.watch, Watch::Owned(_));
    }

    /// Makes a slot free again: both rings empty, epoch + 1, owner 0, in this order. Only after its client left or died.
    /// A slot that is free already stays as it is.
    pub fn reset(&mut self, slot: u32) {
        let slot = &mut self.slots[slot as usize];
        if slot.watch != Watch::Free {
            slot.reset();
        }
    }

    /// Cuts off a client that broke the ring: epoch + 1, and wakes it; its next call fails. The slot stays its own until it leaves.
    pub fn condemn(&mut self, slot: u32) {
        slot::condemn(&self.slots[slot as usize].request);
        self.ring(slot);
    }

    /// While ignored, requests that wait in this slot are no work; for a client that is over its bounds. A reset ends it.
    pub fn ignore(&mut self, slot: u32, ignore: bool) {
        self.slots[slot as usize].ignored = ignore;
    }

    /// Wakes the client of a slot after publishing to it, or after a release when it waits for room.
    pub fn ring(&self, slot: u32) {
        let slot = &self.slots[slot as usize];
        slot.bell.ring(false, Some(&slot.fifo));
    }

    /// Whether any served slot has a request, any owner word changed, or room came for a reply that waits for it
    /// (`Producer::set_blocked`).
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.slots.iter().any(Slot::has_work)
    }

    /// Says how the server is about to sleep; call `has_work` after it. Returns the doorbell's value for `wait`.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        if sleep == Sleep::Poll {
            self.polled.store(true, Relaxed);
        }
        self.bell.arm(sleep)
    }

    /// Awake again; drains the FIFO.
    pub fn disarm(&self) {
        self.bell.disarm();
        if self.polled.swap(false, Relaxed) {
            // Our own pipe, open: it cannot fail but by being empty.
            let _ = self.fifo.drain();
        }
    }

    /// Sleeps in the futex.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        self.bell.wait(seen, timeout);
    }

    /// The FIFO's reading end, for epoll.
    #[must_use]
    pub fn fifo(&self) -> BorrowedFd<'_> {
        self.fifo.as_fd()
    }

    /// The processor hint of the client that was served since the last call, for `Spin`; 0 if none, or several on different ones.
    #[must_use]
    pub fn peer_cpu(&self) -> u32 {
        let mut hint = None;
        for slot in &self.slots {
            if slot.was_served() {
                let cpu = slot.ends.request.peer_cpu();
                hint = Some(if hint.is_none_or(|other| other == cpu) { cpu } else { 0 });
            }
        }
        hint.unwrap_or(0)
    }
}

impl Slot {
    fn make(name: &str, slot: u32, request_bytes: usize, response_bytes: usize) -> Result<Self, ChannelError> {
        let ring = |name: &str, bytes: usize| -> Result<Arc<Region>, ChannelError> {
            // A page at least: less saves nothing.
            let region = Region::create(name, HEADER_BYTES + bytes.next_power_of_two().max(4096))?;
            format_ring(&region, true)?;
            Ok(Arc::new(region))
        };
        let request = ring(&objects::request_ring(name, slot), request_bytes)?;
        let response = ring(&objects::response_ring(name, slot), response_bytes)?;
        let fifo = Fifo::create(&objects::response_bell(name, slot))?;
        let ends = ServerSlot {
            request: Consumer::attach(request.clone())?,
            response: Producer::attach(response.clone())?,
        };
        let bell = Bell::of_ring(response.clone());
        let taken = AtomicU64::new(0);
        Ok(Self {
            ends,
            request,
            response,
            bell,
            fifo,
            watch: Watch::Free,
            died: false,
            ignored: false,
            taken,
        })
    }

    fn reset(&mut self) {
        // Rung for the last owner; the next one must not be woken by it.
        let _ = self.fifo.drain();
        self.ends.request.restart();
        self.ends.response.restart();
        self.taken.store(0, Relaxed);
        self.ignored = false;
        self.died = false;
        self.watch = Watch::Free;
        slot::reset(&self.request, &self.response);
    }

    fn has_work(&self) -> bool {
        self.died
            || self.watch.changed(&self.request)
            || matches!(self.watch, Watch::Owned(_)) && (!self.ignored && self.ends.request.has_message() || self.ends.response.room_came())
    }

    fn was_served(&self) -> bool {
        let taken = self.ends.request.taken();
        self.taken.swap(taken, Relaxed) != taken
    }
}

impl Drop for ServerChannel {
    fn drop(&mut self) {
        if self.me.pid() != std::process::id() {
            // A forked child: the channel is its parent's.
            return;
        }
        // Release: pairs with the Acquire of `ClientChannel::evicted`: replies published before are seen before the end.
        self.doorbell.u64(SERVER).store(self.me.leaving(), Release);
        for slot in 0..self.slots() {
            self.ring(slot);
        }
        // Without the lock (its holder hangs) or with another's doorbell there, nothing is removed: the next server does it.
        let Ok(_lock) = Lock::take_patiently(&self.name) else { return };
        if fs::stat(path(&objects::doorbell(&self.name))).is_ok_and(|now| now.st_ino == self.inode) {
            let _ = objects::remove_all(&self.name);
        }
    }
}

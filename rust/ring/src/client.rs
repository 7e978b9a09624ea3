//! A client's ends: of one slot of a many-client server, or of a one-client server such as `bb`.

use std::sync::Arc;
use std::time::Duration;

use rustix::fs;

use crate::bell::{Bell, Sleep};
use crate::consumer::Consumer;
use crate::error::ChannelError;
use crate::fifo::Fifo;
use crate::header::Shape;
use crate::layout::{DOORBELL_BYTES, DOORBELL_MAGIC, HEADER_BYTES, MAGIC, MOST_SLOTS, OWNER, SERVER, SLOTS};
use crate::objects::{self, invalid};
use crate::owner::Owner;
use crate::producer::Producer;
use crate::region::{Region, path};
use crate::slot;
use crate::sync::Ordering::{Acquire, Relaxed};

/// A client's ends: of one slot of a many-client server, or of a one-client server such as `bb`.
pub struct ClientChannel {
    /// To the server.
    pub request: Producer,
    /// From the server.
    pub response: Consumer,
    /// Theirs: the doorbell, or the request ring's own.
    server_bell: Bell,
    /// Ours: the reply ring's.
    bell: Bell,
    /// Wakes us when we sleep in epoll; only with a server of ours.
    fifo: Option<Fifo>,
    /// The object whose absence means that the server is gone.
    landmark: String,
    membership: Option<Membership>,
}

impl ClientChannel {
    /// Joins whatever serves under `name`. NAME_req_doorbell: many clients; ours (by its magic) gives a free slot, or `slot`, by
    /// compare-and-swap on the owner word; a peer's needs `slot`. Otherwise NAME_request and NAME_response: the one-client layout.
    ///
    /// # Errors
    /// `Absent`: nothing there, not yet complete, or its server of ours is dead: try again later. `Full`, `SlotTaken`: the server was
    /// rung, so that it looks again: try again. `Malformed`: not this layout. `Io`: a bad name, no slot named where a
    /// peer's server needs one, another user's objects, or the system refused.
    pub fn join(name: &str, slot: Option<u32>) -> Result<Self, ChannelError> {
        objects::check_name(name)?;
        match Region::open(&objects::doorbell(name), DOORBELL_BYTES) {
            // Acquire: pairs with the Release in `ServerChannel::make`.
            Ok(doorbell) if doorbell.u64(DOORBELL_MAGIC).load(Acquire) == MAGIC => Self::join_ours(name, slot, Arc::new(doorbell)),
            Ok(doorbell) => {
                let slot = slot.ok_or_else(|| invalid("this server is not ours: name the slot to use"))?;
                let rings = [objects::request_ring(name, slot), objects::response_ring(name, slot)];
                Self::join_peer(&rings, Some(Bell::doorbell(Arc::new(doorbell))), objects::doorbell(name))
            }
            Err(ChannelError::Absent) => {
                let rings = [format!("{name}_request"), format!("{name}_response")];
                Self::join_peer(&rings, None, rings[0].clone())
            }
            Err(error) => Err(error),
        }
    }

    fn join_peer([request, response]: &[String; 2], bell: Option<Bell>, landmark: String) -> Result<Self, ChannelError> {
        let (request, response) = (open_ring(request)?, open_ring(response)?);
        Ok(Self {
            server_bell: bell.unwrap_or_else(|| Bell::of_ring(request.clone())),
            bell: Bell::of_ring(response.clone()),
            request: Producer::attach(request)?,
            response: Consumer::attach(response)?,
            fifo: None,
            landmark,
            membership: None,
        })
    }

    fn join_ours(name: &str, wanted: Option<u32>, doorbell: Arc<Region>) -> Result<Self, ChannelError> {
        let (slot, membership) = Membership::claim(name, wanted, doorbell)?;
        // From here on an error drops the membership, which gives the slot back.
        let rings = [objects::request_ring(name, slot), objects::response_ring(name, slot)];
        rings.iter().try_for_each(|ring| Region::reserve(ring))?;
        let response = open_ring(&rings[1])?;
        let channel = Self {
            server_bell: membership.bell.clone(),
            bell: Bell::of_ring(response.clone()),
            request: Producer::attach(membership.request.clone())?,
            response: Consumer::attach(response)?,
            fifo: Some(Fifo::open(&objects::response_bell(name, slot))?),
            landmark: objects::doorbell(name),
            membership: Some(membership),
        };
        if channel.evicted() {
            return Err(ChannelError::Absent);
        }
        channel.ring();
        Ok(channel)
    }

    /// Whether the server is ours, so that flag 2, FIFOs, owner and epoch mean something.
    #[must_use]
    pub fn ours(&self) -> bool {
        self.membership.is_some()
    }

    /// The server's process, when ours; for a peer unknown.
    #[must_use]
    pub fn server(&self) -> Option<Owner> {
        self.membership.as_ref().map(|membership| membership.server)
    }

    /// Whether the server cut us off, gave our slot to another, or ended in good order (epoch, owner or server word changed).
    /// Never true for a peer's server. A server that was killed is noticed by watching `server`.
    #[must_use]
    pub fn evicted(&self) -> bool {
        self.membership.as_ref().is_some_and(Membership::is_over)
    }

    /// Whether the server's objects are gone from /dev/shm: the only sign of the end of a peer's server. One system call.
    #[must_use]
    pub fn vanished(&self) -> bool {
        matches!(fs::stat(path(&self.landmark)), Err(rustix::io::Errno::NOENT))
    }

    /// Wakes the server after publishing, or after a release when it waits for room.
    #[inline]
    pub fn ring(&self) {
        match &self.membership {
            Some(membership) => self.server_bell.ring(false, Some(&membership.server_fifo)),
            None => self.server_bell.ring(true, None),
        }
    }

    /// The reply ring's bell, for another thread that sleeps in it on this client's behalf.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Says how this client is about to sleep on the reply ring; look again after it. Returns the futex word's value.
    pub fn arm(&self, sleep: Sleep) -> u32 {
        self.bell.arm(sleep)
    }

    /// Awake again. The FIFO is not drained: do so after it woke you.
    pub fn disarm(&self) {
        self.bell.disarm();
    }

    /// Sleeps in the futex.
    pub fn wait(&self, seen: u32, timeout: Option<Duration>) {
        self.bell.wait(seen, timeout);
    }

    /// The slot's FIFO, when the server is ours.
    #[must_use]
    pub fn fifo(&self) -> Option<&Fifo> {
        self.fifo.as_ref()
    }

    /// The server's processor hint, for `Spin`.
    #[must_use]
    pub fn peer_cpu(&self) -> u32 {
        self.response.peer_cpu()
    }

    /// Gives the slot back to the server, which frees it when it has dropped what was in flight. Also done on drop.
    /// Nothing may be sent or received afterwards. A forked child leaves nothing: the slot is its parent's.
    pub fn leave(&mut self) {
        if let Some(membership) = &mut self.membership {
            membership.leave();
        }
    }
}

/// A slot of a server of ours, held from the claim until `leave` or drop.
struct Membership {
    doorbell: Arc<Region>,
    bell: Bell,
    /// Wakes the server when it sleeps in epoll.
    server_fifo: Fifo,
    server: Owner,
    request: Arc<Region>,
    me: Owner,
    epoch: u64,
    left: bool,
}

impl Membership {
    fn claim(name: &str, wanted: Option<u32>, doorbell: Arc<Region>) -> Result<(u32, Self), ChannelError> {
        let server = objects::server_of(&doorbell).ok_or(ChannelError::Absent)?;
        let slots = doorbell.u32(SLOTS).load(Relaxed);
        if slots == 0 || slots > MOST_SLOTS {
            return Err(ChannelError::Malformed("the doorbell's number of slots"));
        }
        let me = Owner::me()?;
        let bell = Bell::doorbell(doorbell.clone());
        let server_fifo = Fifo::open(&objects::request_bell(name))?;
        // Each process begins elsewhere: many that start together then seldom try for the same slot.
        let (first, count) = wanted.map_or((me.pid() % slots, slots), |slot| (slot, u32::from(slot < slots)));
        for slot in (0..count).map(|step| (first + step) % slots) {
            let request = Region::open(&objects::request_ring(name, slot), HEADER_BYTES)?;
            if request.u64(OWNER).load(Relaxed) != 0 {
                continue;
            }
            if let Some(epoch) = slot::claim(&request, me) {
                let request = Arc::new(request);
                return Ok((
                    slot,
                    Self {
                        doorbell,
                        bell,
                        server_fifo,
                        server,
                        request,
                        me,
                        epoch,
                        left: false,
                    },
                ));
            }
        }
        bell.ring(false, Some(&server_fifo));
        Err(wanted.map_or(ChannelError::Full { slots }, |slot| ChannelError::SlotTaken { slot }))
    }

    fn is_over(&self) -> bool {
        // Acquire: pairs with the Release in `ServerChannel::drop`.
        self.left || slot::evicted(&self.request, self.me, self.epoch) || self.doorbell.u64(SERVER).load(Acquire) != self.server.word()
    }

    fn leave(&mut self) {
        if self.left || self.me.pid() != std::process::id() {
            return;
        }
        self.left = true;
        slot::leave(&self.request, self.me);
        self.bell.ring(false, Some(&self.server_fifo));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Opens one ring of somebody else's making; one that is not written yet is absent.
fn open_ring(name: &str) -> Result<Arc<Region>, ChannelError> {
    let region = Region::open(name, HEADER_BYTES)?;
    match Shape::read(&region)? {
        Some(_) => Ok(Arc::new(region)),
        None => Err(ChannelError::Absent),
    }
}

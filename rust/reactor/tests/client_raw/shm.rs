//! Raw servers over shared memory: one of our kind and one of a peer's, driven step by step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Connection, Connector, Options};
use proofplane_ring::{Bell, Consumer, Producer, Region, ServerChannel, Sleep, SlotEvent, format_ring, layout};

/// A name that no other test uses.
pub fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("pp-client-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Connects in one attempt.
pub fn join(name: &str, options: Options) -> Connection {
    match Connector::new(Address::SharedMemory(name.into()), options).attempt() {
        Attempt::Connected(connection) => connection,
        Attempt::Wait(pause) => panic!("no server yet, wait {pause:?}"),
        Attempt::Failed(why) => panic!("{why}"),
    }
}

/// A server of our kind with 4 KiB rings.
pub struct Ours(pub ServerChannel);

impl Ours {
    pub fn create(name: &str, slots: u32) -> Self {
        Self(ServerChannel::create(name, slots, 4096, 4096).unwrap())
    }

    /// What the owner words say now.
    pub fn events(&mut self) -> Vec<SlotEvent> {
        let mut events = Vec::new();
        self.0.scan(&mut events);
        events
    }

    /// The slot of the only client that came since the last look.
    pub fn accept(&mut self) -> u32 {
        match self.events()[..] {
            [SlotEvent::Claimed { slot, .. }] => slot,
            ref other => panic!("{other:?}"),
        }
    }

    /// Sleeps until there may be something to do.
    pub fn sleep(&self) {
        let seen = self.0.arm(Sleep::Futex);
        if !self.0.has_work() {
            self.0.wait(seen, Some(Duration::from_secs(1)));
        }
        self.0.disarm();
    }

    /// The next request's body; `None` when the client has left.
    pub fn read(&mut self, slot: u32) -> Option<Vec<u8>> {
        loop {
            let request = &mut self.0.slot(slot).request;
            if let Some(body) = request.peek().unwrap().map(<[u8]>::to_vec) {
                if request.release() {
                    self.0.ring(slot);
                }
                return Some(body);
            }
            if self.events() == [SlotEvent::Left { slot }] {
                return None;
            }
            self.sleep();
        }
    }

    /// Publishes a reply and rings; waits for room. False when the client has left.
    pub fn write(&mut self, slot: u32, body: &[u8]) -> bool {
        loop {
            let response = &mut self.0.slot(slot).response;
            if let Some(mut claim) = response.claim(body.len()).unwrap() {
                claim.bytes().copy_from_slice(body);
                claim.publish();
                response.set_blocked(false);
                self.0.ring(slot);
                return true;
            }
            response.set_blocked(true);
            if self.events() == [SlotEvent::Left { slot }] {
                return false;
            }
            self.sleep();
        }
    }
}

/// A server of a peer's kind with one client: it rings always, and never says when there is room.
pub struct Theirs {
    pub request: Consumer,
    pub response: Producer,
    bell: Bell,
    name: String,
}

impl Theirs {
    pub fn create(name: &str) -> Self {
        let [request, response] = ["request", "response"].map(|kind| {
            let region = Region::create(&format!("{name}_{kind}"), layout::HEADER_BYTES + 4096).unwrap();
            format_ring(&region, false).unwrap();
            Arc::new(region)
        });
        Self {
            request: Consumer::attach(request).unwrap(),
            bell: Bell::of_ring(response.clone()),
            response: Producer::attach(response).unwrap(),
            name: name.into(),
        }
    }

    /// The next request's body, polled for.
    pub fn read(&mut self) -> Vec<u8> {
        while !self.request.has_message() {
            std::thread::yield_now();
        }
        let body = self.request.peek().unwrap().unwrap().to_vec();
        self.request.release();
        body
    }

    /// Publishes a reply and rings; polls for room.
    pub fn write(&mut self, body: &[u8]) {
        let mut claim = loop {
            if self.response.claim(body.len()).unwrap().is_some() {
                break self.response.claim(body.len()).unwrap().unwrap();
            }
            std::thread::yield_now();
        };
        claim.bytes().copy_from_slice(body);
        claim.publish();
        self.bell.ring(true, None);
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        for kind in ["request", "response"] {
            Region::unlink(&format!("{}_{kind}", self.name)).unwrap();
        }
    }
}

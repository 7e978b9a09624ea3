//! The same over shared memory: a driver under test and the ring crate's own client ends.

use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::envelope::read_reply;
use proofplane_reactor::server::{Driver, Options, Reply, Wait};
use proofplane_ring::ClientChannel;

use super::{Got, PATIENCE, Taken, body, contract, got};

pub struct Rings {
    pub driver: Driver,
    pub name: String,
    pub taken: Vec<Taken>,
}

/// A name that no other test and no other run has.
pub fn name(test: &str) -> String {
    format!("pp-test-{}-{test}", std::process::id())
}

impl Rings {
    pub fn new(test: &str, options: Options) -> Self {
        let name = name(test);
        let driver = Driver::bind(&Address::SharedMemory(name.clone()), contract(), options).unwrap();
        Self {
            driver,
            name,
            taken: Vec::new(),
        }
    }

    pub fn join(&self) -> ClientChannel {
        ClientChannel::join(&self.name, None).unwrap()
    }

    pub fn turn(&mut self, wait: Wait) -> usize {
        let Self { driver, taken, .. } = self;
        driver
            .turn(wait, &mut |request| {
                taken.push(Taken {
                    ticket: request.ticket,
                    method: request.method,
                    payload: request.payload.to_vec(),
                })
            })
            .unwrap()
    }

    pub fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < end, "it never came so far: {:?}", self.driver.stats());
            self.turn(Wait::Sleep(Some(Duration::from_millis(1))));
        }
    }

    pub fn take<const N: usize>(&mut self) -> [Taken; N] {
        self.until(|rings| rings.taken.len() >= N);
        self.taken.drain(..N).collect::<Vec<_>>().try_into().unwrap()
    }

    pub fn settle(&mut self) {
        while self.turn(Wait::No) > 0 {}
    }

    pub fn answer(&mut self, taken: &Taken, payload: &[u8]) -> bool {
        let known = self.driver.complete(taken.ticket, Reply::Ok(payload));
        self.driver.flush().unwrap();
        known
    }

    pub fn is_ready(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(&self.driver, PollFlags::IN)], Some(&now)).unwrap() == 1
    }
}

/// Publishes one request; false when the ring is full.
pub fn send(client: &mut ClientChannel, id: Option<u64>, name: &str, payload: &[u8]) -> bool {
    let body = body(id, name, payload);
    let Some(mut claim) = client.request.claim(body.len()).unwrap() else {
        return false;
    };
    claim.bytes().copy_from_slice(&body);
    claim.publish();
    client.ring();
    true
}

/// The next reply if it is there.
pub fn read(client: &mut ClientChannel) -> Option<Got> {
    let reply = read_reply(client.response.peek().unwrap()?).unwrap();
    let reply = got(reply.id, reply.name, reply.payload);
    if client.response.release() {
        client.ring();
    }
    Some(reply)
}

/// What is under /dev/shm with this name.
pub fn left(name: &str) -> Vec<String> {
    let names = std::fs::read_dir("/dev/shm")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // The lock of a name's servers is an empty file that stays (see docs/design/ring.md).
    names.filter(|entry| entry.starts_with(name) && !entry.ends_with("lock")).collect()
}

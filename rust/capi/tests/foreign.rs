//! Clients over the ABI of a server that is not ours: one client, rings of a peer's kind, which tell nobody of room and wake by futex only.

mod kit;

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use kit::{Calls, plain, reply};
use proofplane_capi::Status;
use proofplane_ring::{Bell, Consumer, Producer, Region, format_ring, layout};

/// The peer's ends of its two rings.
struct Peer {
    name: String,
    request: Consumer,
    response: Producer,
    bell: Bell,
}

impl Peer {
    fn create(name: &str) -> Self {
        let [request, response] = ["request", "response"].map(|kind| {
            let region = Region::create(&format!("{name}_{kind}"), layout::HEADER_BYTES + 4096).unwrap();
            format_ring(&region, false).unwrap();
            Arc::new(region)
        });
        Self {
            name: name.into(),
            request: Consumer::attach(request).unwrap(),
            bell: Bell::of_ring(response.clone()),
            response: Producer::attach(response).unwrap(),
        }
    }

    /// Answers one request as the peer does: publishes, then rings.
    fn answer(&mut self, body: &[u8]) {
        while !self.request.has_message() {
            thread::yield_now();
        }
        self.request.peek().unwrap().unwrap();
        self.request.release();
        let mut claim = self.response.claim(body.len()).unwrap().unwrap();
        claim.bytes().copy_from_slice(body);
        claim.publish();
        self.bell.ring(true, None);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        for kind in ["request", "response"] {
            Region::unlink(&format!("{}_{kind}", self.name)).unwrap();
        }
    }
}

/// Waits until the client's thread sleeps: it is the only one of this process with its name.
fn until_the_reader_sleeps() {
    let sleeps = || {
        fs::read_dir("/proc/self/task").unwrap().flatten().any(|task| {
            let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.contains("(proofplane-read) S ")
        })
    };
    while !sleeps() {
        thread::yield_now();
    }
}

#[test]
fn a_call_from_another_thread_while_the_reader_sleeps_is_answered() {
    let name = format!("pp-capi-foreign-{}", std::process::id());
    let mut peer = Peer::create(&name);
    let calls = Calls::connect(&format!("{name}.shm"), &plain()).unwrap();
    for tag in 0..10 {
        until_the_reader_sleeps();
        assert_eq!(calls.submit(tag, "Ping", b"\x80"), Status::Ok);
        peer.answer(&reply("PingResponse", b"\x81\xa1x\x01"));
        let outcome = calls.outcomes.recv_timeout(Duration::from_secs(30)).expect("the reader slept on");
        assert_eq!((outcome.tag, outcome.status), (tag, Status::Ok));
    }
    assert_eq!(calls.close(), []);
}

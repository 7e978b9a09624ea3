//! A client of a server that is not ours: one client, rings of a peer's kind, which tell nobody of room and wake by futex only.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use proofplane_ring::{Bell, Consumer, Producer, Region, format_ring, layout};
use proofplane_rpc::msgpack::{Writer, to_bytes};
use proofplane_rpc::{ClientOptions, Command, Order};

#[path = "../examples/echo/generated/mod.rs"]
mod echo;

use echo::connect;
use echo::types::{Sleep, SleepResponse};

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
            stat.contains("(proofplane-clie) S ")
        })
    };
    while !sleeps() {
        thread::yield_now();
    }
}

#[test]
fn a_call_from_another_thread_while_the_reader_sleeps_is_answered() {
    let name = format!("pp-rpc-foreign-{}", std::process::id());
    let mut peer = Peer::create(&name);
    let options = ClientOptions {
        order: Order::Plain,
        ..ClientOptions::default()
    };
    let client = connect(&format!("{name}.shm"), &options).unwrap();
    for token in 0..10 {
        until_the_reader_sleeps();
        let call = client.sleep(&Sleep { milliseconds: 0, token });
        let mut reply = Writer::new();
        reply.array(2);
        reply.string(Sleep::RESPONSE);
        reply.raw(&to_bytes(&SleepResponse { token }));
        peer.answer(&reply.into_bytes());
        assert_eq!(
            call.wait(Some(Instant::now() + Duration::from_secs(30))),
            Ok(SleepResponse { token })
        );
    }
}

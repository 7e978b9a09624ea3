//! A driver that spins: it takes what comes, and notices whatever else may end a wait, however long the spin would last.

mod rig;

use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::cores;
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Driver, Handle, Options, Reply, Wait};
use rig::rings::{Rings, read, send};
use rig::{Client, PATIENCE, Rig, contract, got, options};

/// A driver whose spins outlast the patience of a test: only what it notices ends them.
fn endless() -> Rig {
    let mut rig = Rig::new(Limits::default());
    let path = rig.directory.path().join("endless.sock");
    let spinning = Options {
        spin_us: 10 * PATIENCE.as_micros() as u32,
        ..options(Limits::default())
    };
    rig.driver = Driver::bind(&Address::Socket(path.clone()), contract(), spinning).unwrap();
    rig.path = path;
    rig
}

/// With a client connected, so that it spins.
fn endless_with_client() -> (Rig, Client) {
    let mut rig = endless();
    let client = rig.connect();
    rig.until(|rig| rig.driver.stats().open == 1);
    (rig, client)
}

/// Spins while another thread does something; whether the spin was over before it would have ended by itself.
fn noticed(rig: &mut Rig, act: impl FnOnce(Handle) + Send + 'static, mut seen: impl FnMut(&mut Rig) -> bool) -> bool {
    let (handle, begun) = (rig.driver.handle(), Instant::now());
    let actor = std::thread::spawn(move || act(handle));
    // With one processor there is no spin, and each turn returns at once.
    while !seen(rig) && begun.elapsed() < PATIENCE {
        rig.turn(Wait::Spin);
    }
    actor.join().unwrap();
    begun.elapsed() < PATIENCE
}

#[test]
fn a_spinning_turn_returns_what_came() {
    let (mut rig, mut client) = endless_with_client();
    for round in 0..100u8 {
        client.send(None, "Echo", &[round]);
        while rig.turn(Wait::Spin) == 0 {}
        let [taken] = rig.take();
        rig.answer(&taken, &taken.payload);
        assert_eq!(client.read(), got(None, "EchoResponse", &[round]));
    }
}

#[test]
fn a_request_that_comes_during_the_spin_ends_it() {
    let (mut rig, client) = endless_with_client();
    let mut other = client.0.try_clone().map(Client).unwrap();
    assert!(noticed(
        &mut rig,
        move |_| other.send(None, "Echo", b"\x01"),
        |rig| !rig.taken.is_empty()
    ));
}

#[test]
fn a_client_that_connects_during_the_spin_is_served_in_it() {
    let (mut rig, _idle) = endless_with_client();
    let path = rig.path.clone();
    let ask = move |_| {
        let mut client = Client::connect(&path);
        client.send(None, "Echo", b"\x01");
        // Keeps the connection until the driver has seen the request.
        std::mem::forget(client);
    };
    assert!(noticed(&mut rig, ask, |rig| rig.taken.len() == 1));
}

#[test]
fn an_answer_from_another_thread_ends_the_spin_and_is_sent() {
    let (mut rig, mut client) = endless_with_client();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    let answer = move |handle: Handle| handle.complete(taken.ticket, Reply::Ok(b"a".to_vec()));
    assert!(noticed(&mut rig, answer, |rig| rig.driver.stats().replies == 1));
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
}

#[test]
fn a_shutdown_ends_the_spin_and_the_server() {
    let (mut rig, mut client) = endless_with_client();
    let shutdown = |handle: Handle| handle.shutdown(Instant::now() + Duration::from_secs(3600));
    assert!(noticed(&mut rig, shutdown, |rig| rig.driver.ended()));
    assert!(client.is_closed());
}

#[test]
fn a_notice_ends_the_spin() {
    let (mut rig, _client) = endless_with_client();
    if cores::beside() == 1 {
        // No spin, nothing to end.
        return;
    }
    let begun = Instant::now();
    let handle = rig.driver.handle();
    let notifier = std::thread::spawn(move || handle.notify());
    rig.turn(Wait::Spin);
    assert!(begun.elapsed() < PATIENCE);
    notifier.join().unwrap();
}

#[test]
fn without_clients_there_is_nothing_to_spin_for() {
    let begun = Instant::now();
    assert_eq!(endless().turn(Wait::Spin), 0);
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn whether_spinning_pays_is_learned_and_told() {
    let mut rig = Rig::new(Limits::default());
    let _client = rig.connect();
    rig.until(|rig| rig.driver.stats().open == 1);
    assert_eq!(rig.driver.spins(), cores::beside() > 1);
    let mut spun = 0;
    for _ in 0..1000 {
        if rig.driver.spins() {
            spun += 1;
            assert_eq!(rig.turn(Wait::Spin), 0);
        }
    }
    // The budget is halved away first; after that one wait in 32 to 96 is a probe.
    assert!(spun < 60, "{spun}");
}

#[test]
fn over_shared_memory_nothing_is_spun_for_while_something_is_in_flight() {
    let spinning = Options {
        spin_us: 10 * PATIENCE.as_micros() as u32,
        ..options(Limits::default())
    };
    let mut rings = Rings::new("spin", spinning);
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    while rings.turn(Wait::Spin) == 0 {}
    let begun = Instant::now();
    assert_eq!(rings.turn(Wait::Spin), 0);
    assert!(begun.elapsed() < PATIENCE, "the handler may need the processor");
    let [taken] = rings.take();
    rings.answer(&taken, b"a");
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"a")));
}

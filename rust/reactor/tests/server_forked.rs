//! A server whose process has forked: somebody else has copies of its descriptors, and what is closed is not gone by that.

mod rig;

use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Connector, Options, Target};
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{self, Reply, Wait};
use proofplane_ring::{Owner, layout};
use rig::copies::{alone, copies};
use rig::rings::Rings;
use rig::{PATIENCE, Rig, error, got};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn is_ready(rig: &Rig) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&rig.driver, PollFlags::IN)], Some(&now)).unwrap() == 1
}

/// A process that does nothing, and owns a slot of the server: its word is written as its own compare-and-swap would.
fn owner_of_slot(rings: &Rings, slot: u32) -> Child {
    let child = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().unwrap();
    let word = Owner::of(child.id()).unwrap().expect("it lives").word();
    let ring = std::fs::File::options()
        .write(true)
        .open(format!("/dev/shm/{}_req_ring_{slot}", rings.name))
        .unwrap();
    ring.write_all_at(&word.to_le_bytes(), layout::OWNER as u64).unwrap();
    child
}

#[test]
fn a_client_that_goes_while_a_child_has_its_descriptor_does_not_keep_the_driver_awake() {
    let _alone = alone();
    let mut rig = Rig::new(Limits::default());
    let client = rig.connect();
    rig.until(|rig| rig.driver.stats().open == 1);
    let _child = copies("socket:");
    // The copies hold the client's end too, as it is of this process: dropping it would not end it.
    client.0.shutdown(std::net::Shutdown::Both).unwrap();
    rig.until(|rig| rig.driver.stats().open == 0);
    rig.settle();
    assert!(!is_ready(&rig));
}

#[test]
fn a_client_sees_the_end_when_the_server_closes_first_also_while_a_child_has_the_descriptor() {
    let _alone = alone();
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.bytes(&u32::MAX.to_le_bytes());
    rig.until(|rig| rig.driver.stats().open == 1);
    let _child = copies("socket:");
    rig.until(|rig| rig.driver.stats().open == 0);
    assert_eq!(client.read().name, "ErrorResponse");
    assert!(client.is_closed());
    rig.settle();
    assert!(!is_ready(&rig));
}

#[test]
fn a_server_sees_the_end_of_a_client_that_was_dropped_while_a_child_has_its_descriptor() {
    let _alone = alone();
    let mut rig = Rig::new(Limits::default());
    let options = Options {
        limits: Limits::default(),
        target: Target::Foreign,
        slot: None,
        spin_us: 0,
    };
    let client = Connector::new(Address::Socket(rig.path.clone()), options).connect(None).unwrap();
    rig.until(|rig| rig.driver.stats().open == 1);
    let _child = copies("socket:");
    drop(client);
    rig.until(|rig| rig.driver.stats().open == 0);
}

#[test]
fn an_ended_server_leaves_nobody_waiting_while_a_child_has_its_descriptors() {
    let _alone = alone();
    let mut rig = Rig::new(Limits {
        max_connections: 1,
        ..Limits::default()
    });
    let (mut served, mut waiting) = (rig.connect(), rig.connect());
    served.send(None, "Work", b"\x01");
    rig.take::<1>();
    let (_child, found_before) = (copies(""), rig.directory.path().join("found"));
    // A client that has found the socket and connects only now.
    std::fs::hard_link(&rig.path, &found_before).unwrap();
    rig.driver.drain();
    assert!(waiting.is_closed(), "who waited to be accepted");
    assert!(UnixStream::connect(&found_before).is_err());
    rig.driver.abort();
    assert_eq!(served.read(), error(None, "the server is shutting down"));
    assert!(served.is_closed() && !is_ready(&rig));
}

#[test]
fn a_bell_that_a_child_rang_wakes_the_driver_once() {
    let _alone = alone();
    let mut rig = Rig::new(Limits::default());
    rig.settle();
    let bells = copies("anon_inode:[eventfd]");
    assert!(!bells.is_empty());
    for bell in &bells {
        rustix::io::write(bell, &1u64.to_ne_bytes()).unwrap();
    }
    assert!(is_ready(&rig));
    rig.turn(Wait::No);
    rig.turn(Wait::No);
    assert!(!is_ready(&rig));
    rig.driver.handle().notify();
    assert!(is_ready(&rig), "its own bell still works");
}

#[test]
fn a_bell_that_a_child_rang_wakes_a_driver_of_rings_once() {
    let _alone = alone();
    let mut rings = Rings::new("stray", server::Options::default());
    rings.settle();
    for bell in &copies("anon_inode:[eventfd]") {
        rustix::io::write(bell, &1u64.to_ne_bytes()).unwrap();
    }
    assert!(rings.is_ready());
    rings.settle();
    rings.settle();
    assert!(!rings.is_ready());
}

#[test]
fn the_death_of_a_client_over_shared_memory_is_told_once_though_a_child_has_its_watch() {
    let _alone = alone();
    let mut rings = Rings::new("watch", server::Options::default());
    let mut owner = owner_of_slot(&rings, 0);
    rings.until(|rings| rings.driver.stats().open == 1);
    let _child = copies("anon_inode:[pidfd]");
    owner.kill().unwrap();
    owner.wait().unwrap();
    rings.until(|rings| rings.driver.stats().open == 0);
    rings.settle();
    assert!(!rings.is_ready());
}

#[test]
fn a_drain_whose_last_reply_is_sent_by_a_sleeping_turn_ends_before_the_sleep() {
    let _alone = alone();
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    let [taken] = rig.take();
    assert!(!rig.driver.drain());
    assert!(rig.driver.complete(taken.ticket, Reply::Ok(b"last")));
    let begun = std::time::Instant::now();
    rig.turn(Wait::Sleep(Some(PATIENCE)));
    assert!(rig.driver.ended() && begun.elapsed() < PATIENCE);
    assert_eq!(client.read(), got(None, "WorkResponse", b"last"));
}

//! Clients and servers killed at the worst moments: the slot comes back, the others go on, the next server starts.
#![cfg(not(loom))]

mod kit;

use std::os::unix::fs::FileExt;
use std::process::Child;

use kit::{await_readable, child, claimed, given_name, name, objects, receive, scan, send};
use proofplane_ring::layout::OWNER;
use proofplane_ring::{ChannelError, ClientChannel, Owner, ServerChannel, Sleep, SlotEvent};
use rustix::process::{Pid, Signal, kill_process};

/// Ends as by kill -9, with no destructor run.
fn die() -> ! {
    kill_process(Pid::from_raw(std::process::id() as i32).expect("a pid"), Signal::KILL).expect("killed");
    unreachable!("dead")
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_dies_right_after_the_compare_and_swap() {
    let Some(name) = given_name() else { return };
    let ring = std::fs::OpenOptions::new()
        .write(true)
        .open(format!("/dev/shm/{name}_req_ring_0"))
        .expect("there");
    ring.write_all_at(&Owner::me().expect("/proc").word().to_le_bytes(), OWNER as u64)
        .expect("claimed");
    die()
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_dies_inside_a_claim() {
    let Some(name) = given_name() else { return };
    let mut client = ClientChannel::join(&name, Some(0)).expect("joined");
    send(&mut client.request, b"sent");
    client.ring();
    client.request.claim(100).expect("sound").expect("room").bytes().fill(9);
    die()
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_dies_inside_a_peek() {
    let Some(name) = given_name() else { return };
    let mut client = ClientChannel::join(&name, Some(0)).expect("joined");
    send(&mut client.request, b"sent");
    client.ring();
    loop {
        client.arm(Sleep::Poll);
        if client.response.peek().expect("sound").is_some() {
            die();
        }
        await_readable(client.fifo().expect("ours"));
    }
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_serves_until_it_is_killed() {
    let Some(name) = given_name() else { return };
    let _server = ServerChannel::create(&name, 2, 4096, 4096).expect("created");
    loop {
        std::thread::park();
    }
}

/// Sleeps until the server has work, as a reactor does.
fn await_work(server: &mut ServerChannel) {
    server.arm(Sleep::Poll);
    if !server.has_work() {
        await_readable(server.fifo());
    }
    server.disarm();
}

/// A slot whose client died in `role` is found, reset, and empty for the next, while a neighbour is served.
fn reclaimed(role: &str) {
    let name = name(role);
    let mut server = ServerChannel::create(&name, 2, 4096, 4096).expect("created");
    let mut neighbour = ClientChannel::join(&name, Some(1)).expect("joined");
    claimed(&mut server);
    let mut victim = child(role, &name);
    let owner = loop {
        await_work(&mut server);
        if let [SlotEvent::Claimed { slot: 0, owner }] = scan(&mut server)[..] {
            break owner;
        }
    };
    assert_eq!(owner.pid(), victim.id());
    if let Some(watch) = owner.watch().expect("pidfd") {
        if role.contains("peek") {
            send(&mut server.slot(0).response, b"reply");
            server.ring(0);
        }
        await_readable(watch);
    }
    assert_eq!(scan(&mut server), [], "its word does not say that it died");
    server.owner_died(0);
    assert!(server.has_work());
    assert_eq!(scan(&mut server), [SlotEvent::Left { slot: 0 }]);
    send(&mut neighbour.request, b"still here");
    assert_eq!(receive(&mut server.slot(1).request).expect("served"), b"still here");
    send(&mut server.slot(0).response, b"late");
    server.reset(0);
    let mut next = ClientChannel::join(&name, Some(0)).expect("free");
    claimed(&mut server);
    assert_eq!(receive(&mut next.response), None);
    assert_eq!(receive(&mut server.slot(0).request), None);
    assert!(!neighbour.evicted());
    victim.wait().expect("reaped");
}

#[test]
fn a_client_killed_inside_a_claim_gives_its_slot_back() {
    reclaimed("child_dies_inside_a_claim");
}

#[test]
fn a_client_killed_inside_a_peek_gives_its_slot_back() {
    reclaimed("child_dies_inside_a_peek");
}

#[test]
fn a_client_killed_right_after_the_compare_and_swap_blocks_the_slot_only_until_the_next_asks() {
    let name = name("swap");
    let mut server = ServerChannel::create(&name, 1, 4096, 4096).expect("created");
    child("child_dies_right_after_the_compare_and_swap", &name).wait().expect("reaped");
    server.arm(Sleep::Poll);
    assert!(matches!(ClientChannel::join(&name, None), Err(ChannelError::Full { slots: 1 })));
    await_readable(server.fifo());
    assert_eq!(scan(&mut server), []);
    assert!(ClientChannel::join(&name, None).is_ok());
}

fn started_server(name: &str) -> (Child, ClientChannel) {
    let server = child("child_serves_until_it_is_killed", name);
    loop {
        match ClientChannel::join(name, None) {
            Ok(client) => return (server, client),
            Err(ChannelError::Absent) => std::thread::yield_now(),
            Err(error) => panic!("a client that is early must be told Absent, not: {error}"),
        }
    }
}

#[test]
fn a_killed_server_is_seen_by_its_clients_and_followed_by_the_next() {
    let name = name("server");
    let (mut server, client) = started_server(&name);
    let watch = client.server().expect("ours").watch().expect("pidfd").expect("alive");
    assert!(matches!(ServerChannel::create(&name, 2, 4096, 4096), Err(ChannelError::InUse { pid }) if pid == server.id()));
    server.kill().expect("killed");
    await_readable(watch);
    assert_eq!(objects(&name).len(), 8, "left over");
    assert!(matches!(ClientChannel::join(&name, None), Err(ChannelError::Absent)));
    let next = ServerChannel::create(&name, 1, 4096, 4096).expect("taken over");
    assert_eq!(objects(&name).len(), 5);
    assert!(ClientChannel::join(&name, None).is_ok());
    drop((client, next));
    assert_eq!(objects(&name), [""; 0]);
    server.wait().expect("reaped");
}

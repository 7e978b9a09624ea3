//! A client over shared memory with a server of a peer's kind: it knows no FIFO, no owner and no wish for room.

mod client_raw;

use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use client_raw::shm::{Theirs, fresh_name, join};
use client_raw::{collect, options, plain_reply, until_lost};
use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Connector, Lost, Options, Target};
use proofplane_reactor::limits::Limits;
use proofplane_ring::{Region, layout};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// As a client's event loop: a descriptor that never tells would end this after ten seconds.
fn readable(fd: impl AsFd) -> bool {
    poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&Timespec { tv_sec: 10, tv_nsec: 0 })) == Ok(1)
}

#[test]
fn a_blocking_client_and_an_event_loop_are_both_answered() {
    let name = fresh_name();
    let mut server = Theirs::create(&name);
    let mut client = join(&name, options(Limits::default()));
    let echo = std::thread::spawn(move || {
        for _ in 0..1000 {
            let body = server.read();
            server.write(&plain_reply(&body[4..]));
        }
        server
    });
    for round in 0..1000u32 {
        client.submit("A", &round.to_le_bytes()).unwrap();
        let mut came = Vec::new();
        if round % 2 == 0 {
            came = collect(&mut client, 1).unwrap().remove(0).2;
        } else {
            while came.is_empty() {
                // With nothing there the sentinel is posted; only a message, or its look once a second, makes the descriptor tell.
                if client.turn(false, &mut |_, _, payload| came = payload.to_vec()) == Ok(0) {
                    assert!(readable(client.as_fd()));
                }
            }
        }
        assert_eq!(came, round.to_le_bytes());
    }
    echo.join().unwrap();
}

#[test]
fn a_request_that_is_sent_while_an_idle_client_sleeps_in_its_descriptor_is_answered_through_it() {
    let name = fresh_name();
    let mut server = Theirs::create(&name);
    let mut client = join(&name, options(Limits::default()));
    let (asked, may_answer) = channel();
    let echo = std::thread::spawn(move || {
        while may_answer.recv().is_ok() {
            let body = server.read();
            server.write(&plain_reply(&body[4..]));
        }
        server
    });
    for round in 0..100u32 {
        // What a reader's thread does, and then it sleeps: nothing is in flight.
        while client.turn(false, &mut |_, _, _| panic!("nobody asked")).unwrap() > 0 {}
        // What another thread does meanwhile; it wakes nobody. The server answers before or after the flush, as it comes.
        asked.send(()).unwrap();
        client.submit("A", &round.to_le_bytes()).unwrap();
        assert_eq!(client.flush(), Ok(true));
        let mut came = Vec::new();
        while came.is_empty() {
            assert!(readable(client.as_fd()), "round {round}");
            client.turn(false, &mut |_, _, payload| came = payload.to_vec()).unwrap();
        }
        assert_eq!(came, round.to_le_bytes());
    }
    drop(asked);
    echo.join().unwrap();
}

#[test]
fn a_full_request_ring_is_tried_again_as_nobody_rings_for_room() {
    let name = fresh_name();
    let mut server = Theirs::create(&name);
    let mut client = join(&name, options(Limits::default()));
    (0..100).for_each(|_| assert!(client.submit("A", &[7; 1000]).is_ok()));
    assert_eq!(client.flush(), Ok(false));
    assert!(client.wants_write(), "the owner of an event loop must turn it again by itself");
    let echo = std::thread::spawn(move || {
        for _ in 0..100 {
            let body = server.read();
            server.write(&plain_reply(&body[4..]));
        }
        server
    });
    assert_eq!(collect(&mut client, 100).unwrap().len(), 100);
    assert!(!client.wants_write());
    echo.join().unwrap();
}

#[test]
fn a_server_that_removes_its_objects_has_ended() {
    let name = fresh_name();
    let mut server = Theirs::create(&name);
    let mut client = join(&name, options(Limits::default()));
    (0..2).for_each(|_| assert!(client.submit("A", b"\x80").is_ok()));
    client.flush().unwrap();
    server.read();
    server.write(&plain_reply(b"\x80"));
    drop(server);
    let (replies, lost) = until_lost(&mut client);
    assert_eq!(
        (replies.len(), lost),
        (1, Lost::Ended("the server has removed its shared memory".into()))
    );
}

#[test]
fn an_event_loop_notices_the_end_too() {
    let name = fresh_name();
    let server = Theirs::create(&name);
    let mut client = join(&name, options(Limits::default()));
    client.submit("A", b"\x80").unwrap();
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Ok(0));
    drop(server);
    let lost = loop {
        assert!(readable(client.as_fd()));
        if let Err(lost) = client.turn(false, &mut |_, _, _| panic!("there is no reply")) {
            break lost;
        }
    };
    assert_eq!(lost, Lost::Ended("the server has removed its shared memory".into()));
}

#[test]
fn the_death_of_a_child_is_seen_by_its_process() {
    let name = fresh_name();
    let _objects = Theirs::create(&name);
    let mut child = Command::new("sleep")
        .arg("60")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let target = Target::Child {
        pid: child.id(),
        start_timeout: Duration::from_secs(5),
    };
    let mut client = join(
        &name,
        Options {
            target,
            ..options(Limits::default())
        },
    );
    client.submit("A", b"\x80").unwrap();
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Ok(0));
    child.kill().unwrap();
    assert!(readable(client.as_fd()));
    let ended = Lost::Ended("the server's process has ended".into());
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Err(ended));
    child.wait().unwrap();
}

#[test]
fn a_half_made_server_is_waited_for() {
    let name = fresh_name();
    let mut connector = Connector::new(Address::SharedMemory(name.clone()), options(Limits::default()));
    let unwritten = ["request", "response"].map(|kind| Region::create(&format!("{name}_{kind}"), layout::HEADER_BYTES + 4096).unwrap());
    assert!(matches!(connector.attempt(), Attempt::Wait(_)));
    drop(unwritten);
    ["request", "response"]
        .iter()
        .for_each(|kind| Region::unlink(&format!("{name}_{kind}")).unwrap());
    let _server = Theirs::create(&name);
    assert!(matches!(connector.attempt(), Attempt::Connected(_)));
}

#[test]
fn dropping_a_client_ends_its_sentinel() {
    let name = fresh_name();
    let _server = Theirs::create(&name);
    let (done, is_done) = channel();
    let mut client = join(&name, options(Limits::default()));
    client.submit("A", b"\x80").unwrap();
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Ok(0));
    std::thread::spawn(move || {
        drop(client);
        done.send(()).unwrap();
    });
    assert_eq!(is_done.recv_timeout(Duration::from_secs(10)), Ok(()), "the drop joins the thread");
}

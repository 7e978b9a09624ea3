//! A client over shared memory with a server of our kind: order, sleep and wake, full rings, slots.

mod client_raw;

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use client_raw::shm::{Ours, fresh_name, join};
use client_raw::{Reply, collect, options, plain_reply};
use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Connection, Connector, Options, SubmitError};
use proofplane_reactor::limits::Limits;
use proofplane_ring::SlotEvent;
use rustix::event::{PollFd, PollFlags, poll};

fn pair(limits: Limits) -> (Ours, Connection, u32) {
    let name = fresh_name();
    let mut server = Ours::create(&name, 2);
    let client = join(&name, options(limits));
    let slot = server.accept();
    (server, client, slot)
}

/// As an event loop does it: turns, and sleeps in the descriptor only when a turn has brought nothing.
fn collect_by_descriptor(client: &mut Connection, count: usize, spin: bool) -> Vec<Reply> {
    let mut replies: Vec<Reply> = Vec::new();
    while replies.len() < count {
        let came = client
            .turn(spin, &mut |call, name, payload| replies.push((call, name.into(), payload.into())))
            .unwrap();
        if came == 0 {
            assert!(!client.wants_write(), "our server rings when there is room");
            poll(&mut [PollFd::from_borrowed_fd(client.as_fd(), PollFlags::IN)], None).unwrap();
        }
    }
    replies
}

#[test]
fn a_hundred_pipelined_calls_are_answered_in_their_order() {
    let (mut server, mut client, slot) = pair(Limits::default());
    let calls: Vec<u64> = (0..100u8).map(|number| client.submit("Number", &[number]).unwrap()).collect();
    assert_eq!(client.flush(), Ok(true));
    let bodies: Vec<_> = (0..100).map(|_| server.read(slot).unwrap()).collect();
    assert_eq!(bodies[7], b"\x91\x92\xa6Number\x07", "no length prefix: the ring has its own");
    bodies.iter().for_each(|body| assert!(server.write(slot, &plain_reply(&body[9..]))));
    let expected: Vec<_> = calls
        .iter()
        .zip(0..100u8)
        .map(|(&call, number)| (call, "R".to_owned(), vec![number]))
        .collect();
    assert_eq!(collect(&mut client, 100).unwrap(), expected);
}

#[test]
fn a_sleeping_client_is_woken_by_each_reply_whichever_way_it_sleeps() {
    let (mut server, mut client, slot) = pair(Limits::default());
    let echo = std::thread::spawn(move || {
        while let Some(body) = server.read(slot) {
            server.write(slot, &plain_reply(&body[4..]));
        }
    });
    for round in 0..3000u32 {
        client.submit("A", &round.to_le_bytes()).unwrap();
        let replies = match round % 3 {
            0 => collect(&mut client, 1).unwrap(),
            way => collect_by_descriptor(&mut client, 1, way == 1),
        };
        assert_eq!(replies, [(u64::from(round) + 1, "R".into(), round.to_le_bytes().to_vec())]);
    }
    drop(client);
    echo.join().unwrap();
}

#[test]
fn two_full_rings_do_not_hold_each_other_up() {
    for by_descriptor in [false, true] {
        let (mut server, mut client, slot) = pair(Limits::default());
        let echo = std::thread::spawn(move || {
            while let Some(body) = server.read(slot) {
                server.write(slot, &plain_reply(&body[4..]));
            }
        });
        // Fifty times what a ring holds.
        for number in 0..200u8 {
            client.submit("A", &[number; 1000]).unwrap();
        }
        let replies = if by_descriptor {
            collect_by_descriptor(&mut client, 200, false)
        } else {
            collect(&mut client, 200).unwrap()
        };
        assert!(
            replies
                .iter()
                .zip(0..200u8)
                .all(|((call, _, payload), number)| *call == u64::from(number) + 1 && *payload == [number; 1000])
        );
        drop(client);
        echo.join().unwrap();
    }
}

#[test]
fn what_a_ring_cannot_carry_is_refused_and_what_waits_is_bounded() {
    let (mut server, mut client, slot) = pair(Limits {
        max_queued: 5000,
        ..Limits::default()
    });
    let most = 4096 / 2 - 4;
    assert_eq!(
        client.submit("A", &vec![0; most - 3]),
        Err(SubmitError::TooLarge { need: most + 1, most })
    );
    let taken = (0..).take_while(|_| client.submit("A", &[0; 1020]).is_ok()).count();
    // 1024 bytes and a prefix each: three fit the ring, four the queue.
    assert_eq!((taken, client.submit("A", &[0; 1020])), (7, Err(SubmitError::WouldBlock)));
    assert_eq!(client.flush(), Ok(false));
    server.read(slot).unwrap();
    assert_eq!(client.flush(), Ok(false), "one has moved from the queue into the ring");
    assert_eq!(client.submit("A", &[0; 1020]), Ok(8));
}

#[test]
fn a_wait_ends_at_its_deadline_and_the_reply_can_still_come() {
    let (mut server, mut client, slot) = pair(Limits::default());
    client.submit("A", b"\x80").unwrap();
    let mut nothing = |_: u64, _: &str, _: &[u8]| panic!("there is no reply");
    assert_eq!(client.wait(Some(Instant::now() - Duration::from_secs(1)), &mut nothing), Ok(0));
    let deadline = Instant::now() + Duration::from_millis(30);
    while Instant::now() < deadline {
        assert_eq!(client.wait(Some(deadline), &mut nothing), Ok(0));
    }
    server.read(slot).unwrap();
    server.write(slot, &plain_reply(b"\x80"));
    assert_eq!(collect(&mut client, 1).unwrap().len(), 1);
}

#[test]
fn a_full_server_is_waited_for_and_a_left_slot_is_taken() {
    let name = fresh_name();
    let mut server = Ours::create(&name, 1);
    let address = Address::SharedMemory(name.clone());
    let first = join(&name, options(Limits::default()));
    assert_eq!(server.accept(), 0);
    let mut second = Connector::new(address.clone(), options(Limits::default()));
    assert!(matches!(second.attempt(), Attempt::Wait(_)));
    let named = Options {
        slot: Some(0),
        ..options(Limits::default())
    };
    assert!(matches!(Connector::new(address.clone(), named).attempt(), Attempt::Wait(_)));
    drop(first);
    assert_eq!(server.events(), [SlotEvent::Left { slot: 0 }]);
    server.0.reset(0);
    assert!(matches!(second.attempt(), Attempt::Connected(_)));
}

#[test]
fn two_clients_that_name_no_slot_get_one_each_and_their_own_replies() {
    let name = fresh_name();
    let mut server = Ours::create(&name, 2);
    let mut first = join(&name, options(Limits::default()));
    let first_slot = server.accept();
    let mut second = join(&name, options(Limits::default()));
    let second_slot = server.accept();
    assert_ne!(first_slot, second_slot);
    for (client, payload) in [(&mut first, b"1"), (&mut second, b"2")] {
        client.submit("A", payload).unwrap();
        client.flush().unwrap();
    }
    for slot in [second_slot, first_slot] {
        let body = server.read(slot).unwrap();
        assert!(server.write(slot, &plain_reply(&body[4..])));
    }
    let replies = [&mut first, &mut second].map(|client| collect(client, 1).unwrap().remove(0).2);
    assert_eq!(replies, [b"1", b"2"]);
}

#[test]
fn a_deadline_beyond_what_32_bits_of_milliseconds_hold_is_not_a_short_one() {
    let (mut server, mut client, slot) = pair(Limits::default());
    client.submit("A", b"\x80").unwrap();
    client.flush().unwrap();
    let far = Instant::now() + Duration::from_millis(u64::from(u32::MAX) + 2);
    let answer = std::thread::spawn(move || {
        let body = server.read(slot).unwrap();
        // Later than a wrapped deadline, which would end the wait with nothing.
        std::thread::sleep(Duration::from_millis(20));
        server.write(slot, &plain_reply(&body[4..]));
        server
    });
    assert_eq!(client.wait(Some(far), &mut |_, _, _| {}), Ok(1));
    answer.join().unwrap();
}

#[test]
fn an_absent_server_is_waited_for() {
    let name = fresh_name();
    let mut connector = Connector::new(Address::SharedMemory(name.clone()), options(Limits::default()));
    assert!(matches!(connector.attempt(), Attempt::Wait(_)));
    let _server = Ours::create(&name, 1);
    assert!(matches!(connector.attempt(), Attempt::Connected(_)));
}

//! A client over a socket, against servers that answer well.

mod client_raw;

use std::os::fd::AsFd;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use client_raw::{collect, connected, frame, id_reply, plain_reply, read_frame, write};
use proofplane_reactor::client::SubmitError;
use proofplane_reactor::limits::Limits;
use rustix::event::{PollFd, PollFlags, poll};

#[test]
fn a_hundred_pipelined_plain_calls_are_answered_in_their_order() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        let bodies: Vec<_> = (0..100).map(|_| read_frame(&mut stream).unwrap()).collect();
        let replies: Vec<u8> = bodies
            .iter()
            .flat_map(|body| frame(&plain_reply(&body[body.len() - 1..])))
            .collect();
        write(&mut stream, &replies);
        bodies
    });
    let calls: Vec<u64> = (0..100u8).map(|number| client.submit("Number", &[number]).unwrap()).collect();
    assert_eq!((client.in_flight(), client.flush()), (100, Ok(true)));
    let replies = collect(&mut client, 100).unwrap();
    let expected: Vec<_> = calls
        .iter()
        .zip(0..100u8)
        .map(|(&call, number)| (call, "R".to_owned(), vec![number]))
        .collect();
    assert_eq!(replies, expected);
    assert_eq!(client.in_flight(), 0);
    let bodies = server.join().unwrap();
    assert_eq!(bodies[7], b"\x91\x92\xa6Number\x07");
}

#[test]
fn calls_with_ids_are_answered_in_any_order_and_plain_ones_between_them() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        let bodies: Vec<_> = (0..4).map(|_| read_frame(&mut stream).unwrap()).collect();
        write(
            &mut stream,
            &[
                frame(&id_reply(3, b"c")),
                frame(&plain_reply(b"a")),
                frame(&id_reply(2, b"b")),
                frame(&plain_reply(b"d")),
            ]
            .concat(),
        );
        bodies
    });
    assert_eq!(client.submit("A", b"\x80"), Ok(1));
    client.use_ids(true);
    assert_eq!(client.submit("B", b"\x80"), Ok(2));
    assert_eq!(client.submit("C", b"\x80"), Ok(3));
    client.use_ids(false);
    assert_eq!(client.submit("D", b"\x80"), Ok(4));
    client.flush().unwrap();
    let replies: Vec<_> = collect(&mut client, 4)
        .unwrap()
        .into_iter()
        .map(|(call, _, payload)| (call, payload))
        .collect();
    assert_eq!(
        replies,
        [(3, b"c".to_vec()), (1, b"a".to_vec()), (2, b"b".to_vec()), (4, b"d".to_vec())]
    );
    let bodies = server.join().unwrap();
    let expected: [&[u8]; 4] = [
        b"\x91\x92\xa1A\x80",
        b"\x92\x02\x92\xa1B\x80",
        b"\x92\x03\x92\xa1C\x80",
        b"\x91\x92\xa1D\x80",
    ];
    assert_eq!(bodies, expected);
}

#[test]
fn half_a_reply_waits_for_its_other_half_without_blocking() {
    let (halves, next_half) = channel::<()>();
    let (written, was_written) = channel();
    let (_directory, mut client, server) = connected(Limits::default(), move |mut stream| {
        for half in frame(&plain_reply(b"x")).chunks(5) {
            next_half.recv().unwrap();
            write(&mut stream, half);
            written.send(()).unwrap();
        }
    });
    client.submit("A", b"\x80").unwrap();
    halves.send(()).unwrap();
    was_written.recv().unwrap();
    assert_eq!(client.turn(false, &mut |_, _, _| panic!("it is not whole")), Ok(0));
    halves.send(()).unwrap();
    assert_eq!(collect(&mut client, 1), Ok(vec![(1, "R".into(), b"x".to_vec())]));
    server.join().unwrap();
}

#[test]
fn a_reply_of_single_bytes_arrives() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        read_frame(&mut stream);
        frame(&plain_reply(b"slow"))
            .into_iter()
            .for_each(|byte| write(&mut stream, &[byte]));
    });
    client.submit("A", b"\x80").unwrap();
    assert_eq!(collect(&mut client, 1), Ok(vec![(1, "R".into(), b"slow".to_vec())]));
    server.join().unwrap();
}

#[test]
fn frames_of_every_size_come_back_equal() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        while let Some(body) = read_frame(&mut stream) {
            write(&mut stream, &frame(&plain_reply(&body[5..])));
        }
    });
    for size in [0usize, 1, 31, 32, 255, 256, 65_535, 65_536, 262_140, 262_144, 300_000, 9 << 20, 100] {
        let payload: Vec<u8> = (0..=size).map(|index| (index % 251) as u8).collect();
        client.submit("Ec", &payload).unwrap();
        assert_eq!(collect(&mut client, 1).unwrap()[0].2, payload, "{size}");
    }
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_server_that_does_not_read_fills_the_queue_and_no_more() {
    let (go, may_read) = channel::<()>();
    let limits = Limits {
        max_queued: 100_000,
        ..Limits::default()
    };
    let (_directory, mut client, server) = connected(limits, move |mut stream| {
        may_read.recv().unwrap();
        let mut count = 0;
        while read_frame(&mut stream).is_some() {
            count += 1;
            write(&mut stream, &frame(&plain_reply(b"\x80")));
        }
        count
    });
    // One frame is always taken by an empty queue, also one that is larger than the queue.
    client.submit("A", &[0; 200_000]).unwrap();
    let mut taken = 1;
    loop {
        match client.submit("A", &[0; 10_000]) {
            Ok(_) => taken += 1,
            Err(SubmitError::WouldBlock) => {
                // Full: when the system takes nothing more either, that is the end.
                let before = client.in_flight();
                client.flush().unwrap();
                if client.submit("A", &[0; 10_000]).is_err() {
                    assert_eq!(client.in_flight(), before, "a refused call is not in flight");
                    break;
                }
                taken += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(client.wants_write());
    assert_eq!(client.in_flight(), taken);
    go.send(()).unwrap();
    assert_eq!(collect(&mut client, taken).unwrap().len(), taken);
    assert!(!client.wants_write());
    drop(client);
    assert_eq!(server.join().unwrap(), taken);
}

#[test]
fn both_sides_full_do_not_hold_each_other_up() {
    // The server writes each large reply before it reads on, so it stops reading when the client stops.
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        while read_frame(&mut stream).is_some() {
            write(&mut stream, &frame(&plain_reply(&[0; 100_000])));
        }
    });
    for _ in 0..50 {
        client.submit("A", &[0; 100_000]).unwrap();
    }
    assert_eq!(collect(&mut client, 50).unwrap().len(), 50);
    drop(client);
    server.join().unwrap();
}

#[test]
fn a_wait_ends_at_its_deadline_and_the_reply_can_still_come() {
    let (go, may_answer) = channel::<()>();
    let (_directory, mut client, server) = connected(Limits::default(), move |mut stream| {
        may_answer.recv().unwrap();
        write(&mut stream, &frame(&plain_reply(b"\x80")));
        read_frame(&mut stream)
    });
    client.submit("A", b"\x80").unwrap();
    let mut sink = |_: u64, _: &str, _: &[u8]| panic!("there is no reply");
    assert_eq!(client.wait(Some(Instant::now() - Duration::from_secs(1)), &mut sink), Ok(0));
    let deadline = Instant::now() + Duration::from_millis(3);
    assert_eq!(client.wait(Some(deadline), &mut sink), Ok(0));
    assert!(Instant::now() >= deadline);
    assert_eq!(client.in_flight(), 1);
    go.send(()).unwrap();
    assert_eq!(collect(&mut client, 1).unwrap().len(), 1);
    assert_eq!(server.join().unwrap().unwrap(), b"\x91\x92\xa1A\x80");
}

#[test]
fn a_deadline_beyond_what_32_bits_of_milliseconds_hold_is_not_a_short_one() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        read_frame(&mut stream).unwrap();
        // Later than a wrapped deadline, which would end the wait with nothing.
        std::thread::sleep(Duration::from_millis(20));
        write(&mut stream, &frame(&plain_reply(b"\x80")));
        stream
    });
    client.submit("A", b"\x80").unwrap();
    let far = Instant::now() + Duration::from_millis(u64::from(u32::MAX) + 2);
    assert_eq!(client.wait(Some(far), &mut |_, _, _| {}), Ok(1));
    server.join().unwrap();
}

#[test]
fn the_descriptor_tells_of_replies_that_a_turn_then_takes() {
    let (_directory, mut client, server) = connected(Limits::default(), |mut stream| {
        read_frame(&mut stream);
        write(&mut stream, &frame(&plain_reply(b"\x80")));
        read_frame(&mut stream)
    });
    client.submit("A", b"\x80").unwrap();
    client.flush().unwrap();
    assert_eq!(poll(&mut [PollFd::from_borrowed_fd(client.as_fd(), PollFlags::IN)], None), Ok(1));
    assert_eq!(client.turn(false, &mut |_, _, _| {}), Ok(1));
    assert_eq!(client.turn(true, &mut |_, _, _| {}), Ok(0));
    drop(client);
    assert_eq!(server.join().unwrap(), None);
}

#[test]
fn requests_over_the_limits_are_refused_before_they_are_queued() {
    let limits = Limits {
        max_frame: 100,
        ..Limits::default()
    };
    let (_directory, mut client, _server) = connected(limits, |mut stream| read_frame(&mut stream));
    assert_eq!(client.submit("A", &[0; 97]), Err(SubmitError::TooLarge { need: 101, most: 100 }));
    client.limit_requests(1000);
    assert_eq!(
        client.submit("A", &[0; 97]),
        Err(SubmitError::TooLarge { need: 101, most: 100 }),
        "our own limit stays"
    );
    client.limit_requests(50);
    assert_eq!(client.submit("A", &[0; 47]), Err(SubmitError::TooLarge { need: 51, most: 50 }));
    assert_eq!(
        client.submit(&"n".repeat(256), b""),
        Err(SubmitError::TooLarge { need: 256, most: 255 })
    );
    assert_eq!(client.submit("A", &[0; 46]), Ok(1), "a refused request uses up no number");
}

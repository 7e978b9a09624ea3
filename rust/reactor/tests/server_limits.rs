//! Bounds: frames over the limit, half frames, clients that never read, too many requests in flight.

mod rig;

use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::Wait;
use rig::{Rig, body, framed, got, message};

#[test]
fn a_frame_over_the_limit_gets_an_error_in_order_and_then_the_end() {
    let mut rig = Rig::new(Limits {
        max_frame: 1000,
        ..Limits::default()
    });
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    client.bytes(&u32::MAX.to_le_bytes());
    client.bytes(&framed(&body(None, "Work", b"\x02")));
    let [taken] = rig.take();
    rig.settle();
    assert!(client.is_silent());
    assert_eq!(rig.driver.stats().open, 1);
    rig.answer(&taken, b"a");
    assert_eq!(client.read(), got(None, "WorkResponse", b"a"));
    assert!(message(&client.read()).contains("4294967295 bytes, at most 1000"));
    assert!(client.is_closed());
    assert_eq!((rig.driver.stats().open, rig.driver.stats().requests), (0, 1));
}

#[test]
fn half_a_frame_and_silence_hold_up_nobody_else() {
    let mut rig = Rig::new(Limits::default());
    let (mut stuck, mut other) = (rig.connect(), rig.connect());
    let whole = framed(&body(None, "Work", b"\x07"));
    for (index, byte) in whole[..whole.len() - 1].iter().enumerate() {
        stuck.bytes(&[*byte]);
        other.send(None, "Echo", &[index as u8]);
        let [taken] = rig.take();
        rig.answer(&taken, &taken.payload.clone());
        assert_eq!(other.read(), got(None, "EchoResponse", &[index as u8]));
    }
    stuck.bytes(&whole[whole.len() - 1..]);
    let [taken] = rig.take();
    assert_eq!((taken.method, &taken.payload[..]), (1, &b"\x07"[..]));
}

#[test]
fn frames_of_every_size_around_the_buffers_edges_arrive_whole_however_they_are_cut() {
    let mut rig = Rig::new(Limits::default());
    let sizes = [
        1,
        100,
        16 << 10,
        (16 << 10) + 1,
        64 << 10,
        200_000,
        256 << 10,
        (256 << 10) + 1,
        3 << 20,
    ];
    let mut stream = Vec::new();
    for size in sizes {
        let payload: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        stream.extend_from_slice(&framed(&body(None, "Echo", &payload)));
    }
    for cut in [1000, 4097, 65_536, 150_001] {
        let client = rig.connect();
        let (path, bytes) = (client, stream.clone());
        let sender = std::thread::spawn(move || {
            let mut client = path;
            for chunk in bytes.chunks(cut) {
                client.bytes(chunk);
            }
            client
        });
        for size in sizes {
            let [taken] = rig.take();
            assert_eq!(taken.payload.len(), size);
            assert!(taken.payload.iter().enumerate().all(|(index, byte)| *byte == (index % 251) as u8));
            rig.answer(&taken, b"");
        }
        drop(sender.join().unwrap());
    }
}

#[test]
fn a_client_that_never_reads_is_not_read_either_and_others_are_served() {
    let limits = Limits {
        max_queued: 1 << 20,
        ..Limits::default()
    };
    let mut rig = Rig::new(limits);
    let (mut deaf, mut other) = (rig.connect(), rig.connect());
    deaf.0.set_nonblocking(true).unwrap();
    let request = framed(&body(None, "Echo", b"\x01"));
    let mut answered = 0;
    // It asks as long as the server takes; each answer has 64 KiB.
    let mut quiet = 0;
    while quiet < 20 {
        let sent = std::io::Write::write(&mut deaf.0, &request).is_ok_and(|count| count == request.len());
        rig.turn(Wait::No);
        quiet = if sent && !rig.taken.is_empty() { 0 } else { quiet + 1 };
        for taken in std::mem::take(&mut rig.taken) {
            rig.answer(&taken, &[7; 65_536]);
            answered += 1;
        }
    }
    assert!(
        (16..100).contains(&answered),
        "{answered} replies of 64 KiB were made for a client that reads none"
    );
    other.send(None, "Echo", b"\x02");
    let [taken] = rig.take();
    rig.answer(&taken, b"ok");
    assert_eq!(other.read(), got(None, "EchoResponse", b"ok"));
    // It reads at last: everything comes, and it is read again.
    deaf.0.set_nonblocking(false).unwrap();
    let reader = std::thread::spawn(move || {
        for _ in 0..answered {
            assert_eq!(deaf.read().payload.len(), 65_536);
        }
        deaf
    });
    rig.until(|_| reader.is_finished());
    let mut deaf = reader.join().unwrap();
    rig.taken.clear();
    deaf.send(Some(1), "Work", b"\x03");
    rig.until(|rig| rig.taken.iter().any(|taken| taken.payload == b"\x03"));
}

#[test]
fn a_connection_at_its_bound_in_flight_is_read_again_at_half_of_it() {
    let mut rig = Rig::new(Limits {
        max_in_flight: 4,
        ..Limits::default()
    });
    let mut client = rig.connect();
    for number in 0..10 {
        client.send(Some(10 + u64::from(number)), "Work", &[number]);
    }
    let taken = rig.take::<4>();
    rig.answer(&taken[0], b"");
    rig.settle();
    assert_eq!((rig.taken.len(), rig.driver.stats().in_flight), (0, 3));
    rig.answer(&taken[3], b"");
    rig.until(|rig| rig.driver.stats().in_flight == 4);
    assert_eq!(rig.taken.iter().map(|taken| taken.payload[0]).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn every_request_of_a_paused_connection_is_served_in_the_end() {
    let mut rig = Rig::new(Limits {
        max_in_flight: 3,
        ..Limits::default()
    });
    let mut client = rig.connect();
    for number in 0..200u8 {
        client.send(None, "Work", &[number]);
    }
    for number in 0..200u8 {
        let [taken] = rig.take();
        assert!(rig.taken.len() < 3);
        assert_eq!(taken.payload, [number]);
        rig.answer(&taken, &[number]);
        assert_eq!(client.read(), got(None, "WorkResponse", &[number]));
    }
}

#[test]
fn errors_that_wait_in_the_order_count_as_in_flight() {
    let mut rig = Rig::new(Limits {
        max_in_flight: 8,
        ..Limits::default()
    });
    let mut client = rig.connect();
    client.send(None, "Work", b"\x01");
    for _ in 0..100 {
        client.bytes(&framed(b""));
    }
    let [taken] = rig.take();
    rig.settle();
    assert_eq!(rig.driver.stats().refused, 7);
    rig.answer(&taken, b"a");
    rig.until(|rig| rig.driver.stats().refused == 100);
}

#[test]
fn one_turn_hands_out_a_bounded_number_and_the_descriptor_stays_ready_for_the_rest() {
    let mut rig = Rig::new(Limits::default());
    let mut client = rig.connect();
    let many: Vec<u8> = (0..600).flat_map(|_| framed(&body(None, "Echo", b"\x01"))).collect();
    client.bytes(&many);
    rig.until(|rig| !rig.taken.is_empty());
    assert!(rig.taken.len() <= 256);
    let mut turns = 0;
    while rig.taken.len() < 600 {
        assert!(
            is_ready(&rig),
            "{} requests are left and the descriptor is not ready",
            600 - rig.taken.len()
        );
        rig.turn(Wait::No);
        turns += 1;
        assert!(turns < 10);
    }
    rig.settle();
    assert!(!is_ready(&rig));
}

fn is_ready(rig: &Rig) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(&rig.driver, PollFlags::IN)], Some(&now)).unwrap() == 1
}

#[test]
fn at_the_servers_own_bound_nothing_is_read_replies_go_out_and_it_goes_on_at_half() {
    let mut rig = Rig::new(Limits {
        max_waiting: 4,
        ..Limits::default()
    });
    let (mut first, mut second) = (rig.connect(), rig.connect());
    for number in 0..3 {
        first.send(None, "Work", &[number]);
    }
    let mut taken = rig.take::<3>().to_vec();
    for number in 10..13 {
        second.send(None, "Work", &[number]);
    }
    taken.extend(rig.take::<1>());
    rig.settle();
    assert!(rig.taken.is_empty() && !is_ready(&rig));
    rig.answer(&taken[0], b"a");
    assert_eq!(first.read(), got(None, "WorkResponse", b"a"));
    rig.settle();
    assert!(rig.taken.is_empty() && !is_ready(&rig));
    rig.answer(&taken[1], b"b");
    let rest = rig.take::<2>();
    assert_eq!([&rest[0].payload[..], &rest[1].payload[..]], [[11], [12]]);
}

#[test]
fn requests_of_clients_that_are_gone_count_until_they_are_answered() {
    let mut rig = Rig::new(Limits {
        max_waiting: 4,
        ..Limits::default()
    });
    for _ in 0..4 {
        rig.connect().send(None, "Work", b"\x01");
    }
    let left = rig.take::<4>();
    rig.until(|rig| rig.driver.stats().open == 0);
    let mut client = rig.connect();
    client.send(None, "Work", b"\x02");
    rig.settle();
    assert!(rig.taken.is_empty());
    for taken in &left[..2] {
        assert!(!rig.answer(taken, b""));
    }
    let [taken] = rig.take();
    assert_eq!(taken.payload, b"\x02");
}

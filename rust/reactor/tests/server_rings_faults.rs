//! Clients of the shared-memory server that leave, die, or do not read.

mod rig;

use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Options, Wait};
use proofplane_ring::{ChannelError, ClientChannel};
use rig::rings::{Rings, read, send};
use rig::{PATIENCE, got};

#[test]
fn a_client_that_leaves_with_requests_in_its_ring_frees_its_slot_and_its_late_replies_reach_nobody() {
    let mut rings = Rings::new(
        "leave",
        Options {
            slots: 1,
            ..Options::default()
        },
    );
    let mut first = rings.join();
    assert!(matches!(ClientChannel::join(&rings.name, None), Err(ChannelError::Full { .. })));
    assert!(send(&mut first, None, "Work", b"\x01"));
    let [late] = rings.take();
    assert!(send(&mut first, None, "Work", b"\x02"));
    first.leave();
    rings.until(|rings| rings.driver.stats().open == 0);
    let mut next = rings.join();
    assert!(send(&mut next, None, "Work", b"\x03"));
    rings.until(|rings| rings.taken.iter().any(|taken| taken.payload == b"\x03"));
    let own = rings.taken.pop().unwrap();
    assert!(!rings.answer(&late, b"not yours"));
    assert_eq!(read(&mut next), None);
    rings.answer(&own, b"yours");
    assert_eq!(read(&mut next), Some(got(None, "WorkResponse", b"yours")));
}

#[test]
fn both_rings_full_in_both_directions_is_no_deadlock_and_others_are_served() {
    let limits = Limits {
        max_queued: 100_000,
        ..Limits::default()
    };
    let options = Options {
        limits,
        request_ring: 16 << 10,
        response_ring: 16 << 10,
        ..Options::default()
    };
    let mut rings = Rings::new("full", options);
    let (mut deaf, mut other) = (rings.join(), rings.join());
    let (mut sent, mut quiet) = (0u32, 0);
    // It publishes as long as there is room, and reads nothing; each answer has 4 KiB.
    while quiet < 20 {
        quiet += 1;
        if send(&mut deaf, None, "Echo", &[1; 1000]) {
            (sent, quiet) = (sent + 1, 0);
        }
        rings.turn(Wait::No);
        for taken in std::mem::take(&mut rings.taken) {
            rings.answer(&taken, &[7; 4000]);
        }
    }
    assert!(sent < 100, "{sent} requests were taken of a client that reads nothing");
    assert!(!rings.is_ready(), "a paused client must not keep the driver awake");
    assert!(send(&mut other, None, "Echo", b"\x02"));
    let [taken] = rings.take();
    rings.answer(&taken, b"ok");
    assert_eq!(read(&mut other), Some(got(None, "EchoResponse", b"ok")));
    // It reads at last: every answer comes.
    let mut received = 0;
    rings.until(|rings| {
        while let Some(reply) = read(&mut deaf) {
            assert_eq!(reply.payload.len(), 4000);
            received += 1;
        }
        for taken in std::mem::take(&mut rings.taken) {
            rings.answer(&taken, &[7; 4000]);
        }
        received == sent
    });
}

#[test]
fn a_release_by_the_client_wakes_a_driver_that_waits_for_room() {
    let options = Options {
        response_ring: 16 << 10,
        ..Options::default()
    };
    let mut rings = Rings::new("room", options);
    let mut client = rings.join();
    for number in 0..8 {
        assert!(send(&mut client, None, "Echo", &[number]));
    }
    for taken in rings.take::<8>() {
        rings.answer(&taken, &[taken.payload[0]; 4000]);
    }
    rings.settle();
    assert!(!rings.is_ready());
    for number in 0..8u8 {
        if number > 3 {
            assert!(
                rings.is_ready() || client.response.has_message(),
                "nobody was woken for reply {number}"
            );
            rings.settle();
        }
        assert_eq!(read(&mut client), Some(got(None, "EchoResponse", &[number; 4000])));
    }
}

#[test]
fn a_killed_client_frees_its_slot_and_others_are_served() {
    for how in ["asked", "claimed", "peeked"] {
        let mut rings = Rings::new(
            "killed",
            Options {
                slots: 2,
                ..Options::default()
            },
        );
        let mut other = rings.join();
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "this_is_the_client_that_is_killed", "--ignored"])
            .env("PP_TEST_NAME", &rings.name)
            .env("PP_TEST_HOW", how)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let [asked] = rings.take();
        rings.answer(&asked, b"a");
        let [ready] = rings.take();
        child.kill().unwrap();
        child.wait().unwrap();
        rings.until(|rings| rings.driver.stats().open == 1);
        assert!(!rings.answer(&ready, b"late"));
        let mut next = rings.join();
        for client in [&mut other, &mut next] {
            assert!(send(client, None, "Echo", b"\x02"));
            let [taken] = rings.take();
            rings.answer(&taken, b"ok");
            assert_eq!(read(client), Some(got(None, "EchoResponse", b"ok")));
        }
    }
}

/// Run by the test above in a process of its own: asks, and when it is answered asks again and stands still in the middle of something.
#[test]
#[ignore = "it waits to be killed; the test above runs it"]
fn this_is_the_client_that_is_killed() {
    let [name, how] = ["PP_TEST_NAME", "PP_TEST_HOW"].map(|name| std::env::var(name).unwrap());
    let mut client = ClientChannel::join(&name, None).unwrap();
    assert!(send(&mut client, None, "Work", b"\x01"));
    while client.response.peek().unwrap().is_none() {
        std::thread::yield_now();
    }
    assert!(send(&mut client, None, "Work", b"\x01"));
    let ClientChannel { request, response, .. } = &mut client;
    match &how[..] {
        "claimed" => {
            let mut claim = request.claim(100).unwrap().unwrap();
            claim.bytes()[0] = 1;
            std::thread::sleep(PATIENCE * 10);
        }
        "peeked" => {
            let _held = response.peek().unwrap();
            std::thread::sleep(PATIENCE * 10);
        }
        _ => std::thread::sleep(PATIENCE * 10),
    }
}

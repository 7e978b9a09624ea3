//! The shared-memory server: replies, wake-ups, limits, its own end.

mod rig;

use proofplane_reactor::address::Address;
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Driver, Options, Reply, ServeError, Wait};
use rig::rings::{Rings, left, read, send};
use rig::{PATIENCE, contract, error, got, message};

#[test]
fn plain_replies_come_in_order_and_replies_with_ids_at_once() {
    let mut rings = Rings::new("order", Options::default());
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    assert!(send(&mut client, Some(7), "Work", b"\x02"));
    assert!(send(&mut client, None, "Nope", b"\x80"));
    assert!(send(&mut client, Some(8), "Hello", b"\x80"));
    let [plain, with_id] = rings.take();
    assert_eq!(read(&mut client).unwrap().name, "HelloResponse");
    rings.answer(&with_id, b"b");
    assert_eq!(read(&mut client), Some(got(Some(7), "WorkResponse", b"b")));
    assert_eq!(read(&mut client), None);
    rings.answer(&plain, b"a");
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"a")));
    assert_eq!(read(&mut client), Some(error(None, "there is no command \"Nope\" here")));
}

#[test]
fn an_idle_driver_is_woken_through_its_descriptor_and_is_quiet_else() {
    let mut rings = Rings::new("wake", Options::default());
    let mut client = rings.join();
    rings.settle();
    assert_eq!(rings.turn(Wait::Spin), 0);
    assert!(!rings.is_ready());
    assert!(send(&mut client, None, "Echo", b"\x01"));
    assert!(rings.is_ready());
    let [taken] = rings.take();
    rings.answer(&taken, b"\x02");
    rings.settle();
    assert!(!rings.is_ready());
    assert_eq!(read(&mut client), Some(got(None, "EchoResponse", b"\x02")));
}

#[test]
fn a_reply_that_no_ring_of_this_size_carries_becomes_an_error_in_its_place() {
    let mut rings = Rings::new(
        "large",
        Options {
            response_ring: 8 << 10,
            ..Options::default()
        },
    );
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    assert!(send(&mut client, Some(2), "Work", b"\x01"));
    for taken in rings.take::<2>() {
        rings.answer(&taken, &[0; 8000]);
    }
    for id in [None, Some(2)] {
        let refused = read(&mut client).unwrap();
        assert_eq!(refused.id, id);
        assert!(message(&refused).contains("carries at most"));
    }
}

#[test]
fn a_message_over_the_limit_gets_an_error_in_order_and_the_ring_goes_on() {
    let mut rings = Rings::new(
        "over",
        Options {
            limits: Limits {
                max_frame: 1000,
                ..Limits::default()
            },
            ..Options::default()
        },
    );
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    assert!(send(&mut client, None, "Work", &[0; 2000]));
    assert!(send(&mut client, None, "Work", b"\x02"));
    let [first, last] = rings.take();
    rings.answer(&last, b"z");
    rings.answer(&first, b"a");
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"a")));
    assert!(message(&read(&mut client).unwrap()).contains("at most 1000"));
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"z")));
}

#[test]
fn a_client_that_sends_only_nonsense_gets_every_error_and_the_descriptor_stays_ready_meanwhile() {
    let mut rings = Rings::new("nonsense", Options::default());
    let mut client = rings.join();
    rings.settle();
    for _ in 0..600 {
        assert!(send(&mut client, None, "Nope", b"\x80"));
    }
    let mut turns = 0;
    while rings.is_ready() {
        assert_eq!(rings.turn(Wait::No), 0);
        turns += 1;
        assert!(turns < 20);
    }
    assert_eq!(rings.driver.stats().refused, 600);
    assert!(turns > 2, "one turn answered more than its share");
}

#[test]
fn a_drain_answers_what_is_in_flight_then_cuts_off_and_unlinks() {
    let mut rings = Rings::new("drain", Options::default());
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    let [taken] = rings.take();
    assert!(!rings.driver.drain());
    assert!(send(&mut client, None, "Work", b"\x02"));
    rings.settle();
    assert!(rings.taken.is_empty() && !client.evicted());
    rings.answer(&taken, b"a");
    assert!(rings.driver.drain());
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"a")));
    assert!(client.evicted());
    assert!(left(&rings.name).is_empty());
}

#[test]
fn an_abort_answers_with_an_error_and_unlinks() {
    let mut rings = Rings::new("abort", Options::default());
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    rings.take::<1>();
    rings.driver.abort();
    assert_eq!(read(&mut client), Some(error(None, "the server is shutting down")));
    assert!(client.evicted());
    assert!(left(&rings.name).is_empty());
}

#[test]
fn a_living_server_keeps_its_name() {
    let rings = Rings::new("inuse", Options::default());
    let second = Driver::bind(&Address::SharedMemory(rings.name.clone()), contract(), Options::default());
    assert!(matches!(second.err().unwrap(), ServeError::InUse(who) if who == format!("process {}", std::process::id())));
}

#[test]
fn answers_from_other_threads_wake_a_sleeping_driver() {
    let mut rings = Rings::new("threads", Options::default());
    let mut client = rings.join();
    assert!(send(&mut client, None, "Work", b"\x01"));
    let [taken] = rings.take();
    let handle = rings.driver.handle();
    let answerer = std::thread::spawn(move || handle.complete(taken.ticket, Reply::Ok(b"a".to_vec())));
    while rings.driver.stats().replies == 0 {
        rings.turn(Wait::Sleep(Some(PATIENCE)));
    }
    answerer.join().unwrap();
    assert_eq!(read(&mut client), Some(got(None, "WorkResponse", b"a")));
}

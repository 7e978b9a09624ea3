//! Publish and consume with wraps; a producer that waits for room.

use loom::thread;

use super::{check, ends, receive, ring, send};
use crate::{Bell, Sleep};

#[test]
fn messages_arrive_whole_and_in_order_across_wraps() {
    check(|| {
        let region = ring(16);
        let (mut producer, mut consumer) = ends(&region);
        // 6 + 6 bytes, then no room before the end: the third wraps, and needs what the first two gave back.
        let sender = thread::spawn(move || {
            for payload in [[1u8, 2], [3, 4], [5, 6]] {
                while !send(&mut producer, &payload) {
                    thread::yield_now();
                }
            }
        });
        for expected in [[1u8, 2], [3, 4], [5, 6]] {
            let message = loop {
                match receive(&mut consumer) {
                    Some((message, _)) => break message,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(message, expected);
        }
        assert!(!consumer.has_message());
        sender.join().expect("no panic");
    });
}

#[test]
fn a_dropped_claim_is_never_seen() {
    check(|| {
        let (mut producer, mut consumer) = ends(&ring(32));
        let sender = thread::spawn(move || {
            producer.claim(4).expect("sound").expect("room").bytes().copy_from_slice(b"dead");
            assert!(send(&mut producer, b"live"));
        });
        let message = loop {
            match receive(&mut consumer) {
                Some((message, _)) => break message,
                None => thread::yield_now(),
            }
        };
        assert_eq!(message, b"live");
        sender.join().expect("no panic");
    });
}

#[test]
fn a_producer_that_sleeps_for_room_is_woken_by_a_release() {
    check(|| {
        // The producer of `requests` sleeps on the bell of `replies`, as a client does.
        let (requests, replies) = (ring(16), ring(16));
        let (mut producer, mut consumer) = ends(&requests);
        let bell = Bell::of_ring(replies);
        assert!(send(&mut producer, &[1, 1, 1, 1]) && send(&mut producer, &[2, 2, 2, 2]));
        let waker = bell.clone();
        let receiver = thread::spawn(move || {
            let (_, waits) = receive(&mut consumer).expect("the first");
            if waits {
                waker.ring(false, None);
            }
            consumer
        });
        while !send(&mut producer, &[3, 3, 3, 3]) {
            producer.set_blocked(true);
            let seen = bell.arm(Sleep::Futex);
            if send(&mut producer, &[3, 3, 3, 3]) {
                break;
            }
            bell.wait(seen, None);
            bell.disarm();
        }
        producer.set_blocked(false);
        let mut consumer = receiver.join().expect("no panic");
        assert_eq!(receive(&mut consumer).expect("the second").0, [2, 2, 2, 2]);
        assert_eq!(receive(&mut consumer).expect("the third").0, [3, 3, 3, 3]);
    });
}

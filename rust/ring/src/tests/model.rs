//! A ring against a queue: random sizes, wraps, full, both ends attached anew at any time.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{ends, ring};
use crate::layout::PREFIX_BYTES;
use crate::{Consumer, Producer, RingError};

#[derive(Debug, Clone)]
enum Step {
    Send(usize),
    Abandon(usize),
    Peek,
    Take,
    ReattachProducer,
    ReattachConsumer,
}

/// Payloads up to a little more than what a ring takes, small ones and the largest more often.
fn step(capacity: usize) -> impl Strategy<Value = Step> {
    let most = capacity / 2 - PREFIX_BYTES;
    let len = prop_oneof![4 => 0..=most + 2, 2 => 0..8usize, 1 => Just(most)];
    prop_oneof![
        6 => len.clone().prop_map(Step::Send),
        1 => len.prop_map(Step::Abandon),
        1 => Just(Step::Peek),
        5 => Just(Step::Take),
        1 => Just(Step::ReattachProducer),
        1 => Just(Step::ReattachConsumer),
    ]
}

/// What the peers' rule says that a message takes at a place: its own bytes, and what is left before the end if it does not fit there.
fn cost(capacity: usize, head: usize, len: usize) -> usize {
    let (size, till_end) = (PREFIX_BYTES + len, capacity - head % capacity);
    if size > till_end { till_end + size } else { size }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ring_is_a_bounded_queue(
        (capacity, steps) in (4..10u32).prop_flat_map(|bits| {
            let capacity = 1usize << bits;
            (Just(capacity), prop::collection::vec(step(capacity), 1..400))
        }),
        ours: bool,
    ) {
        let region = ring(capacity, ours);
        let (mut producer, mut consumer) = ends(&region);
        let mut queue: VecDeque<(Vec<u8>, usize)> = VecDeque::new();
        let (mut head, mut tail, mut number) = (0usize, 0usize, 0u8);
        for step in steps {
            match step {
                Step::Send(len) | Step::Abandon(len) if len > capacity / 2 - PREFIX_BYTES => {
                    let most = capacity / 2 - PREFIX_BYTES;
                    prop_assert_eq!(producer.claim(len).err(), Some(RingError::TooLarge { need: len, most }));
                }
                Step::Abandon(len) => {
                    if let Some(mut claim) = producer.claim(len).expect("sound") {
                        claim.bytes().fill(0xee);
                    }
                }
                Step::Send(len) => {
                    let need = cost(capacity, head, len);
                    let claim = producer.claim(len).expect("sound");
                    prop_assert_eq!(claim.is_some(), capacity - (head - tail) >= need, "room exactly when the rule says so");
                    if let Some(mut claim) = claim {
                        number = number.wrapping_add(1);
                        claim.bytes().fill(number);
                        claim.publish();
                        head += need;
                        queue.push_back((vec![number; len], head));
                    }
                }
                Step::Peek => {
                    let peeked = consumer.peek().expect("sound").map(<[u8]>::to_vec);
                    prop_assert_eq!(peeked.as_ref(), queue.front().map(|(message, _)| message));
                }
                Step::Take => {
                    prop_assert_eq!(consumer.has_message(), !queue.is_empty());
                    let taken = consumer.peek().expect("sound").map(<[u8]>::to_vec);
                    prop_assert!(!consumer.release());
                    let expected = queue.pop_front();
                    tail = expected.as_ref().map_or(tail, |(_, end)| *end);
                    prop_assert_eq!(taken, expected.map(|(message, _)| message));
                }
                Step::ReattachProducer => producer = Producer::attach(region.clone()).expect("sound"),
                Step::ReattachConsumer => consumer = Consumer::attach(region.clone()).expect("sound"),
            }
            prop_assert_eq!(producer.is_empty(), queue.is_empty());
        }
    }
}

#[test]
fn a_full_ring_says_so_and_a_release_says_that_the_producer_waits() {
    let region = ring(64, true);
    let (mut producer, mut consumer) = ends(&region);
    for _ in 0..2 {
        producer.claim(28).expect("sound").expect("room").publish();
    }
    assert!(producer.claim(0).expect("sound").is_none());
    producer.set_blocked(true);
    assert!(!producer.room_came());
    consumer.peek().expect("sound").expect("there");
    assert!(consumer.release(), "it waits");
    assert!(producer.room_came());
    producer.set_blocked(false);
    assert!(!producer.room_came());
    consumer.peek().expect("sound").expect("there");
    assert!(!consumer.release(), "it no longer waits");
    assert!(producer.claim(28).expect("sound").is_some());
}

#[test]
fn releasing_without_a_peek_does_nothing() {
    let (mut producer, mut consumer) = ends(&ring(64, true));
    producer.claim(3).expect("sound").expect("room").publish();
    assert!(!consumer.release());
    assert_eq!(consumer.peek().expect("sound").map(<[u8]>::len), Some(3));
}

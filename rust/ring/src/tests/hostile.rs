//! Hostile memory: whatever stands in the header and the data, there is no panic, no over-read and no endless loop.
//!
//! `Region` checks every access against its size, so an over-read would be a panic here.

use std::sync::Arc;

use proptest::prelude::*;

use super::{ends, ring};
use crate::layout::{CAPACITY, HEAD, HEADER_BYTES, MASK, PRODUCER_BLOCKED, TAIL, WRAP_HEAD};
use crate::sync::Ordering::Relaxed;
use crate::{Consumer, Producer, Region, RingError};

/// Counters around the places where something changes, and any.
fn counter() -> impl Strategy<Value = u64> {
    let near = prop_oneof![
        Just(0u64),
        Just(64),
        Just(128),
        Just(u64::MAX),
        Just(1 << 63),
        Just(u64::from(u32::MAX))
    ];
    prop_oneof![3 => (near, -70i64..70).prop_map(|(base, off)| base.wrapping_add_signed(off)), 1 => any::<u64>()]
}

fn write(region: &Region, data: &[u8]) {
    // SAFETY: private memory that no other thread sees.
    unsafe { region.data_mut(HEADER_BYTES, data.len()) }.copy_from_slice(data);
}

/// Takes what can be taken; a sound consumer ends after as many messages as prefixes fit.
fn exhaust(consumer: &mut Consumer, capacity: usize) -> Result<usize, RingError> {
    let mut taken = 0;
    while let Some(message) = consumer.peek()? {
        assert!(message.len() <= capacity - 4);
        let _: u64 = message.iter().map(|&byte| u64::from(byte)).sum();
        consumer.release();
        taken += 1;
        assert!(taken <= capacity / 4, "it takes messages for ever");
    }
    Ok(taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_attached_pair_survives_any_counters_and_data(
        head in counter(), wrap in counter(), tail in counter(), blocked: u32,
        data in prop::collection::vec(prop_oneof![3 => Just(0u8), 1 => 0u8..40, 1 => any::<u8>()], 128),
        len in 0usize..70,
    ) {
        let region = ring(128, true);
        let (mut producer, mut consumer) = ends(&region);
        write(&region, &data);
        region.u64(HEAD).store(head, Relaxed);
        region.u64(WRAP_HEAD).store(wrap, Relaxed);
        region.u64(TAIL).store(tail, Relaxed);
        region.u32(PRODUCER_BLOCKED).store(blocked, Relaxed);
        if head > 128 {
            prop_assert!(exhaust(&mut consumer, 128).is_err(), "more published than fits");
        } else {
            let _ = exhaust(&mut consumer, 128);
        }
        // The producer's own head is 0: only a tail within a ring's length of it is possible.
        for _ in 0..40 {
            match producer.claim(len) {
                Ok(Some(mut claim)) => { claim.bytes().fill(1); claim.publish(); }
                Ok(None) => break,
                Err(error) => { prop_assert!(matches!(error, RingError::Corrupt(_)) || len > 60); break; }
            }
        }
    }

    #[test]
    fn attaching_to_any_header_fails_or_gives_a_sound_pair(
        head in counter(), wrap in counter(), tail in counter(),
        capacity in prop_oneof![3 => Just(128u64), 1 => Just(64), 1 => Just(256), 1 => any::<u64>(), 1 => Just(1 << 63), 1 => Just(8)],
        mask in prop_oneof![4 => Just(127u64), 1 => Just(63), 1 => Just(255), 1 => any::<u64>(), 1 => Just((1 << 63) - 1), 1 => Just(7)],
        data in prop::collection::vec(any::<u8>(), 128),
    ) {
        let region = ring(128, true);
        write(&region, &data);
        for (at, value) in [(HEAD, head), (WRAP_HEAD, wrap), (TAIL, tail), (CAPACITY, capacity), (MASK, mask)] {
            region.u64(at).store(value, Relaxed);
        }
        let sound = (capacity == 128 && mask == 127 || capacity == 64 && mask == 63) && head.wrapping_sub(tail) <= capacity;
        let consumer = Consumer::attach(region.clone());
        prop_assert_eq!(consumer.is_ok(), sound);
        if let Ok(mut consumer) = consumer {
            let _ = exhaust(&mut consumer, 128);
        }
        let producer = Producer::attach(region.clone());
        prop_assert_eq!(producer.is_ok(), sound);
        if let Ok(mut producer) = producer {
            while let Some(claim) = producer.claim(5).expect("its own head is sound") {
                claim.publish();
            }
        }
    }

    #[test]
    fn any_bytes_as_an_object_are_refused_or_sound(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let region = Arc::new(Region::private(bytes.len().max(1)));
        // SAFETY: private memory that no other thread sees.
        unsafe { region.data_mut(0, bytes.len()) }.copy_from_slice(&bytes);
        if let Ok(mut consumer) = Consumer::attach(region) {
            let _ = exhaust(&mut consumer, 700);
        }
    }
}

/// One message of 4 bytes, then `spoil`; what the consumer says.
fn spoiled(spoil: impl FnOnce(&Region)) -> Result<Option<Vec<u8>>, RingError> {
    let region = ring(64, true);
    let (mut producer, mut consumer) = ends(&region);
    let mut claim = producer.claim(4).expect("sound").expect("room");
    claim.bytes().copy_from_slice(b"abcd");
    claim.publish();
    spoil(&region);
    consumer.peek().map(|message| message.map(<[u8]>::to_vec))
}

#[test]
fn each_kind_of_corruption_is_named() {
    let corrupt = |what| Err(RingError::Corrupt(what));
    assert_eq!(spoiled(|_| ()), Ok(Some(b"abcd".to_vec())));
    assert_eq!(
        spoiled(|ring| ring.u64(HEAD).store(65, Relaxed)),
        corrupt("head and tail are further apart than the capacity")
    );
    assert_eq!(
        spoiled(|ring| ring.u64(HEAD).store(u64::MAX, Relaxed)),
        corrupt("head and tail are further apart than the capacity")
    );
    assert_eq!(spoiled(|ring| ring.u64(HEAD).store(3, Relaxed)), corrupt("a length is cut off"));
    assert_eq!(
        spoiled(|ring| write(ring, &[5, 0, 0, 0])),
        corrupt("a message is longer than what was published")
    );
    assert_eq!(
        spoiled(|ring| write(ring, &[255; 4])),
        corrupt("a message is longer than what was published")
    );
    assert_eq!(
        spoiled(|ring| ring.u64(WRAP_HEAD).store(0, Relaxed)),
        corrupt("it wraps beyond what was published")
    );
}

#[test]
fn a_message_that_runs_over_the_rings_end_is_refused() {
    let region = ring(64, true);
    region.u64(HEAD).store(60, Relaxed);
    region.u64(TAIL).store(60, Relaxed);
    let mut consumer = Consumer::attach(region.clone()).expect("sound");
    region.u64(HEAD).store(72, Relaxed);
    // SAFETY: private memory that no other thread sees.
    unsafe { region.data_mut(HEADER_BYTES + 60, 4) }.copy_from_slice(&[8, 0, 0, 0]);
    assert_eq!(
        consumer.peek(),
        Err(RingError::Corrupt("a message is longer than what was published"))
    );
}

#[test]
fn a_length_that_changes_after_the_peek_does_not_change_the_message() {
    let region = ring(64, true);
    let (mut producer, mut consumer) = ends(&region);
    producer.claim(4).expect("sound").expect("room").publish();
    assert_eq!(consumer.peek().expect("sound").map(<[u8]>::len), Some(4));
    write(&region, &[60, 0, 0, 0]);
    assert_eq!(consumer.peek().expect("sound").map(<[u8]>::len), Some(4));
    consumer.release();
    assert_eq!(region.u64(TAIL).load(Relaxed), 8);
}

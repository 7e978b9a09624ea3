//! Hostile headers and messages to both ends of a ring.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use proofplane_ring::{Consumer, Producer, Region, RingError, format_ring, layout};

use crate::Counts;
use crate::random::Random;

/// Data bytes of the fuzzed rings.
const CAPACITY: usize = 128;

/// Counters around the places where something changes, and any.
fn counter(random: &mut Random) -> u64 {
    let near = random.pick(&[0, 64, 128, u64::MAX, 1 << 63, u64::from(u32::MAX)]);
    match random.below(4) {
        0 => random.next(),
        _ => near.wrapping_add(random.below(140) as u64).wrapping_sub(70),
    }
}

fn put(ring: &mut [u8], at: usize, value: u64) {
    ring[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

/// A few messages from any counter on, as a producer would have put them there.
fn fill(ring: &mut [u8], random: &mut Random) {
    let tail = random.next();
    let mut head = tail;
    for _ in 0..random.below(6) {
        let len = random.below(24);
        let size = layout::PREFIX_BYTES + len;
        let till_end = CAPACITY - head as usize % CAPACITY;
        let start = if size > till_end {
            head.wrapping_add(till_end as u64)
        } else {
            head
        };
        if start.wrapping_sub(tail) as usize + size > CAPACITY {
            break;
        }
        if start != head {
            put(ring, layout::WRAP_HEAD, head);
        }
        let offset = layout::HEADER_BYTES + start as usize % CAPACITY;
        ring[offset..offset + layout::PREFIX_BYTES].copy_from_slice(&(len as u32).to_le_bytes());
        head = start.wrapping_add(size as u64);
    }
    put(ring, layout::TAIL, tail);
    put(ring, layout::HEAD, head);
}

/// Changes one thing, or, one time in eight, nothing.
fn spoil(ring: &mut [u8], random: &mut Random) {
    let word = |ring: &[u8], at: usize| u64::from_le_bytes(ring[at..at + 8].try_into().expect("eight bytes"));
    match random.below(8) {
        0 => put(ring, layout::HEAD, counter(random)),
        1 => put(
            ring,
            layout::HEAD,
            word(ring, layout::HEAD).wrapping_add(random.below(8) as u64).wrapping_sub(4),
        ),
        2 => put(ring, layout::WRAP_HEAD, word(ring, layout::TAIL)),
        3 => {
            let capacity = random.pick(&[0, 8, 64, 127, 256, 1 << 63]);
            put(ring, layout::CAPACITY, capacity);
            put(ring, layout::MASK, capacity.wrapping_sub(1));
        }
        4 => put(ring, layout::MASK, random.pick(&[0, 63, 126, u64::MAX])),
        5 | 6 => ring[layout::HEADER_BYTES + random.below(CAPACITY)] = random.next() as u8,
        _ => {}
    }
}

/// Takes what can be taken and sends what fits; counts how it ended.
fn use_ring(region: &Arc<Region>, random: &mut Random, counts: &mut Counts) -> Result<(), RingError> {
    let mut consumer = Consumer::attach(region.clone())?;
    let mut taken = 0;
    while let Some(message) = consumer.peek()? {
        assert!(message.len() <= CAPACITY - layout::PREFIX_BYTES);
        std::hint::black_box(message.iter().map(|&byte| u64::from(byte)).sum::<u64>());
        consumer.release();
        *counts.entry("messages").or_default() += 1;
        taken += 1;
        assert!(taken <= CAPACITY / layout::PREFIX_BYTES, "it takes messages for ever");
    }
    let mut producer = Producer::attach(region.clone())?;
    while let Some(mut claim) = producer.claim(random.below(CAPACITY / 2))? {
        claim.bytes().fill(random.next() as u8);
        claim.publish();
    }
    Ok(())
}

/// Hostile headers and messages: no panic, nothing read beyond the ring (`Region` checks each access), no endless loop.
pub fn rings(inputs: usize, random: &mut Random) -> Counts {
    let name = format!("pp-fuzz-{}", std::process::id());
    let region = Arc::new(Region::create(&name, layout::HEADER_BYTES + CAPACITY).expect("made"));
    let file = File::options()
        .read(true)
        .write(true)
        .open(format!("/dev/shm/{name}"))
        .expect("opened");
    Region::unlink(&name).expect("unlinked");
    format_ring(&region, true).expect("a power of two");
    let mut fresh = vec![0; layout::HEADER_BYTES + CAPACITY];
    file.read_exact_at(&mut fresh, 0).expect("read");
    let mut counts = Counts::new();
    for _ in 0..inputs {
        let mut ring = fresh.clone();
        if random.below(2) == 0 {
            fill(&mut ring, random);
            spoil(&mut ring, random);
        } else {
            for at in [layout::HEAD, layout::WRAP_HEAD, layout::TAIL] {
                put(&mut ring, at, counter(random));
            }
            for byte in &mut ring[layout::HEADER_BYTES..] {
                // Small numbers, so that lengths are often possible.
                *byte = if random.below(4) > 0 { 0 } else { random.next() as u8 % 40 };
            }
        }
        file.write_all_at(&ring, 0).expect("written");
        let ended = match use_ring(&region, random, &mut counts) {
            Ok(()) => "sound",
            Err(RingError::Corrupt(what)) => what,
            Err(RingError::TooLarge { .. }) => "too large",
        };
        *counts.entry(ended).or_default() += 1;
    }
    counts
}

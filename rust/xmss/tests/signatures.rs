//! What was signed verifies; whatever is changed does not; the first failure is found whatever the threads do.

use std::sync::atomic::{AtomicBool, Ordering};

use proofplane_xmss::batch::{Outcome, verify};
use proofplane_xmss::field::P;
use proofplane_xmss::kernel::{Kernel, LANES, Lanes, available, best};
use proofplane_xmss::key::{KeyError, LARGEST_WINDOW, SigningKey};
use proofplane_xmss::scheme::{MESSAGE_SIZE, PROD, PUBLIC_KEY_SIZE, Scheme, TEST};
use proofplane_xmss::verify::Claim;

/// A claim that owns its parts.
#[derive(Clone)]
struct Signed {
    key: [u8; PUBLIC_KEY_SIZE],
    slot: u64,
    message: [u8; MESSAGE_SIZE],
    signature: Vec<u8>,
}

impl Signed {
    fn claim(&self) -> Claim<'_> {
        Claim {
            key: &self.key,
            slot: self.slot,
            message: &self.message,
            signature: &self.signature,
        }
    }
}

fn key(scheme: Scheme, number: u8, first_slot: u64, slots: u64) -> SigningKey {
    SigningKey::generate(scheme, best(), &[number; 32], first_slot, slots).expect("a key")
}

fn signed(key: &SigningKey, slot: u64, message: [u8; MESSAGE_SIZE]) -> Signed {
    Signed {
        key: key.public().encode(),
        slot,
        message,
        signature: key.sign(slot, &message).expect("a signature"),
    }
}

fn outcome(scheme: Scheme, batch: &[Signed], threads: usize) -> Outcome {
    let claims: Vec<_> = batch.iter().map(Signed::claim).collect();
    let outcome = verify(scheme, best(), &claims, threads);
    for kernel in available() {
        let other = verify(scheme, kernel, &claims, threads);
        assert_eq!(other.first_failure, outcome.first_failure, "{} disagrees", kernel.name);
    }
    outcome
}

fn first_failure(scheme: Scheme, batch: &[Signed], threads: usize) -> Option<usize> {
    outcome(scheme, batch, threads).first_failure
}

/// Signatures of different keys, slots and messages.
fn batch(scheme: Scheme, count: u8) -> Vec<Signed> {
    let keys: Vec<_> = (0..3).map(|number| key(scheme, number, 8, 8)).collect();
    (0..count)
        .map(|number| signed(&keys[usize::from(number % 3)], 8 + u64::from(number) % 8, [number; MESSAGE_SIZE]))
        .collect()
}

#[test]
fn batches_of_every_size_around_the_lanes_verify() {
    let all = batch(TEST, 50);
    for size in (0..20).chain([31, 32, 33, 47, 48, 49, 50]) {
        for threads in 1..5 {
            assert_eq!(first_failure(TEST, &all[..size], threads), None, "{size} on {threads}");
        }
    }
}

#[test]
fn the_smallest_failing_index_is_reported_whatever_the_threads_do() {
    let valid = batch(TEST, 50);
    for failing in [vec![0], vec![49], vec![15, 16], vec![17, 3, 40], vec![30, 31, 29], vec![48, 33]] {
        let mut batch = valid.clone();
        for (number, &index) in failing.iter().enumerate() {
            match number {
                0 => batch[index].signature[420] ^= 1,
                1 => batch[index].signature.truncate(400),
                _ => batch[index].message[31] ^= 1,
            }
        }
        for threads in 1..5 {
            assert_eq!(first_failure(TEST, &batch, threads), failing.iter().min().copied(), "{failing:?}");
        }
    }
}

#[test]
fn small_batches_with_failing_members_have_the_same_first_failure_on_both_sides_of_the_crossover() {
    let valid = batch(TEST, 9);
    for size in 1..=valid.len() {
        for (first, second) in (0..size).flat_map(|first| (first..size).map(move |second| (first, second))) {
            let mut batch = valid[..size].to_vec();
            batch[second].message[31] ^= 1;
            batch[first].signature[420] ^= 1;
            let claims: Vec<_> = batch.iter().map(Signed::claim).collect();
            for kernel in available() {
                for few in [0, kernel.few, LANES] {
                    let kernel = Kernel { few, ..kernel };
                    let failure = verify(TEST, kernel, &claims, 1).first_failure;
                    assert_eq!(failure, Some(first), "{} up to {few}: {first} and {second} of {size}", kernel.name);
                }
            }
        }
    }
}

#[test]
fn small_batches_verify_on_both_sides_of_the_crossover() {
    for (scheme, sizes) in [(TEST, 1..=9), (PROD, 1..=2)] {
        let valid = batch(scheme, *sizes.end() as u8);
        let claims: Vec<_> = valid.iter().map(Signed::claim).collect();
        for size in sizes {
            for kernel in available() {
                for few in [0, kernel.few, LANES] {
                    let outcome = verify(scheme, Kernel { few, ..kernel }, &claims[..size], 1);
                    assert_eq!(outcome.first_failure, None, "{} up to {few}: {size}", kernel.name);
                }
            }
        }
    }
}

#[test]
fn a_change_of_any_part_fails_in_both_schemes() {
    for scheme in [TEST, PROD] {
        let key = key(scheme, 9, 0, 4);
        let valid = signed(&key, 2, [7; MESSAGE_SIZE]);
        assert_eq!(first_failure(scheme, std::slice::from_ref(&valid), 1), None);
        let hashes = 40 + 32 * scheme.log_lifetime;
        let mut changed: Vec<Signed> = Vec::new();
        let mut change = |change: &dyn Fn(&mut Signed)| {
            let mut copy = valid.clone();
            change(&mut copy);
            changed.push(copy);
        };
        for at in [0, 4, 31, 32, 36, 40, hashes - 4, hashes, scheme.signature_size() - 4] {
            change(&|signed| signed.signature[at] ^= 1);
        }
        for at in [4, 40, hashes - 4, hashes, scheme.signature_size() - 4] {
            change(&|signed| signed.signature[at..at + 4].copy_from_slice(&P.to_le_bytes()));
            change(&|signed| signed.signature[at..at + 4].copy_from_slice(&[0xff; 4]));
        }
        for at in [0, 31, 32, 48] {
            change(&|signed| signed.key[at] ^= 1);
            change(&|signed| signed.key[at & !3..][..4].copy_from_slice(&P.to_le_bytes()));
        }
        change(&|signed| signed.message[0] ^= 1);
        change(&|signed| signed.slot ^= 1);
        change(&|signed| signed.slot += scheme.lifetime());
        change(&|signed| signed.slot = u64::MAX);
        change(&|signed| signed.signature.clear());
        change(&|signed| signed.signature.truncate(scheme.signature_size() - 1));
        change(&|signed| signed.signature.push(0));
        for (number, changed) in changed.into_iter().enumerate() {
            assert_eq!(
                first_failure(scheme, &[valid.clone(), changed], 2),
                Some(1),
                "change {number} of {scheme:?}"
            );
        }
    }
}

/// The same element written as itself plus p: the value would verify, its bytes are not canonical.
#[test]
fn elements_that_are_equal_modulo_p_but_not_canonical_fail() {
    let key = key(TEST, 1, 0, 8);
    let mut met = 0;
    for slot in 0..8 {
        let mut signed = signed(&key, slot, [slot as u8; MESSAGE_SIZE]);
        for at in (40..TEST.signature_size()).step_by(4) {
            let element = u32::from_le_bytes(signed.signature[at..at + 4].try_into().expect("four bytes"));
            let Some(other) = element.checked_add(P) else { continue };
            met += 1;
            signed.signature[at..at + 4].copy_from_slice(&other.to_le_bytes());
            assert_eq!(first_failure(TEST, std::slice::from_ref(&signed), 1), Some(0));
            signed.signature[at..at + 4].copy_from_slice(&element.to_le_bytes());
        }
    }
    assert!(met > 100);
}

#[test]
fn every_slot_of_a_window_can_be_signed_and_no_other() {
    for (first, slots, window) in [
        (0, 1, 0..1),
        (5, 1, 5..6),
        (5, 2, 4..8),
        (0, 3, 0..4),
        (16, 16, 16..32),
        (250, 6, 248..256),
    ] {
        let key = key(TEST, 3, first, slots);
        assert_eq!((key.first_slot(), key.slots()), (window.start, window.end - window.start));
        let all: Vec<_> = window.clone().map(|slot| signed(&key, slot, [slot as u8; MESSAGE_SIZE])).collect();
        assert_eq!(first_failure(TEST, &all, 2), None);
        assert_eq!(key.sign(window.end, &[0; MESSAGE_SIZE]), Err(KeyError::OutsideWindow));
        assert_eq!(
            key.sign(window.start.wrapping_sub(1), &[0; MESSAGE_SIZE]),
            Err(KeyError::OutsideWindow)
        );
    }
}

#[test]
fn windows_at_both_ends_of_a_production_key_work() {
    for first in [0, PROD.lifetime() - 2] {
        let key = key(PROD, 4, first, 2);
        let all = [signed(&key, first, [1; MESSAGE_SIZE]), signed(&key, first + 1, [2; MESSAGE_SIZE])];
        assert_eq!(first_failure(PROD, &all, 1), None);
    }
}

#[test]
fn keys_without_slots_or_beyond_the_lifetime_are_refused() {
    let generate = |scheme, first, slots| SigningKey::generate(scheme, best(), &[0; 32], first, slots).err();
    for (first, slots) in [(0, 0), (0, 257), (256, 1), (255, 2), (u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(generate(TEST, first, slots), Some(KeyError::NoSuchSlots));
    }
    assert_eq!(generate(PROD, 0, LARGEST_WINDOW + 1), Some(KeyError::WindowTooLarge));
    assert_eq!(generate(PROD, PROD.lifetime() / 2 - 1, 2), Some(KeyError::WindowTooLarge));
}

#[test]
fn keys_and_signatures_are_functions_of_their_inputs() {
    let (one, two) = (key(TEST, 1, 0, 4), key(TEST, 1, 0, 4));
    assert_eq!(one.public(), two.public());
    assert_eq!(one.sign(3, &[5; MESSAGE_SIZE]), two.sign(3, &[5; MESSAGE_SIZE]));
    assert_ne!(one.public(), key(TEST, 2, 0, 4).public());
}

#[test]
fn spans_name_each_thread_once_and_no_thread_is_started_for_less_than_half_a_chunk() {
    let all = batch(TEST, 50);
    for (size, threads, working) in [
        (0, 4, 0),
        (1, 4, 1),
        (9, 2, 1),
        (16, 2, 2),
        (50, 1, 1),
        (50, 2, 2),
        (50, 4, 4),
        (50, 1000, 6),
    ] {
        let spans = outcome(TEST, &all[..size], threads).spans;
        let numbers: Vec<_> = spans.iter().map(|span| span.thread).collect();
        assert_eq!(numbers, (0..working).collect::<Vec<_>>(), "{size} on {threads}");
        assert!(spans.iter().all(|span| span.start <= span.end));
    }
}

#[test]
fn a_panic_on_any_thread_reaches_the_caller() {
    static ELSEWHERE: AtomicBool = AtomicBool::new(false);
    /// The caller, whom the test runner named, waits for another thread, lest it do everything alone.
    fn panics_elsewhere(state: &mut [Lanes; 16]) {
        if std::thread::current().name().is_none() {
            ELSEWHERE.store(true, Ordering::Relaxed);
            panic!("on a thread without a name");
        }
        while !ELSEWHERE.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        (best().permute16)(state);
    }
    fn panics(_: &mut [Lanes; 16]) {
        panic!("on every thread");
    }
    let all = batch(TEST, 50);
    let claims: Vec<_> = all.iter().map(Signed::claim).collect();
    for (permute16, threads) in [(panics as fn(&mut [Lanes; 16]), 1), (panics, 4), (panics_elsewhere, 4)] {
        let kernel = Kernel { permute16, ..best() };
        assert!(std::panic::catch_unwind(|| verify(TEST, kernel, &claims, threads)).is_err());
    }
}

//! Tweaks: two field elements that make every use of the hash its own function.
//!
//! A tweak is a number below p^2, written in base p, least significant digit first. Numbers of the three kinds end in different bytes.

use crate::field::{P, to_montgomery};
use crate::scheme::TWEAK;

const CHAIN: u64 = 0x00;
const TREE: u64 = 0x01;
const MESSAGE: u64 = 0x02;

/// What a chain's tweak grows by from one step to the next.
pub const NEXT_STEP: u32 = 1 << 8;

/// The number of the tweak of one step of a chain; a chain's steps count from 1.
pub fn chain(slot: u32, chain: u8, step: u8) -> u64 {
    u64::from(slot) << 24 | u64::from(chain) << 16 | u64::from(step) << 8 | CHAIN
}

/// The tweak of the tree's node at that level and index; leaves are level 0.
pub fn tree(level: usize, index: u32) -> [u32; TWEAK] {
    encoded((level as u64) << 40 | u64::from(index) << 8 | TREE)
}

/// The tweak of the message signed in a slot.
pub fn message(slot: u32) -> [u32; TWEAK] {
    encoded(u64::from(slot) << 8 | MESSAGE)
}

/// The two digits in base p, canonical.
pub fn digits(number: u64) -> [u32; TWEAK] {
    let p = u64::from(P);
    [(number % p) as u32, (number / p) as u32]
}

fn encoded(number: u64) -> [u32; TWEAK] {
    digits(number).map(to_montgomery)
}

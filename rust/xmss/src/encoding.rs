//! From a message to the digits that say how far each chain is released.

use crate::field::{P, from_montgomery, to_montgomery};
use crate::scheme::{BASE, DIGEST, MESSAGE, MESSAGE_SIZE, Scheme};

/// Digits that come out of one element.
pub const DIGITS_PER_ELEMENT: usize = 8;
/// An element is divided by this first, so that all digit strings are equally likely: this times 8^8 is p - 1.
const DIVISOR: u32 = 127;

const _: () = assert!(DIVISOR as u64 * (BASE as u64).pow(DIGITS_PER_ELEMENT as u32) == P as u64 - 1);

/// The digits of a number in base p, least significant first; `words` is the number, least significant word first, and is used up.
pub fn limbs<const N: usize>(words: &mut [u32]) -> [u32; N] {
    let p = u64::from(P);
    std::array::from_fn(|_| {
        words.iter_mut().rev().fold(0, |rest, word| {
            let part = rest << 32 | u64::from(*word);
            *word = (part / p) as u32;
            part % p
        }) as u32
    })
}

/// A message as field elements: the base-p digits of the number that its bytes are, least significant first.
pub fn message(bytes: &[u8; MESSAGE_SIZE]) -> [u32; MESSAGE] {
    let mut words = [0; MESSAGE_SIZE / 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    }
    limbs(&mut words).map(to_montgomery)
}

/// The digits of a message's hash, one per chain, into `digits`; false if this hash encodes nothing.
///
/// It does not if an element is p - 1, for which there are no digits, or if the digits miss the scheme's sum.
pub fn decode(scheme: &Scheme, hash: &[u32; DIGEST], digits: &mut Vec<u8>) -> bool {
    digits.clear();
    for &element in &hash[..scheme.encoding_elements()] {
        let element = from_montgomery(element);
        if element == P - 1 {
            return false;
        }
        let mut quotient = element / DIVISOR;
        for _ in 0..DIGITS_PER_ELEMENT {
            digits.push((quotient % u32::from(BASE)) as u8);
            quotient /= u32::from(BASE);
        }
    }
    digits.truncate(scheme.dimension);
    digits.iter().copied().map(u32::from).sum::<u32>() == scheme.target_sum
}

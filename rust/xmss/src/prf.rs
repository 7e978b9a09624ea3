//! Where a sparse key's secrets come from; see `key`.

use sha2::{Digest, Sha256};

use crate::field::{P, to_montgomery};
use crate::scheme::{DIGEST, ELEMENT_SIZE, MESSAGE_SIZE, PARAMETER, RANDOMNESS};

/// Bytes of a seed.
pub const SEED_SIZE: usize = 32;
/// The bits of a word that may make an element.
const MASK: u32 = (1 << 31) - 1;

/// A key's secrets, each a function of the seed.
#[derive(Clone)]
pub struct Prf {
    seeded: Sha256,
}

impl Prf {
    /// The secrets of a seed.
    pub fn new(seed: &[u8; SEED_SIZE]) -> Self {
        Self {
            seeded: Sha256::new_with_prefix(seed),
        }
    }

    /// The key's parameter.
    pub fn parameter(&self) -> [u32; PARAMETER] {
        self.elements(0, 0, 0, &[])
    }

    /// Where a chain starts.
    pub fn chain_start(&self, slot: u64, chain: usize) -> [u32; DIGEST] {
        self.elements(1, slot, chain as u64, &[])
    }

    /// The node at that level and index, which stands for a subtree that was never built.
    pub fn sibling(&self, level: usize, index: u64) -> [u32; DIGEST] {
        self.elements(2, level as u64, index, &[])
    }

    /// The randomness of an attempt, counted from 0, to sign that message in that slot.
    pub fn randomness(&self, slot: u64, attempt: u64, message: &[u8; MESSAGE_SIZE]) -> [u32; RANDOMNESS] {
        self.elements(3, slot, attempt, message)
    }

    fn elements<const N: usize>(&self, label: u8, a: u64, b: u64, tail: &[u8]) -> [u32; N] {
        let named = self
            .seeded
            .clone()
            .chain_update([label])
            .chain_update(a.to_le_bytes())
            .chain_update(b.to_le_bytes())
            .chain_update(tail);
        let mut words = (0_u32..).flat_map(|counter| {
            let block: [u8; 32] = named.clone().chain_update(counter.to_le_bytes()).finalize().into();
            std::array::from_fn::<_, { 32 / ELEMENT_SIZE }, _>(|at| {
                let word = block[at * ELEMENT_SIZE..][..ELEMENT_SIZE].try_into().expect("four bytes");
                u32::from_le_bytes(word) & MASK
            })
        });
        std::array::from_fn(|_| to_montgomery(words.find(|&word| word < P).expect("2^32 blocks hold enough")))
    }
}

//! Sparse keys, which can sign for a window of slots, and signing: for test networks.
//!
//! A key of 2^32 slots would take days to make. A sparse key has the real leaves of one window, of 2^k slots that begin at a multiple of
//! 2^k, and random digests as siblings above it. To a verifier it is a normal key.
//!
//! Every secret is a function of the seed, of 32 bytes. A stream of elements has a label and two numbers:
//! SHA-256(seed || label, 1 byte || a, 8 bytes LE || b, 8 bytes LE || tail || counter, 4 bytes LE) for the counters 0, 1, ..., each digest cut
//! into eight words of 4 bytes LE, of which the highest bit is cleared; words that are not below p are dropped. The first elements are taken.
//!
//! | label | a | b | tail | elements | what |
//! | --- | --- | --- | --- | --- | --- |
//! | 0 | 0 | 0 | | 5 | the key's parameter |
//! | 1 | slot | chain | | 8 | where a chain starts |
//! | 2 | level | index | | 8 | a sibling above the window |
//! | 3 | slot | attempt, from 0 | message, 32 bytes | 7 | randomness of a signature |
//!
//! The lowest attempt whose hash encodes is the signature's, so signing is a function of seed, slot and message. Whoever signs two different
//! messages in one slot gives the slot's secrets away: the caller must not.

use std::fmt;

use crate::chains::{self, Columns, Walk};
use crate::encoding;
use crate::hash::{Domain, Hasher, ZERO, column, set_column};
use crate::kernel::{Kernel, LANES, Lanes};
use crate::prf::Prf;
pub use crate::prf::SEED_SIZE;
use crate::scheme::{BASE, DIGEST, MESSAGE_SIZE, PARAMETER, RANDOMNESS, Scheme, TWEAK};
use crate::signature::{self, PublicKey};
use crate::tweak;

/// The largest window, slots: 4 MiB of nodes, and five seconds to make in production.
pub const LARGEST_WINDOW: u64 = 1 << 16;
/// Attempts to encode a message, as the specification has it: one in 913 succeeds in production, so this many fail once in 10^47 messages.
pub const MOST_ATTEMPTS: u64 = 100_000;

/// Why a key cannot be made or cannot sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    /// No slots, or some that no key of the scheme has.
    NoSuchSlots,
    /// The window around the slots is larger than `LARGEST_WINDOW`.
    WindowTooLarge,
    /// The slot lies outside the key's window.
    OutsideWindow,
    /// No attempt encoded the message.
    NoEncoding,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchSlots => write!(f, "a key needs at least one slot, and none beyond the scheme's lifetime"),
            Self::WindowTooLarge => write!(f, "the window around these slots has more than {LARGEST_WINDOW} slots"),
            Self::OutsideWindow => write!(f, "the slot lies outside the key's window"),
            Self::NoEncoding => write!(f, "no encoding of this message within {MOST_ATTEMPTS} attempts"),
        }
    }
}

impl std::error::Error for KeyError {}

/// A key that can sign for the slots of its window.
pub struct SigningKey {
    hasher: Hasher,
    prf: Prf,
    public: PublicKey,
    first_slot: u64,
    /// The window's tree: its leaves first, its top last.
    levels: Vec<Vec<[u32; DIGEST]>>,
}

impl SigningKey {
    /// Makes the key whose window is the smallest that holds `slots` slots from `first_slot` on.
    pub fn generate(scheme: Scheme, kernel: Kernel, seed: &[u8; SEED_SIZE], first_slot: u64, slots: u64) -> Result<Self, KeyError> {
        let end = first_slot.checked_add(slots).filter(|&end| slots > 0 && end <= scheme.lifetime());
        let last = end.ok_or(KeyError::NoSuchSlots)? - 1;
        let height = u64::BITS - (first_slot ^ last).leading_zeros();
        if height > LARGEST_WINDOW.ilog2() {
            return Err(KeyError::WindowTooLarge);
        }
        let prf = Prf::new(seed);
        let first_slot = first_slot >> height << height;
        let maker = Maker {
            hasher: Hasher::new(scheme, kernel),
            parameter: prf.parameter(),
        };
        let mut levels = vec![maker.leaves(&prf, first_slot, 1 << height)];
        for level in 1..=height as usize {
            let pairs: Vec<_> = levels[level - 1].chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect();
            levels.push(maker.parents(level, first_slot >> level, &pairs));
        }
        let mut node = levels[height as usize][0];
        for level in height as usize..scheme.log_lifetime {
            let index = first_slot >> level;
            let sibling = prf.sibling(level, index ^ 1);
            let pair = if index & 1 == 0 { [node, sibling] } else { [sibling, node] };
            node = maker.parents(level + 1, index >> 1, &[pair])[0];
        }
        Ok(Self {
            hasher: maker.hasher,
            prf,
            public: PublicKey {
                root: node,
                parameter: maker.parameter,
            },
            first_slot,
            levels,
        })
    }

    /// What verifiers need.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The window's first slot.
    pub fn first_slot(&self) -> u64 {
        self.first_slot
    }

    /// The window's slots, a power of two.
    pub fn slots(&self) -> u64 {
        self.levels[0].len() as u64
    }

    /// Signs a message; the bytes of the signature.
    pub fn sign(&self, slot: u64, message: &[u8; MESSAGE_SIZE]) -> Result<Vec<u8>, KeyError> {
        if !(self.first_slot..self.first_slot + self.slots()).contains(&slot) {
            return Err(KeyError::OutsideWindow);
        }
        let scheme = self.hasher.scheme;
        let (randomness, digits) = self.encode(slot, message)?;
        let mut values = vec![ZERO; scheme.dimension * DIGEST];
        start_chains(&self.prf, slot, 0, &mut values);
        let mut walks: Vec<_> = digits.iter().enumerate().map(|(chain, &digit)| walk(0, chain, digit)).collect();
        let columns = Columns {
            slots: &[slot as u32; LANES],
            parameter: &broadcast(self.public.parameter),
        };
        chains::advance(self.hasher.kernel, &columns, &mut walks, &mut values);
        let siblings = (0..scheme.log_lifetime).flat_map(|level| self.sibling(level, slot));
        let hashes = values.iter().map(|lanes| lanes.0[0]);
        Ok(signature::encode(&scheme, &randomness, siblings, hashes))
    }

    /// The lowest attempt that encodes the message: its randomness and digits.
    fn encode(&self, slot: u64, message: &[u8; MESSAGE_SIZE]) -> Result<([u32; RANDOMNESS], Vec<u8>), KeyError> {
        let elements = broadcast(encoding::message(message));
        let domain = Domain {
            parameter: broadcast(self.public.parameter),
            tweak: broadcast(tweak::message(slot as u32)),
            columns: LANES,
        };
        let mut digits = Vec::new();
        for first in (0..MOST_ATTEMPTS).step_by(LANES) {
            let mut randomness = [ZERO; RANDOMNESS];
            for lane in 0..LANES {
                set_column(&mut randomness, lane, self.prf.randomness(slot, first + lane as u64, message));
            }
            let hash = self.hasher.message(&elements, &domain, &randomness);
            for lane in 0..LANES {
                if encoding::decode(&self.hasher.scheme, &column(&hash, lane), &mut digits) {
                    return Ok((column(&randomness, lane), digits));
                }
            }
        }
        Err(KeyError::NoEncoding)
    }

    /// The sibling at that level of the slot's path.
    fn sibling(&self, level: usize, slot: u64) -> [u32; DIGEST] {
        let index = slot >> level ^ 1;
        match self.levels.get(level) {
            Some(nodes) if nodes.len() > 1 => nodes[(index - (self.first_slot >> level)) as usize],
            _ => self.prf.sibling(level, index),
        }
    }
}

/// Makes the nodes of one key's tree.
struct Maker {
    hasher: Hasher,
    parameter: [u32; PARAMETER],
}

impl Maker {
    fn leaves(&self, prf: &Prf, first: u64, count: usize) -> Vec<[u32; DIGEST]> {
        let dimension = self.hasher.scheme.dimension;
        let mut values = vec![ZERO; dimension * DIGEST];
        let mut walks = Vec::with_capacity(dimension * LANES);
        let mut leaves = Vec::with_capacity(count);
        while leaves.len() < count {
            let width = LANES.min(count - leaves.len());
            let slots = std::array::from_fn(|lane| (first + leaves.len() as u64) as u32 + lane.min(width - 1) as u32);
            walks.clear();
            for (lane, &slot) in slots.iter().enumerate().take(width) {
                start_chains(prf, u64::from(slot), lane, &mut values);
                walks.extend((0..dimension).map(|chain| walk(lane, chain, BASE - 1)));
            }
            let parameter = broadcast(self.parameter);
            let columns = Columns {
                slots: &slots,
                parameter: &parameter,
            };
            chains::advance(self.hasher.kernel, &columns, &mut walks, &mut values);
            let mut tweak = [ZERO; TWEAK];
            for (lane, &slot) in slots.iter().enumerate() {
                set_column(&mut tweak, lane, tweak::tree(0, slot));
            }
            let domain = Domain {
                parameter,
                tweak,
                columns: width,
            };
            let leaf = self.hasher.leaf(&domain, &values);
            leaves.extend((0..width).map(|lane| column(&leaf, lane)));
        }
        leaves
    }

    /// The parents, at that level from that index on, of pairs of neighbours.
    fn parents(&self, level: usize, first: u64, pairs: &[[[u32; DIGEST]; 2]]) -> Vec<[u32; DIGEST]> {
        let mut parents = Vec::with_capacity(pairs.len());
        for pairs in pairs.chunks(LANES) {
            let (mut left, mut right, mut tweak) = ([ZERO; DIGEST], [ZERO; DIGEST], [ZERO; TWEAK]);
            for (lane, pair) in pairs.iter().enumerate() {
                set_column(&mut left, lane, pair[0]);
                set_column(&mut right, lane, pair[1]);
                set_column(&mut tweak, lane, tweak::tree(level, (first + (parents.len() + lane) as u64) as u32));
            }
            let domain = Domain {
                parameter: broadcast(self.parameter),
                tweak,
                columns: pairs.len(),
            };
            let nodes = self.hasher.node(&domain, &left, &right);
            parents.extend((0..pairs.len()).map(|lane| column(&nodes, lane)));
        }
        parents
    }
}

fn start_chains(prf: &Prf, slot: u64, lane: usize, values: &mut [Lanes]) {
    for (chain, value) in values.chunks_exact_mut(DIGEST).enumerate() {
        for (lanes, element) in value.iter_mut().zip(prf.chain_start(slot, chain)) {
            lanes.0[lane] = element;
        }
    }
}

fn walk(column: usize, chain: usize, to: u8) -> Walk {
    Walk {
        column: column as u8,
        chain: chain as u8,
        from: 0,
        to,
    }
}

fn broadcast<const N: usize>(elements: [u32; N]) -> [Lanes; N] {
    elements.map(|element| Lanes([element; LANES]))
}

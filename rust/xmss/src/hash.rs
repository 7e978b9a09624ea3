//! The scheme's hashes, sixteen at a time: one column of lanes per signature, node or attempt.
//!
//! Rules:
//!
//! 1. A domain says how many columns are in use, the first ones; what the others come out as means nothing.
//! 2. Up to `Kernel::few` columns (measured: 5 with AVX-512, 6 with AVX2) are permuted one after the other, more of them in lockstep: the
//!    lanes cost the same however few are in use.

use crate::encoding::limbs;
use crate::field::{add, to_montgomery};
use crate::kernel::{Kernel, LANES, Lanes};
use crate::scheme::{CAPACITY, DIGEST, MESSAGE, PARAMETER, RANDOMNESS, Scheme, TWEAK};

const WIDTH: usize = 24;
const RATE: usize = WIDTH - CAPACITY;

/// No element in any lane.
pub const ZERO: Lanes = Lanes([0; LANES]);

/// The hashes of one scheme, by one kernel.
#[derive(Clone, Copy)]
pub struct Hasher {
    /// Its scheme.
    pub scheme: Scheme,
    /// What permutes.
    pub kernel: Kernel,
    /// What the leaf sponge starts from.
    pub(crate) capacity: [Lanes; CAPACITY],
}

/// What a key's hashes have in common, and what makes each hash its own: the first inputs of every hash.
#[derive(Clone, Copy)]
pub struct Domain {
    /// The key's parameter.
    pub parameter: [Lanes; PARAMETER],
    /// The place of the hash.
    pub tweak: [Lanes; TWEAK],
    /// How many columns are in use.
    pub columns: usize,
}

/// The blocks that a leaf's sponge absorbs.
pub const fn leaf_blocks(scheme: &Scheme) -> usize {
    (PARAMETER + TWEAK + scheme.dimension * DIGEST).div_ceil(RATE)
}

/// Writes one column.
pub fn set_column<const N: usize>(lanes: &mut [Lanes; N], lane: usize, elements: [u32; N]) {
    for (lanes, element) in lanes.iter_mut().zip(elements) {
        lanes.0[lane] = element;
    }
}

/// Reads one column.
pub fn column<const N: usize>(lanes: &[Lanes; N], lane: usize) -> [u32; N] {
    std::array::from_fn(|row| lanes[row].0[lane])
}

/// Adds to each lane.
pub fn add_lanes(to: &mut Lanes, from: &Lanes) {
    for (to, &from) in to.0.iter_mut().zip(&from.0) {
        *to = add(*to, from);
    }
}

impl Hasher {
    /// Computes the sponge's capacity value, which separates the scheme's leaves from other uses of the sponge.
    pub fn new(scheme: Scheme, kernel: Kernel) -> Self {
        let mut shape = [DIGEST as u32, scheme.dimension as u32, TWEAK as u32, PARAMETER as u32];
        let input = limbs::<WIDTH>(&mut shape).map(|limb| Lanes([to_montgomery(limb); LANES]));
        let capacity: [Lanes; CAPACITY] = compress24(kernel, &input, 1);
        Self {
            scheme,
            kernel,
            capacity: capacity.map(|lanes| Lanes([lanes.0[0]; LANES])),
        }
    }

    /// The hash of a message; its first elements encode it, see `Scheme::encoding_elements`.
    pub fn message(&self, message: &[Lanes; MESSAGE], domain: &Domain, randomness: &[Lanes; RANDOMNESS]) -> [Lanes; DIGEST] {
        let input = joined(&[message, &domain.parameter, &domain.tweak, randomness]);
        compress24(self.kernel, &input, domain.columns)
    }

    /// The parent of two nodes.
    pub fn node(&self, domain: &Domain, left: &[Lanes; DIGEST], right: &[Lanes; DIGEST]) -> [Lanes; DIGEST] {
        let input = joined(&[&domain.parameter, &domain.tweak, left, right]);
        compress24(self.kernel, &input, domain.columns)
    }

    /// The leaf over the ends of all chains, `DIGEST` elements each.
    pub fn leaf(&self, domain: &Domain, ends: &[Lanes]) -> [Lanes; DIGEST] {
        let mut state: [Lanes; WIDTH] = joined(&[&self.capacity]);
        let mut input = domain.parameter.iter().chain(&domain.tweak).chain(ends);
        for _ in 0..leaf_blocks(&self.scheme) {
            for rate in &mut state[CAPACITY..] {
                *rate = *input.next().unwrap_or(&ZERO);
            }
            permute24(self.kernel, &mut state, domain.columns);
        }
        joined(&[&state[CAPACITY..CAPACITY + DIGEST]])
    }
}

/// The parts one after the other, then zeros.
fn joined<const N: usize>(parts: &[&[Lanes]]) -> [Lanes; N] {
    let mut all = [ZERO; N];
    let mut at = 0;
    for part in parts {
        all[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    all
}

/// Permutes the first `columns` columns.
fn permute24(kernel: Kernel, lanes: &mut [Lanes; WIDTH], columns: usize) {
    if columns > kernel.few {
        return (kernel.permute24)(lanes);
    }
    for lane in 0..columns {
        let mut state = column(lanes, lane);
        (kernel.permute24_one)(&mut state);
        set_column(lanes, lane, state);
    }
}

/// The first elements of permutation(input) + input.
fn compress24<const N: usize>(kernel: Kernel, input: &[Lanes; WIDTH], columns: usize) -> [Lanes; N] {
    let mut state = *input;
    permute24(kernel, &mut state, columns);
    let mut output: [Lanes; N] = joined(&[&state[..N]]);
    for (output, input) in output.iter_mut().zip(input) {
        add_lanes(output, input);
    }
    output
}

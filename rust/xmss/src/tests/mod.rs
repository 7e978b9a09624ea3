//! Tests of the parts that are not public.

mod chains;
mod encoding;

use crate::field::{from_montgomery, to_montgomery};
use crate::kernel::{LANES, Lanes};

/// Canonical values of one lane.
pub fn canonical(lanes: &[Lanes], lane: usize) -> Vec<u32> {
    lanes.iter().map(|lanes| from_montgomery(lanes.0[lane])).collect()
}

/// The same canonical values in every lane.
pub fn everywhere<const N: usize>(values: [u32; N]) -> [Lanes; N] {
    values.map(|value| Lanes([to_montgomery(value); LANES]))
}

//! The kernel of every processor: one lane after the other, in plain integers.

use super::lockstep::{INVERSE, Lockstep, MODULUS, RADIX};
use super::{Kernel, LANES, Lanes};
use crate::poseidon::{permute16_with, permute24_lane_with, permute24_with};

/// The kernel that needs nothing.
pub(super) const KERNEL: Kernel = Kernel {
    name: "portable",
    permute16,
    permute24,
    permute24_one,
    few: LANES - 1,
};

fn permute16(state: &mut [Lanes; 16]) {
    permute16_with(Scalar, state);
}

fn permute24(state: &mut [Lanes; 24]) {
    permute24_with(Scalar, state);
}

fn permute24_one(state: &mut [u32; 24]) {
    permute24_lane_with(Scalar, state);
}

/// Vectors of one lane.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Lockstep for Scalar {
    const WIDTH: usize = 1;
    type Narrow = i32;
    type Factor = i64;
    type Wide = i64;

    #[inline(always)]
    fn load(self, lanes: &Lanes, first: usize) -> i32 {
        lanes.0[first].cast_signed()
    }

    #[inline(always)]
    fn store(self, narrow: i32, lanes: &mut Lanes, first: usize) {
        lanes.0[first] = narrow.cast_unsigned();
    }

    #[inline(always)]
    fn narrow(self, value: i32) -> i32 {
        value
    }

    #[inline(always)]
    fn wide(self, value: i64) -> i64 {
        value
    }

    #[inline(always)]
    fn add(self, left: i32, right: i32) -> i32 {
        left + right
    }

    #[inline(always)]
    fn sub(self, left: i32, right: i32) -> i32 {
        left - right
    }

    #[inline(always)]
    fn canonical(self, narrow: i32) -> i32 {
        narrow + ((narrow >> 31) & MODULUS)
    }

    #[inline(always)]
    fn factor(self, narrow: i32) -> i64 {
        i64::from(narrow)
    }

    #[inline(always)]
    fn product(self, left: i64, right: i64) -> i64 {
        left * right
    }

    #[inline(always)]
    fn accumulate(self, sum: i64, factor: i64, constant: i32) -> i64 {
        sum + factor * i64::from(constant)
    }

    #[inline(always)]
    fn fold(self, sum: i64) -> i64 {
        (sum >> 32) * i64::from(RADIX) + (sum & 0xffff_ffff)
    }

    #[inline(always)]
    fn reduce(self, sum: i64) -> i32 {
        let multiple = i64::from((sum as i32).wrapping_mul(INVERSE)) * i64::from(MODULUS);
        ((sum >> 32) - (multiple >> 32)) as i32
    }
}

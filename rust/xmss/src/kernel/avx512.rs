//! The kernel of processors with AVX-512: sixteen lanes in a vector.

use std::arch::x86_64::*;

use super::lockstep::{INVERSE, Lockstep, MODULUS, RADIX};
use super::{Kernel, Lanes};
use crate::poseidon::{permute16_with, permute24_one_with, permute24_with};

/// The kernel, if the processor has what it needs.
pub(super) fn detect() -> Option<Kernel> {
    is_x86_feature_detected!("avx512f").then_some(Kernel {
        name: "avx512",
        permute16,
        permute24,
        permute24_one,
        few: 5,
    })
}

fn permute16(state: &mut [Lanes; 16]) {
    // SAFETY: only `detect` gives this function away, after it found the instructions.
    unsafe { enabled16(state) }
}

fn permute24(state: &mut [Lanes; 24]) {
    // SAFETY: only `detect` gives this function away, after it found the instructions.
    unsafe { enabled24(state) }
}

fn permute24_one(state: &mut [u32; 24]) {
    // SAFETY: only `detect` gives this function away, after it found the instructions.
    unsafe { enabled24_one(state) }
}

#[target_feature(enable = "avx512f")]
fn enabled16(state: &mut [Lanes; 16]) {
    permute16_with(Avx512::new(), state);
}

#[target_feature(enable = "avx512f")]
fn enabled24(state: &mut [Lanes; 24]) {
    permute24_with(Avx512::new(), state);
}

#[target_feature(enable = "avx512f")]
fn enabled24_one(state: &mut [u32; 24]) {
    permute24_one_with::<_, 1>(Avx512::new(), state);
}

/// Vectors of sixteen lanes.
#[derive(Clone, Copy)]
struct Avx512(());

impl Avx512 {
    /// The proof that the instructions are there: safe code can call this only where they are enabled.
    #[target_feature(enable = "avx512f")]
    #[inline]
    fn new() -> Self {
        Self(())
    }
}

/// Calls an intrinsic, in a method of `Avx512`.
macro_rules! simd {
    ($intrinsic:ident $(::<$immediate:literal>)? ($($argument:expr),*)) => {
        // SAFETY: the receiver, a `Avx512`, is made only where the instructions are enabled.
        unsafe { $intrinsic$(::<$immediate>)?($($argument),*) }
    };
}

/// 64 bits a lane, as products need them: the lanes of even number, then those of odd number.
#[derive(Clone, Copy)]
struct Halves {
    even: __m512i,
    odd: __m512i,
}

impl Avx512 {
    /// Removes from one half the multiple of P that agrees with it in the low 32 bits, which become zero.
    #[inline(always)]
    fn cleared(self, half: __m512i) -> __m512i {
        let (inverse, modulus) = (self.narrow(INVERSE), self.narrow(MODULUS));
        let quotient = simd!(_mm512_mul_epi32(half, inverse));
        let multiple = simd!(_mm512_mul_epi32(quotient, modulus));
        simd!(_mm512_sub_epi64(half, multiple))
    }

    /// One half of `fold`.
    #[inline(always)]
    fn folded(self, half: __m512i) -> __m512i {
        let radix = self.narrow(RADIX);
        let upper = simd!(_mm512_srli_epi64::<32>(half));
        let product = simd!(_mm512_mul_epi32(upper, radix));
        let zero = self.narrow(0);
        let lower = simd!(_mm512_mask_blend_epi32(0x5555, zero, half));
        simd!(_mm512_add_epi64(product, lower))
    }
}

impl Lockstep for Avx512 {
    const WIDTH: usize = 16;
    type Narrow = __m512i;
    type Factor = Halves;
    type Wide = Halves;

    #[inline(always)]
    fn load(self, lanes: &Lanes, first: usize) -> __m512i {
        let source = lanes.0[first..first + Self::WIDTH].as_ptr();
        // SAFETY: the slice above is as long as a vector, and this load wants no alignment.
        unsafe { _mm512_loadu_epi32(source.cast()) }
    }

    #[inline(always)]
    fn store(self, narrow: __m512i, lanes: &mut Lanes, first: usize) {
        let target = lanes.0[first..first + Self::WIDTH].as_mut_ptr();
        // SAFETY: the slice above is as long as a vector, and this store wants no alignment.
        unsafe { _mm512_storeu_epi32(target.cast(), narrow) }
    }

    #[inline(always)]
    fn narrow(self, value: i32) -> __m512i {
        simd!(_mm512_set1_epi32(value))
    }

    #[inline(always)]
    fn wide(self, value: i64) -> Halves {
        let half = simd!(_mm512_set1_epi64(value));
        Halves { even: half, odd: half }
    }

    #[inline(always)]
    fn add(self, left: __m512i, right: __m512i) -> __m512i {
        simd!(_mm512_add_epi32(left, right))
    }

    #[inline(always)]
    fn sub(self, left: __m512i, right: __m512i) -> __m512i {
        simd!(_mm512_sub_epi32(left, right))
    }

    #[inline(always)]
    fn canonical(self, narrow: __m512i) -> __m512i {
        let above = self.add(narrow, self.narrow(MODULUS));
        // As unsigned numbers, the one of the two that is negative is the larger, and so is P or more.
        simd!(_mm512_min_epu32(narrow, above))
    }

    #[inline(always)]
    fn factor(self, narrow: __m512i) -> Halves {
        Halves {
            even: narrow,
            odd: simd!(_mm512_srli_epi64::<32>(narrow)),
        }
    }

    #[inline(always)]
    fn product(self, left: Halves, right: Halves) -> Halves {
        Halves {
            even: simd!(_mm512_mul_epi32(left.even, right.even)),
            odd: simd!(_mm512_mul_epi32(left.odd, right.odd)),
        }
    }

    #[inline(always)]
    fn accumulate(self, sum: Halves, factor: Halves, constant: i32) -> Halves {
        let constant = self.narrow(constant);
        let product = self.product(
            factor,
            Halves {
                even: constant,
                odd: constant,
            },
        );
        Halves {
            even: simd!(_mm512_add_epi64(sum.even, product.even)),
            odd: simd!(_mm512_add_epi64(sum.odd, product.odd)),
        }
    }

    #[inline(always)]
    fn fold(self, sum: Halves) -> Halves {
        Halves {
            even: self.folded(sum.even),
            odd: self.folded(sum.odd),
        }
    }

    #[inline(always)]
    fn reduce(self, sum: Halves) -> __m512i {
        let (even, odd) = (self.cleared(sum.even), self.cleared(sum.odd));
        let upper = simd!(_mm512_srli_epi64::<32>(even));
        simd!(_mm512_mask_blend_epi32(0xaaaa, upper, odd))
    }
}

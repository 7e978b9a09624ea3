//! The kernel of processors with AVX2: eight lanes in a vector.

use std::arch::x86_64::*;

use super::lockstep::{INVERSE, Lockstep, MODULUS, RADIX};
use super::{Kernel, Lanes};
use crate::poseidon::{permute16_with, permute24_one_with, permute24_with};

/// The kernel, if the processor has what it needs.
pub(super) fn detect() -> Option<Kernel> {
    is_x86_feature_detected!("avx2").then_some(Kernel {
        name: "avx2",
        permute16,
        permute24,
        permute24_one,
        few: 6,
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

#[target_feature(enable = "avx2")]
fn enabled16(state: &mut [Lanes; 16]) {
    permute16_with(Avx2::new(), state);
}

#[target_feature(enable = "avx2")]
fn enabled24(state: &mut [Lanes; 24]) {
    permute24_with(Avx2::new(), state);
}

#[target_feature(enable = "avx2")]
fn enabled24_one(state: &mut [u32; 24]) {
    permute24_one_with::<_, 2>(Avx2::new(), state);
}

/// Vectors of eight lanes.
#[derive(Clone, Copy)]
struct Avx2(());

impl Avx2 {
    /// The proof that the instructions are there: safe code can call this only where they are enabled.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn new() -> Self {
        Self(())
    }
}

/// Calls an intrinsic, in a method of `Avx2`.
macro_rules! simd {
    ($intrinsic:ident $(::<$immediate:literal>)? ($($argument:expr),*)) => {
        // SAFETY: the receiver, a `Avx2`, is made only where the instructions are enabled.
        unsafe { $intrinsic$(::<$immediate>)?($($argument),*) }
    };
}

/// 64 bits a lane, as products need them: the lanes of even number, then those of odd number.
#[derive(Clone, Copy)]
struct Halves {
    even: __m256i,
    odd: __m256i,
}

impl Avx2 {
    /// Removes from one half the multiple of P that agrees with it in the low 32 bits, which become zero.
    #[inline(always)]
    fn cleared(self, half: __m256i) -> __m256i {
        let (inverse, modulus) = (self.narrow(INVERSE), self.narrow(MODULUS));
        let quotient = simd!(_mm256_mul_epi32(half, inverse));
        let multiple = simd!(_mm256_mul_epi32(quotient, modulus));
        simd!(_mm256_sub_epi64(half, multiple))
    }

    /// One half of `fold`.
    #[inline(always)]
    fn folded(self, half: __m256i) -> __m256i {
        let radix = self.narrow(RADIX);
        let upper = simd!(_mm256_srli_epi64::<32>(half));
        let product = simd!(_mm256_mul_epi32(upper, radix));
        let zero = self.narrow(0);
        let lower = simd!(_mm256_blend_epi32::<0x55>(zero, half));
        simd!(_mm256_add_epi64(product, lower))
    }
}

impl Lockstep for Avx2 {
    const WIDTH: usize = 8;
    type Narrow = __m256i;
    type Factor = Halves;
    type Wide = Halves;

    #[inline(always)]
    fn load(self, lanes: &Lanes, first: usize) -> __m256i {
        let source = lanes.0[first..first + Self::WIDTH].as_ptr();
        // SAFETY: the slice above is as long as a vector, and this load wants no alignment.
        unsafe { _mm256_loadu_si256(source.cast()) }
    }

    #[inline(always)]
    fn store(self, narrow: __m256i, lanes: &mut Lanes, first: usize) {
        let target = lanes.0[first..first + Self::WIDTH].as_mut_ptr();
        // SAFETY: the slice above is as long as a vector, and this store wants no alignment.
        unsafe { _mm256_storeu_si256(target.cast(), narrow) }
    }

    #[inline(always)]
    fn narrow(self, value: i32) -> __m256i {
        simd!(_mm256_set1_epi32(value))
    }

    #[inline(always)]
    fn wide(self, value: i64) -> Halves {
        let half = simd!(_mm256_set1_epi64x(value));
        Halves { even: half, odd: half }
    }

    #[inline(always)]
    fn add(self, left: __m256i, right: __m256i) -> __m256i {
        simd!(_mm256_add_epi32(left, right))
    }

    #[inline(always)]
    fn sub(self, left: __m256i, right: __m256i) -> __m256i {
        simd!(_mm256_sub_epi32(left, right))
    }

    #[inline(always)]
    fn canonical(self, narrow: __m256i) -> __m256i {
        let above = self.add(narrow, self.narrow(MODULUS));
        // As unsigned numbers, the one of the two that is negative is the larger, and so is P or more.
        simd!(_mm256_min_epu32(narrow, above))
    }

    #[inline(always)]
    fn factor(self, narrow: __m256i) -> Halves {
        Halves {
            even: narrow,
            odd: simd!(_mm256_srli_epi64::<32>(narrow)),
        }
    }

    #[inline(always)]
    fn product(self, left: Halves, right: Halves) -> Halves {
        Halves {
            even: simd!(_mm256_mul_epi32(left.even, right.even)),
            odd: simd!(_mm256_mul_epi32(left.odd, right.odd)),
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
            even: simd!(_mm256_add_epi64(sum.even, product.even)),
            odd: simd!(_mm256_add_epi64(sum.odd, product.odd)),
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
    fn reduce(self, sum: Halves) -> __m256i {
        let (even, odd) = (self.cleared(sum.even), self.cleared(sum.odd));
        let upper = simd!(_mm256_srli_epi64::<32>(even));
        simd!(_mm256_blend_epi32::<0xaa>(upper, odd))
    }
}

//! The Poseidon1 permutations on sixteen states at once, and on one, in the fastest form that this processor has.
//!
//! A kernel is vector arithmetic (`lockstep`); the permutation over it is written once (`poseidon`), with one state in each lane.
//!
//! | part | how it is computed | why |
//! | --- | --- | --- |
//! | element | Montgomery form (R = 2^32), signed 32 bits, between -P and P | a difference then needs no correction |
//! | product | even and odd lanes apart, 64 bits each | no vector unit multiplies 32 by 32 bits to 64 without giving up half of its lanes |
//! | cube | two products, each reduced at once | the second product needs a 32-bit factor; a reduction is two multiplications for each half |
//! | full round | the circulant matrix by x^2n - 1 = (x^n - 1)(x^n + 1) until 3 or 4 elements are left: 96 products for 256, 198 for 576 | a vector of products is four operations, one of sums or differences three |
//! | sum of products | constants and factors nearest to zero, added up without reduction; folded (upper half times 2^32 mod P) only before 2^63 could be passed, which the constants decide when the tables are made; one reduction for a row | a reduction costs as much as two products |
//! | partial rounds | all at once: a round's S-box adds u^3 - u to element 0, so that each S-box input, and the state afterwards, is one row over the cubes before them and the changes so far | sparse matrices need more reductions (each element, each round) for fewer products; here 20 or 23 rounds have one reduction each |
//! | round constants | where the rows' sums start | costs nothing; it also takes back what was subtracted from the factors to bring them near zero |
//! | small matrix of width 16 | kept small: the factors of 2^32 that its reductions leave behind are cubed with the state, and the constants of the rows around the partial rounds take them out | sums of small products are never folded |
//! | one state | its elements fill the lanes (`poseidon::single`): 0.8 us, while the lanes take 5.2 us however few of them are in use | a path's hashes wait for each other, so that one signature would use one lane of sixteen |
//! | rows | three (width 24) or four (16) together | one reading of a factor serves all of them, and AVX2's sixteen registers suffice |
//!
//! The split of the partial rounds differs from the sparse matrices of the Poseidon paper's appendix B in form, not in result:
//! both move everything linear out of the rounds. The tests compare every kernel with Plonky3's scalar permutation.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod lockstep;
pub(crate) mod portable;

/// Signatures, chains or nodes that run in lockstep.
pub const LANES: usize = 16;

/// One state element of every lane, in Montgomery form, below the modulus. Aligned to a vector of AVX-512.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lanes(pub [u32; LANES]);

/// One way to compute the permutations; all give the same results.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// `avx512`, `avx2` or `portable`.
    pub name: &'static str,
    /// The permutation of width 16, on each lane.
    pub permute16: fn(&mut [Lanes; 16]),
    /// The permutation of width 24, on each lane.
    pub permute24: fn(&mut [Lanes; 24]),
    /// The permutation of width 24, on one state.
    pub permute24_one: fn(&mut [u32; 24]),
    /// Up to how many states `permute24_one`, one after the other, is faster than `permute24`: measured (example `permutations`).
    pub few: usize,
}

/// The fastest kernel of this processor.
pub fn best() -> Kernel {
    available()[0]
}

/// Every kernel that this processor can run, fastest first; the portable one is always among them.
pub fn available() -> Vec<Kernel> {
    #[cfg(target_arch = "x86_64")]
    let vectors = [avx512::detect(), avx2::detect()];
    #[cfg(not(target_arch = "x86_64"))]
    let vectors: [Option<Kernel>; 0] = [];
    vectors.into_iter().flatten().chain([portable::KERNEL]).collect()
}

//! The Poseidon1 permutations on sixteen states at once, in the fastest form that this processor has.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod lockstep;
mod portable;

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

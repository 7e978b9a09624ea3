//! Generalised XMSS over KoalaBear with Poseidon1: verification of many signatures in lockstep, keys and signatures for test networks.
//!
//! Source: eprint 2025/055, eprint 2026/016; parameters and encodings of leanSpec 43246bd6.
//!
//! Field elements are in Montgomery form everywhere but in bytes, and in numbers that say that they are canonical.

pub mod batch;
mod chains;
mod encoding;
pub mod field;
mod hash;
pub mod kernel;
pub mod key;
mod placement;
mod poseidon;
mod prf;
pub mod scheme;
pub mod signature;
mod tweak;
pub mod verify;

// The kit of the tests names this crate as users do.
#[cfg(test)]
extern crate self as proofplane_xmss;
#[cfg(test)]
mod tests;

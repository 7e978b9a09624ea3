//! Generalised XMSS over KoalaBear with Poseidon1: verification of many signatures in lockstep, keys and signatures for test networks.
//!
//! Source: eprint 2025/055, eprint 2026/016; parameters and encodings of leanSpec 43246bd6.

pub mod field;
pub mod kernel;

//! How an end of a connection spins before it sleeps: one default for servers and clients, over sockets and over shared memory.

use proofplane_ring::Spin;

use crate::cores;

/// Longest ordinary spin, microseconds: twice what a fast handler takes, and less than waking another processor costs (25).
const SPIN_US: u32 = 20;

/// A spin of at most so many microseconds; 0 stands for the default.
pub(crate) fn spin(most_us: u32) -> Spin {
    Spin::new(cores::beside(), if most_us == 0 { SPIN_US } else { most_us })
}

//! How an end of a connection spins before it sleeps: one default for servers and clients, over sockets and over shared memory.

use proofplane_ring::Spin;

use crate::cores;

/// Longest ordinary spin, microseconds: what both ends take for a message of 64 KiB, and waking another processor there and back. With
/// 20 such calls fell asleep again and again, at half the speed.
const SPIN_US: u32 = 50;

/// A spin of at most so many microseconds; 0 stands for the default.
pub(crate) fn spin(most_us: u32) -> Spin {
    Spin::new(cores::beside(), if most_us == 0 { SPIN_US } else { most_us })
}

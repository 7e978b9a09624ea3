//! The one door to atomics: the standard library's, or loom's when a model is checked.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};

/// The processor that this thread runs on, plus one, as a hint for the other side's spin; 0 is unknown.
pub(crate) fn cpu_hint() -> u32 {
    if cfg!(loom) {
        return 0;
    }
    u32::try_from(rustix::thread::sched_getcpu() + 1).unwrap_or(0)
}

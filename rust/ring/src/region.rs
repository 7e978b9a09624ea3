//! A shared-memory object mapped into this process, and atomic access to its words.

use crate::error::ChannelError;

/// A mapped object of a fixed size; unmapped when the last holder drops it.
pub struct Region {}

impl Region {
    /// Creates `/dev/shm/NAME` exclusively, mode 0600, `bytes` long, zeroed, and maps it.
    pub fn create(name: &str, bytes: usize) -> Result<Self, ChannelError> {
        todo!("{name} {bytes}")
    }
    /// Maps an existing object whole; refuses one owned by another user, or smaller than `least` bytes.
    pub fn open(name: &str, least: usize) -> Result<Self, ChannelError> {
        todo!("{name} {least}")
    }
    /// Private memory of the same shape, for tests.
    pub fn private(bytes: usize) -> Self {
        todo!("{bytes}")
    }
    /// Removes the name; processes that have it mapped keep it. An absent name is no error.
    pub fn unlink(name: &str) -> Result<(), ChannelError> {
        todo!("{name}")
    }
    /// Size in bytes.
    pub fn len(&self) -> usize {
        todo!()
    }
}

//! Addresses: the suffix chooses the transport, as users of `bb` know it.

use std::fmt;
use std::path::PathBuf;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `PATH.sock`: a Unix stream socket at that path.
    Socket(PathBuf),
    /// `NAME.shm`: shared-memory objects whose names begin with NAME (no slash).
    SharedMemory(String),
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressError(pub String);

impl Address {
    /// Reads an address; refuses an unknown suffix, an empty name, a slash in a `.shm` name, and a socket path longer than
    /// the 107 bytes that the system can bind (with room for the temporary name's suffix).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        todo!("{text}")
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

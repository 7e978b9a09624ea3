//! Addresses: the suffix chooses the transport, as users of `bb` know it.

use std::fmt;
use std::path::{Path, PathBuf};

/// Longest path of a Unix socket, bytes: the system's 108 less the closing zero. A longer one would be cut silently by careless callers.
pub const SOCKET_PATH_BYTES: usize = 107;
/// Longest temporary name that a server binds before it renames, bytes: ".pp-", a pid of at most 7 digits, "-", 8 hexadecimal digits.
pub const TEMPORARY_NAME_BYTES: usize = 20;
/// Longest NAME of shared-memory objects, bytes.
pub const SHARED_MEMORY_NAME_BYTES: usize = proofplane_ring::NAME_BYTES;

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
    /// the 107 bytes that the system can bind (with room for the temporary name that a server binds in the same directory).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let refuse = |why: &str| Err(AddressError(format!("{text:?} is no address: {why}")));
        if text.contains('\0') {
            return refuse("it holds a zero byte");
        }
        if let Some(name) = text.strip_suffix(".shm") {
            if name.is_empty() {
                return refuse("the name before .shm is empty");
            }
            if name.contains('/') {
                return refuse("the name of shared memory holds no slash");
            }
            if name.len() > SHARED_MEMORY_NAME_BYTES {
                return refuse(&format!("the name before .shm is longer than {SHARED_MEMORY_NAME_BYTES} bytes"));
            }
            return Ok(Self::SharedMemory(name.to_owned()));
        }
        let Some(stem) = text.strip_suffix(".sock") else {
            return refuse("use PATH.sock for a Unix socket or NAME.shm for shared memory");
        };
        if stem.is_empty() || stem.ends_with('/') {
            return refuse("the name before .sock is empty");
        }
        let path = Path::new(text);
        let name = path.file_name().map_or(0, |name| name.len());
        let longest = text.len() - name + name.max(TEMPORARY_NAME_BYTES);
        if longest > SOCKET_PATH_BYTES {
            let most = SOCKET_PATH_BYTES - name.max(TEMPORARY_NAME_BYTES);
            return refuse(&format!(
                "the system binds at most {SOCKET_PATH_BYTES} bytes: with this file name the directory may have {most}, it has {}",
                text.len() - name
            ));
        }
        Ok(Self::Socket(path.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::SharedMemory(name) => write!(f, "{name}.shm"),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_chooses_the_transport() {
        assert_eq!(Address::parse("/run/x.sock"), Ok(Address::Socket("/run/x.sock".into())));
        assert_eq!(Address::parse("x.sock"), Ok(Address::Socket("x.sock".into())));
        assert_eq!(Address::parse("bb.shm"), Ok(Address::SharedMemory("bb".into())));
    }

    #[test]
    fn an_address_is_written_as_it_was_read() {
        for text in ["/run/x.sock", "./y.sock", "name.shm"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["", "x", "/run/x", ".sock", "/run/.sock", ".shm", "a/b.shm", "/b.shm", "a\0.sock"] {
            let error = Address::parse(text).expect_err(text);
            assert!(error.to_string().contains("is no address"), "{error}");
        }
    }

    #[test]
    fn a_path_that_leaves_no_room_for_the_temporary_name_is_refused() {
        let directory = format!("/{}/", "d".repeat(SOCKET_PATH_BYTES - TEMPORARY_NAME_BYTES - 2));
        assert!(Address::parse(&format!("{directory}x.sock")).is_ok());
        assert!(Address::parse(&format!("{directory}{}.sock", "n".repeat(TEMPORARY_NAME_BYTES - 5))).is_ok());
        assert!(Address::parse(&format!("{directory}{}.sock", "n".repeat(TEMPORARY_NAME_BYTES - 4))).is_err());
        assert!(Address::parse(&format!("/d{directory}x.sock")).is_err());
    }

    #[test]
    fn a_shared_memory_name_has_room_for_its_endings() {
        assert!(Address::parse(&format!("{}.shm", "n".repeat(SHARED_MEMORY_NAME_BYTES))).is_ok());
        assert!(Address::parse(&format!("{}.shm", "n".repeat(SHARED_MEMORY_NAME_BYTES + 1))).is_err());
    }
}

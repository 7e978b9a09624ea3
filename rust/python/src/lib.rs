//! The one Rust extension of the Python package: bytes and numbers in, bytes and numbers out.
//!
//! Rules of this crate:
//!
//! 1. A call that cannot block keeps the GIL: a system call of a few microseconds costs less than giving it away and getting it back.
//!    A call that spins or sleeps gives it away.
//! 2. Nothing waits for a lock while it holds the GIL: an object that another thread is using answers `Busy` at once.
//! 3. Whole batches cross: one call hands over all replies and returns all requests.
//! 4. Objects made before a fork are never dropped by the child: their end would unlink or release what the parent still uses.
#![forbid(unsafe_code)]

mod batch;
mod client;
mod errors;
mod guard;
mod limits;
mod names;
mod native_server;
mod server;
mod xmss;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::client::{Connection, Connector};
    #[pymodule_export]
    use crate::errors::{BadAddress, Busy, ConnectFailed, ConnectionBroken, ConnectionEnded, FrameTooLarge, InUse};
    #[pymodule_export]
    use crate::limits::Limits;
    #[pymodule_export]
    use crate::native_server::EchoServer;
    #[pymodule_export]
    use crate::server::{Handle, Server};
    #[pymodule_export]
    use crate::xmss::{XmssKey, poseidon1, xmss_kernel, xmss_kernels, xmss_permutations, xmss_verify, xmss_verify_packed};
    use pyo3::prelude::*;

    /// The version has one place, the workspace's Cargo.toml; asking the installed package's metadata would cost tens of milliseconds at each start.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("XMSS_LARGEST_WINDOW", proofplane_xmss::key::LARGEST_WINDOW)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

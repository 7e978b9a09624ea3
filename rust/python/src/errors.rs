//! The one map from the core's errors to Python's; `proofplane.rpc.errors` gives each its family.

use proofplane_reactor::address::AddressError;
use proofplane_reactor::client::Lost;
use proofplane_reactor::server::ServeError;
use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(proofplane._native, BadAddress, PyException, "The text is no address.");
create_exception!(proofplane._native, InUse, PyException, "A living server has this address.");
create_exception!(
    proofplane._native,
    ConnectFailed,
    PyException,
    "Connecting failed, and trying again would not help."
);
create_exception!(
    proofplane._native,
    ConnectionEnded,
    PyException,
    "The server closed the connection, died, or cut it off."
);
create_exception!(
    proofplane._native,
    ConnectionBroken,
    PyException,
    "The server's bytes make no sense, or the system failed."
);
create_exception!(
    proofplane._native,
    FrameTooLarge,
    PyException,
    "The frame is larger than the connection carries."
);
create_exception!(proofplane._native, Busy, PyException, "Another thread is using this object.");

/// A text that is no address.
pub fn address(error: &AddressError) -> PyErr {
    BadAddress::new_err(error.to_string())
}

/// A server that did not start.
pub fn serve(error: ServeError) -> PyErr {
    match error {
        ServeError::Io(error) => error.into(),
        other => InUse::new_err(other.to_string()),
    }
}

/// A connection that is over.
pub fn lost(lost: Lost) -> PyErr {
    match lost {
        Lost::Ended(why) => ConnectionEnded::new_err(why),
        Lost::Broken(why) => ConnectionBroken::new_err(why),
    }
}

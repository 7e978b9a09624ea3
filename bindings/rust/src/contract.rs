//! What generated code says about its contract.

use crate::msgpack::{Pack, Unpack};

/// A service: its names and the hash of its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// SHA-256 of the schema's canonical form; all zero when there is none.
    pub schema_hash: [u8; 32],
    /// Names of each method's request and response on the wire; a method's place is its number.
    pub methods: &'static [(&'static str, &'static str)],
    /// Name of the error reply on the wire.
    pub error: &'static str,
}

/// The request of one method.
pub trait Command: Pack {
    /// What answers it.
    type Response: Unpack;
    /// Its name on the wire.
    const NAME: &'static str;
    /// The response's name on the wire.
    const RESPONSE: &'static str;
}

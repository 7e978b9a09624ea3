//! What a server knows of its service: names and the schema's hash, no types.

/// One method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Name in a request: `Blake2s`.
    pub request: String,
    /// Name in its reply: `Blake2sResponse`.
    pub response: String,
    /// May run on the reactor's own thread when nothing else is in flight: fast, never blocking.
    pub inline: bool,
}

/// A service as the reactor sees it. A method's index in `methods` is its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// SHA-256 of the schema's canonical form; all zero when there is none.
    pub schema_hash: [u8; 32],
    /// Methods by number.
    pub methods: Vec<Method>,
    /// Name of the error reply: `ErrorResponse`.
    pub error: String,
}

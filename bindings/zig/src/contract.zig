//! What generated code says about its contract.

/// Names of one method on the wire.
pub const Method = struct {
    request: [:0]const u8,
    response: [:0]const u8,
};

/// A service: its names and the hash of its schema.
pub const Contract = struct {
    /// SHA-256 of the schema's canonical form; all zero when there is none.
    schema_hash: [32]u8,
    /// A method's place is its number.
    methods: []const Method,
    /// Name of the error reply.
    error_name: [:0]const u8,
};

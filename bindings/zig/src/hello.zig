//! The first question on a connection, which clients ask and servers answer by themselves: which schema, and are request ids known?

const msgpack = @import("msgpack.zig");

/// The question.
pub const Hello = struct {
    /// Hash of the client's schema; all zero when it has none.
    schema_hash: [32]u8,

    pub const Codec = msgpack.Struct(.{
        .{ "schema_hash", "schema_hash", msgpack.FixedBytes },
    });
};

/// The answer.
pub const HelloResponse = struct {
    /// Hash of the server's schema; all zero when it has none.
    schema_hash: [32]u8,
    /// Whether it knows request ids.
    ids: bool,
    /// Bytes of the largest frame that it takes.
    max_frame: u32,

    pub const Codec = msgpack.Struct(.{
        .{ "schema_hash", "schema_hash", msgpack.FixedBytes },
        .{ "ids", "ids", msgpack.Bool },
        .{ "max_frame", "max_frame", msgpack.Integer },
    });
};

//! msgpack as a contract wants it: one form for each value written, every width read, nothing taken for something else.

const std = @import("std");
const codecs = @import("msgpack/codecs.zig");

pub const Reader = @import("msgpack/Reader.zig");
pub const Writer = @import("msgpack/Writer.zig");
pub const DecodeError = Reader.DecodeError;

pub const Integer = codecs.Integer;
pub const Float = codecs.Float;
pub const Bool = codecs.Bool;
pub const String = codecs.String;
pub const Bytes = codecs.Bytes;
pub const FixedBytes = codecs.FixedBytes;
pub const Optional = codecs.Optional;
pub const List = codecs.List;
pub const Array = codecs.Array;
pub const Tuple = codecs.Tuple;
pub const Map = codecs.Map;
pub const Entry = codecs.Entry;
pub const Packed = codecs.Packed;
pub const Struct = codecs.Struct;

/// The packed value; the caller frees it. `value` is a struct of a contract.
pub fn encode(allocator: std.mem.Allocator, value: anytype) Writer.Error![]u8 {
    var writer: Writer = .init(allocator);
    errdefer writer.deinit();
    try @TypeOf(value).Codec.write(&writer, value);
    return writer.out.toOwnedSlice(allocator);
}

/// The value that these bytes are, from the first to the last; it points into them and into `arena`.
/// `fault` tells what an error was about.
pub fn decode(comptime T: type, arena: std.mem.Allocator, bytes: []const u8, fault: ?*Reader.Fault) Reader.Error!T {
    var reader: Reader = .init(bytes, arena);
    errdefer if (fault) |place| {
        place.* = reader.fault;
    };
    const value = try T.Codec.read(T, &reader);
    try reader.finish();
    return value;
}

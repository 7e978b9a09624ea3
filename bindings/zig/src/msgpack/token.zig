//! The head of a msgpack value: what it is and how long; its bytes or items follow.

const std = @import("std");

/// One head. Lengths are what the sender claims: nothing is allocated by them.
pub const Token = union(enum) {
    nil,
    boolean: bool,
    unsigned: u64,
    negative: i64,
    float: f64,
    string: u32,
    bytes: u32,
    array: u32,
    map: u32,
    /// Bytes that follow, the type byte included.
    extension: u64,

    /// For messages.
    pub fn kind(token: Token) []const u8 {
        return switch (token) {
            .nil => "nil",
            .boolean => "a bool",
            .unsigned, .negative => "an integer",
            .float => "a float",
            .string => "a string",
            .bytes => "bytes",
            .array => "an array",
            .map => "a map",
            .extension => "an extension",
        };
    }

    /// Reads one head off the front. `NotAValue` is the byte c1, which has no meaning in msgpack.
    pub fn read(rest: *[]const u8) error{ Truncated, NotAValue }!Token {
        const marker = try int(u8, rest);
        return switch (marker) {
            0x00...0x7f => .{ .unsigned = marker },
            0x80...0x8f => .{ .map = marker & 0x0f },
            0x90...0x9f => .{ .array = marker & 0x0f },
            0xa0...0xbf => .{ .string = marker & 0x1f },
            0xc0 => .nil,
            0xc1 => error.NotAValue,
            0xc2, 0xc3 => .{ .boolean = marker == 0xc3 },
            0xc4 => .{ .bytes = try int(u8, rest) },
            0xc5 => .{ .bytes = try int(u16, rest) },
            0xc6 => .{ .bytes = try int(u32, rest) },
            0xc7 => .{ .extension = @as(u64, try int(u8, rest)) + 1 },
            0xc8 => .{ .extension = @as(u64, try int(u16, rest)) + 1 },
            0xc9 => .{ .extension = @as(u64, try int(u32, rest)) + 1 },
            0xca => .{ .float = @as(f32, @bitCast(try int(u32, rest))) },
            0xcb => .{ .float = @bitCast(try int(u64, rest)) },
            0xcc => .{ .unsigned = try int(u8, rest) },
            0xcd => .{ .unsigned = try int(u16, rest) },
            0xce => .{ .unsigned = try int(u32, rest) },
            0xcf => .{ .unsigned = try int(u64, rest) },
            0xd0 => signed(try int(i8, rest)),
            0xd1 => signed(try int(i16, rest)),
            0xd2 => signed(try int(i32, rest)),
            0xd3 => signed(try int(i64, rest)),
            0xd4...0xd8 => .{ .extension = (@as(u64, 1) << @intCast(marker - 0xd4)) + 1 },
            0xd9 => .{ .string = try int(u8, rest) },
            0xda => .{ .string = try int(u16, rest) },
            0xdb => .{ .string = try int(u32, rest) },
            0xdc => .{ .array = try int(u16, rest) },
            0xdd => .{ .array = try int(u32, rest) },
            0xde => .{ .map = try int(u16, rest) },
            0xdf => .{ .map = try int(u32, rest) },
            0xe0...0xff => .{ .negative = @as(i8, @bitCast(marker)) },
        };
    }
};

fn signed(value: i64) Token {
    return if (value < 0) .{ .negative = value } else .{ .unsigned = @intCast(value) };
}

fn int(comptime T: type, rest: *[]const u8) error{Truncated}!T {
    const size = @sizeOf(T);
    if (rest.len < size) return error.Truncated;
    defer rest.* = rest.*[size..];
    return std.mem.readInt(T, rest.*[0..size], .big);
}

//! Reads values strictly: any width of a length or an integer, but one kind where the contract wants that kind.
//!
//! What it returns points into the bytes that it was given, or was made by its allocator: give it an arena.

const std = @import("std");
const Token = @import("token.zig").Token;

const Reader = @This();

rest: []const u8,
arena: std.mem.Allocator,
/// What the last error was about.
fault: Fault = .{},

/// Why bytes are not the value that they should be: the peer's mistake; the same bytes never decode.
pub const DecodeError = error{
    /// The bytes end inside a value.
    Truncated,
    /// A value of another kind stands here.
    WrongType,
    /// The byte c1, which has no meaning in msgpack.
    NotAValue,
    /// An integer that the contract's width does not hold.
    OutOfRange,
    /// Fixed bytes, an array or a tuple of another length.
    WrongLength,
    /// A string that is not UTF-8.
    NotUtf8,
    /// A struct without one of its fields.
    MissingField,
    /// Bytes after the value.
    Trailing,
};

pub const Error = DecodeError || error{OutOfMemory};

/// What an error was about; every text is static.
pub const Fault = struct {
    wanted: []const u8 = "",
    found: []const u8 = "",
    wanted_size: usize = 0,
    found_size: usize = 0,

    /// Bytes of room for a sentence with the longest field name that makes sense.
    pub const most_described = 256;

    /// The error as a sentence, in `buffer` and cut to its length.
    pub fn describe(fault: Fault, buffer: []u8, err: Error) []const u8 {
        var writer: std.Io.Writer = .fixed(buffer);
        (switch (err) {
            error.Truncated => writer.writeAll("the bytes end inside a value"),
            error.WrongType => writer.print("{s} wanted, {s} found", .{ fault.wanted, fault.found }),
            error.NotAValue => writer.writeAll("the byte c1 is no value"),
            error.OutOfRange => writer.print("the integer does not fit a {s}", .{fault.wanted}),
            error.WrongLength => writer.print("length {d} wanted, {d} found", .{ fault.wanted_size, fault.found_size }),
            error.NotUtf8 => writer.writeAll("a string is not UTF-8"),
            error.MissingField => writer.print("missing field {s}", .{fault.wanted}),
            error.Trailing => writer.print("{d} bytes after the value", .{fault.found_size}),
            error.OutOfMemory => writer.writeAll("out of memory"),
        }) catch {}; // cut: what fits is there
        return writer.buffered();
    }
};

/// At the first of these bytes.
pub fn init(input: []const u8, arena: std.mem.Allocator) Reader {
    return .{ .rest = input, .arena = arena };
}

/// Ends the reading: nothing may be left.
pub fn finish(reader: *Reader) DecodeError!void {
    if (reader.rest.len == 0) return;
    reader.fault = .{ .found_size = reader.rest.len };
    return error.Trailing;
}

/// An integer of any width on the wire whose value fits `T`.
pub fn integer(reader: *Reader, comptime T: type) DecodeError!T {
    switch (try reader.token()) {
        .unsigned => |value| if (std.math.cast(T, value)) |fits| return fits,
        .negative => {},
        else => |other| return reader.wrongType(@typeName(T), other),
    }
    reader.fault = .{ .wanted = @typeName(T) };
    return error.OutOfRange;
}

/// A float, or an integer standing for one.
pub fn float(reader: *Reader) DecodeError!f64 {
    return switch (try reader.token()) {
        .float => |value| value,
        .unsigned => |value| @floatFromInt(value),
        .negative => |value| @floatFromInt(value),
        else => |other| reader.wrongType("f64", other),
    };
}

/// True or false.
pub fn boolean(reader: *Reader) DecodeError!bool {
    return switch (try reader.token()) {
        .boolean => |value| value,
        else => |other| reader.wrongType("bool", other),
    };
}

/// UTF-8 text; bytes are none.
pub fn string(reader: *Reader) DecodeError![]const u8 {
    switch (try reader.token()) {
        .string => |size| {
            const text = try reader.take(size);
            return if (std.unicode.utf8ValidateSlice(text)) text else error.NotUtf8;
        },
        else => |other| return reader.wrongType("string", other),
    }
}

/// Bytes; a string is none.
pub fn bytes(reader: *Reader) DecodeError![]const u8 {
    return switch (try reader.token()) {
        .bytes => |size| reader.take(size),
        else => |other| reader.wrongType("bytes", other),
    };
}

/// Whether nil stands here; passes over it.
pub fn isNil(reader: *Reader) bool {
    if (reader.rest.len == 0 or reader.rest[0] != 0xc0) return false;
    reader.rest = reader.rest[1..];
    return true;
}

/// The head of an array: so many values follow.
pub fn array(reader: *Reader) DecodeError!u32 {
    return switch (try reader.token()) {
        .array => |count| reader.room(count, count),
        else => |other| reader.wrongType("an array", other),
    };
}

/// The head of a map: so many keys and values follow.
pub fn map(reader: *Reader) DecodeError!u32 {
    return switch (try reader.token()) {
        .map => |count| reader.room(count, 2 * @as(u64, count)),
        else => |other| reader.wrongType("a map", other),
    };
}

/// Passes over one value, whatever it is and however deeply it nests: nothing is kept but a count.
pub fn skip(reader: *Reader) DecodeError!void {
    var values: u64 = 1;
    while (values > 0) {
        values -= 1;
        switch (try reader.token()) {
            .string, .bytes => |size| _ = try reader.take(size),
            .extension => |size| _ = try reader.take(size),
            .array => |count| values += count,
            .map => |count| values += 2 * @as(u64, count),
            else => {},
        }
    }
}

/// Refuses a length.
pub fn wrongLength(reader: *Reader, wanted: usize, found: usize) DecodeError {
    reader.fault = .{ .wanted_size = wanted, .found_size = found };
    return error.WrongLength;
}

/// Refuses a struct for a field that it has not.
pub fn missing(reader: *Reader, comptime name: []const u8) DecodeError {
    reader.fault = .{ .wanted = name };
    return error.MissingField;
}

fn wrongType(reader: *Reader, wanted: []const u8, found: Token) DecodeError {
    reader.fault = .{ .wanted = wanted, .found = found.kind() };
    return error.WrongType;
}

fn token(reader: *Reader) DecodeError!Token {
    return Token.read(&reader.rest);
}

/// Whether so many values can follow: each takes a byte at least, and a head that lies is not believed.
fn room(reader: *const Reader, count: u32, values: u64) DecodeError!u32 {
    return if (values > reader.rest.len) error.Truncated else count;
}

fn take(reader: *Reader, size: u64) DecodeError![]const u8 {
    if (size > reader.rest.len) return error.Truncated;
    defer reader.rest = reader.rest[@intCast(size)..];
    return reader.rest[0..@intCast(size)];
}

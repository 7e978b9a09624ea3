//! The codec: one form written, every width read, nothing taken for something else.

const std = @import("std");
const msgpack = @import("proofplane").msgpack;
const values = @import("values");
const Everything = @import("echo").types.Everything;
const testing = std.testing;

/// A struct with one field of this type and codec.
fn One(comptime T: type, comptime codec: type) type {
    return struct {
        it: T,
        pub const Codec = msgpack.Struct(.{.{ "it", "it", codec }});
    };
}

const before = "\x81\xa2it";

fn expectWritten(comptime codec: type, value: anytype, expected: []const u8) !void {
    const bytes = try msgpack.encode(testing.allocator, One(@TypeOf(value), codec){ .it = value });
    defer testing.allocator.free(bytes);
    try testing.expectEqualSlices(u8, before, bytes[0..before.len]);
    try testing.expectEqualSlices(u8, expected, bytes[before.len..]);
}

fn expectRefused(comptime T: type, comptime codec: type, comptime bytes: []const u8, expected: anyerror) !void {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    try testing.expectError(expected, msgpack.decode(One(T, codec), arena.allocator(), before ++ bytes, null));
}

fn expectRead(comptime T: type, comptime codec: type, comptime bytes: []const u8, expected: T) !void {
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    const read = try msgpack.decode(One(T, codec), arena.allocator(), before ++ bytes, null);
    try testing.expectEqualDeep(expected, read.it);
}

test "integers take the fewest bytes and arrive in any width" {
    try expectWritten(msgpack.Integer, @as(u64, 0x7f), "\x7f");
    try expectWritten(msgpack.Integer, @as(u64, 0x80), "\xcc\x80");
    try expectWritten(msgpack.Integer, @as(u64, 0x100), "\xcd\x01\x00");
    try expectWritten(msgpack.Integer, @as(u64, 0x1_0000), "\xce\x00\x01\x00\x00");
    try expectWritten(msgpack.Integer, @as(u64, 0x1_0000_0000), "\xcf\x00\x00\x00\x01\x00\x00\x00\x00");
    inline for (.{ "\x05", "\xcc\x05", "\xcd\x00\x05", "\xce\x00\x00\x00\x05", "\xd0\x05", "\xd3\x00\x00\x00\x00\x00\x00\x00\x05" }) |bytes| {
        try expectRead(u8, msgpack.Integer, bytes, 5);
    }
}

test "a float takes nine bytes though it is whole, and may arrive as an integer" {
    try expectWritten(msgpack.Float, @as(f64, 1.0), "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00");
    try expectRead(f64, msgpack.Float, "\xff", -1.0);
}

test "nothing is taken for something else" {
    try expectRefused([]const u8, msgpack.Bytes, "\xa1x", error.WrongType);
    try expectRefused([1]u8, msgpack.FixedBytes, "\xa1x", error.WrongType);
    try expectRefused([]const u8, msgpack.Bytes, "\x91\x01", error.WrongType);
    try expectRefused([]const u8, msgpack.String, "\xc4\x01x", error.WrongType);
    try expectRefused(u8, msgpack.Integer, "\xca\x3f\x80\x00\x00", error.WrongType);
    try expectRefused(u8, msgpack.Integer, "\xc0", error.WrongType);
    try expectRefused(bool, msgpack.Bool, "\x01", error.WrongType);
    try expectRefused(u8, msgpack.Integer, "\xff", error.OutOfRange);
    try expectRefused(u8, msgpack.Integer, "\xcd\x01\x00", error.OutOfRange);
    try expectRefused([2]u8, msgpack.FixedBytes, "\xc4\x01x", error.WrongLength);
    try expectRefused([2]u8, msgpack.Array(msgpack.Integer), "\x91\x01", error.WrongLength);
    try expectRefused([]const u8, msgpack.String, "\xa1\xff", error.NotUtf8);
    try expectRefused(u8, msgpack.Integer, "\xc1", error.NotAValue);
    try expectRefused(u8, msgpack.Integer, "\x01\x01", error.Trailing);
    try expectRefused([]const u8, msgpack.List(msgpack.Integer), "\xdd\xff\xff\xff\xff\x01", error.Truncated);
}

test "maps leave with ascending keys, arrive in any order, and of two equal keys the later counts" {
    const Entry = msgpack.Entry(u32, u8);
    const given: []const Entry = &.{ .{ .key = 300, .value = 1 }, .{ .key = 2, .value = 9 } };
    try expectWritten(msgpack.Map(msgpack.Integer), given, "\x82\x02\x09\xcd\x01\x2c\x01");
    const expected: []const Entry = &.{ .{ .key = 1, .value = 7 }, .{ .key = 2, .value = 8 } };
    try expectRead([]const Entry, msgpack.Map(msgpack.Integer), "\x83\x02\x05\x01\x07\x02\x08", expected);
}

test "a missing field is named, an unknown one is passed over, and one given twice counts as given last" {
    const Two = struct {
        first: u8,
        second: u8,
        pub const Codec = msgpack.Struct(.{ .{ "first", "First", msgpack.Integer }, .{ "second", "Second", msgpack.Integer } });
    };
    var fault: msgpack.Reader.Fault = .{};
    try testing.expectError(error.MissingField, msgpack.decode(Two, testing.failing_allocator, "\x81\xa5First\x01", &fault));
    var buffer: [64]u8 = undefined;
    try testing.expectEqualStrings("missing field Second", fault.describe(&buffer, error.MissingField));
    const bytes = "\x84\xa5First\x01\xa3odd\x92\x81\x01\xc0\xd4\x00\x00\xa6Second\x02\xa5First\x03";
    try testing.expectEqual(Two{ .first = 3, .second = 2 }, try msgpack.decode(Two, testing.failing_allocator, bytes, null));
}

test "what is wrong inside packed bytes is told as what is wrong" {
    const Inner = One(u8, msgpack.Integer);
    var fault: msgpack.Reader.Fault = .{};
    const read = msgpack.decode(One(Inner, msgpack.Packed(Inner.Codec)), testing.failing_allocator, before ++ "\xc4\x01\x80", &fault);
    try testing.expectError(error.MissingField, read);
    try testing.expectEqualStrings("it", fault.wanted);
}

test "nesting costs the reader no stack" {
    const deep = try testing.allocator.alloc(u8, 1_000_000);
    defer testing.allocator.free(deep);
    @memset(deep, 0x91);
    deep[deep.len - 1] = 0xc0;
    var reader: msgpack.Reader = .init(deep, testing.failing_allocator);
    try reader.skip();
    try reader.finish();
}

fn again(allocator: std.mem.Allocator, value: Everything) !void {
    var arena: std.heap.ArenaAllocator = .init(allocator);
    defer arena.deinit();
    const bytes = try msgpack.encode(allocator, value);
    defer allocator.free(bytes);
    const read = try msgpack.decode(Everything, arena.allocator(), bytes, null);
    const anew = try msgpack.encode(allocator, read);
    defer allocator.free(anew);
    try testing.expectEqualSlices(u8, bytes, anew);
}

test "every value comes back, and no allocation that fails leaks or is swallowed" {
    try testing.checkAllAllocationFailures(testing.allocator, again, .{values.lowest});
    try testing.checkAllAllocationFailures(testing.allocator, again, .{values.highest});
}

test "bytes cut anywhere are refused, and no changed byte makes the reader read past its end" {
    const bytes = try msgpack.encode(testing.allocator, values.highest);
    defer testing.allocator.free(bytes);
    var arena: std.heap.ArenaAllocator = .init(testing.allocator);
    defer arena.deinit();
    var random: std.Random.DefaultPrng = .init(24198);
    var taken: usize = 0;
    for (0..bytes.len) |at| {
        _ = arena.reset(.retain_capacity);
        if (msgpack.decode(Everything, arena.allocator(), bytes[0..at], null)) |_| return error.CutBytesWereTaken else |_| {}
        // A copy of its exact size, so that a read past the end is a read past the allocation.
        const changed = try testing.allocator.dupe(u8, bytes);
        defer testing.allocator.free(changed);
        changed[at] = random.random().int(u8);
        if (msgpack.decode(Everything, arena.allocator(), changed, null)) |_| taken += 1 else |_| {}
    }
    try testing.expect(taken > 0 and taken < bytes.len);
}

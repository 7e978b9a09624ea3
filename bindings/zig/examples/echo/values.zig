//! Two values whose fields stand at their boundaries.

const std = @import("std");
const types = @import("echo").types;

pub const lowest: types.Everything = .{
    .small = 0,
    .medium = 0,
    .word = 0,
    .large = 0,
    .ratio = -0.0,
    .flag = false,
    .text = "",
    .blob = "",
    .field = @splat(0),
    .maybe = null,
    .numbers = &.{},
    .pair = @splat(@splat(0)),
    .state = &.{},
    .nested = point(0),
    .points = &.{},
    .maybe_point = null,
};

pub const highest: types.Everything = .{
    .small = std.math.maxInt(u8),
    .medium = std.math.maxInt(u16),
    .word = std.math.maxInt(u32),
    .large = std.math.maxInt(u64),
    .ratio = -std.math.floatMax(f64),
    .flag = true,
    .text = "naïve Ω 証明 🧾",
    .blob = &every_byte,
    .field = @splat(0xff),
    .maybe = std.math.maxInt(u32),
    .numbers = &.{ 0, 127, 128, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, std.math.maxInt(u64) },
    .pair = .{ @splat(1), @splat(0xfe) },
    .state = &.{
        .{ .key = 0, .value = .{ @splat(2), 0 } },
        .{ .key = 128, .value = .{ @splat(3), 1 } },
        .{ .key = std.math.maxInt(u32), .value = .{ @splat(4), std.math.maxInt(u64) } },
    },
    .nested = point(5),
    .points = &many_points,
    .maybe_point = point(0xff),
};

const every_byte: [256]u8 = blk: {
    var bytes: [256]u8 = undefined;
    for (&bytes, 0..) |*byte, at| byte.* = at;
    break :blk bytes;
};

const many_points: [20]types.Point = blk: {
    var points: [20]types.Point = undefined;
    for (&points, 0..) |*one, at| one.* = point(at);
    break :blk points;
};

fn point(byte: u8) types.Point {
    return .{ .x = @splat(byte), .y = @splat(byte +% 1) };
}

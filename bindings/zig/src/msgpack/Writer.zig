//! Writes values in the one form that a contract gives each: smallest integers, f64 always 9 bytes.

const std = @import("std");

const Writer = @This();

allocator: std.mem.Allocator,
out: std.ArrayList(u8) = .empty,

pub const Error = error{OutOfMemory};

/// Nothing written.
pub fn init(allocator: std.mem.Allocator) Writer {
    return .{ .allocator = allocator };
}

/// Frees what was written.
pub fn deinit(writer: *Writer) void {
    writer.out.deinit(writer.allocator);
}

/// What was written, on loan.
pub fn written(writer: *const Writer) []const u8 {
    return writer.out.items;
}

/// An integer, in the fewest bytes.
pub fn integer(writer: *Writer, value: u64) Error!void {
    if (value <= 0x7f) {
        try writer.byte(@intCast(value));
    } else if (value <= 0xffff_ffff) {
        try writer.head(.{ 0xcc, 0xcd, 0xce }, @intCast(value));
    } else {
        try writer.byte(0xcf);
        try writer.big(u64, value);
    }
}

/// Nine bytes whatever the value, so that 1.0 and 1 differ on the wire.
pub fn float(writer: *Writer, value: f64) Error!void {
    try writer.byte(0xcb);
    try writer.big(u64, @bitCast(value));
}

/// True or false.
pub fn boolean(writer: *Writer, value: bool) Error!void {
    try writer.byte(if (value) 0xc3 else 0xc2);
}

/// Nothing.
pub fn nil(writer: *Writer) Error!void {
    try writer.byte(0xc0);
}

/// UTF-8 text.
pub fn string(writer: *Writer, text: []const u8) Error!void {
    if (text.len <= 31) try writer.byte(0xa0 | @as(u8, @intCast(text.len))) else try writer.head(.{ 0xd9, 0xda, 0xdb }, length(text.len));
    try writer.raw(text);
}

/// Bytes of any or of fixed size.
pub fn bytes(writer: *Writer, blob: []const u8) Error!void {
    try writer.head(.{ 0xc4, 0xc5, 0xc6 }, length(blob.len));
    try writer.raw(blob);
}

/// The head of an array: so many values must follow.
pub fn array(writer: *Writer, count: usize) Error!void {
    if (count <= 15) try writer.byte(0x90 | @as(u8, @intCast(count))) else try writer.head(.{ null, 0xdc, 0xdd }, length(count));
}

/// The head of a map: so many keys and values must follow.
pub fn map(writer: *Writer, count: usize) Error!void {
    if (count <= 15) try writer.byte(0x80 | @as(u8, @intCast(count))) else try writer.head(.{ null, 0xde, 0xdf }, length(count));
}

/// Values that are packed already.
pub fn raw(writer: *Writer, packed_values: []const u8) Error!void {
    try writer.out.appendSlice(writer.allocator, packed_values);
}

/// A marker and a number of 1, 2 or 4 bytes: the narrowest that holds it and has a marker.
fn head(writer: *Writer, markers: [3]?u8, size: u32) Error!void {
    if (markers[0] != null and size <= 0xff) {
        try writer.byte(markers[0].?);
        try writer.byte(@intCast(size));
    } else if (size <= 0xffff) {
        try writer.byte(markers[1].?);
        try writer.big(u16, @intCast(size));
    } else {
        try writer.byte(markers[2].?);
        try writer.big(u32, size);
    }
}

fn byte(writer: *Writer, value: u8) Error!void {
    try writer.out.append(writer.allocator, value);
}

fn big(writer: *Writer, comptime T: type, value: T) Error!void {
    var buffer: [@sizeOf(T)]u8 = undefined;
    std.mem.writeInt(T, &buffer, value, .big);
    try writer.raw(&buffer);
}

/// A length as msgpack carries it: below 4 GiB, and no frame holds near as much.
fn length(size: usize) u32 {
    return std.math.cast(u32, size) orelse @panic("msgpack carries lengths below 4 GiB, and a frame far less");
}

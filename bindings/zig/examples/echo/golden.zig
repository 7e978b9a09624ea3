//! Decodes frames and encodes them anew.

const std = @import("std");
const rpc = @import("proofplane");
const echo = @import("echo");
const types = echo.types;
const msgpack = rpc.msgpack;

/// A frame's envelope.
const Envelope = struct {
    id: ?u64,
    name: []const u8,
    payload: []const u8,
};

/// Names on the wire, and what they name.
const requests = .{
    .{ "Hello", rpc.Hello },
    .{ "EchoBytes", types.EchoBytes },
    .{ "EchoEverything", types.EchoEverything },
    .{ "Measure", types.Measure },
    .{ "Sleep", types.Sleep },
    .{ "Fail", types.Fail },
    .{ "Forget", types.Forget },
};
const replies = .{
    .{ "HelloResponse", rpc.HelloResponse },
    .{ "EchoBytesResponse", types.EchoBytesResponse },
    .{ "EchoEverythingResponse", types.EchoEverythingResponse },
    .{ "MeasureResponse", types.MeasureResponse },
    .{ "SleepResponse", types.SleepResponse },
    .{ "FailResponse", types.FailResponse },
    .{ "ForgetResponse", types.ForgetResponse },
    .{ "ErrorResponse", types.ErrorResponse },
};

/// Longest name that an envelope may carry, bytes.
const longest_name = 255;

pub fn run(gpa: std.mem.Allocator, io: std.Io) !void {
    var in_buffer: [4096]u8 = undefined;
    var in = std.Io.File.stdin().readerStreaming(io, &in_buffer);
    const lines = try in.interface.allocRemaining(gpa, .unlimited);
    defer gpa.free(lines);
    var out: std.Io.Writer.Allocating = .init(gpa);
    defer out.deinit();
    var each = std.mem.tokenizeScalar(u8, lines, '\n');
    while (each.next()) |line| {
        var arena: std.heap.ArenaAllocator = .init(gpa);
        defer arena.deinit();
        var fault: msgpack.Reader.Fault = .{};
        if (anew(arena.allocator(), line, &fault)) |frame| {
            try out.writer.print("{x}\n", .{frame});
        } else |err| {
            try out.writer.writeAll("error");
            try reason(&out.writer, @errorName(err));
            try out.writer.print(" {s} {s}\n", .{ fault.wanted, fault.found });
        }
    }
    try std.Io.File.stdout().writeStreamingAll(io, out.written());
}

/// `NotAPair` as ` not_a_pair`: the word that every language has for a reason.
fn reason(out: *std.Io.Writer, name: []const u8) !void {
    for (name, 0..) |letter, at| {
        if (std.ascii.isUpper(letter)) try out.writeByte(if (at == 0) ' ' else '_');
        try out.writeByte(std.ascii.toLower(letter));
    }
}

fn anew(arena: std.mem.Allocator, line: []const u8, fault: *msgpack.Reader.Fault) ![]const u8 {
    const space = std.mem.indexOfScalar(u8, line, ' ') orelse return error.NeitherRequestNorReply;
    const hex = std.mem.trim(u8, line[space..], " \r");
    const body = try std.fmt.hexToBytes(try arena.alloc(u8, hex.len / 2), hex);
    if (body.len == 0) return error.Empty;
    var reader: msgpack.Reader = .init(body, arena);
    var writer: msgpack.Writer = .init(arena);
    if (std.mem.eql(u8, line[0..space], "request")) {
        const envelope = try request(&reader);
        const fields = try repacked(requests, arena, envelope, fault);
        try writer.array(if (envelope.id == null) 1 else 2);
        try pair(&writer, envelope, fields);
    } else if (std.mem.eql(u8, line[0..space], "reply")) {
        const envelope = try reply(&reader);
        const fields = try repacked(replies, arena, envelope, fault);
        if (envelope.id != null) try writer.array(2);
        try pair(&writer, envelope, fields);
    } else return error.NeitherRequestNorReply;
    return writer.written();
}

fn pair(writer: *msgpack.Writer, envelope: Envelope, fields: []const u8) !void {
    if (envelope.id) |id| try writer.integer(id);
    try writer.array(2);
    try writer.string(envelope.name);
    try writer.raw(fields);
}

/// `[[Name, {..}]]` or `[id, [Name, {..}]]`.
fn request(reader: *msgpack.Reader) !Envelope {
    return switch (try head(reader, error.NotAnEnvelope)) {
        1 => named(reader, null, true),
        2 => named(reader, try idOf(reader), true),
        else => error.NotAnEnvelope,
    };
}

/// `[Name, {..}]` or `[id, [Name, {..}]]`.
fn reply(reader: *msgpack.Reader) !Envelope {
    if (try head(reader, error.NotAnEnvelope) != 2) return error.NotAnEnvelope;
    const start = reader.*;
    const id = idOf(reader) catch |err| switch (err) {
        error.IdNotAnInteger => {
            reader.* = start;
            return named(reader, null, false);
        },
        else => return err,
    };
    return named(reader, id, true);
}

fn head(reader: *msgpack.Reader, otherwise: anyerror) !u32 {
    return reader.array() catch |err| if (err == error.Truncated) err else otherwise;
}

fn idOf(reader: *msgpack.Reader) !u64 {
    const id = reader.integer(u64) catch |err| return if (err == error.Truncated) err else error.IdNotAnInteger;
    return if (id == 0) error.IdZero else id;
}

fn named(reader: *msgpack.Reader, id: ?u64, wrapped: bool) !Envelope {
    if (wrapped and try head(reader, error.NotAPair) != 2) return error.NotAPair;
    const name = reader.string() catch |err| return switch (err) {
        error.Truncated => err,
        error.NotUtf8 => error.NameNotUtf8,
        else => error.BadName,
    };
    if (name.len > longest_name) return error.BadName;
    return .{ .id = id, .name = name, .payload = reader.rest };
}

fn repacked(comptime known: anytype, arena: std.mem.Allocator, envelope: Envelope, fault: *msgpack.Reader.Fault) ![]const u8 {
    inline for (known) |one| if (std.mem.eql(u8, envelope.name, one[0])) {
        return msgpack.encode(arena, try msgpack.decode(one[1], arena, envelope.payload, fault));
    };
    return error.UnknownName;
}

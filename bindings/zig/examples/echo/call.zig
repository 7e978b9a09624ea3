//! Calls every method and compares.

const std = @import("std");
const rpc = @import("proofplane");
const echo = @import("echo");
const values = @import("values");
const types = echo.types;

/// Far more than any of these calls takes.
const patience: std.Io.Timeout = .{ .duration = .{ .raw = .fromSeconds(10), .clock = .awake } };

/// One run of the script; what went wrong is written to `failure`, a line.
const Script = struct {
    allocator: std.mem.Allocator,
    client: echo.EchoClient,
    failure: *std.Io.Writer,

    fn wrong(script: Script, comptime format: []const u8, args: anytype) anyerror {
        try script.failure.print(format, args);
        return error.Mismatch;
    }

    fn echoBytes(script: Script, size: usize) !void {
        const data = try script.allocator.alloc(u8, size);
        defer script.allocator.free(data);
        for (data, 0..) |*byte, at| byte.* = @intCast(at % 251);
        var pending = try script.client.echoBytes(.{ .data = data });
        defer pending.deinit();
        const reply = try pending.wait(patience);
        if (!std.mem.eql(u8, reply.data, data)) return script.wrong("EchoBytes of {d}: other bytes came", .{size});
    }

    fn echoEverything(script: Script, value: types.Everything) !void {
        var pending = try script.client.echoEverything(.{ .value = value });
        defer pending.deinit();
        const reply = try pending.wait(patience);
        std.testing.expectEqualDeep(value, reply.value) catch return script.wrong("EchoEverything: another value came", .{});
    }

    fn measure(script: Script) !void {
        const number = std.math.maxInt(u32);
        var pending = try script.client.measure(.{ .name = "measure", .number = number, .digest = @splat(7) });
        defer pending.deinit();
        const wanted: types.MeasureResponse = .{ .name = "measure", .number = number, .digest = @splat(7), .tag = number + 1 };
        std.testing.expectEqualDeep(wanted, try pending.wait(patience)) catch return script.wrong("Measure: another value came", .{});
    }

    fn fail(script: Script) !void {
        const message = "it fails: ümlaut";
        var pending = try script.client.fail(.{ .message = message });
        defer pending.deinit();
        if (pending.wait(patience)) |_| return script.wrong("Fail: an error was wanted", .{}) else |err| {
            if (err != error.Refused or !std.mem.eql(u8, pending.message, message)) {
                return script.wrong("Fail: {s}: {s}", .{ @errorName(err), pending.message });
            }
        }
    }

    fn forget(script: Script) !void {
        var pending = try script.client.forget(.{});
        defer pending.deinit();
        if (pending.wait(patience)) |_| return script.wrong("Forget: an error was wanted", .{}) else |err| {
            if (err != error.Refused) return script.wrong("Forget: {s}: {s}", .{ @errorName(err), pending.message });
        }
    }

    /// Four calls at once, each faster than the one before; the tokens in the order in which the replies came.
    fn sleepers(script: Script) ![4]u64 {
        const Arrival = struct { at: i96, token: u64 };
        var calls: [4]rpc.Pending(types.SleepResponse) = undefined;
        for (&calls, 1..) |*call, token| call.* = try script.client.sleep(.{ .milliseconds = @intCast(200 - 50 * token), .token = token });
        defer for (&calls) |*call| call.deinit();
        var arrivals: [4]Arrival = undefined;
        for (&calls, &arrivals) |*call, *arrival| {
            const reply = try call.wait(patience);
            arrival.* = .{ .at = call.cameAt().?.nanoseconds, .token = reply.token };
        }
        std.mem.sort(Arrival, &arrivals, {}, struct {
            fn before(_: void, left: Arrival, right: Arrival) bool {
                return left.at < right.at;
            }
        }.before);
        var order: [4]u64 = undefined;
        for (&order, arrivals) |*token, arrival| token.* = arrival.token;
        return order;
    }
};

pub fn run(allocator: std.mem.Allocator, io: std.Io, address: [:0]const u8, order: rpc.Client.Order, failure: *std.Io.Writer) !void {
    var diagnostic: rpc.Diagnostic = .{};
    const client = echo.connect(allocator, io, address, .{ .order = order, .diagnostic = &diagnostic }) catch |err| {
        try failure.print("{s}: {s}", .{ @errorName(err), diagnostic.message() });
        return err;
    };
    defer client.close();
    const script: Script = .{ .allocator = allocator, .client = client, .failure = failure };
    for ([_]usize{ 0, 1, 31, 32, 255, 256, 65_535, 65_536, 100_000 }) |size| try script.echoBytes(size);
    try script.echoEverything(values.lowest);
    try script.echoEverything(values.highest);
    try script.measure();
    try script.fail();
    try script.forget();

    const came = try script.sleepers();
    var line: [64]u8 = undefined;
    const out: std.Io.File = .stdout();
    try out.writeStreamingAll(io, try std.fmt.bufPrint(&line, "order: {d} {d} {d} {d}\n", .{ came[0], came[1], came[2], came[3] }));
    const wanted: [4]u64 = if (order == .ids) .{ 4, 3, 2, 1 } else .{ 1, 2, 3, 4 };
    if (!std.mem.eql(u64, &came, &wanted)) return script.wrong("order: {any} wanted", .{wanted});
    try out.writeStreamingAll(io, "ok\n");
}

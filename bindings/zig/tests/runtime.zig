//! Client and server of the runtime against each other, on every path of a call.

const std = @import("std");
const rpc = @import("proofplane");
const echo = @import("echo");
const types = echo.types;
const testing = std.testing;
const io = testing.io;

/// Far more than any of these calls takes.
const patience: std.Io.Timeout = .{ .duration = .{ .raw = .fromSeconds(30), .clock = .awake } };

/// Handlers that take each way out of a handler.
const Odd = struct {
    /// Held back until `release`.
    held: std.Io.Event = .unset,
    kept: ?rpc.Responder(types.SleepResponse) = null,

    pub fn echoBytes(_: *Odd, request: types.EchoBytes, responder: *rpc.Responder(types.EchoBytesResponse)) !void {
        responder.ok(.{ .data = request.data });
    }
    pub fn echoEverything(_: *Odd, _: types.EchoEverything, _: *rpc.Responder(types.EchoEverythingResponse)) !void {
        return error.NotToday;
    }
    pub fn measure(_: *Odd, request: types.Measure, responder: *rpc.Responder(types.MeasureResponse)) !void {
        responder.ok(.{ .name = request.name, .number = request.number, .digest = request.digest, .tag = 0 });
        // Answered already: only the answer counts.
        return error.AfterTheAnswer;
    }
    pub fn sleep(service: *Odd, _: types.Sleep, responder: *rpc.Responder(types.SleepResponse)) !void {
        service.kept = responder.later();
        service.held.set(io);
    }
    pub fn fail(_: *Odd, request: types.Fail, responder: *rpc.Responder(types.FailResponse)) !void {
        var mine = responder.later();
        mine.fail(request.message);
    }
    pub fn forget(_: *Odd, _: types.Forget, _: *rpc.Responder(types.ForgetResponse)) !void {}
};

/// A server and a client of it in a directory of their own.
const Pair = struct {
    directory: testing.TmpDir,
    address: [:0]u8,
    service: *Odd,
    server: rpc.Server,
    client: echo.EchoClient,

    fn open() !Pair {
        var directory = testing.tmpDir(.{});
        const root = try directory.dir.realPathFileAlloc(io, ".", testing.allocator);
        defer testing.allocator.free(root);
        const address = try std.fmt.allocPrintSentinel(testing.allocator, "{s}/s.sock", .{root}, 0);
        const service = try testing.allocator.create(Odd);
        service.* = .{};
        const server = try echo.serve(testing.allocator, address, .{}, service);
        return .{
            .directory = directory,
            .address = address,
            .service = service,
            .server = server,
            .client = try echo.connect(testing.allocator, io, address, .{ .order = .ids }),
        };
    }

    fn close(pair: *Pair) void {
        pair.client.close();
        pair.server.stop(0);
        pair.end();
    }

    fn end(pair: *Pair) void {
        testing.allocator.destroy(pair.service);
        testing.allocator.free(pair.address);
        pair.directory.cleanup();
    }
};

fn expectRefusal(pending: anytype, message: []const u8) !void {
    var call = pending;
    defer call.deinit();
    try testing.expectError(error.Refused, call.wait(patience));
    try testing.expectEqualStrings(message, call.message);
}

test "a handler that returns an error answers its name, unless it has answered" {
    var pair = try Pair.open();
    defer pair.close();
    try expectRefusal(try pair.client.echoEverything(.{ .value = @import("values").lowest }), "NotToday");
    var call = try pair.client.measure(.{ .name = "n", .number = 1, .digest = @splat(0) });
    defer call.deinit();
    try testing.expectEqualStrings("n", (try call.wait(patience)).name);
}

test "a handler that returns without answering answers an error, one that took the duty along does not" {
    var pair = try Pair.open();
    defer pair.close();
    var forgotten = try pair.client.forget(.{});
    defer forgotten.deinit();
    try testing.expectError(error.Refused, forgotten.wait(patience));
    try testing.expect(forgotten.message.len > 0);
    try expectRefusal(try pair.client.fail(.{ .message = "later" }), "later");
}

test "time that is over leaves the call alone: the reply may still be waited for" {
    var pair = try Pair.open();
    defer pair.close();
    var call = try pair.client.sleep(.{ .milliseconds = 0, .token = 0 });
    defer call.deinit();
    try testing.expectError(error.Timeout, call.wait(.{ .duration = .{ .raw = .fromMilliseconds(1), .clock = .awake } }));
    try testing.expectEqual(null, call.cameAt());
    pair.service.held.waitUncancelable(io);
    pair.service.kept.?.ok(.{ .token = 5 });
    try testing.expectEqual(5, (try call.wait(patience)).token);
    try testing.expect(call.cameAt() != null);
}

test "a call that is given up drops its reply and nothing else" {
    var pair = try Pair.open();
    defer pair.close();
    var dropped = try pair.client.sleep(.{ .milliseconds = 0, .token = 0 });
    dropped.deinit();
    pair.service.held.waitUncancelable(io);
    pair.service.kept.?.ok(.{ .token = 5 });
    var call = try pair.client.echoBytes(.{ .data = "x" });
    defer call.deinit();
    try testing.expectEqualStrings("x", (try call.wait(patience)).data);
}

test "closing fails what is in flight, and a pending reply outlives its client" {
    var pair = try Pair.open();
    defer pair.end();
    var call = try pair.client.sleep(.{ .milliseconds = 0, .token = 0 });
    defer call.deinit();
    pair.service.held.waitUncancelable(io);
    pair.client.close();
    try testing.expectError(error.Closed, call.wait(patience));
    // A late answer reaches nobody, and what it holds is freed.
    pair.service.kept.?.ok(.{ .token = 5 });
    pair.server.stop(0);
}

test "what a server cannot read is told to the client in words" {
    var pair = try Pair.open();
    defer pair.close();
    const Wrong = struct {
        milliseconds: u8,
        pub const Codec = rpc.msgpack.Struct(.{.{ "milliseconds", "milliseconds", rpc.msgpack.Integer }});
    };
    try expectRefusal(
        try pair.client.rpc_client.call(types.SleepResponse, "Sleep", "SleepResponse", Wrong{ .milliseconds = 1 }),
        "missing field token",
    );
}

test "a reply of another shape or name is a disagreement about the contract" {
    var pair = try Pair.open();
    defer pair.close();
    const request: types.EchoBytes = .{ .data = "x" };
    var shape = try pair.client.rpc_client.call(types.SleepResponse, "EchoBytes", "EchoBytesResponse", request);
    defer shape.deinit();
    try testing.expectError(error.BadReply, shape.wait(patience));
    try testing.expectEqualStrings("missing field token", shape.message);
    var name = try pair.client.rpc_client.call(types.EchoBytesResponse, "EchoBytes", "OtherResponse", request);
    defer name.deinit();
    try testing.expectError(error.BadReply, name.wait(patience));
    try testing.expectEqualStrings("EchoBytesResponse", name.message);
}

test "an address in use, a bad one, and another schema are told apart, each with a sentence" {
    var pair = try Pair.open();
    defer pair.close();
    var diagnostic: rpc.Diagnostic = .{};
    try testing.expectError(error.InUse, echo.serve(testing.allocator, pair.address, .{ .diagnostic = &diagnostic }, pair.service));
    try testing.expect(diagnostic.message().len > 0);
    try testing.expectError(error.Invalid, echo.connect(testing.allocator, io, "nonsense", .{ .diagnostic = &diagnostic }));
    var other = echo.contract;
    other.schema_hash = @splat(9);
    try testing.expectError(error.Mismatch, rpc.Client.connect(testing.allocator, io, &other, pair.address, .{ .diagnostic = &diagnostic }));
    try testing.expect(diagnostic.message().len > 0);
}

//! Serves until standard input ends or SIGTERM comes.

const std = @import("std");
const rpc = @import("proofplane");
const echo = @import("echo");
const types = echo.types;
const posix = std.posix;

/// How long accepted requests may take to finish at the end, milliseconds: far more than the longest sleep that callers ask for.
const grace_ms = 2000;

const Echo = struct {
    io: std.Io,

    pub fn echoBytes(_: *Echo, request: types.EchoBytes, responder: *rpc.Responder(types.EchoBytesResponse)) !void {
        responder.ok(.{ .data = request.data });
    }

    pub fn echoEverything(_: *Echo, request: types.EchoEverything, responder: *rpc.Responder(types.EchoEverythingResponse)) !void {
        responder.ok(.{ .value = request.value });
    }

    pub fn measure(_: *Echo, request: types.Measure, responder: *rpc.Responder(types.MeasureResponse)) !void {
        responder.ok(.{ .name = request.name, .number = request.number, .digest = request.digest, .tag = @as(u64, request.number) + 1 });
    }

    pub fn sleep(service: *Echo, request: types.Sleep, responder: *rpc.Responder(types.SleepResponse)) !void {
        // A thread of its own, so that no worker is held; the bound on requests in flight bounds these threads.
        const thread = try std.Thread.spawn(.{}, sleepThenAnswer, .{ service.io, request, responder.later() });
        thread.detach();
    }

    pub fn fail(_: *Echo, request: types.Fail, responder: *rpc.Responder(types.FailResponse)) !void {
        responder.fail(request.message);
    }

    pub fn forget(_: *Echo, _: types.Forget, _: *rpc.Responder(types.ForgetResponse)) !void {}
};

fn sleepThenAnswer(io: std.Io, request: types.Sleep, given: rpc.Responder(types.SleepResponse)) void {
    var responder = given;
    io.sleep(.fromMilliseconds(request.milliseconds), .awake) catch |err| return responder.fail(@errorName(err));
    responder.ok(.{ .token = request.token });
}

pub fn run(allocator: std.mem.Allocator, io: std.Io, address: [:0]const u8, failure: *std.Io.Writer) !void {
    // Blocked before the server has threads, so that none of them takes it: it is read from a descriptor.
    var signals = posix.sigemptyset();
    posix.sigaddset(&signals, .TERM);
    posix.sigprocmask(posix.SIG.BLOCK, &signals, null);
    const signalled = try posix.signalfd(-1, &signals, std.os.linux.SFD.CLOEXEC);

    var service: Echo = .{ .io = io };
    var diagnostic: rpc.Diagnostic = .{};
    const server = echo.serve(allocator, address, .{ .diagnostic = &diagnostic }, &service) catch |err| {
        try failure.print("{s}: {s}", .{ @errorName(err), diagnostic.message() });
        return err;
    };
    defer server.stop(grace_ms);
    try std.Io.File.stdout().writeStreamingAll(io, "ready\n");

    const input = std.Io.File.stdin();
    while (true) {
        var watched = [_]posix.pollfd{
            .{ .fd = input.handle, .events = posix.POLL.IN, .revents = 0 },
            .{ .fd = signalled, .events = posix.POLL.IN, .revents = 0 },
        };
        _ = try posix.poll(&watched, -1);
        if (watched[1].revents != 0) return;
        var ignored: [256]u8 = undefined;
        if (watched[0].revents != 0 and try posix.read(input.handle, &ignored) == 0) return;
    }
}

//! A running service.

const std = @import("std");
const c = @import("c");
const Contract = @import("contract.zig").Contract;
const Diagnostic = @import("Diagnostic.zig");

const Server = @This();

raw: *c.pp_server,
allocator: std.mem.Allocator,
bound: *anyopaque,
unbind: *const fn (std.mem.Allocator, *anyopaque) void,

/// How to serve; 0 means the default of the core.
pub const Options = struct {
    /// Threads that run handlers; as many as processors may be used.
    workers: u32 = 0,
    /// Requests, by their names on the wire, whose handlers are fast and never block: they may run on the reactor's own thread.
    inlined: []const []const u8 = &.{},
    /// Bytes of a frame's body; 64 MiB.
    max_frame: u32 = 0,
    /// Unanswered requests of one connection before it is no longer read; 1024.
    max_in_flight: u32 = 0,
    /// Bytes of queued replies of one connection before it is no longer read; 16 MiB.
    max_queued: usize = 0,
    /// Served at once; 1024.
    max_connections: u32 = 0,
    /// Requests waiting for workers before nothing is read; 4096.
    max_waiting: u32 = 0,
    /// Shared memory: clients at once; 8.
    slots: u32 = 0,
    /// Shared memory: longest spin, microseconds; 20.
    spin_us: u32 = 0,
    /// Shared memory: bytes of each request ring; 1 MiB.
    request_ring: usize = 0,
    /// Shared memory: bytes of each reply ring; 1 MiB.
    response_ring: usize = 0,
    /// Users that may connect besides our own and root.
    peers: []const u32 = &.{},
    /// Filled when serving fails.
    diagnostic: ?*Diagnostic = null,
};

/// Serves at this address; when it returns, clients can connect. `service` must live until `stop`; the allocator must be usable from any
/// thread. `dispatch` gets the service, a method's number, its payload and the right to answer. For generated code.
pub fn start(
    allocator: std.mem.Allocator,
    contract: *const Contract,
    address: [:0]const u8,
    options: Options,
    service: anytype,
    comptime dispatch: fn (std.mem.Allocator, @TypeOf(service), u32, []const u8, ?*c.pp_responder) void,
) Diagnostic.Error!Server {
    const Bound = struct {
        allocator: std.mem.Allocator,
        service: @TypeOf(service),

        fn handle(context: ?*anyopaque, method: u32, payload: ?[*]const u8, payload_len: usize, responder: ?*c.pp_responder) callconv(.c) void {
            const bound: *@This() = @ptrCast(@alignCast(context.?));
            dispatch(bound.allocator, bound.service, method, if (payload) |there| there[0..payload_len] else "", responder);
        }

        fn destroy(with: std.mem.Allocator, context: *anyopaque) void {
            const bound: *@This() = @ptrCast(@alignCast(context));
            with.destroy(bound);
        }
    };
    const methods = try allocator.alloc(c.pp_method, contract.methods.len);
    defer allocator.free(methods); // the core keeps copies
    for (methods, contract.methods) |*method, named| {
        method.* = .{ .request = named.request, .response = named.response, .runs_inline = @intFromBool(isIn(options.inlined, named.request)) };
    }
    const names: c.pp_contract = .{
        .schema_hash = contract.schema_hash,
        .methods = methods.ptr,
        .method_count = methods.len,
        .@"error" = contract.error_name,
    };
    const asked: c.pp_server_options = .{
        .max_frame = options.max_frame,
        .max_in_flight = options.max_in_flight,
        .max_queued = options.max_queued,
        .max_connections = options.max_connections,
        .max_waiting = options.max_waiting,
        .workers = options.workers,
        .slots = options.slots,
        .spin_us = options.spin_us,
        .request_ring = options.request_ring,
        .response_ring = options.response_ring,
        .peers = options.peers.ptr,
        .peer_count = options.peers.len,
    };
    const bound = try allocator.create(Bound);
    errdefer allocator.destroy(bound);
    bound.* = .{ .allocator = allocator, .service = service };
    var unseen: Diagnostic = .{};
    const diagnostic = options.diagnostic orelse &unseen;
    const raw = c.pp_server_start(address, &names, &asked, Bound.handle, bound, &diagnostic.raw) orelse return diagnostic.cause();
    return .{ .raw = raw, .allocator = allocator, .bound = bound, .unbind = Bound.destroy };
}

/// Counters since the start, and gauges.
pub fn stats(server: Server) c.pp_stats {
    var counted = std.mem.zeroes(c.pp_stats);
    // Refused for null pointers only.
    _ = c.pp_server_stats(server.raw, &counted);
    return counted;
}

/// Finishes what was accepted, for at most `grace_ms` milliseconds; then ends it and unlinks the address. Not from inside a handler.
/// In a child after a fork it does nothing: the server is the parent's.
pub fn stop(server: Server, grace_ms: u32) void {
    switch (c.pp_server_stop(server.raw, grace_ms)) {
        c.PP_OK => server.unbind(server.allocator, server.bound),
        c.PP_FORKED => {},
        else => @panic("a server is stopped once, and not from inside a handler"),
    }
}

fn isIn(names: []const []const u8, name: []const u8) bool {
    for (names) |one| if (std.mem.eql(u8, one, name)) return true;
    return false;
}

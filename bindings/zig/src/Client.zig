//! A connection to one server, for any number of threads. Not to be used in a child after a fork.

const std = @import("std");
const c = @import("c");
const msgpack = @import("msgpack.zig");
const Contract = @import("contract.zig").Contract;
const Diagnostic = @import("Diagnostic.zig");
const pending = @import("pending.zig");

const Client = @This();

raw: *c.pp_client,
allocator: std.mem.Allocator,
io: std.Io,
error_name: []const u8,

/// Which requests a client sends.
pub const Order = enum(u32) {
    /// Says Hello first: with request ids if the server knows them, so that replies come as they are done; else plain.
    ask = c.PP_IDS_AUTO,
    /// Plain requests and no Hello: replies come in the order of the requests, and schemas are not compared.
    plain = c.PP_IDS_NEVER,
    /// Says Hello first, and takes only a server that knows request ids.
    ids = c.PP_IDS_REQUIRE,
};

/// How to connect; 0 means the default of the core.
pub const Options = struct {
    order: Order = .ask,
    /// For connecting and Hello together, milliseconds; 5000.
    deadline_ms: u32 = 0,
    /// Slot of a many-client shared-memory server; needed with one that is not ours.
    slot: ?u32 = null,
    /// Our own child's process id: connects eagerly while it lives.
    child_pid: u32 = 0,
    /// Bytes of a frame's body; 64 MiB.
    max_frame: u32 = 0,
    /// Calls without a reply; 1024.
    max_in_flight: u32 = 0,
    /// Bytes of unsent requests; 16 MiB.
    max_queued: usize = 0,
    /// Longest spin for a reply over shared memory, microseconds; 20.
    spin_us: u32 = 0,
    /// Filled when connecting fails.
    diagnostic: ?*Diagnostic = null,
};

/// Connects, retrying while the server is not there yet. The allocator must be usable from any thread: replies come on the client's own.
pub fn connect(
    allocator: std.mem.Allocator,
    io: std.Io,
    contract: *const Contract,
    address: [:0]const u8,
    options: Options,
) Diagnostic.Error!Client {
    const asked: c.pp_client_options = .{
        .deadline_ms = options.deadline_ms,
        .ids = @backingInt(options.order),
        .has_slot = @intFromBool(options.slot != null),
        .slot = options.slot orelse 0,
        .child_pid = options.child_pid,
        .max_frame = options.max_frame,
        .max_in_flight = options.max_in_flight,
        .spin_us = options.spin_us,
        .max_queued = options.max_queued,
        .schema_hash = contract.schema_hash,
    };
    var unseen: Diagnostic = .{};
    const diagnostic = options.diagnostic orelse &unseen;
    const raw = c.pp_client_connect(address, &asked, &diagnostic.raw) orelse return diagnostic.cause();
    return .{ .raw = raw, .allocator = allocator, .io = io, .error_name = contract.error_name };
}

/// Closes at once: calls in flight fail with `Closed`. No other thread may be using the client. Pending replies may outlive it.
pub fn close(client: Client) void {
    // Its only refusals are a child's after a fork, where everything is left to the parent.
    _ = c.pp_client_close(client.raw);
}

/// Whether requests carry ids, so that replies come as they are done.
pub fn usesIds(client: Client) bool {
    return c.pp_client_uses_ids(client.raw) != 0;
}

/// Calls without a reply, those that nobody waits for any more included.
pub fn inFlight(client: Client) usize {
    return c.pp_client_in_flight(client.raw);
}

/// Sends a request; never blocks. `request` is a struct of the contract. For generated code.
pub fn call(
    client: Client,
    comptime Response: type,
    comptime request_name: [:0]const u8,
    comptime response_name: []const u8,
    request: anytype,
) pending.CallError!pending.Pending(Response) {
    const payload = try msgpack.encode(client.allocator, request);
    defer client.allocator.free(payload);
    const slot: *pending.Slot = try .create(client.allocator, client.io);
    const status = c.pp_client_submit(client.raw, request_name, payload.ptr, payload.len, pending.Slot.take, slot, null);
    if (status != c.PP_OK) {
        slot.release();
        slot.release(); // the handler's share: it will not run
        return pending.errorOf(status);
    }
    return .{ .slot = slot, .response_name = response_name, .error_name = client.error_name };
}

//! A reply that has not come yet.
//!
//! A slot has two owners, the caller and the reply's handler on the client's thread; whoever lets go last frees it. So a caller may give up
//! at any time, which drops the reply and never the read.

const std = @import("std");
const c = @import("c");
const msgpack = @import("msgpack.zig");

/// Why there is no reply.
pub const CallError = error{
    /// The service answered an error: `message` has its text. The connection is as good as before.
    Refused,
    /// The request is larger than the connection carries: send less.
    TooLarge,
    /// Too much is in flight or unsent: let replies come in, then call again.
    Busy,
    /// The time is over. The call may still have been done.
    Timeout,
    /// The server closed, died, or cut us off: connect again. The call may or may not have been done.
    Ended,
    /// The connection's bytes make no sense, or a defect of ours.
    Broken,
    /// The reply is not what the contract says: `message` tells in what. The two sides disagree about it.
    BadReply,
    /// The client was closed while the call was in flight.
    Closed,
    /// Used in a child after a fork.
    Forked,
    /// The waiting task was cancelled.
    Canceled,
    OutOfMemory,
};

/// The error of a status that is not `PP_OK`.
pub fn errorOf(status: c.pp_status) CallError {
    return switch (status) {
        c.PP_TOO_LARGE => error.TooLarge,
        c.PP_BUSY => error.Busy,
        c.PP_ENDED => error.Ended,
        c.PP_CLOSED => error.Closed,
        c.PP_FORKED => error.Forked,
        else => error.Broken,
    };
}

/// The place of one call's reply.
pub const Slot = struct {
    allocator: std.mem.Allocator,
    io: std.Io,
    owners: std.atomic.Value(u32) = .init(2),
    came: std.Io.Event = .unset,
    /// Everything below is the handler's until `came` is set, the caller's afterwards.
    arena: std.heap.ArenaAllocator,
    came_at: std.Io.Timestamp = .zero,
    status: c.pp_status = c.PP_BROKEN,
    name: []const u8 = "",
    bytes: []const u8 = "",

    /// With both owners.
    pub fn create(allocator: std.mem.Allocator, io: std.Io) error{OutOfMemory}!*Slot {
        const slot = try allocator.create(Slot);
        slot.* = .{ .allocator = allocator, .io = io, .arena = .init(allocator) };
        return slot;
    }

    /// One owner lets go.
    pub fn release(slot: *Slot) void {
        // acq_rel: pairs with the other owner's, so that the last one sees all that the other did.
        if (slot.owners.fetchSub(1, .acq_rel) > 1) return;
        slot.arena.deinit();
        slot.allocator.destroy(slot);
    }

    /// The reply's handler, on the client's own thread: keeps what it is lent.
    pub fn take(
        context: ?*anyopaque,
        status: c.pp_status,
        name: ?[*]const u8,
        name_len: usize,
        bytes: ?[*]const u8,
        bytes_len: usize,
    ) callconv(.c) void {
        const slot: *Slot = @ptrCast(@alignCast(context.?));
        defer slot.release();
        slot.came_at = std.Io.Clock.awake.now(slot.io);
        slot.status = status;
        slot.keep(if (name) |there| there[0..name_len] else "", if (bytes) |there| there[0..bytes_len] else "") catch {
            slot.status = c.PP_BROKEN;
            slot.bytes = "no memory for the reply";
        };
        slot.came.set(slot.io);
    }

    fn keep(slot: *Slot, name: []const u8, bytes: []const u8) error{OutOfMemory}!void {
        slot.name = try slot.arena.allocator().dupe(u8, name);
        slot.bytes = try slot.arena.allocator().dupe(u8, bytes);
    }
};

/// A reply to come; `deinit` it, whether it was waited for or not.
pub fn Pending(comptime Response: type) type {
    return struct {
        const Self = @This();

        slot: *Slot,
        response_name: []const u8,
        error_name: []const u8,
        /// What the service, the connection or the decoder said, once `wait` has failed; valid until `deinit`.
        message: []const u8 = "",

        /// Gives up the reply, and everything that `wait` returned.
        pub fn deinit(pending: *Self) void {
            pending.slot.release();
            pending.* = undefined;
        }

        /// Blocks until the reply has come, or the time is over. What it returns is valid until `deinit`.
        pub fn wait(pending: *Self, timeout: std.Io.Timeout) CallError!Response {
            const slot = pending.slot;
            try slot.came.waitTimeout(slot.io, timeout);
            if (slot.status != c.PP_OK) {
                pending.message = slot.bytes;
                return errorOf(slot.status);
            }
            if (std.mem.eql(u8, slot.name, pending.response_name)) return pending.read(Response);
            if (std.mem.eql(u8, slot.name, pending.error_name)) {
                pending.message = (try pending.read(ErrorMessage)).message;
                return error.Refused;
            }
            pending.message = slot.name;
            return error.BadReply;
        }

        /// When the reply came, on the `awake` clock; null while it has not. Replies of one client come one after the other.
        pub fn cameAt(pending: *const Self) ?std.Io.Timestamp {
            return if (pending.slot.came.isSet()) pending.slot.came_at else null;
        }

        fn read(pending: *Self, comptime T: type) CallError!T {
            const arena = pending.slot.arena.allocator();
            var fault: msgpack.Reader.Fault = .{};
            return msgpack.decode(T, arena, pending.slot.bytes, &fault) catch |err| {
                if (err == error.OutOfMemory) return error.OutOfMemory;
                const buffer = try arena.alloc(u8, msgpack.Reader.Fault.most_described);
                pending.message = fault.describe(buffer, err);
                return error.BadReply;
            };
        }
    };
}

/// The one field of every contract's error.
const ErrorMessage = struct {
    message: []const u8,

    pub const Codec = msgpack.Struct(.{.{ "message", "message", msgpack.String }});
};

//! The one-shot right and duty to answer a request.

const std = @import("std");
const c = @import("c");
const msgpack = @import("msgpack.zig");

/// What the core hands over.
pub const RawResponder = ?*c.pp_responder;

/// Answers one request with a `Response` or an error, on any thread.
///
/// ```text
/// open --ok or fail--> used        open --later--> used, and the one returned is open
/// ```
/// The runtime answers an error when a handler returns with its responder open. One made by `later` is the program's own: nothing answers
/// for it. The request's memory belongs to the responder: it lives until the handler has returned, or, after `later`, until the answer.
pub fn Responder(comptime Response: type) type {
    return struct {
        const Self = @This();

        raw: RawResponder,
        arena: std.heap.ArenaAllocator,
        /// Whether answering frees the request.
        owns_request: bool = false,

        /// Answers.
        pub fn ok(responder: *Self, response: Response) void {
            const raw = responder.use();
            const payload = msgpack.encode(responder.arena.allocator(), response) catch {
                const message = "no memory for the reply";
                _ = c.pp_responder_error(raw, message, message.len);
                return responder.end();
            };
            // Whatever it returns, the responder is consumed; a client that is gone is nobody's error.
            _ = c.pp_responder_reply(raw, payload.ptr, payload.len);
            responder.end();
        }

        /// Answers an error with this message.
        pub fn fail(responder: *Self, message: []const u8) void {
            _ = c.pp_responder_error(responder.use(), message.ptr, message.len);
            responder.end();
        }

        /// Takes the duty out of the handler: it may return, and whoever holds what is returned here must answer.
        pub fn later(responder: *Self) Self {
            const raw = responder.use();
            defer responder.arena = .init(responder.arena.child_allocator);
            return .{ .raw = raw, .arena = responder.arena, .owns_request = true };
        }

        fn use(responder: *Self) *c.pp_responder {
            const raw = responder.raw orelse @panic("a request is answered once: this responder is used");
            responder.raw = null;
            return raw;
        }

        fn end(responder: *Self) void {
            if (responder.owns_request) responder.arena.deinit();
        }
    };
}

/// Reads a request, runs its handler and sees that it is answered. For generated code.
///
/// `handler` takes `service`, the request and a pointer to a responder, and may return an error, whose name is then the answer.
pub fn answer(
    comptime Request: type,
    comptime Response: type,
    comptime handler: anytype,
    service: anytype,
    allocator: std.mem.Allocator,
    payload: []const u8,
    raw: RawResponder,
) void {
    var responder: Responder(Response) = .{ .raw = raw, .arena = .init(allocator) };
    defer responder.arena.deinit();
    var fault: msgpack.Reader.Fault = .{};
    if (read(Request, responder.arena.allocator(), payload, &fault)) |request| {
        const returned: anyerror!void = handler(service, request, &responder);
        returned catch |err| if (responder.raw != null) responder.fail(@errorName(err));
        if (responder.raw) |unanswered| c.pp_responder_drop(unanswered);
    } else |err| {
        var buffer: [msgpack.Reader.Fault.most_described]u8 = undefined;
        responder.fail(fault.describe(&buffer, err));
    }
}

fn read(comptime Request: type, arena: std.mem.Allocator, payload: []const u8, fault: *msgpack.Reader.Fault) msgpack.Reader.Error!Request {
    // The payload is on loan until the handler returns; the request may live longer.
    return msgpack.decode(Request, arena, try arena.dupe(u8, payload), fault);
}

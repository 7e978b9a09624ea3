//! The echo service in Zig: `serve ADDRESS`, `call ADDRESS plain|ids`, `golden`.

const std = @import("std");
const call = @import("call.zig");
const golden = @import("golden.zig");
const serve = @import("serve.zig");

pub fn main(init: std.process.Init) u8 {
    var buffer: [1024]u8 = undefined;
    var failure: std.Io.Writer = .fixed(&buffer);
    run(init, &failure) catch |err| {
        const said = failure.buffered();
        std.debug.print("{s}\n", .{if (said.len > 0) said else @errorName(err)});
        return 1;
    };
    return 0;
}

fn run(init: std.process.Init, failure: *std.Io.Writer) !void {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    const mode = if (args.len > 1) args[1] else "";
    if (args.len == 3 and std.mem.eql(u8, mode, "serve")) return serve.run(init.gpa, init.io, args[2], failure);
    if (args.len == 4 and std.mem.eql(u8, mode, "call")) {
        if (std.mem.eql(u8, args[3], "plain")) return call.run(init.gpa, init.io, args[2], .plain, failure);
        if (std.mem.eql(u8, args[3], "ids")) return call.run(init.gpa, init.io, args[2], .ids, failure);
    }
    if (args.len == 2 and std.mem.eql(u8, mode, "golden")) return golden.run(init.gpa, init.io);
    try failure.writeAll("usage: echo serve ADDRESS | call ADDRESS plain|ids | golden");
    return error.Usage;
}

//! Calls a real bb through the generated Zig client: `program ADDRESS PID`. Prints what it answered; fails if anything is wrong.

const std = @import("std");
const bb = @import("generated/root.zig");

fn blake2s(client: bb.BarretenbergClient, allocator: std.mem.Allocator, times: usize) ![32]u8 {
    const data = try allocator.alloc(u8, 3 * times);
    defer allocator.free(data);
    for (data, 0..) |*byte, at| byte.* = "abc"[at % 3];
    var pending = try client.blake2s(.{ .data = data });
    defer pending.deinit();
    return (try pending.wait(.none)).hash;
}

pub fn main(init: std.process.Init) !void {
    const allocator = init.gpa;
    const arguments = try init.minimal.args.toSlice(init.arena.allocator());
    const client = try bb.connect(allocator, init.io, arguments[1], .{ .child_pid = try std.fmt.parseInt(u32, arguments[2], 10) });
    defer client.close();
    // One after the other: each finds the thread that reads replies asleep, or just going to sleep.
    for (1..200) |times| _ = try blake2s(client, allocator, times);

    var buffer: [1024]u8 = undefined;
    var stdout = std.Io.File.stdout().writer(init.io, &buffer);
    const out = &stdout.interface;
    try out.print("blake2s {x}\n", .{&(try blake2s(client, allocator, 10))});
    var fields: [2][32]u8 = @splat(@splat(0));
    fields[0][31] = 1;
    fields[1][31] = 2;
    {
        var pending = try client.poseidon2Hash(.{ .inputs = &fields });
        defer pending.deinit();
        try out.print("poseidon2 {x}\n", .{&(try pending.wait(.none)).hash});
    }
    {
        var pending = try client.chonkBatchVerify(.{ .proofs = &.{}, .vks = &.{} });
        defer pending.deinit();
        if (pending.wait(.none)) |_| return error.NoError else |err| {
            if (err != error.Refused) return err;
            try out.print("{s}\n", .{pending.message});
        }
    }
    try out.flush();
    var pending = try client.shutdown(.{});
    defer pending.deinit();
    _ = try pending.wait(.none);
}

//! Builds the module `proofplane`, its tests and the echo example. The reactor's static library comes from cargo:
//!
//!     cargo build --release -p proofplane-capi
//!     cd bindings/zig && zig build

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const library = b.option(std.Build.LazyPath, "library", "Path of libproofplane_capi.a") orelse
        b.path("../../target/release/libproofplane_capi.a");

    const c = b.addTranslateC(.{ .root_source_file = b.path("../../rust/capi/include/proofplane.h"), .target = target, .optimize = optimize });
    const proofplane = b.addModule("proofplane", .{ .root_source_file = b.path("src/root.zig"), .target = target, .optimize = optimize });
    proofplane.addImport("c", c.createModule());
    proofplane.link_libc = true;
    proofplane.addObjectFile(library);
    // What the Rust standard library unwinds with; Zig brings it.
    proofplane.linkSystemLibrary("unwind", .{});

    const generated = b.createModule(.{
        .root_source_file = b.path("examples/echo/generated/root.zig"),
        .imports = &.{.{ .name = "proofplane", .module = proofplane }},
    });
    const values = b.createModule(.{ .root_source_file = b.path("examples/echo/values.zig"), .imports = &.{.{ .name = "echo", .module = generated }} });
    const imports: []const std.Build.Module.Import = &.{
        .{ .name = "proofplane", .module = proofplane },
        .{ .name = "echo", .module = generated },
        .{ .name = "values", .module = values },
    };

    const echo = b.addExecutable(.{ .name = "echo", .root_module = b.createModule(.{
        .root_source_file = b.path("examples/echo/main.zig"),
        .target = target,
        .optimize = optimize,
        .imports = imports,
    }) });
    b.installArtifact(echo);

    const step = b.step("test", "Run the tests");
    for ([_][]const u8{ "tests/msgpack.zig", "tests/runtime.zig" }) |file| {
        const tests = b.addTest(.{ .root_module = b.createModule(.{
            .root_source_file = b.path(file),
            .target = target,
            .optimize = optimize,
            .imports = imports,
        }) });
        step.dependOn(&b.addRunArtifact(tests).step);
    }
}

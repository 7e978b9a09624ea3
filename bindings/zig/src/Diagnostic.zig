//! The sentence behind an error of connecting or serving.

const std = @import("std");
const c = @import("c");

const Diagnostic = @This();

raw: c.pp_error = std.mem.zeroes(c.pp_error),

/// Why nothing came of it.
pub const Error = error{
    /// An argument is wrong: correct it.
    Invalid,
    /// A living server has this address.
    InUse,
    /// The operating system refused.
    System,
    /// No connection came about in time, or none can.
    Unreachable,
    /// The server serves another schema, or has no request ids though they were required.
    Mismatch,
    /// A defect of ours, or bytes that make no sense.
    Broken,
    /// Used in a child after a fork.
    Forked,
    OutOfMemory,
};

/// The sentence; empty when nothing was wrong.
pub fn message(diagnostic: *const Diagnostic) []const u8 {
    return std.mem.sliceTo(&diagnostic.raw.message, 0);
}

/// The error that a filled diagnostic stands for.
pub fn cause(diagnostic: *const Diagnostic) Error {
    return switch (diagnostic.raw.status) {
        c.PP_INVALID => error.Invalid,
        c.PP_IN_USE => error.InUse,
        c.PP_SYSTEM => error.System,
        c.PP_UNREACHABLE, c.PP_ENDED => error.Unreachable,
        c.PP_MISMATCH => error.Mismatch,
        c.PP_FORKED => error.Forked,
        else => error.Broken,
    };
}

//! Typed local calls between processes: what generated Zig clients and services stand on.
//!
//! Generated code brings the types of a contract, a client whose methods return a `Pending` reply, and a server whose handlers answer
//! through a `Responder`; this package packs, connects and serves, over the C ABI of proofplane's reactor.

pub const msgpack = @import("msgpack.zig");

pub const Contract = @import("contract.zig").Contract;
pub const Method = @import("contract.zig").Method;
pub const Hello = @import("hello.zig").Hello;
pub const HelloResponse = @import("hello.zig").HelloResponse;
pub const Diagnostic = @import("Diagnostic.zig");

pub const Client = @import("Client.zig");
pub const Pending = @import("pending.zig").Pending;
pub const CallError = @import("pending.zig").CallError;

pub const Server = @import("Server.zig");
pub const Responder = @import("responder.zig").Responder;
pub const answer = @import("responder.zig").answer;
pub const RawResponder = @import("responder.zig").RawResponder;

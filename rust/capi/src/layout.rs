//! The structs and numbers of `proofplane.h`; a test compares their layout with what a C compiler makes of the header.

use std::ffi::{c_char, c_void};

use crate::server::PpResponder;

/// `PP_ABI_VERSION`.
pub const ABI_VERSION: u32 = 1;

/// `pp_status`: how something ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `PP_OK`
    Ok = 0,
    /// `PP_INVALID`: an argument is wrong.
    Invalid = 1,
    /// `PP_IN_USE`: a living server has this address.
    InUse = 2,
    /// `PP_SYSTEM`: the operating system refused.
    System = 3,
    /// `PP_UNREACHABLE`: no connection came about.
    Unreachable = 4,
    /// `PP_TOO_LARGE`: the frame is larger than the connection carries.
    TooLarge = 5,
    /// `PP_BUSY`: too much is unsent or unanswered.
    Busy = 6,
    /// `PP_ENDED`: the server closed, died or cut us off.
    Ended = 7,
    /// `PP_BROKEN`: the bytes make no sense, or a defect of ours.
    Broken = 8,
    /// `PP_CLOSED`: this side closed the client.
    Closed = 9,
    /// `PP_MISMATCH`: the server serves another schema, or lacks required ids.
    Mismatch = 10,
    /// `PP_FORKED`: used in a child after `fork`.
    Forked = 11,
}

/// `pp_error`.
#[repr(C)]
pub struct ErrorOut {
    /// A `Status`.
    pub status: i32,
    /// UTF-8, ends with a NUL.
    pub message: [u8; 508],
}

/// `pp_method`.
#[repr(C)]
pub struct Method {
    /// Name in a request.
    pub request: *const c_char,
    /// Name in its reply.
    pub response: *const c_char,
    /// Not 0: may run on the reactor's own thread.
    pub runs_inline: u32,
}

/// `pp_contract`.
#[repr(C)]
pub struct Contract {
    /// All zero: none.
    pub schema_hash: [u8; 32],
    /// Methods by number.
    pub methods: *const Method,
    /// How many.
    pub method_count: usize,
    /// Name of the error reply.
    pub error: *const c_char,
}

/// `pp_server_options`; 0 means the default in every field.
#[repr(C)]
pub struct ServerOptions {
    /// Bytes of a frame's body.
    pub max_frame: u32,
    /// Unanswered requests of one connection.
    pub max_in_flight: u32,
    /// Bytes of queued replies of one connection.
    pub max_queued: usize,
    /// Connections at once.
    pub max_connections: u32,
    /// Unanswered requests of all connections.
    pub max_waiting: u32,
    /// Threads that run handlers.
    pub workers: u32,
    /// Shared memory: clients at once.
    pub slots: u32,
    /// Shared memory: longest spin, microseconds.
    pub spin_us: u32,
    /// Shared memory: bytes of each request ring.
    pub request_ring: usize,
    /// Shared memory: bytes of each reply ring.
    pub response_ring: usize,
    /// User ids that may connect besides our own and root.
    pub peers: *const u32,
    /// How many.
    pub peer_count: usize,
}

/// `pp_stats`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatsOut {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Requests handed out.
    pub requests: u64,
    /// Replies sent or queued, errors included.
    pub replies: u64,
    /// Of these, errors made by the reactor.
    pub refused: u64,
    /// Replies whose client was gone.
    pub orphaned: u64,
    /// Requests accepted and not answered now.
    pub in_flight: u64,
}

/// `pp_client_options`; 0 means the default in every field.
#[repr(C)]
pub struct ClientOptions {
    /// For connecting and Hello together, milliseconds.
    pub deadline_ms: u32,
    /// `PP_IDS_AUTO` 0, `PP_IDS_NEVER` 1, `PP_IDS_REQUIRE` 2.
    pub ids: u32,
    /// Not 0: use `slot`.
    pub has_slot: u32,
    /// Slot of a many-client shared-memory server.
    pub slot: u32,
    /// Our own child's process id, or 0.
    pub child_pid: u32,
    /// Bytes of a frame's body.
    pub max_frame: u32,
    /// Unanswered calls.
    pub max_in_flight: u32,
    /// Shared memory: longest spin, microseconds.
    pub spin_us: u32,
    /// Bytes of unsent requests.
    pub max_queued: usize,
    /// Compared with the server's unless either is all zero.
    pub schema_hash: [u8; 32],
}

/// `pp_handler`.
pub type Handler = unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, *mut PpResponder);

/// `pp_reply_handler`.
pub type ReplyHandler = unsafe extern "C" fn(*mut c_void, Status, *const c_char, usize, *const u8, usize);

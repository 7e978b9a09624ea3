//! The C ABI of the reactor: opaque servers, responders and clients, as `include/proofplane.h` promises them.
//!
//! Every exported function is a thin shell: `inputs` turns pointers into values or into `PP_INVALID`, `guard` keeps panics from crossing,
//! and the work is done by safe code (`reader` for clients, the reactor's `Server` for servers).

mod client;
mod dispatch;
mod fault;
mod home;
mod inputs;
mod layout;
mod reader;
mod server;

pub use client::{PpClient as Client, pp_client_close, pp_client_connect, pp_client_in_flight, pp_client_submit, pp_client_uses_ids};
pub use layout::{ABI_VERSION, ClientOptions, Contract, ErrorOut, Handler, Method, ReplyHandler, ServerOptions, StatsOut, Status};
pub use server::{
    PpResponder as Responder, PpServer as Server, pp_responder_drop, pp_responder_error, pp_responder_reply, pp_server_start,
    pp_server_stats, pp_server_stop,
};

/// The version of `proofplane.h` that this library was made with.
#[unsafe(no_mangle)]
pub extern "C" fn pp_abi_version() -> u32 {
    ABI_VERSION
}

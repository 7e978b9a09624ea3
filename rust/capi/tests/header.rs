//! The header says what the library does: every struct's layout, every number, every function.

use std::ffi::{c_char, c_void};
use std::fmt::Write;
use std::io::Write as _;
use std::mem::offset_of;
use std::process::{Command, Stdio};

use proofplane_capi as capi;

const HEADER: &str = include_str!("../include/proofplane.h");

/// Asks the C compiler whether a program that includes the header is right.
fn compiles(program: &str) -> Result<(), String> {
    let mut compiler = Command::new("cc")
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-pedantic",
            "-fsyntax-only",
            "-x",
            "c",
            "-",
        ])
        .args(["-I", concat!(env!("CARGO_MANIFEST_DIR"), "/include")])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a C compiler, which rustc needs too");
    compiler
        .stdin
        .take()
        .expect("piped")
        .write_all(program.as_bytes())
        .expect("the compiler reads");
    let done = compiler.wait_with_output().expect("it ends");
    if done.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

macro_rules! layout {
    ($program:ident, $rust:ty, $c:literal: $($field:ident),+) => {
        writeln!($program, "_Static_assert(sizeof({}) == {}, \"{}\");", $c, size_of::<$rust>(), $c).unwrap();
        $(writeln!(
            $program,
            "_Static_assert(offsetof({}, {}) == {}, \"{}.{}\");",
            $c, stringify!($field), offset_of!($rust, $field), $c, stringify!($field)
        ).unwrap();)+
    };
}

#[test]
fn every_struct_has_in_c_the_layout_that_it_has_here() {
    let mut program = String::from("#include \"proofplane.h\"\n");
    layout!(program, capi::ErrorOut, "pp_error": status, message);
    layout!(program, capi::Method, "pp_method": request, response, runs_inline);
    layout!(program, capi::Contract, "pp_contract": schema_hash, methods, method_count, error);
    layout!(program, capi::ServerOptions, "pp_server_options": max_frame, max_in_flight, max_queued, max_connections, max_waiting,
        workers, slots, spin_us, request_ring, response_ring, peers, peer_count);
    layout!(program, capi::StatsOut, "pp_stats": accepted, open, requests, replies, refused, orphaned, in_flight);
    layout!(program, capi::ClientOptions, "pp_client_options": deadline_ms, ids, has_slot, slot, child_pid, max_frame, max_in_flight,
        spin_us, max_queued, schema_hash);
    writeln!(
        program,
        "_Static_assert(sizeof(pp_status) == {}, \"pp_status\");",
        size_of::<capi::Status>()
    )
    .unwrap();
    compiles(&program).unwrap();
    assert!(compiles(&program.replacen("== 512", "== 513", 1)).is_err(), "the check cannot fail");
}

#[test]
fn every_number_is_the_same_in_c() {
    use capi::Status::{Broken, Busy, Closed, Ended, Forked, InUse, Invalid, Mismatch, Ok, System, TooLarge, Unreachable};
    let statuses = [
        ("PP_OK", Ok),
        ("PP_INVALID", Invalid),
        ("PP_IN_USE", InUse),
        ("PP_SYSTEM", System),
        ("PP_UNREACHABLE", Unreachable),
        ("PP_TOO_LARGE", TooLarge),
        ("PP_BUSY", Busy),
        ("PP_ENDED", Ended),
        ("PP_BROKEN", Broken),
        ("PP_CLOSED", Closed),
        ("PP_MISMATCH", Mismatch),
        ("PP_FORKED", Forked),
    ];
    let mut program = String::from("#include \"proofplane.h\"\n");
    for (name, status) in statuses {
        writeln!(program, "_Static_assert({name} == {}, \"{name}\");", status as i32).unwrap();
    }
    writeln!(
        program,
        "_Static_assert(PP_ABI_VERSION == {}, \"PP_ABI_VERSION\");",
        capi::ABI_VERSION
    )
    .unwrap();
    writeln!(
        program,
        "_Static_assert(PP_IDS_AUTO == 0 && PP_IDS_NEVER == 1 && PP_IDS_REQUIRE == 2, \"pp_ids\");"
    )
    .unwrap();
    compiles(&program).unwrap();
    let declared = HEADER
        .lines()
        .filter(|line| line.trim_start().starts_with("PP_") && line.contains(" = "))
        .count();
    assert_eq!(declared, statuses.len() + 3, "a number of the header is not compared here");
}

/// What a C program may call: the types are those of Rust, so a changed signature fails to compile here and must be changed in the header.
#[test]
fn every_function_of_the_header_is_there() {
    type Start = unsafe extern "C" fn(
        *const c_char,
        *const capi::Contract,
        *const capi::ServerOptions,
        Option<capi::Handler>,
        *mut c_void,
        *mut capi::ErrorOut,
    ) -> *mut capi::Server;
    type Submit = unsafe extern "C" fn(
        *mut capi::Client,
        *const c_char,
        *const u8,
        usize,
        Option<capi::ReplyHandler>,
        *mut c_void,
        *mut capi::ErrorOut,
    ) -> capi::Status;
    let _: extern "C" fn() -> u32 = capi::pp_abi_version;
    let _: Start = capi::pp_server_start;
    let _: unsafe extern "C" fn(*const capi::Server, *mut capi::StatsOut) -> capi::Status = capi::pp_server_stats;
    let _: unsafe extern "C" fn(*mut capi::Server, u32) -> capi::Status = capi::pp_server_stop;
    let _: unsafe extern "C" fn(*mut capi::Responder, *const u8, usize) -> capi::Status = capi::pp_responder_reply;
    let _: unsafe extern "C" fn(*mut capi::Responder, *const c_char, usize) -> capi::Status = capi::pp_responder_error;
    let _: unsafe extern "C" fn(*mut capi::Responder) = capi::pp_responder_drop;
    let _: unsafe extern "C" fn(*const c_char, *const capi::ClientOptions, *mut capi::ErrorOut) -> *mut capi::Client =
        capi::pp_client_connect;
    let _: unsafe extern "C" fn(*const capi::Client) -> u32 = capi::pp_client_uses_ids;
    let _: unsafe extern "C" fn(*const capi::Client) -> usize = capi::pp_client_in_flight;
    let _: Submit = capi::pp_client_submit;
    let _: unsafe extern "C" fn(*mut capi::Client) -> capi::Status = capi::pp_client_close;

    let declared = HEADER
        .lines()
        .filter(|line| !line.starts_with([' ', '/', '#', '}']) && line.contains(" pp_") || line.contains(" *pp_"));
    let declared = declared
        .filter(|line| line.contains('(') && !line.starts_with("typedef") && !line.trim_start().starts_with('*'))
        .count();
    assert_eq!(declared, 12, "a function of the header is not named here");
}

/// The same declarations once more, by C: a prototype that differs from the header's does not compile.
#[test]
fn every_prototype_of_the_header_takes_what_the_library_takes() {
    let program = r#"
#include "proofplane.h"
uint32_t (*const a)(void) = pp_abi_version;
pp_server *(*const b)(const char *, const pp_contract *, const pp_server_options *, void (*)(void *, uint32_t, const uint8_t *, size_t, pp_responder *),
                      void *, pp_error *) = pp_server_start;
pp_status (*const c)(const pp_server *, pp_stats *) = pp_server_stats;
pp_status (*const d)(pp_server *, uint32_t) = pp_server_stop;
pp_status (*const e)(pp_responder *, const uint8_t *, size_t) = pp_responder_reply;
pp_status (*const f)(pp_responder *, const char *, size_t) = pp_responder_error;
void (*const g)(pp_responder *) = pp_responder_drop;
pp_client *(*const h)(const char *, const pp_client_options *, pp_error *) = pp_client_connect;
uint32_t (*const i)(const pp_client *) = pp_client_uses_ids;
size_t (*const j)(const pp_client *) = pp_client_in_flight;
pp_status (*const k)(pp_client *, const char *, const uint8_t *, size_t,
                     void (*)(void *, pp_status, const char *, size_t, const uint8_t *, size_t), void *, pp_error *) = pp_client_submit;
pp_status (*const l)(pp_client *) = pp_client_close;
"#;
    compiles(program).unwrap();
}

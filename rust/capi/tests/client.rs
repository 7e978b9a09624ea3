//! Clients over the ABI, against a peer that does what it should not.
#![allow(clippy::multiple_unsafe_ops_per_block)] // every line here is a call across the ABI: one SAFETY speaks for a group

mod kit;

use std::ffi::{c_char, c_void};
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};

use kit::{Calls, Outcome, no_error, options, peer, plain, reply, text};
use proofplane_capi::{
    Client, ClientOptions, Status, pp_client_close, pp_client_connect, pp_client_in_flight, pp_client_submit, pp_client_uses_ids,
};

fn place() -> (tempfile::TempDir, PathBuf, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("peer.sock");
    let address = path.to_str().unwrap().to_owned();
    (dir, path, address)
}

#[test]
fn a_reply_reaches_its_handler_with_its_name_and_bytes() {
    let (_dir, path, address) = place();
    peer(&path, |body| {
        assert_eq!(body, b"\x91\x92\xa4Ping\x80");
        Some(vec![reply("PingResponse", b"\x81\xa1x\x01")])
    });
    let calls = Calls::connect(&address, &plain()).unwrap();
    assert_eq!(calls.submit(7, "Ping", b"\x80"), Status::Ok);
    let expected = Outcome {
        tag: 7,
        status: Status::Ok,
        name: "PingResponse".into(),
        bytes: b"\x81\xa1x\x01".to_vec(),
    };
    assert_eq!(calls.outcomes.recv().unwrap(), expected);
    assert_eq!(calls.close(), []);
}

#[test]
fn calls_in_flight_end_when_the_server_goes_and_later_ones_are_not_taken() {
    let (_dir, path, address) = place();
    let mut seen = 0;
    let server = peer(&path, move |_| {
        seen += 1;
        (seen < 3).then(Vec::new)
    });
    let calls = Calls::connect(&address, &plain()).unwrap();
    for tag in 1..=3 {
        assert_eq!(calls.submit(tag, "Ping", b"\x80"), Status::Ok);
    }
    let mut ended: Vec<_> = (0..3)
        .map(|_| calls.outcomes.recv().unwrap())
        .map(|outcome| (outcome.tag, outcome.status))
        .collect();
    ended.sort_by_key(|(tag, _)| *tag);
    assert_eq!(ended, [(1, Status::Ended), (2, Status::Ended), (3, Status::Ended)]);
    assert_eq!(calls.submit(4, "Ping", b"\x80"), Status::Ended);
    server.join().unwrap();
    assert_eq!(calls.close(), []);
}

#[test]
fn a_broken_reply_ends_the_connection_as_broken() {
    let (_dir, path, address) = place();
    peer(&path, |_| Some(vec![b"\xc1".to_vec()]));
    let calls = Calls::connect(&address, &plain()).unwrap();
    assert_eq!(calls.submit(1, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.outcomes.recv().unwrap().status, Status::Broken);
    calls.close();
}

#[test]
fn closing_ends_calls_in_flight_before_it_returns() {
    let (_dir, path, address) = place();
    peer(&path, |_| Some(Vec::new()));
    let calls = Calls::connect(&address, &plain()).unwrap();
    assert_eq!(calls.submit(1, "Ping", b"\x80"), Status::Ok);
    // SAFETY: it is open.
    assert_eq!(unsafe { pp_client_in_flight(calls.client) }, 1);
    let closed: Vec<_> = calls.close().into_iter().map(|outcome| (outcome.tag, outcome.status)).collect();
    assert_eq!(closed, [(1, Status::Closed)]);
}

#[test]
fn beyond_the_bound_a_call_is_busy_until_a_reply_has_come() {
    let (_dir, path, address) = place();
    let mut held = 0;
    peer(&path, move |body| {
        held += 1;
        let done = body.windows(7).any(|part| part == b"Release");
        Some(if done { vec![reply("R", b"\x80"); held] } else { Vec::new() })
    });
    let calls = Calls::connect(
        &address,
        &ClientOptions {
            max_in_flight: 2,
            ..plain()
        },
    )
    .unwrap();
    assert_eq!(calls.submit(1, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.submit(2, "Release", b"\x80"), Status::Ok);
    // Both may have been answered already, so the bound is met with two that are not.
    for _ in 0..2 {
        calls.outcomes.recv().unwrap();
    }
    assert_eq!(calls.submit(3, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.submit(4, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.submit(5, "Ping", b"\x80"), Status::Busy);
    calls.close();
}

#[test]
fn a_frame_over_the_limit_is_refused_and_the_client_goes_on() {
    let (_dir, path, address) = place();
    peer(&path, |_| Some(vec![reply("R", b"\x80")]));
    let calls = Calls::connect(
        &address,
        &ClientOptions {
            max_frame: 1024,
            ..plain()
        },
    )
    .unwrap();
    assert_eq!(calls.submit(1, "Ping", &[0xc0; 2000]), Status::TooLarge);
    assert_eq!(calls.submit(2, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.outcomes.recv().unwrap().tag, 2);
    calls.close();
}

#[test]
fn a_peer_that_answers_hello_with_an_error_gets_plain_requests() {
    let (_dir, path, address) = place();
    peer(&path, |body| {
        let hello = body.starts_with(b"\x91\x92\xa5Hello");
        Some(vec![if hello {
            reply("ErrorResponse", b"\x81\xa7message\xa2no")
        } else {
            reply("R", b"\x80")
        }])
    });
    let calls = Calls::connect(&address, &options()).unwrap();
    // SAFETY: it is open.
    assert_eq!(unsafe { pp_client_uses_ids(calls.client) }, 0);
    assert_eq!(calls.submit(1, "Ping", b"\x80"), Status::Ok);
    assert_eq!(calls.outcomes.recv().unwrap().status, Status::Ok);
    calls.close();
}

#[test]
fn a_server_of_another_schema_or_without_required_ids_is_a_mismatch() {
    let greeting = |ids: bool| {
        [
            b"\x83\xabschema_hash\xc4\x20".as_slice(),
            &[9; 32],
            b"\xa3ids",
            &[0xc2 | u8::from(ids)],
            b"\xa9max_frame\x7f",
        ]
        .concat()
    };
    for (theirs, given) in [
        (
            true,
            ClientOptions {
                schema_hash: [8; 32],
                ..options()
            },
        ),
        (false, ClientOptions { ids: 2, ..options() }),
    ] {
        let (_dir, path, address) = place();
        peer(&path, move |_| Some(vec![reply("HelloResponse", &greeting(theirs))]));
        assert_eq!(Calls::connect(&address, &given).err().unwrap().0, Status::Mismatch as i32);
    }
}

#[test]
fn a_server_that_is_not_there_is_unreachable_once_the_deadline_has_passed() {
    let (_dir, _path, address) = place();
    let (status, message) = Calls::connect(
        &address,
        &ClientOptions {
            deadline_ms: 20,
            ..plain()
        },
    )
    .err()
    .unwrap();
    assert_eq!(status, Status::Unreachable as i32);
    assert!(!message.is_empty());
}

#[test]
fn wrong_arguments_are_answered_and_never_followed() {
    let mut error = no_error();
    // SAFETY: null is allowed everywhere, and that is what is tested.
    unsafe {
        assert!(pp_client_connect(null(), null(), &mut error).is_null());
        assert_eq!(
            (error.status, text(&error).as_str()),
            (Status::Invalid as i32, "the address is a null pointer")
        );
        assert!(pp_client_connect(c"\xff.sock".as_ptr(), null(), null_mut()).is_null());
        assert!(pp_client_connect(c"nowhere".as_ptr(), null(), &mut error).is_null());
        assert_eq!(error.status, Status::Invalid as i32);
        let wrong_ids = ClientOptions { ids: 3, ..options() };
        assert!(pp_client_connect(c"/x.sock".as_ptr(), &wrong_ids, &mut error).is_null());
        assert_eq!(error.status, Status::Invalid as i32);
        assert_eq!(
            pp_client_submit(null_mut(), c"A".as_ptr(), null(), 0, None, null_mut(), null_mut()),
            Status::Invalid
        );
        assert_eq!((pp_client_uses_ids(null()), pp_client_in_flight(null())), (0, 0));
        assert_eq!(pp_client_close(null_mut()), Status::Ok);
    }
    let (_dir, path, address) = place();
    peer(&path, |_| Some(Vec::new()));
    let calls = Calls::connect(&address, &plain()).unwrap();
    // SAFETY: null is allowed everywhere, and that is what is tested.
    unsafe {
        assert_eq!(
            pp_client_submit(calls.client, null(), null(), 0, None, null_mut(), &mut error),
            Status::Invalid
        );
        assert_eq!(
            pp_client_submit(calls.client, c"A".as_ptr(), null(), 1, None, null_mut(), &mut error),
            Status::Invalid
        );
        assert_eq!(
            pp_client_submit(calls.client, c"A".as_ptr(), null(), 0, None, null_mut(), &mut error),
            Status::Invalid
        );
    }
    assert_eq!(text(&error), "the reply handler is a null pointer");
    assert_eq!(calls.close(), []);
}

/// What a handler that calls back into the client needs.
struct Again {
    client: *mut Client,
    left: AtomicU32,
    done: Sender<Status>,
}

unsafe extern "C" fn again(context: *mut c_void, status: Status, _: *const c_char, _: usize, _: *const u8, _: usize) {
    // SAFETY: the test keeps it until `done` has told it.
    let state = unsafe { &*context.cast::<Again>() };
    if status == Status::Ok && state.left.fetch_sub(1, Ordering::Relaxed) > 1 {
        // SAFETY: the client is open, and a handler may submit.
        unsafe {
            pp_client_submit(
                state.client,
                c"Ping".as_ptr(),
                b"\x80".as_ptr(),
                1,
                Some(again),
                context,
                null_mut(),
            )
        };
        return;
    }
    // SAFETY: nobody else uses the client, and a handler may close it.
    state.done.send(unsafe { pp_client_close(state.client) }).unwrap();
}

#[test]
fn a_handler_may_submit_and_may_close() {
    let (_dir, path, address) = place();
    let server = peer(&path, |_| Some(vec![reply("R", b"\x80")]));
    let calls = Calls::connect(&address, &plain()).unwrap();
    let (done, ended) = channel();
    let state = Again {
        client: calls.client,
        left: AtomicU32::new(100),
        done,
    };
    let context = (&raw const state).cast_mut().cast();
    // SAFETY: the state lives until `done` has told.
    let status = unsafe {
        pp_client_submit(
            calls.client,
            c"Ping".as_ptr(),
            b"\x80".as_ptr(),
            1,
            Some(again),
            context,
            null_mut(),
        )
    };
    assert_eq!(status, Status::Ok);
    assert_eq!(ended.recv().unwrap(), Status::Ok);
    server.join().unwrap(); // it sees the end of the connection: the client is gone
}

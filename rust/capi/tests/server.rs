//! Servers over the ABI, called by clients over the ABI.
#![allow(clippy::multiple_unsafe_ops_per_block)] // every line here is a call across the ABI: one SAFETY speaks for a group

mod kit;

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use kit::{Calls, no_error, options, plain, text};
use proofplane_capi::{
    ClientOptions, Contract, Method, Responder, Server, StatsOut, Status, pp_client_uses_ids, pp_responder_drop, pp_responder_error,
    pp_responder_reply, pp_server_start, pp_server_stats, pp_server_stop,
};

const METHODS: [Method; 5] = [
    Method {
        request: c"Echo".as_ptr(),
        response: c"EchoResponse".as_ptr(),
        runs_inline: 1,
    },
    Method {
        request: c"Fail".as_ptr(),
        response: c"FailResponse".as_ptr(),
        runs_inline: 0,
    },
    Method {
        request: c"Forget".as_ptr(),
        response: c"ForgetResponse".as_ptr(),
        runs_inline: 0,
    },
    Method {
        request: c"Keep".as_ptr(),
        response: c"KeepResponse".as_ptr(),
        runs_inline: 0,
    },
    Method {
        request: c"Stop".as_ptr(),
        response: c"StopResponse".as_ptr(),
        runs_inline: 0,
    },
];

struct Kept(*mut Responder);
// SAFETY: the header allows a responder on any thread.
unsafe impl Send for Kept {}

/// Shared by the handlers of one server.
struct Context {
    kept: Sender<Kept>,
    server: std::sync::OnceLock<usize>,
}

unsafe extern "C" fn handle(context: *mut c_void, method: u32, payload: *const u8, len: usize, responder: *mut Responder) {
    // SAFETY: the test keeps it until the server has stopped.
    let context = unsafe { &*context.cast::<Context>() };
    // SAFETY: the responder is consumed once on each way, the payload is on loan, and the message is a literal.
    unsafe {
        match method {
            0 => assert_eq!(pp_responder_reply(responder, payload, len), Status::Ok),
            1 => assert_eq!(pp_responder_error(responder, c"it \xff failed".as_ptr(), 11), Status::Ok),
            2 => pp_responder_drop(responder),
            3 => context.kept.send(Kept(responder)).unwrap(),
            _ => {
                let server = *context.server.get().unwrap() as *mut Server;
                let answer = [pp_server_stop(server, 0) as u8];
                assert_eq!(pp_responder_reply(responder, answer.as_ptr(), 1), Status::Ok);
            }
        }
    }
}

fn start(address: &str, context: &Context) -> Result<*mut Server, (i32, String)> {
    let address = CString::new(address).unwrap();
    let contract = Contract {
        schema_hash: [5; 32],
        methods: METHODS.as_ptr(),
        method_count: METHODS.len(),
        error: c"ErrorResponse".as_ptr(),
    };
    let mut error = no_error();
    let context = (&raw const *context).cast_mut().cast();
    // SAFETY: everything lives for the call, the context until the server has stopped.
    let server = unsafe { pp_server_start(address.as_ptr(), &contract, null(), Some(handle), context, &mut error) };
    if server.is_null() {
        Err((error.status, text(&error)))
    } else {
        Ok(server)
    }
}

/// Stops its server also when a test fails, so that no shared memory is left behind.
struct StopAtEnd(*mut Server);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        let stopped = unsafe { pp_server_stop(self.0, 1000) };
        assert!(stopped == Status::Ok || thread::panicking());
    }
}

/// Runs `test` with a server at a socket and at shared memory.
fn served(name: &str, test: impl Fn(&str, *mut Server, &std::sync::mpsc::Receiver<Kept>)) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("server.sock").to_str().unwrap().to_owned();
    for address in [socket, format!("pp-capi-{name}-{}.shm", std::process::id())] {
        let (kept, keeps) = channel();
        let context = Context {
            kept,
            server: std::sync::OnceLock::new(),
        };
        let server = start(&address, &context).unwrap();
        context.server.set(server as usize).unwrap();
        let _stopped = StopAtEnd(server);
        test(&address, server, &keeps);
    }
}

#[test]
fn every_way_to_answer_arrives() {
    served("answers", |address, server, _| {
        let calls = Calls::connect(
            address,
            &ClientOptions {
                schema_hash: [5; 32],
                ..options()
            },
        )
        .unwrap();
        // SAFETY: it is open.
        assert_eq!(unsafe { pp_client_uses_ids(calls.client) }, 1);
        let ask = |name: &str, payload: &[u8]| {
            assert_eq!(calls.submit(0, name, payload), Status::Ok);
            let outcome = calls.outcomes.recv().unwrap();
            assert_eq!(outcome.status, Status::Ok);
            (outcome.name, outcome.bytes)
        };
        assert_eq!(ask("Echo", b"\x81\xa1x\xc3"), ("EchoResponse".into(), b"\x81\xa1x\xc3".to_vec()));
        let error = |message: &str| {
            (
                "ErrorResponse".to_owned(),
                [b"\x81\xa7message", &[0xa0 | message.len() as u8][..], message.as_bytes()].concat(),
            )
        };
        assert_eq!(ask("Fail", b"\x80"), error("it \u{fffd} failed"));
        assert_eq!(ask("Forget", b"\x80").0, "ErrorResponse");
        assert_eq!(
            ask("Stop", b"\x80").1,
            [Status::Invalid as u8],
            "a handler cannot stop its own server"
        );
        let mut stats = StatsOut::default();
        // The counters are those of an earlier turn: questions that the reactor answers itself make it turn until all answers are in them.
        for _ in 0..1000 {
            assert_eq!(ask("Unheard", b"\x80").0, "ErrorResponse");
            // SAFETY: the server runs.
            assert_eq!(unsafe { pp_server_stats(server, &mut stats) }, Status::Ok);
            if stats.in_flight == 0 {
                break;
            }
        }
        assert_eq!((stats.open, stats.requests, stats.in_flight), (1, 4, 0));
        calls.close();
    });
}

#[test]
fn a_responder_may_answer_from_another_thread_and_after_the_server() {
    served("later", |address, _, keeps| {
        let calls = Calls::connect(address, &plain()).unwrap();
        assert_eq!(calls.submit(1, "Keep", b"\x80"), Status::Ok);
        let kept = keeps.recv().unwrap();
        let answered = thread::spawn(move || {
            let Kept(responder) = { kept };
            // SAFETY: it is consumed here.
            unsafe { pp_responder_reply(responder, b"\x80".as_ptr(), 1) }
        });
        assert_eq!(answered.join().unwrap(), Status::Ok);
        assert_eq!(calls.outcomes.recv().unwrap().name, "KeepResponse");
        calls.close();
    });
    let dir = tempfile::tempdir().unwrap();
    let address = dir.path().join("server.sock").to_str().unwrap().to_owned();
    let (kept, keeps) = channel();
    let context = Context {
        kept,
        server: std::sync::OnceLock::new(),
    };
    let server = start(&address, &context).unwrap();
    let calls = Calls::connect(&address, &plain()).unwrap();
    assert_eq!(calls.submit(1, "Keep", b"\x80"), Status::Ok);
    let Kept(responder) = keeps.recv().unwrap();
    // SAFETY: nobody else uses the server; the responder is consumed once.
    unsafe {
        assert_eq!(pp_server_stop(server, 0), Status::Ok);
        assert_eq!(pp_responder_reply(responder, b"\x80".as_ptr(), 1), Status::Ok);
    }
    assert_ne!(calls.outcomes.recv().unwrap().name, "KeepResponse");
    calls.close();
}

#[test]
fn every_one_of_many_threads_gets_its_own_replies() {
    served("threads", |address, _, _| {
        let calls = Calls::connect(address, &options()).unwrap();
        const EACH: u64 = 200;
        thread::scope(|scope| {
            for first in 0..4 {
                let calls = &calls;
                scope.spawn(move || {
                    for tag in (first * EACH)..((first + 1) * EACH) {
                        assert_eq!(calls.submit(tag, "Echo", &tag.to_be_bytes()), Status::Ok);
                    }
                });
            }
        });
        let mut tags: Vec<u64> = (0..4 * EACH)
            .map(|_| {
                let outcome = calls.outcomes.recv().unwrap();
                assert_eq!(outcome.bytes, outcome.tag.to_be_bytes());
                outcome.tag
            })
            .collect();
        tags.sort_unstable();
        assert_eq!(tags, (0..4 * EACH).collect::<Vec<_>>());
        assert_eq!(calls.close(), []);
    });
}

#[test]
fn an_address_that_is_served_is_in_use_and_free_again_after_the_stop() {
    served("in-use", |address, _, _| {
        let (kept, _keeps) = channel();
        let context = Context {
            kept,
            server: std::sync::OnceLock::new(),
        };
        assert_eq!(start(address, &context).unwrap_err().0, Status::InUse as i32);
    });
}

#[test]
fn wrong_arguments_are_answered_and_never_followed() {
    let mut error = no_error();
    let bad_name = [Method {
        request: c"\xff".as_ptr(),
        response: c"R".as_ptr(),
        runs_inline: 0,
    }];
    let contract = |methods: &[Method], names: *const c_char| Contract {
        schema_hash: [0; 32],
        methods: methods.as_ptr(),
        method_count: methods.len(),
        error: names,
    };
    let address = c"/never/bound.sock".as_ptr();
    let mut why = |contract: *const Contract, handler| {
        // SAFETY: null is allowed everywhere, and that is what is tested.
        assert!(unsafe { pp_server_start(address, contract, null(), handler, null_mut(), &mut error) }.is_null());
        assert_eq!(error.status, Status::Invalid as i32);
        text(&error)
    };
    assert_eq!(why(null(), None), "the contract is a null pointer");
    assert_eq!(
        why(&contract(&bad_name, c"E".as_ptr()), None),
        "a method's request name is not UTF-8"
    );
    assert_eq!(
        why(&contract(&METHODS, null()), None),
        "the contract's error name is a null pointer"
    );
    assert_eq!(why(&contract(&METHODS, c"E".as_ptr()), None), "the handler is a null pointer");
    // SAFETY: as above.
    unsafe {
        assert_eq!(pp_server_stats(null(), null_mut()), Status::Invalid);
        assert_eq!(pp_server_stop(null_mut(), 0), Status::Ok);
        assert_eq!(pp_responder_reply(null_mut(), null(), 0), Status::Invalid);
        assert_eq!(pp_responder_error(null_mut(), null(), 0), Status::Invalid);
        pp_responder_drop(null_mut());
    }
}

//! A client against servers that behave as the test says, frame by frame.

use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use proofplane_rpc::msgpack::{Pack, Writer, to_bytes};
use proofplane_rpc::{CallError, ClientOptions, Command, ConnectError, Contract, Limits, Order};

#[path = "../examples/echo/generated/mod.rs"]
mod echo;

use echo::types::{EchoBytes, ErrorResponse, Fail, FailResponse, Forget, ForgetResponse, Sleep, SleepResponse};
use echo::{EchoClient, connect};

/// The server's end of one connection.
struct Peer(UnixStream);

impl Peer {
    fn read(&mut self) -> Vec<u8> {
        let mut size = [0; 4];
        self.0.read_exact(&mut size).unwrap();
        let mut body = vec![0; u32::from_le_bytes(size) as usize];
        self.0.read_exact(&mut body).unwrap();
        body
    }

    fn reply(&mut self, name: &str, fields: &impl Pack) {
        let mut writer = Writer::new();
        writer.array(2);
        writer.string(name);
        writer.raw(&to_bytes(fields));
        let body = writer.into_bytes();
        self.0.write_all(&[&(body.len() as u32).to_le_bytes()[..], &body].concat()).unwrap();
    }
}

/// A server of one connection that does what the test says; the client connects with these options.
fn against(options: ClientOptions, serve: impl FnOnce(Peer) + Send + 'static) -> (Result<EchoClient, ConnectError>, JoinHandle<()>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peer.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || serve(Peer(listener.accept().unwrap().0)));
    (connect(path.to_str().unwrap(), &options), server)
}

fn plain() -> ClientOptions {
    ClientOptions {
        order: Order::Plain,
        ..ClientOptions::default()
    }
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(30))
}

fn sleep(token: u64) -> Sleep {
    Sleep { milliseconds: 0, token }
}

/// Replies `token` to the next request.
fn answer(peer: &mut Peer, token: u64) {
    peer.read();
    peer.reply(Sleep::RESPONSE, &SleepResponse { token });
}

/// Keeps the connection open and silent until the test lets go of the sender.
fn until_dropped(gone: &Receiver<()>) {
    assert!(gone.recv().is_err());
}

#[test]
fn a_deadline_drops_the_reply_and_not_the_read() {
    let (go, gone) = channel();
    let (client, server) = against(plain(), move |mut peer| {
        gone.recv().unwrap();
        answer(&mut peer, 1);
        answer(&mut peer, 2);
    });
    let client = client.unwrap();
    assert_eq!(client.sleep(&sleep(1)).wait(Some(Instant::now())), Err(CallError::Deadline));
    go.send(()).unwrap();
    assert_eq!(client.sleep(&sleep(2)).wait(soon()), Ok(SleepResponse { token: 2 }));
    assert_eq!(client.client.in_flight(), 0);
    server.join().unwrap();
}

#[test]
fn a_timeout_that_no_clock_reaches_is_none() {
    let timeout = Duration::MAX;
    let (client, server) = against(ClientOptions { timeout, ..plain() }, |mut peer| answer(&mut peer, 1));
    assert_eq!(client.unwrap().sleep(&sleep(1)).wait(None), Ok(SleepResponse { token: 1 }));
    server.join().unwrap();
}

#[test]
fn a_dropped_call_does_not_shift_the_replies_of_others() {
    let (client, server) = against(plain(), |mut peer| (1..=3).for_each(|token| answer(&mut peer, token)));
    let client = client.unwrap();
    let (first, dropped, last) = (client.sleep(&sleep(1)), client.sleep(&sleep(2)), client.sleep(&sleep(3)));
    drop(dropped);
    assert_eq!(last.wait(soon()), Ok(SleepResponse { token: 3 }));
    assert_eq!(first.wait(soon()), Ok(SleepResponse { token: 1 }));
    server.join().unwrap();
}

#[test]
fn a_server_that_goes_fails_everything_in_flight_and_everything_after() {
    let (client, server) = against(plain(), |mut peer| {
        peer.read();
        peer.read();
    });
    let client = client.unwrap();
    let calls = [client.sleep(&sleep(1)), client.sleep(&sleep(2))];
    server.join().unwrap();
    for call in calls {
        assert!(matches!(call.wait(soon()), Err(CallError::Ended(_))));
    }
    assert!(matches!(client.sleep(&sleep(3)).wait(soon()), Err(CallError::Ended(_))));
}

#[test]
fn closing_fails_what_is_in_flight() {
    let (go, gone) = channel::<()>();
    let (client, server) = against(plain(), move |_peer| until_dropped(&gone));
    let client = client.unwrap();
    let call = client.sleep(&sleep(1));
    client.client.close();
    assert_eq!(call.wait(soon()), Err(CallError::Closed));
    drop(go);
    server.join().unwrap();
}

#[test]
fn calls_without_a_reply_are_bounded() {
    let limits = Limits {
        max_in_flight: 2,
        ..Limits::default()
    };
    let (go, gone) = channel();
    let (client, server) = against(ClientOptions { limits, ..plain() }, move |mut peer| {
        gone.recv().unwrap();
        answer(&mut peer, 1);
        answer(&mut peer, 2);
    });
    let client = client.unwrap();
    let calls = [client.sleep(&sleep(1)), client.sleep(&sleep(2))];
    assert_eq!(client.sleep(&sleep(3)).wait(soon()), Err(CallError::Busy));
    go.send(()).unwrap();
    assert_eq!(calls.map(|call| call.wait(soon()).map(|reply| reply.token)), [Ok(1), Ok(2)]);
    server.join().unwrap();
}

#[test]
fn a_reply_that_the_contract_does_not_allow_fails_its_call_alone() {
    let (client, server) = against(plain(), |mut peer| {
        peer.read();
        peer.reply(Forget::RESPONSE, &ForgetResponse {});
        peer.read();
        peer.reply(Sleep::RESPONSE, &ForgetResponse {});
        peer.read();
        peer.reply(echo::CONTRACT.error, &ErrorResponse { message: "no".into() });
        peer.read();
        peer.reply(Fail::RESPONSE, &FailResponse {});
    });
    let client = client.unwrap();
    assert_eq!(client.sleep(&sleep(1)).wait(soon()), Err(CallError::Name("ForgetResponse".into())));
    assert_eq!(
        client.sleep(&sleep(1)).wait(soon()).map_err(|error| error.to_string()),
        Err("the reply is not what the contract says: missing field token".into())
    );
    assert_eq!(client.sleep(&sleep(1)).wait(soon()), Err(CallError::Refused("no".into())));
    assert_eq!(client.fail(&Fail { message: String::new() }).wait(soon()), Ok(FailResponse {}));
    server.join().unwrap();
}

#[test]
fn an_error_to_hello_means_a_peer_without_ids() {
    let (client, server) = against(ClientOptions::default(), |mut peer| {
        peer.read();
        peer.reply(
            "ErrorResponse",
            &ErrorResponse {
                message: "Unknown type name".into(),
            },
        );
        // A plain request is one array around the pair.
        assert_eq!(peer.read()[..2], [0x91, 0x92]);
        peer.reply(Sleep::RESPONSE, &SleepResponse { token: 1 });
    });
    let client = client.unwrap();
    assert!(!client.client.uses_ids());
    assert_eq!(client.sleep(&sleep(1)).wait(soon()), Ok(SleepResponse { token: 1 }));
    server.join().unwrap();
}

#[test]
fn a_server_that_does_not_answer_hello_is_given_up_at_the_deadline() {
    let (go, gone) = channel::<()>();
    let options = ClientOptions {
        timeout: Duration::from_millis(50),
        ..ClientOptions::default()
    };
    let (client, server) = against(options, move |_peer| until_dropped(&gone));
    assert_eq!(client.err(), Some(ConnectError::Deadline));
    drop(go);
    server.join().unwrap();
}

/// Wakes by sending, and drops what it holds, as a task that ends would.
struct Note {
    woken: Sender<()>,
    holds: Mutex<Option<EchoClient>>,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        drop(self.holds.lock().unwrap().take());
        self.woken.send(()).unwrap();
    }
}

#[test]
fn a_reply_wakes_its_task_which_may_drop_the_client() {
    let (go, gone) = channel();
    let (client, server) = against(plain(), move |mut peer| {
        gone.recv().unwrap();
        answer(&mut peer, 1);
    });
    let client = client.unwrap();
    let mut call = pin!(client.sleep(&sleep(1)));
    let (woken, wakes) = channel();
    let note = Arc::new(Note {
        woken,
        holds: Mutex::new(Some(client)),
    });
    let waker = Waker::from(note);
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    go.send(()).unwrap();
    wakes.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(
        call.poll(&mut Context::from_waker(&waker)),
        Poll::Ready(Ok(SleepResponse { token: 1 }))
    );
    server.join().unwrap();
}

#[test]
fn a_server_of_another_schema_is_refused_unless_either_has_none() {
    struct Nothing;
    impl proofplane_rpc::Handler for Nothing {
        fn handle(&self, _: u32, _: &[u8], _: proofplane_rpc::RawResponder) {}
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.sock");
    let address = path.to_str().unwrap();
    let other = Contract {
        schema_hash: [9; 32],
        ..echo::CONTRACT
    };
    let _server = proofplane_rpc::serve(address, &other, &proofplane_rpc::ServerOptions::default(), Arc::new(Nothing)).unwrap();
    let expected = ConnectError::OtherSchema {
        ours: echo::CONTRACT.schema_hash,
        theirs: [9; 32],
    };
    assert_eq!(connect(address, &ClientOptions::default()).err(), Some(expected));
    let none = Contract {
        schema_hash: [0; 32],
        ..echo::CONTRACT
    };
    let client = proofplane_rpc::Client::connect(address, &none, &ClientOptions::default()).unwrap();
    assert!(client.uses_ids());
    let again = proofplane_rpc::serve(address, &other, &proofplane_rpc::ServerOptions::default(), Arc::new(Nothing));
    assert!(again.err().unwrap().to_string().contains("already serves there"));
}

/// Answers every request with its own fields.
struct Mirror;

impl proofplane_rpc::Handler for Mirror {
    fn handle(&self, _: u32, payload: &[u8], responder: proofplane_rpc::RawResponder) {
        responder.reply(proofplane_reactor::server::Reply::Ok(payload.to_vec()));
    }
}

/// Four threads of one client, each with sixteen calls of up to 60 kB under way: more than the rings and the socket's buffers hold.
fn many_calls_from_many_threads(address: &str, order: Order) {
    let _server = proofplane_rpc::serve(
        address,
        &echo::CONTRACT,
        &proofplane_rpc::ServerOptions::default(),
        Arc::new(Mirror),
    )
    .unwrap();
    let client = connect(
        address,
        &ClientOptions {
            order,
            ..ClientOptions::default()
        },
    )
    .unwrap();
    thread::scope(|scope| {
        for thread in 0..4_u8 {
            let client = &client;
            scope.spawn(move || {
                for round in 0..40_usize {
                    let data = |at: usize| vec![thread ^ (round + at) as u8; (round * 997 + at * 3761) % 60_000];
                    let calls: Vec<_> = (0..16).map(|at| client.echo_bytes(&EchoBytes { data: data(at) })).collect();
                    for (at, call) in calls.into_iter().enumerate() {
                        assert_eq!(call.wait(soon()).unwrap().data, data(at));
                    }
                }
            });
        }
    });
    assert_eq!(client.client.in_flight(), 0);
}

#[test]
fn many_threads_share_a_client_over_a_socket() {
    let directory = tempfile::tempdir().unwrap();
    for order in [Order::Ask, Order::Plain] {
        many_calls_from_many_threads(directory.path().join("many.sock").to_str().unwrap(), order);
    }
}

#[test]
fn many_threads_share_a_client_over_shared_memory() {
    for order in [Order::Ask, Order::Plain] {
        many_calls_from_many_threads(&format!("pp-test-many-{}.shm", std::process::id()), order);
    }
}

//! The native server: inline and on workers, panics, forgotten responders, bounds, shutdown.

mod rig;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Handler, Reply, Responder, Server};
use rig::{Client, contract, error, got, options};

/// Echo answers the payload. Work does what its payload's first byte says.
struct Service {
    /// Which thread ran each Echo.
    threads: Mutex<Vec<ThreadId>>,
    /// Responders of Work requests that are to be answered by the test.
    kept: Mutex<Sender<Responder>>,
    /// Blocks Work requests of byte `b` until the test lets one go.
    gate: Mutex<Receiver<()>>,
}

impl Handler for Service {
    fn handle(&self, method: u32, payload: &[u8], responder: Responder) {
        if method == 0 {
            self.threads.lock().unwrap().push(std::thread::current().id());
            return responder.reply(Reply::Ok(payload.to_vec()));
        }
        match payload[0] {
            b'p' => panic!("this handler panics on purpose"),
            b'k' => self.kept.lock().unwrap().send(responder).unwrap(),
            b'b' => {
                self.gate.lock().unwrap().recv().unwrap();
                responder.reply(Reply::Ok(b"opened".to_vec()));
            }
            b'e' => responder.reply(Reply::Error("no".into())),
            _ => {}
        }
    }
}

struct Running {
    server: Server,
    service: Arc<Service>,
    kept: Receiver<Responder>,
    open: Sender<()>,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

fn serve(limits: Limits, workers: usize) -> Running {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.sock");
    let ((keep, kept), (open, gate)) = (channel(), channel());
    let service = Arc::new(Service {
        threads: Mutex::default(),
        kept: Mutex::new(keep),
        gate: Mutex::new(gate),
    });
    let server = Server::spawn(
        &Address::Socket(path.clone()),
        contract(),
        options(limits),
        workers,
        service.clone(),
    )
    .unwrap();
    Running {
        server,
        service,
        kept,
        open,
        path,
        _directory: directory,
    }
}

#[test]
fn an_inline_method_runs_on_the_reactors_thread_unless_something_is_in_flight() {
    let running = serve(Limits::default(), 1);
    let mut client = Client::connect(&running.path);
    client.send(Some(1), "Echo", b"\x01");
    client.read();
    client.send(Some(2), "Echo", b"\x02");
    client.read();
    client.send(Some(3), "Work", b"k");
    let kept = running.kept.recv().unwrap();
    client.send(Some(4), "Echo", b"\x03");
    assert_eq!(client.read(), got(Some(4), "EchoResponse", b"\x03"));
    kept.reply(Reply::Ok(b"kept".to_vec()));
    assert_eq!(client.read(), got(Some(3), "WorkResponse", b"kept"));
    let threads = running.service.threads.lock().unwrap();
    assert_eq!(threads[0], threads[1]);
    assert_ne!(threads[1], threads[2]);
}

#[test]
fn a_request_is_answered_whatever_its_handler_does() {
    let running = serve(Limits::default(), 1);
    let mut client = Client::connect(&running.path);
    for what in [b"p", b"f", b"e"] {
        client.send(None, "Work", what);
    }
    let replies = [client.read(), client.read(), client.read()];
    assert_eq!(
        replies,
        [
            error(None, "the handler panicked"),
            error(None, "the handler left without a reply"),
            error(None, "no")
        ]
    );
    client.send(None, "Work", b"k");
    drop(running.kept.recv().unwrap());
    assert_eq!(client.read(), error(None, "the handler left without a reply"));
    assert!(running.server.running());
}

#[test]
fn a_blocked_handler_holds_up_nobody() {
    let running = serve(Limits::default(), 2);
    let (mut blocked, mut other) = (Client::connect(&running.path), Client::connect(&running.path));
    blocked.send(Some(1), "Work", b"b");
    other.send(None, "Echo", b"\x01");
    assert_eq!(other.read(), got(None, "EchoResponse", b"\x01"));
    blocked.send(Some(2), "Echo", b"\x02");
    assert_eq!(blocked.read(), got(Some(2), "EchoResponse", b"\x02"));
    running.open.send(()).unwrap();
    assert_eq!(blocked.read(), got(Some(1), "WorkResponse", b"opened"));
}

#[test]
fn nothing_is_read_while_too_many_requests_wait_for_a_worker() {
    let running = serve(
        Limits {
            max_waiting: 4,
            max_in_flight: 2,
            ..Limits::default()
        },
        1,
    );
    let mut clients: Vec<_> = (0..10).map(|_| Client::connect(&running.path)).collect();
    for client in &mut clients {
        client.send(None, "Work", b"b");
        client.send(None, "Work", b"b");
    }
    for _ in 0..20 {
        running.open.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!([client.read(), client.read()].map(|reply| reply.payload), [b"opened", b"opened"]);
    }
}

#[test]
fn a_shutdown_waits_for_what_is_in_flight_and_removes_the_socket() {
    let mut running = serve(Limits::default(), 1);
    let mut client = Client::connect(&running.path);
    client.send(None, "Work", b"k");
    let kept = running.kept.recv().unwrap();
    let path = running.path.clone();
    let end = std::thread::spawn(move || {
        running.server.shutdown(Duration::from_secs(600));
        running
    });
    while path.exists() {
        std::thread::yield_now();
    }
    assert!(client.is_silent());
    kept.reply(Reply::Ok(b"done".to_vec()));
    assert_eq!(client.read(), got(None, "WorkResponse", b"done"));
    let running = end.join().unwrap();
    assert!(!running.server.running());
    assert!(client.is_closed());
}

#[test]
fn a_dropped_server_answers_what_is_in_flight_with_an_error() {
    let running = serve(Limits::default(), 1);
    let mut client = Client::connect(&running.path);
    client.send(None, "Work", b"k");
    let kept = running.kept.recv().unwrap();
    let Running { server, .. } = running;
    drop(server);
    assert_eq!(client.read(), error(None, "the server is shutting down"));
    assert!(client.is_closed());
    kept.reply(Reply::Ok(b"too late".to_vec()));
}

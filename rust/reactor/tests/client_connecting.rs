//! Connecting: who comes late is waited for, what cannot work fails at once, and every failure says what to do.

mod client_raw;

use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use client_raw::options;
use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Connector, Options, Target};
use proofplane_reactor::limits::Limits;

const MS: Duration = Duration::from_millis(1);

fn connector(path: &Path) -> Connector {
    Connector::new(Address::Socket(path.into()), options(Limits::default()))
}

fn pause(connector: &mut Connector) -> Duration {
    match connector.attempt() {
        Attempt::Wait(pause) => pause,
        Attempt::Connected(_) => panic!("there is no server"),
        Attempt::Failed(why) => panic!("{why}"),
    }
}

fn failure(connector: &mut Connector) -> String {
    match connector.attempt() {
        Attempt::Failed(why) => why,
        Attempt::Connected(_) => panic!("there is no server"),
        Attempt::Wait(pause) => panic!("it waits {pause:?}"),
    }
}

#[test]
fn an_absent_then_refusing_then_listening_server_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("late.sock");
    let mut connector = connector(&path);
    assert_eq!(pause(&mut connector), MS);
    // What a killed server leaves: the file without a listener.
    drop(UnixListener::bind(&path).unwrap());
    assert_eq!(pause(&mut connector), 2 * MS);
    std::fs::remove_file(&path).unwrap();
    let _listener = UnixListener::bind(&path).unwrap();
    assert!(matches!(connector.attempt(), Attempt::Connected(_)));
}

#[test]
fn a_full_backlog_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("full.sock");
    let listener = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _first = UnixStream::connect(&path).unwrap();
    let mut connector = connector(&path);
    assert_eq!(pause(&mut connector), MS);
    drop(listener.accept().unwrap());
    assert!(matches!(connector.attempt(), Attempt::Connected(_)));
}

#[test]
fn a_late_server_is_met_by_connect() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("late.sock");
    let server = std::thread::spawn({
        let path = path.clone();
        move || UnixListener::bind(path).unwrap().accept().map(drop)
    });
    assert!(connector(&path).connect(None).is_ok());
    server.join().unwrap().unwrap();
}

#[test]
fn what_is_no_stream_socket_or_no_path_fails_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let datagram = directory.path().join("datagram.sock");
    let _datagram = UnixDatagram::bind(&datagram).unwrap();
    assert!(failure(&mut connector(&datagram)).contains("no stream socket"));
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    assert!(failure(&mut connector(&file.join("x.sock"))).contains("no directory"));
    let long = directory.path().join("l".repeat(200)).with_extension("sock");
    assert!(failure(&mut connector(&long)).contains("107 bytes"));
}

#[test]
fn a_deadline_ends_connecting_with_a_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("never.sock");
    let why = connector(&path).connect(Some(Instant::now() + 5 * MS)).err().unwrap();
    assert_eq!(
        why,
        format!("cannot connect to {}: no server was there before the deadline", path.display())
    );
}

#[test]
fn a_dead_child_fails_at_once_and_a_living_one_until_its_start_timeout() {
    let directory = tempfile::tempdir().unwrap();
    let address = Address::Socket(directory.path().join("child.sock"));
    let child = |pid, start_timeout| Options {
        target: Target::Child { pid, start_timeout },
        ..options(Limits::default())
    };
    let mut living = Command::new("sleep")
        .arg("60")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut connector = Connector::new(address.clone(), child(living.id(), 3600 * 1000 * MS));
    assert_eq!(pause(&mut connector), MS / 5);
    let why = Connector::new(address.clone(), child(living.id(), Duration::ZERO))
        .connect(None)
        .err()
        .unwrap();
    assert!(why.contains("tried for 0ns, and still there is no socket at this path"), "{why}");
    living.kill().unwrap();
    living.wait().unwrap();
    let ended = format!("the server's process {} ended before it could be connected to", living.id());
    assert!(failure(&mut connector).contains(&ended));
    assert!(failure(&mut Connector::new(address, child(living.id(), 1000 * MS))).contains(&ended));
}

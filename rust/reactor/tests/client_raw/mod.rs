//! A raw server for the client's tests: it knows frames and nothing else, so that it can misbehave in every way.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod shm;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::JoinHandle;

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Attempt, Call, Connection, Connector, Lost, Options, Target};
use proofplane_reactor::limits::Limits;

/// Options of a foreign target with these limits.
pub fn options(limits: Limits) -> Options {
    Options {
        limits,
        target: Target::Foreign,
        slot: None,
        spin_us: 0,
    }
}

/// A connection to a server thread that runs `serve` with the accepted stream. The directory lives as long as the first value.
pub fn connected<R: Send + 'static>(
    limits: Limits,
    serve: impl FnOnce(UnixStream) -> R + Send + 'static,
) -> (tempfile::TempDir, Connection, JoinHandle<R>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("raw.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (directory, connect(&path, limits), server)
}

/// Connects in one attempt.
pub fn connect(path: &Path, limits: Limits) -> Connection {
    match Connector::new(Address::Socket(path.into()), options(limits)).attempt() {
        Attempt::Connected(connection) => connection,
        Attempt::Wait(pause) => panic!("no server yet, wait {pause:?}"),
        Attempt::Failed(why) => panic!("{why}"),
    }
}

/// A frame around a body.
pub fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_le_bytes(), body].concat()
}

/// The body of a plain reply `["R", payload]`.
pub fn plain_reply(payload: &[u8]) -> Vec<u8> {
    [&b"\x92\xa1R"[..], payload].concat()
}

/// The body of a reply with an id below 128.
pub fn id_reply(id: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x92, id][..], &plain_reply(payload)].concat()
}

/// Reads one frame's body; `None` at the end.
pub fn read_frame(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix).ok()?;
    let mut body = vec![0; u32::from_le_bytes(prefix) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// Writes the bytes; a client that is gone is the test's own concern.
pub fn write(stream: &mut UnixStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

/// A reply as a test compares it.
pub type Reply = (Call, String, Vec<u8>);

/// Waits until so many replies have come.
pub fn collect(connection: &mut Connection, count: usize) -> Result<Vec<Reply>, Lost> {
    let mut replies = Vec::new();
    while replies.len() < count {
        connection.wait(None, &mut |call, name, payload| {
            replies.push((call, name.to_owned(), payload.to_vec()))
        })?;
    }
    Ok(replies)
}

/// Waits for the end; what was delivered before it, and why.
pub fn until_lost(connection: &mut Connection) -> (Vec<Reply>, Lost) {
    let mut replies = Vec::new();
    loop {
        if let Err(lost) = connection.wait(None, &mut |call, name, payload| {
            replies.push((call, name.to_owned(), payload.to_vec()))
        }) {
            return (replies, lost);
        }
    }
}

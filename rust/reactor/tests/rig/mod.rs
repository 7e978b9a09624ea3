//! A driver under test, turned by the test's own thread, and a raw client: frames written and read by hand.
#![allow(dead_code)] // Each test program uses its part.

pub mod copies;
pub mod rings;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::envelope::{Head, error_payload, read_reply};
use proofplane_reactor::frame;
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Driver, Options, Reply, Ticket, Wait};

/// A test that waits longer than this for anything has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Echo (inline) is method 0, Work is method 1.
pub fn contract() -> Contract {
    let method = |name: &str, inline| Method {
        request: name.into(),
        response: format!("{name}Response"),
        inline,
    };
    Contract {
        schema_hash: [9; 32],
        methods: vec![method("Echo", true), method("Work", false)],
        error: "ErrorResponse".into(),
    }
}

pub fn options(limits: Limits) -> Options {
    Options {
        limits,
        ..Options::default()
    }
}

/// A request that the driver handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub ticket: Ticket,
    pub method: u32,
    pub payload: Vec<u8>,
}

/// The driver and what it handed out and was not yet looked at.
pub struct Rig {
    pub driver: Driver,
    pub path: PathBuf,
    pub taken: Vec<Taken>,
    pub directory: tempfile::TempDir,
}

impl Rig {
    pub fn new(limits: Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let driver = Driver::bind(&Address::Socket(path.clone()), contract(), options(limits)).unwrap();
        Self {
            driver,
            path,
            taken: Vec::new(),
            directory,
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.path)
    }

    /// Turns once.
    pub fn turn(&mut self, wait: Wait) -> usize {
        let Self { driver, taken, .. } = self;
        driver
            .turn(wait, &mut |request| {
                taken.push(Taken {
                    ticket: request.ticket,
                    method: request.method,
                    payload: request.payload.to_vec(),
                })
            })
            .unwrap()
    }

    /// Turns until a condition holds.
    pub fn until(&mut self, mut holds: impl FnMut(&mut Self) -> bool) {
        let end = std::time::Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(std::time::Instant::now() < end, "it never came so far: {:?}", self.driver.stats());
            self.turn(Wait::Sleep(Some(Duration::from_millis(1))));
        }
    }

    /// Turns until so many requests were handed out, and takes exactly these.
    pub fn take<const N: usize>(&mut self) -> [Taken; N] {
        self.until(|rig| rig.taken.len() >= N);
        self.taken.drain(..N).collect::<Vec<_>>().try_into().unwrap()
    }

    /// Turns until nothing happens any more.
    pub fn settle(&mut self) {
        while {
            let before = (self.driver.stats(), self.taken.len());
            self.turn(Wait::No);
            before != (self.driver.stats(), self.taken.len())
        } {}
    }

    pub fn answer(&mut self, taken: &Taken, payload: &[u8]) -> bool {
        let known = self.driver.complete(taken.ticket, Reply::Ok(payload));
        self.driver.flush().unwrap();
        known
    }
}

/// A reply as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub id: Option<u64>,
    pub name: String,
    pub payload: Vec<u8>,
}

pub fn got(id: Option<u64>, name: &str, payload: &[u8]) -> Got {
    Got {
        id,
        name: name.into(),
        payload: payload.to_vec(),
    }
}

pub fn error(id: Option<u64>, message: &str) -> Got {
    got(id, "ErrorResponse", &error_payload(message))
}

/// The message of an error reply.
pub fn message(got: &Got) -> String {
    assert_eq!(got.name, "ErrorResponse");
    String::from_utf8_lossy(&got.payload[9..]).into_owned()
}

pub fn body(id: Option<u64>, name: &str, payload: &[u8]) -> Vec<u8> {
    [Head::request(id, name).unwrap().as_bytes(), payload].concat()
}

pub fn framed(body: &[u8]) -> Vec<u8> {
    [&frame::prefix(body.len())[..], body].concat()
}

/// A raw client.
pub struct Client(pub UnixStream);

impl Client {
    pub fn connect(path: &std::path::Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub fn send(&mut self, id: Option<u64>, name: &str, payload: &[u8]) {
        self.bytes(&framed(&body(id, name, payload)));
    }

    pub fn read(&mut self) -> Got {
        let mut prefix = [0; 4];
        self.0.read_exact(&mut prefix).unwrap();
        let mut body = vec![0; u32::from_le_bytes(prefix) as usize];
        self.0.read_exact(&mut body).unwrap();
        let reply = read_reply(&body).unwrap();
        got(reply.id, reply.name, reply.payload)
    }

    /// Whether nothing has come.
    pub fn is_silent(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.read(&mut [0; 1]);
        self.0.set_nonblocking(false).unwrap();
        matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Whether the server has closed and nothing is left to read.
    pub fn is_closed(&mut self) -> bool {
        match self.0.read(&mut [0; 1]) {
            Ok(count) => count == 0,
            // It closed with something of ours unread.
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

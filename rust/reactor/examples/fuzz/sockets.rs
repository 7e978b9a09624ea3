//! Frames to a driver over sockets.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::envelope::read_reply;
use proofplane_reactor::frame::{Front, front, prefix};
use proofplane_reactor::limits::Limits;
use proofplane_reactor::server::{Driver, Options, Reply, Ticket, Wait};

use crate::random::Random;
use crate::readers::body;
use crate::{Counts, MAX_FRAME};

/// Frames sent between two looks at the replies: what they cause fits a socket's buffer.
const BATCH: usize = 64;
/// Frames on one connection.
const FRAMES_A_CONNECTION: usize = 512;

struct Server {
    driver: Driver,
    path: std::path::PathBuf,
    answers: Vec<Ticket>,
}

impl Server {
    fn start(directory: &std::path::Path) -> Self {
        let method = |name: &str| Method {
            request: name.into(),
            response: format!("{name}Response"),
            inline: true,
        };
        let contract = Contract {
            schema_hash: [1; 32],
            methods: vec![method("Echo"), method("Work")],
            error: "ErrorResponse".into(),
        };
        let options = Options {
            limits: Limits {
                max_frame: MAX_FRAME,
                ..Limits::default()
            },
            ..Options::default()
        };
        let path = directory.join("fuzz.sock");
        let driver = Driver::bind(&Address::Socket(path.clone()), contract, options).expect("bound");
        Self {
            driver,
            path,
            answers: Vec::new(),
        }
    }

    /// Turns until nothing changes any more, and answers everything, the last request first.
    fn settle(&mut self) {
        loop {
            let before = self.driver.stats();
            let Self { driver, answers, .. } = self;
            driver.turn(Wait::No, &mut |request| answers.push(request.ticket)).expect("a turn");
            for ticket in answers.drain(..).rev() {
                driver.complete(ticket, Reply::Ok(b"\x80"));
            }
            driver.flush().expect("a flush");
            if self.driver.stats() == before {
                return;
            }
        }
    }
}

/// What has come and was not yet counted.
#[derive(Default)]
struct Replies(Vec<u8>);

impl Replies {
    /// Reads what is there; how many whole replies it was, and whether the server has closed.
    fn take(&mut self, client: &mut UnixStream) -> (usize, bool) {
        let mut room = [0; 65_536];
        let closed = loop {
            match client.read(&mut room) {
                Ok(0) => break true,
                Ok(count) => self.0.extend_from_slice(&room[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(_) => break true,
            }
        };
        let (mut rest, mut whole) = (&self.0[..], 0);
        while let Front::Frame { body, rest: after } = front(rest, MAX_FRAME) {
            read_reply(body).expect("the server's own envelopes are sound");
            (rest, whole) = (after, whole + 1);
        }
        self.0 = rest.to_vec();
        (whole, closed)
    }
}

/// Frames to a driver over sockets: every body gets exactly one reply, whatever it holds, until the framing itself breaks.
pub fn sockets(inputs: usize, random: &mut Random) -> Counts {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Server::start(directory.path());
    let mut sent = 0;
    while sent < inputs {
        let mut client = UnixStream::connect(&server.path).expect("connected");
        client.set_nonblocking(true).expect("a socket");
        let mut replies = Replies::default();
        for _ in 0..FRAMES_A_CONNECTION / BATCH {
            let mut bytes = Vec::new();
            for _ in 0..BATCH {
                let body = body(random);
                bytes.extend_from_slice(&prefix(body.len()));
                bytes.extend_from_slice(&body);
            }
            sent += BATCH;
            // In two pieces, cut anywhere.
            let cut = random.below(bytes.len());
            for piece in [&bytes[..cut], &bytes[cut..]] {
                client.write_all(piece).expect("it fits the buffer");
                server.settle();
            }
            assert_eq!(replies.take(&mut client), (BATCH, false), "one reply for each body");
        }
        // The end: too large a frame, half a frame, or nothing.
        let end = random.below(3);
        if end < 2 {
            let len = if end == 0 {
                MAX_FRAME + 1 + random.below(1 << 20) as u32
            } else {
                100
            };
            client.write_all(&len.to_le_bytes()).expect("it fits the buffer");
            server.settle();
            assert_eq!(replies.take(&mut client), (usize::from(end == 0), end == 0));
        }
        drop(client);
        server.settle();
        assert_eq!(server.driver.stats().open, 0);
    }
    let stats = server.driver.stats();
    assert_eq!((stats.in_flight, stats.orphaned), (0, 0));
    Counts::from([
        ("connections", stats.accepted),
        ("requests handed out", stats.requests),
        ("replies", stats.replies),
        ("refused", stats.refused),
    ])
}

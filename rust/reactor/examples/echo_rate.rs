//! How many requests a second one server answers for one raw pipelining client, and what it costs when nothing is asked.
//!
//! `echo_rate [native|driver] [sock|shm] [IN_FLIGHT] [BYTES] [SECONDS]`; the client is a thread of the same process.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::envelope::Head;
use proofplane_reactor::frame::{self, Front, front};
use proofplane_reactor::server::{Driver, Handler, Options, Reply, Responder, Server, Ticket, Wait};
use proofplane_ring::{ClientChannel, Sleep, Spin};

struct Echo;

impl Handler for Echo {
    fn handle(&self, _method: u32, payload: &[u8], responder: Responder) {
        responder.reply(Reply::Ok(payload.to_vec()));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = |index: usize, default: &str| arguments.get(index).cloned().unwrap_or_else(|| default.into());
    let number = |index: usize, default: usize| arguments.get(index).map_or(default, |value| value.parse().expect("a number"));
    let (native, shared) = (text(0, "native") == "native", text(1, "sock") == "shm");
    let (in_flight, bytes, seconds) = (number(2, 64), number(3, 67), number(4, 3));

    let directory = tempfile::tempdir().expect("a temporary directory");
    let name = format!("pp-rate-{}", std::process::id());
    let path = directory.path().join("x.sock");
    let address = if shared {
        Address::SharedMemory(name.clone())
    } else {
        Address::Socket(path.clone())
    };
    let method = Method {
        request: "Echo".into(),
        response: "EchoResponse".into(),
        inline: true,
    };
    let contract = Contract {
        schema_hash: [0; 32],
        methods: vec![method],
        error: "ErrorResponse".into(),
    };

    let head = Head::request(None, "Echo").expect("a short name");
    let body = [head.as_bytes(), &vec![7; bytes - head.as_bytes().len()]].concat();
    let client = |over: &AtomicBool| {
        let (count, time) = if shared {
            rings(&name, &body, in_flight, seconds)
        } else {
            sockets(&path, &body, in_flight, seconds)
        };
        over.store(true, Ordering::Relaxed);
        println!(
            "{:.0} requests/s, {in_flight} in flight, {bytes} bytes",
            count as f64 / time.as_secs_f64()
        );
    };
    let over = AtomicBool::new(false);
    if native {
        let server = Server::spawn(&address, contract, Options::default(), 1, Arc::new(Echo)).expect("a server");
        client(&over);
        idle(seconds);
        println!("{:?}", server.stats());
        return;
    }
    let mut driver = Driver::bind(&address, contract, Options::default()).expect("a server");
    let handle = driver.handle();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            client(&over);
            handle.notify();
        });
        let (mut tickets, mut payloads): (Vec<(Ticket, usize)>, Vec<u8>) = (Vec::new(), Vec::new());
        while !over.load(Ordering::Relaxed) {
            let take = &mut |request: proofplane_reactor::server::Request<'_>| {
                tickets.push((request.ticket, request.payload.len()));
                payloads.extend_from_slice(request.payload);
            };
            driver.turn(Wait::Sleep(None), take).expect("a turn");
            let mut rest = payloads.as_slice();
            for (ticket, len) in tickets.drain(..) {
                let (payload, after) = rest.split_at(len);
                driver.complete(ticket, Reply::Ok(payload));
                rest = after;
            }
            payloads.clear();
            driver.flush().expect("a flush");
        }
    });
    println!("{:?}", driver.stats());
}

fn sockets(path: &Path, body: &[u8], in_flight: usize, seconds: usize) -> (u64, Duration) {
    let mut stream = UnixStream::connect(path).expect("a server");
    let frame = [&frame::prefix(body.len())[..], body].concat();
    let batch = frame.repeat(in_flight);
    stream.write_all(&batch).expect("room");
    let (mut buffer, mut held, mut count) = (vec![0; 1 << 20], 0, 0);
    let begun = Instant::now();
    while begun.elapsed().as_secs() < seconds as u64 {
        held += stream.read(&mut buffer[held..]).expect("replies");
        let (mut rest, mut replies) = (&buffer[..held], 0);
        while let Front::Frame { rest: after, .. } = front(rest, u32::MAX) {
            (rest, replies) = (after, replies + 1);
        }
        let left = rest.len();
        buffer.copy_within(held - left..held, 0);
        held = left;
        count += replies as u64;
        stream.write_all(&batch[..replies * frame.len()]).expect("room");
    }
    (count, begun.elapsed())
}

fn rings(name: &str, body: &[u8], in_flight: usize, seconds: usize) -> (u64, Duration) {
    let mut client = ClientChannel::join(name, None).expect("a slot");
    let mut spin = Spin::new(proofplane_reactor::cores::beside(), 20);
    let (mut unsent, mut count) = (in_flight, 0);
    let begun = Instant::now();
    while begun.elapsed().as_secs() < seconds as u64 {
        let mut published = false;
        while unsent > 0
            && let Some(mut claim) = client.request.claim(body.len()).expect("a message that fits")
        {
            claim.bytes().copy_from_slice(body);
            claim.publish();
            (unsent, published) = (unsent - 1, true);
        }
        if published {
            client.ring();
        }
        while client.response.peek().expect("replies").is_some() {
            client.response.release();
            (unsent, count) = (unsent + 1, count + 1);
        }
        if unsent == 0 && !spin.wait(client.peer_cpu(), || client.response.has_message()) {
            let seen = client.arm(Sleep::Futex);
            if !client.response.has_message() {
                client.wait(seen, Some(Duration::from_millis(100)));
            }
            client.disarm();
        }
    }
    (count, begun.elapsed())
}

/// Prints the share of a processor that this process uses while nothing is asked.
fn idle(seconds: usize) {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").expect("procfs");
        let fields: Vec<u64> = stat
            .rsplit(") ")
            .next()
            .unwrap_or("")
            .split(' ')
            .filter_map(|field| field.parse().ok())
            .collect();
        // utime and stime, in hundredths of a second; the state before them is no number.
        fields[10] + fields[11]
    };
    let before = ticks();
    sleep(Duration::from_secs(seconds as u64));
    println!("idle: {} ms of processor time in {seconds} s", (ticks() - before) * 10);
}

//! Round trips between two processes over shared memory: p50 with both ends on two cores, on one, and after moving between them.
//!
//! `cargo run --release -p proofplane-ring --example pingpong [rounds] [bytes]`

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proofplane_ring::layout::HEADER_BYTES;
use proofplane_ring::{Bell, ClientChannel, Consumer, Producer, Region, ServerChannel, Sleep, SlotEvent, Spin, format_ring};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::{CpuSet, sched_setaffinity};

const SPIN_US: u32 = 20;

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("pinned");
}

fn serve(name: &str, cpu: usize) {
    pin(cpu);
    let mut channel = ServerChannel::create(name, 2, 1 << 20, 1 << 20).expect("created");
    println!("ready");
    std::io::stdout().flush().expect("written");
    let (mut spin, mut events, mut served) = (Spin::new(2, SPIN_US), Vec::new(), false);
    loop {
        channel.scan(&mut events);
        for event in events.drain(..) {
            match event {
                SlotEvent::Claimed { .. } => served = true,
                SlotEvent::Left { .. } => return,
            }
        }
        let mut any = false;
        if served {
            for number in 0..channel.slots() {
                let mut sent = false;
                let slot = channel.slot(number);
                while let Some(message) = slot.request.peek().expect("sound") {
                    let mut claim = slot.response.claim(message.len()).expect("fits").expect("room");
                    claim.bytes().copy_from_slice(message);
                    claim.publish();
                    slot.request.release();
                    sent = true;
                }
                if sent {
                    channel.ring(number);
                    any = true;
                }
            }
        }
        if any || spin.wait(channel.peer_cpu(), || channel.has_work()) {
            continue;
        }
        channel.arm(Sleep::Poll);
        if !channel.has_work() {
            let fifo = channel.fifo();
            poll(&mut [PollFd::new(&fifo, PollFlags::IN)], None).expect("polled");
        }
        channel.disarm();
    }
}

/// One round trip; which spun and slept as they learned.
fn call(channel: &mut ClientChannel, spin: &mut Spin, payload: &[u8]) {
    let mut claim = channel.request.claim(payload.len()).expect("fits").expect("room");
    claim.bytes().copy_from_slice(payload);
    claim.publish();
    channel.ring();
    while !spin.wait(channel.peer_cpu(), || channel.response.has_message()) {
        channel.arm(Sleep::Poll);
        if !channel.response.has_message() {
            let fifo = channel.fifo().expect("ours");
            poll(&mut [PollFd::new(fifo, PollFlags::IN)], None).expect("polled");
            fifo.drain().expect("drained");
        }
        channel.disarm();
    }
    assert_eq!(channel.response.peek().expect("sound").expect("there").len(), payload.len());
    channel.response.release();
}

fn measure(channel: &mut ClientChannel, spin: &mut Spin, rounds: usize, payload: &[u8], think: Duration) -> String {
    let mut times: Vec<u64> = (0..rounds)
        .map(|_| {
            let begin = Instant::now();
            while begin.elapsed() < think {}
            let start = Instant::now();
            call(channel, spin, payload);
            start.elapsed().as_nanos() as u64
        })
        .collect();
    // How many round trips the spin took to learn.
    let learned = times.iter().position(|&time| time < 5_000);
    times.sort_unstable();
    let at = |part: f64| times[(part * (rounds - 1) as f64) as usize] as f64 / 1000.0;
    format!(
        "p50 {:7.2} us   p90 {:7.2}   p99 {:7.2}   first below 5 us: {learned:?}",
        at(0.5),
        at(0.9),
        at(0.99)
    )
}

/// What one message costs without another processor: nanoseconds.
fn alone() -> f64 {
    let region = Arc::new(Region::private(HEADER_BYTES + (1 << 20)));
    format_ring(&region, true).expect("a power of two");
    let bell = Bell::of_ring(region.clone());
    let (mut producer, mut consumer) = (
        Producer::attach(region.clone()).expect("sound"),
        Consumer::attach(region).expect("sound"),
    );
    let (rounds, payload) = (1_000_000, [7u8; 64]);
    let start = Instant::now();
    for _ in 0..rounds {
        let mut claim = producer.claim(payload.len()).expect("fits").expect("room");
        claim.bytes().copy_from_slice(&payload);
        claim.publish();
        bell.ring(false, None);
        std::hint::black_box(consumer.peek().expect("sound").expect("there"));
        consumer.release();
    }
    start.elapsed().as_nanos() as f64 / f64::from(rounds)
}

struct Server(Child);

impl Server {
    fn start(name: &str, cpu: usize) -> Self {
        let program = std::env::current_exe().expect("a path");
        let mut child = Command::new(program)
            .args(["serve", name, &cpu.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawned");
        let mut line = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().expect("piped"));
        std::io::BufRead::read_line(&mut out, &mut line).expect("ready");
        Self(child)
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|mode| mode == "serve") {
        return serve(&args[2], args[3].parse().expect("a processor"));
    }
    let number = |at: usize, default: usize| args.get(at).map_or(default, |text| text.parse().expect("a number"));
    println!("claim, publish, ring, peek, release in one thread: {:.0} ns", alone());
    let (rounds, payload) = (number(1, 20_000), vec![7u8; number(2, 64)]);
    for (label, cpus) in [
        ("two cores", vec![(0, 1)]),
        ("one core", vec![(0, 0)]),
        ("moved", vec![(0, 1), (1, 1), (0, 1)]),
    ] {
        let name = format!("pp-pingpong-{}", std::process::id());
        let mut server = Server::start(&name, cpus[0].1);
        pin(cpus[0].0);
        let mut channel = ClientChannel::join(&name, None).expect("joined");
        let mut spin = Spin::new(2, SPIN_US);
        for (client, _) in cpus {
            pin(client);
            for (kind, think) in [("", 0), (", 100 us between calls", 100), (" again", 0)] {
                let think = Duration::from_micros(think);
                println!(
                    "{label} (client on {client}){kind}: {}",
                    measure(&mut channel, &mut spin, rounds, &payload, think)
                );
            }
        }
        drop(channel);
        server.0.wait().expect("ended");
    }
}

//! Two processes, real futexes and pipes, small rings that fill in both directions, no spinning: every message arrives, whole and in order.
#![cfg(not(loom))]

mod kit;

use kit::{await_readable, child, given_name, name, objects};
use proofplane_ring::{ClientChannel, Consumer, Producer, ServerChannel, Sleep, SlotEvent};
use std::time::Duration;

const CLIENTS: u32 = 3;
const MESSAGES: u32 = 50_000;
/// So small that a handful of messages fill it.
const RING: usize = 4096;
/// A futex sleep this long means that a wake was lost.
const LOST: Duration = Duration::from_secs(60);

/// Length and content of a message, from its number.
fn len_of(client: u32, number: u32) -> usize {
    let mixed = (number ^ client << 24).wrapping_mul(0x9e37_79b9);
    if mixed.is_multiple_of(11) {
        (mixed >> 8) as usize % (RING / 2 - 4)
    } else {
        (mixed >> 8) as usize % 80
    }
}

fn fill(bytes: &mut [u8], client: u32, number: u32) {
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (number as usize * 7 + client as usize * 31 + at) as u8;
    }
}

/// What one pass over a slot did.
#[derive(Default)]
struct Echoed {
    /// Something was sent.
    sent: bool,
    /// The client waits for room in its request ring, and got some.
    room: bool,
    /// The reply ring is full: the oldest request waits where it is.
    full: bool,
}

fn echo(request: &mut Consumer, response: &mut Producer) -> Echoed {
    let mut echoed = Echoed::default();
    while let Some(message) = request.peek().expect("sound") {
        let Some(mut claim) = response.claim(message.len()).expect("fits") else {
            echoed.full = true;
            break;
        };
        claim.bytes().copy_from_slice(message);
        claim.publish();
        echoed.sent = true;
        echoed.room |= request.release();
    }
    response.set_blocked(echoed.full);
    echoed
}

/// A reactor in small: serves until every client has come and gone.
fn serve(name: &str, sleep: Sleep) {
    let mut server = ServerChannel::create(name, CLIENTS, RING, RING).expect("created");
    let (mut events, mut served, mut gone) = (Vec::new(), [false; CLIENTS as usize], 0);
    while gone < CLIENTS {
        server.scan(&mut events);
        let mut moved = !events.is_empty();
        for event in events.drain(..) {
            match event {
                SlotEvent::Claimed { slot, .. } => served[slot as usize] = true,
                SlotEvent::Left { slot } => {
                    served[slot as usize] = false;
                    server.reset(slot);
                    gone += 1;
                }
            }
        }
        for slot in 0..CLIENTS {
            // While its reply ring is full a client's requests are not read, and are no work.
            if served[slot as usize] {
                let ends = server.slot(slot);
                let echoed = echo(&mut ends.request, &mut ends.response);
                server.ignore(slot, echoed.full);
                moved |= echoed.sent;
                if echoed.sent || echoed.room {
                    server.ring(slot);
                }
            }
        }
        if moved {
            continue;
        }
        let seen = server.arm(sleep);
        if !server.has_work() {
            match sleep {
                Sleep::Futex => server.wait(seen, Some(LOST)),
                Sleep::Poll => await_readable(server.fifo()),
            }
        }
        server.disarm();
    }
}

/// Sends as much as goes and takes what comes, until all is back.
fn run(name: &str, client: u32, sleep: Sleep) {
    let mut channel = ClientChannel::join(name, Some(client)).expect("joined");
    let (mut sent, mut received) = (0, 0);
    while received < MESSAGES {
        let before = (sent, received);
        step(&mut channel, client, &mut sent, &mut received);
        if before != (sent, received) {
            continue;
        }
        let seen = channel.arm(sleep);
        step(&mut channel, client, &mut sent, &mut received);
        if before == (sent, received) {
            match sleep {
                Sleep::Futex => channel.wait(seen, Some(LOST)),
                Sleep::Poll => await_readable(channel.fifo().expect("ours")),
            }
        }
        channel.disarm();
        channel.fifo().expect("ours").drain().expect("drained");
    }
    assert!(channel.request.is_empty() && !channel.response.has_message());
}

fn step(channel: &mut ClientChannel, client: u32, sent: &mut u32, received: &mut u32) {
    let mut ring = false;
    while *sent < MESSAGES {
        let Some(mut claim) = channel.request.claim(len_of(client, *sent)).expect("fits") else {
            channel.request.set_blocked(true);
            break;
        };
        fill(claim.bytes(), client, *sent);
        claim.publish();
        channel.request.set_blocked(false);
        *sent += 1;
        ring = true;
    }
    let mut expected = vec![0; RING];
    while let Some(message) = channel.response.peek().expect("sound") {
        let expected = &mut expected[..len_of(client, *received)];
        fill(expected, client, *received);
        assert!(message == expected, "message {received} of client {client}");
        ring |= channel.response.release();
        *received += 1;
    }
    if ring {
        channel.ring();
    }
}

fn clients(sleep: Sleep) {
    let Some(name) = given_name() else { return };
    let threads: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let name = name.clone();
            std::thread::spawn(move || run(&name, client, sleep))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_of_clients_in_the_futex() {
    clients(Sleep::Futex);
}

#[test]
#[ignore = "run by the tests below in a process of its own"]
fn child_of_clients_in_poll() {
    clients(Sleep::Poll);
}

fn stress(role: &str, sleep: Sleep) {
    let name = name(role);
    let serving = {
        let name = name.clone();
        std::thread::spawn(move || serve(&name, sleep))
    };
    while objects(&format!("{name}_req_doorbell")) != [format!("{name}_req_doorbell")] {
        std::thread::yield_now();
    }
    assert!(child(role, &name).wait().expect("ended").success(), "the clients' process");
    serving.join().expect("no panic");
    assert_eq!(objects(&name), [""; 0]);
}

#[test]
fn full_rings_in_both_directions_never_lose_a_wake_in_the_futex() {
    stress("child_of_clients_in_the_futex", Sleep::Futex);
}

#[test]
fn full_rings_in_both_directions_never_lose_a_wake_in_poll() {
    stress("child_of_clients_in_poll", Sleep::Poll);
}

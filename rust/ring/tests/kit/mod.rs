//! What the tests over real shared memory share.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use proofplane_ring::{Consumer, Producer, ServerChannel, SlotEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A name that no other test or run has.
pub fn name(of: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("pp-test-{of}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// The objects whose names begin with `name`.
pub fn objects(name: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/dev/shm").expect("listed");
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|file| file.starts_with(name))
        .collect()
}

pub fn send(producer: &mut Producer, payload: &[u8]) {
    let mut claim = producer.claim(payload.len()).expect("sound").expect("room");
    claim.bytes().copy_from_slice(payload);
    claim.publish();
}

pub fn receive(consumer: &mut Consumer) -> Option<Vec<u8>> {
    let message = consumer.peek().expect("sound")?.to_vec();
    consumer.release();
    Some(message)
}

pub fn scan(server: &mut ServerChannel) -> Vec<SlotEvent> {
    let mut events = Vec::new();
    server.scan(&mut events);
    events
}

/// The slot that one client has just claimed.
pub fn claimed(server: &mut ServerChannel) -> u32 {
    match scan(server)[..] {
        [SlotEvent::Claimed { slot, .. }] => slot,
        ref other => panic!("one claim expected, not {other:?}"),
    }
}

/// Runs the ignored test `role` of this program in a process of its own.
pub fn child(role: &str, name: &str) -> Child {
    Command::new(std::env::current_exe().expect("a path"))
        .args([role, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("RING_TEST_NAME", name)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("spawned")
}

/// In a child: the name it was given; `None` when somebody runs all ignored tests by hand.
pub fn given_name() -> Option<String> {
    std::env::var("RING_TEST_NAME").ok()
}

/// Waits until `fd` is readable; a minute means that a wake was lost.
pub fn await_readable(fd: impl AsFd) {
    let minute = Timespec { tv_sec: 60, tv_nsec: 0 };
    assert_eq!(
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&minute)).expect("polled"),
        1,
        "never woken"
    );
}

//! No wake is lost: one sleeper, one or two wakers, both ways to sleep.

use std::sync::Arc;

use loom::thread;

use super::{check, ends, receive, ring, send};
use crate::layout::DOORBELL_BYTES;
use crate::{Bell, Consumer, Fifo, Region, Sleep};

/// Sleeps until every ring has given one message.
fn receive_all(consumers: &mut [Consumer], bell: &Bell, sleep: Sleep, fifo: &Fifo) {
    let mut left = consumers.len();
    let mut take = |consumers: &mut [Consumer]| {
        let taken = consumers.iter_mut().filter_map(receive).count();
        left -= taken;
        (taken, left)
    };
    loop {
        if take(consumers).1 == 0 {
            return;
        }
        let seen = bell.arm(sleep);
        let (taken, left) = take(consumers);
        if taken == 0 {
            match sleep {
                Sleep::Futex => bell.wait(seen, None),
                Sleep::Poll => fifo.poll(),
            }
        }
        bell.disarm();
        fifo.drain().expect("drained");
        if left == 0 {
            return;
        }
    }
}

fn two_producers_one_doorbell(sleep: Sleep) {
    check(move || {
        let bell = Bell::doorbell(Arc::new(Region::private(DOORBELL_BYTES)));
        let fifo = Arc::new(Fifo::default());
        let (producers, mut consumers): (Vec<_>, Vec<_>) = (0..2).map(|_| ends(&ring(16))).unzip();
        let senders: Vec<_> = producers
            .into_iter()
            .map(|mut producer| {
                let (bell, fifo) = (bell.clone(), fifo.clone());
                thread::spawn(move || {
                    assert!(send(&mut producer, b"x"));
                    bell.ring(false, Some(&fifo));
                })
            })
            .collect();
        receive_all(&mut consumers, &bell, sleep, &fifo);
        senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
    });
}

#[test]
fn two_producers_wake_one_doorbell_that_sleeps_in_the_futex() {
    two_producers_one_doorbell(Sleep::Futex);
}

#[test]
fn two_producers_wake_one_doorbell_that_sleeps_in_epoll() {
    two_producers_one_doorbell(Sleep::Poll);
}

fn one_reply_ring(ours: bool, sleep: Sleep) {
    check(move || {
        let region = ring(16);
        crate::format_ring(&region, ours).expect("a power of two");
        let (bell, fifo) = (Bell::of_ring(region.clone()), Arc::new(Fifo::default()));
        let (mut producer, consumer) = ends(&region);
        let (waker, pipe) = (bell.clone(), fifo.clone());
        let sender = thread::spawn(move || {
            for _ in 0..2 {
                while !send(&mut producer, b"x") {
                    thread::yield_now();
                }
                waker.ring(!ours, Some(&pipe));
            }
        });
        let mut consumers = [consumer];
        receive_all(&mut consumers, &bell, sleep, &fifo);
        receive_all(&mut consumers, &bell, sleep, &fifo);
        sender.join().expect("no panic");
    });
}

#[test]
fn a_reply_wakes_a_client_in_the_futex() {
    one_reply_ring(true, Sleep::Futex);
}

#[test]
fn a_reply_wakes_a_client_in_epoll() {
    one_reply_ring(true, Sleep::Poll);
}

#[test]
fn a_peers_reply_wakes_a_client_in_the_futex_on_head() {
    one_reply_ring(false, Sleep::Futex);
}

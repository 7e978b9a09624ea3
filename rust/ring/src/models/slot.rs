//! Two clients race for a slot; the one leaves, the server resets, the next finds nothing of the last.

use std::sync::Arc;

use loom::thread;

use super::{check, ends, receive, ring, send};
use crate::slot::{Change, Watch, claim, condemn, evicted, leave, reset};
use crate::{Consumer, Owner, Producer, Region};

fn owner(pid: u64) -> Owner {
    Owner::from_word(pid << 42 | 1000).expect("not 0")
}

/// What a client does with a slot that it has claimed: finds it empty, sends its name, leaves.
fn use_slot(request: &Arc<Region>, response: &Arc<Region>, me: Owner, epoch: u64) {
    let mut producer = Producer::attach(request.clone()).expect("an empty ring");
    let mut consumer = Consumer::attach(response.clone()).expect("an empty ring");
    assert!(
        producer.is_empty() && consumer.peek().expect("sound").is_none(),
        "nothing of the last owner"
    );
    assert!(send(&mut producer, &[me.pid() as u8]));
    assert!(!evicted(request, me, epoch));
    leave(request, me);
}

#[test]
fn of_two_clients_that_race_for_a_slot_exactly_one_has_it() {
    check(|| {
        let request = ring(16);
        let theirs = request.clone();
        let other = thread::spawn(move || claim(&theirs, owner(2)).is_some());
        let mine = claim(&request, owner(1)).is_some();
        assert_ne!(mine, other.join().expect("no panic"));
    });
}

#[test]
fn the_next_owner_of_a_slot_finds_nothing_of_the_last() {
    check(|| {
        let (request, response) = (ring(16), ring(16));
        let ((_, mut from), (mut to, _)) = (ends(&request), ends(&response));
        let first = claim(&request, owner(1)).expect("free");
        let (theirs, replies) = (request.clone(), response.clone());
        let leaving = thread::spawn(move || use_slot(&theirs, &replies, owner(1), first));
        let (theirs, replies) = (request.clone(), response.clone());
        // Twice, not until it succeeds: two loops that wait for each other have no end in the model.
        let next = thread::spawn(move || {
            let claimed = claim(&theirs, owner(2)).or_else(|| claim(&theirs, owner(2)));
            if let Some(epoch) = claimed {
                use_slot(&theirs, &replies, owner(2), epoch);
            }
            claimed.is_some()
        });
        let mut watch = Watch::Owned(owner(1));
        while watch.look(&request, false, |_| true) != Change::Left {
            thread::yield_now();
        }
        assert!(send(&mut to, b"late"), "a reply to who is gone");
        from.restart();
        to.restart();
        reset(&request, &response);
        watch = Watch::Free;
        let seen = watch.look(&request, false, |_| true);
        assert!(matches!(seen, Change::Nothing | Change::Stale) || seen == Change::Claimed(owner(2)));
        let early = if seen == Change::Nothing { None } else { receive(&mut from) };
        if next.join().expect("no panic") {
            let message = early.or_else(|| receive(&mut from)).expect("its message");
            assert_eq!(message.0, [2], "of this owner and no other");
        }
        assert_eq!(receive(&mut from), None);
        leaving.join().expect("no panic");
    });
}

#[test]
fn a_condemned_client_learns_it_and_its_leave_still_frees_the_slot() {
    check(|| {
        let (request, response) = (ring(16), ring(16));
        let epoch = claim(&request, owner(1)).expect("free");
        let theirs = request.clone();
        let client = thread::spawn(move || {
            while !evicted(&theirs, owner(1), epoch) {
                thread::yield_now();
            }
            leave(&theirs, owner(1));
        });
        condemn(&request);
        let mut watch = Watch::Owned(owner(1));
        while watch.look(&request, false, |_| true) != Change::Left {
            thread::yield_now();
        }
        reset(&request, &response);
        client.join().expect("no panic");
        assert!(claim(&request, owner(2)).is_some());
    });
}

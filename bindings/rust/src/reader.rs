//! The thread that takes a client's replies, and sends what did not go at once.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::client::{Shared, State};
use crate::error::CallError;
use crate::pending::{Outcome, Slot};

/// How soon to look again while something is unsent and shared memory cannot tell when there is room: a foreign server with a full
/// ring. 1 ms: nobody notices it beside what fills a ring.
const RETRY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};

/// What is to be done after a turn.
enum Next {
    /// Look again at once.
    Again,
    /// Sleep until the connection or the bell tells; watch for room too if something is unsent.
    Sleep { unsent: bool },
    /// The connection is over.
    End,
}

/// Runs until the connection is over, by loss or by `close`; then fails every call in flight.
pub(crate) fn read_replies(shared: &Shared, readable: &OwnedFd) {
    loop {
        let mut filled = Vec::new();
        let next = turn(&mut shared.lock(), shared.rings, &mut filled);
        for (slot, outcome) in filled {
            slot.fill(outcome);
        }
        match next {
            Next::Again => {}
            Next::Sleep { unsent } => sleep(shared, readable, unsent),
            Next::End => return,
        }
    }
}

fn turn(state: &mut State, rings: bool, filled: &mut Vec<(Arc<Slot>, Outcome)>) -> Next {
    let State { connection, waiting, over } = state;
    if over.is_none() {
        let spin = !waiting.is_empty();
        let turned = connection.turn(spin, &mut |call, name, payload| {
            if let Some(slot) = waiting.remove(&call) {
                filled.push((slot, Ok((name.to_owned(), payload.to_vec()))));
            }
        });
        match turned {
            // Over shared memory the descriptor tells only once a turn has found nothing; a socket's is level-triggered.
            Ok(replies) if replies > 0 && rings => return Next::Again,
            Ok(_) => {
                return Next::Sleep {
                    unsent: connection.wants_write(),
                };
            }
            Err(lost) => *over = Some(lost.into()),
        }
    }
    let why = over.clone().unwrap_or(CallError::Closed);
    filled.extend(waiting.drain().map(|(_, slot)| (slot, Err(why.clone()))));
    Next::End
}

fn sleep(shared: &Shared, readable: &OwnedFd, unsent: bool) {
    let interest = if unsent && !shared.rings {
        PollFlags::IN | PollFlags::OUT
    } else {
        PollFlags::IN
    };
    let mut watched = [PollFd::new(readable, interest), PollFd::new(&shared.bell, PollFlags::IN)];
    // A signal or a failing poll only means to look again: the turn finds out what is wrong.
    let _ = poll(&mut watched, (unsent && shared.rings).then_some(&RETRY));
    let mut count = [0; 8];
    // Empty unless somebody rang; either way the next turn looks at everything.
    let _ = rustix::io::read(&shared.bell, &mut count);
}

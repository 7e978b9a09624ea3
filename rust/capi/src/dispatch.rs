//! Calls in flight, and the replies of one turn on their way to the handlers.
//!
//! Invariant: a `Pending` is consumed by `Batch::run` or `fail`, each of which runs its handler; nothing else takes one apart.
//! So every handler runs exactly once.

use std::collections::HashMap;
use std::ffi::c_void;
use std::ops::Range;

use proofplane_reactor::client::Call;

use crate::fault::Fault;
use crate::layout::{ReplyHandler, Status};

/// Bytes that the arena keeps between turns; what a larger reply needed is given back.
const ARENA_KEPT: usize = 1 << 20;

/// One call's handler, until its reply is there.
pub struct Pending {
    handler: ReplyHandler,
    context: *mut c_void,
}

// SAFETY: the header says that the handler runs on the client's thread, so the caller's context may be used there.
unsafe impl Send for Pending {}

/// Calls in flight.
pub type Calls = HashMap<Call, Pending>;

impl Pending {
    /// What `pp_client_submit` was given.
    pub fn new(handler: ReplyHandler, context: *mut c_void) -> Self {
        Self { handler, context }
    }

    fn reply(self, name: &str, payload: &[u8]) {
        // SAFETY: the header's contract; name and payload live until the handler returns.
        unsafe {
            (self.handler)(
                self.context,
                Status::Ok,
                name.as_ptr().cast(),
                name.len(),
                payload.as_ptr(),
                payload.len(),
            )
        }
    }

    fn fail(self, fault: &Fault) {
        let why = fault.message.as_bytes();
        // SAFETY: as above.
        unsafe { (self.handler)(self.context, fault.status, std::ptr::null(), 0, why.as_ptr(), why.len()) }
    }
}

/// Tells every handler that no reply will come.
pub fn fail(calls: Calls, fault: &Fault) {
    for pending in calls.into_values() {
        pending.fail(fault);
    }
}

/// The replies of one turn: copied under the lock, handed out without it, so that a handler may submit.
#[derive(Default)]
pub struct Batch {
    arena: Vec<u8>,
    replies: Vec<(Pending, Range<usize>, Range<usize>)>,
}

impl Batch {
    /// Notes one reply; one to a call that nobody knows is dropped.
    pub fn push(&mut self, calls: &mut Calls, call: Call, name: &str, payload: &[u8]) {
        let Some(pending) = calls.remove(&call) else { return };
        let start = self.arena.len();
        self.arena.extend_from_slice(name.as_bytes());
        let middle = self.arena.len();
        self.arena.extend_from_slice(payload);
        self.replies.push((pending, start..middle, middle..self.arena.len()));
    }

    /// Runs the handlers, in the order in which the replies came.
    pub fn run(&mut self) {
        for (pending, name, payload) in self.replies.drain(..) {
            // The name was pushed as a str, so it is one.
            pending.reply(str::from_utf8(&self.arena[name]).unwrap_or_default(), &self.arena[payload]);
        }
        self.arena.clear();
        self.arena.shrink_to(ARENA_KEPT);
    }
}

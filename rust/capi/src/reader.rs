//! A client's connection and the one thread that reads it.
//!
//! Rules:
//! 1. The connection is used under the lock. A submitting thread sends by itself, so a call in flight alone crosses no thread on its way out.
//! 2. The reader never holds the lock while it sleeps or runs a handler.
//! 3. The reader sleeps in poll on the connection's descriptor and on an eventfd. Whoever leaves something that the descriptor will not
//!    tell (unsent bytes, a lost connection, the wish to close) writes the eventfd after having changed the state.
//! 4. The reader is the only one that ends calls: it takes all of them out under the lock, then tells each handler.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use proofplane_reactor::client::{Connection, SubmitError};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::dispatch::{Batch, Calls, Pending, fail};
use crate::fault::{Fault, guard};
use crate::layout::Status;

/// How soon a ring whose bytes found no room is tried again: a foreign server rings nobody when it makes room.
const RETRY: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};

struct State {
    connection: Connection,
    calls: Calls,
    /// Why no further call is taken.
    over: Option<Fault>,
}

/// What the reader's thread and the submitting threads share.
pub struct Shared {
    state: Mutex<State>,
    wake: OwnedFd,
    /// Threads that want the lock to submit: the reader does not spin under it then.
    submitting: AtomicUsize,
    shared_memory: bool,
    max_in_flight: usize,
}

impl Shared {
    /// Takes over a connection.
    pub fn new(connection: Connection, shared_memory: bool, max_in_flight: u32) -> io::Result<Self> {
        Ok(Self {
            state: Mutex::new(State {
                connection,
                calls: Calls::new(),
                over: None,
            }),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            submitting: AtomicUsize::new(0),
            shared_memory,
            max_in_flight: max_in_flight as usize,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock ends the connection (see `read`); what it left is still good for failing the calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request, as far as it goes without blocking.
    pub fn submit(&self, name: &str, payload: &[u8], pending: Pending) -> Result<(), Fault> {
        // Relaxed: a hint to `turn`, which loads it so too; the lock orders everything else.
        self.submitting.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        self.submitting.fetch_sub(1, Ordering::Relaxed);
        if let Some(fault) = &state.over {
            return Err(fault.clone());
        }
        if state.calls.len() >= self.max_in_flight {
            let message = format!(
                "{} calls are unanswered, the most that this client carries: let replies come in first",
                state.calls.len()
            );
            return Err(Fault::new(Status::Busy, message));
        }
        let call = state.connection.submit(name, payload).map_err(|error| self.refusal(error))?;
        state.calls.insert(call, pending);
        let sent = state.connection.flush();
        drop(state);
        if !matches!(sent, Ok(true)) {
            // The reader waits until the rest can be sent, or finds the connection lost and tells every handler, this call's too.
            self.wake();
        }
        Ok(())
    }

    fn refusal(&self, error: SubmitError) -> Fault {
        match error {
            SubmitError::TooLarge { need, most } => Fault::new(
                Status::TooLarge,
                format!("a frame of {need} bytes is more than the {most} that this connection carries"),
            ),
            SubmitError::WouldBlock => Fault::new(Status::Busy, "the queue of unsent requests is full: let replies come in first"),
            SubmitError::Lost(lost) => {
                self.wake();
                lost.into()
            }
        }
    }

    /// Calls submitted and not answered.
    pub fn in_flight(&self) -> usize {
        self.lock().calls.len()
    }

    /// Asks the reader to end: every call in flight ends with `PP_CLOSED`.
    pub fn close(&self) {
        self.lock()
            .over
            .get_or_insert_with(|| Fault::new(Status::Closed, "this client was closed"));
        self.wake();
    }

    fn wake(&self) {
        // It fails only when the counter is full, and then the reader is being woken anyway.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    /// The reader's thread: until the connection is over.
    pub fn read(&self) {
        let mut batch = Batch::default();
        let ended = guard(|| -> Result<(), Fault> {
            loop {
                while self.turn(&mut batch)? > 0 {
                    batch.run();
                }
                self.sleep()?;
            }
        });
        let fault = ended.err().unwrap_or_else(|| Fault::new(Status::Closed, "this client was closed"));
        // Replies that came together with the end are replies.
        batch.run();
        let mut state = self.lock();
        state.connection.close();
        state.over.get_or_insert_with(|| fault.clone());
        let calls = mem::take(&mut state.calls);
        drop(state);
        fail(calls, &fault);
    }

    /// Takes what has come; an error once the connection is over.
    fn turn(&self, batch: &mut Batch) -> Result<usize, Fault> {
        let mut state = self.lock();
        let State { connection, calls, over } = &mut *state;
        if let Some(fault) = over {
            return Err(fault.clone());
        }
        let spin = connection.spins() && connection.in_flight() > 0 && self.submitting.load(Ordering::Relaxed) == 0;
        Ok(connection.turn(spin, &mut |call, name, payload| batch.push(calls, call, name, payload))?)
    }

    /// Until the connection or another thread has something.
    fn sleep(&self) -> Result<(), Fault> {
        let (fd, unsent) = {
            let state = self.lock();
            (state.connection.as_fd().as_raw_fd(), state.connection.wants_write())
        };
        // SAFETY: the connection closes its descriptor in `close` or on drop; both are done by the reader's thread, which is here,
        // or after that thread has ended.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        let interest = if unsent && !self.shared_memory {
            PollFlags::IN | PollFlags::OUT
        } else {
            PollFlags::IN
        };
        let mut fds = [PollFd::new(&fd, interest), PollFd::new(&self.wake, PollFlags::IN)];
        match poll(&mut fds, (unsent && self.shared_memory).then_some(&RETRY)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Fault::new(Status::System, format!("cannot wait for replies: {error}"))),
        }
        if !fds[1].revents().is_empty() {
            // Non-blocking, and the value says nothing: whatever was written, the next turn looks at everything.
            let _ = rustix::io::read(&self.wake, &mut [0u8; 8]);
        }
        Ok(())
    }
}

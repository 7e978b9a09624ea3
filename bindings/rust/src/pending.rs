//! A reply that has not come yet: wait for it with a deadline, or await it in any runtime.
//!
//! ```text
//! Waiting --reply or loss, by the reader's thread--> Done --wait or poll--> Taken
//! ```
//! Invariants: a slot is filled exactly once; dropping a `Pending` drops the reply, never the read.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::error::CallError;
use crate::msgpack::{DecodeError, Reader, Unpack, from_bytes};

/// What the reader's thread hands over: a reply's name and packed fields, or why there will be none.
pub(crate) type Outcome = Result<(String, Vec<u8>), CallError>;

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Done(Outcome),
    Taken,
}

/// The place of one call's reply, shared by the caller and the reader's thread.
#[derive(Debug)]
pub(crate) struct Slot {
    state: Mutex<State>,
    filled: Condvar,
}

impl Slot {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::Waiting(None)),
            filled: Condvar::new(),
        }
    }

    /// Hands over the outcome and wakes whoever waits.
    pub(crate) fn fill(&self, outcome: Outcome) {
        let before = std::mem::replace(&mut *self.lock(), State::Done(outcome));
        self.filled.notify_all();
        // Outside the lock: a waker may run the task at once.
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }

    fn take(state: &mut State) -> Option<Outcome> {
        match std::mem::replace(state, State::Taken) {
            State::Done(outcome) => Some(outcome),
            before => {
                *state = before;
                None
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves a whole state: every change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reply to come.
#[must_use = "a call's reply, or its error, is only seen by waiting for it"]
#[derive(Debug)]
pub struct Pending<T> {
    slot: Arc<Slot>,
    response: &'static str,
    error: &'static str,
    reply: PhantomData<fn() -> T>,
}

impl<T: Unpack> Pending<T> {
    pub(crate) fn new(slot: Arc<Slot>, response: &'static str, error: &'static str) -> Self {
        Self {
            slot,
            response,
            error,
            reply: PhantomData,
        }
    }

    /// Blocks until the reply has come, or the deadline has.
    ///
    /// # Errors
    /// `Refused` with the service's message; `Deadline`; whatever ended the connection.
    pub fn wait(self, deadline: Option<Instant>) -> Result<T, CallError> {
        let mut state = self.slot.lock();
        loop {
            if let Some(outcome) = Slot::take(&mut state) {
                return self.read(outcome);
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.slot.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return Err(CallError::Deadline),
                Some(left) => self.slot.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn read(&self, outcome: Outcome) -> Result<T, CallError> {
        let (name, payload) = outcome?;
        if name == self.response {
            from_bytes(&payload).map_err(CallError::Reply)
        } else if name == self.error {
            from_bytes::<Message>(&payload).map_or_else(|error| Err(CallError::Reply(error)), |error| Err(CallError::Refused(error.0)))
        } else {
            Err(CallError::Name(name))
        }
    }
}

impl<T: Unpack> Future for Pending<T> {
    type Output = Result<T, CallError>;

    /// Ready once; a future that is polled again after that stays pending for ever.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.slot.lock();
        if let Some(outcome) = Slot::take(&mut state) {
            return Poll::Ready(self.read(outcome));
        }
        if let State::Waiting(waker) = &mut *state {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

/// The one field of every contract's error.
struct Message(String);

impl Unpack for Message {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut message = None;
        reader.fields(|key, reader| {
            match key {
                "message" => message = Some(reader.string()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        message.map(Self).ok_or(DecodeError::MissingField("message"))
    }
}

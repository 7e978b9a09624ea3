//! A client: callers submit from any thread, one thread of its own takes the replies.
//!
//! Invariants: the connection is touched only under the lock; a call is in `waiting` from the moment it is submitted until its slot
//! is filled; slots are filled outside the lock; once `over` is set nothing enters `waiting` any more.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{Call, Connection, Connector, Options, introduce};
use rustix::event::{EventfdFlags, eventfd};

use crate::contract::{Command, Contract};
use crate::error::{CallError, ConnectError};
use crate::msgpack::to_bytes;
use crate::options::{ClientOptions, Order};
use crate::pending::{Pending, Slot};
use crate::reader::read_replies;

/// A connection to one server, for any number of threads. Not to be used in a child after a fork.
pub struct Client {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    error: &'static str,
    max_in_flight: usize,
    uses_ids: bool,
}

/// What callers and the reader's thread share.
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Wakes the reader's thread: there is something to send that did not go at once, or the client closes.
    pub(crate) bell: OwnedFd,
    /// Shared memory, which must be turned until nothing came before its descriptor tells.
    pub(crate) rings: bool,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) connection: Connection,
    /// Calls without a reply.
    pub(crate) waiting: HashMap<Call, Arc<Slot>>,
    /// Why the connection is over, once it is.
    pub(crate) over: Option<CallError>,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock can only come from the core; the connection then answers for itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the reader's thread look again.
    fn ring(&self) {
        // The counter of an eventfd takes 2^64 - 2 rings before a write could fail, and each wake resets it.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

impl Client {
    /// Connects, retrying while the server is not there yet, and says Hello unless `options` say otherwise.
    ///
    /// # Errors
    /// No connection came about in time, or the server serves another contract.
    pub fn connect(address: &str, contract: &Contract, options: &ClientOptions) -> Result<Self, ConnectError> {
        // A timeout beyond what the clock can say is none.
        let deadline = Instant::now().checked_add(options.timeout);
        let address = Address::parse(address)?;
        let rings = matches!(address, Address::SharedMemory(_));
        let asked = Options {
            limits: options.limits.clone(),
            target: options.target,
            slot: options.slot,
            spin_us: options.spin_us,
        };
        let mut connection = Connector::new(address, asked)
            .connect(deadline)
            .map_err(ConnectError::Unreachable)?;
        let hello = match options.order {
            Order::Ask => introduce(&mut connection, contract.schema_hash, deadline)?,
            Order::Plain => None,
        };
        let uses_ids = hello.is_some_and(|hello| hello.ids);
        let started = Self::start(connection, rings).map_err(|error| ConnectError::Unreachable(format!("the system refused: {error}")))?;
        Ok(Self {
            shared: started.0,
            reader: Some(started.1),
            error: contract.error,
            max_in_flight: options.limits.max_in_flight as usize,
            uses_ids,
        })
    }

    fn start(connection: Connection, rings: bool) -> io::Result<(Arc<Shared>, JoinHandle<()>)> {
        let readable = connection.as_fd().try_clone_to_owned()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                connection,
                waiting: HashMap::new(),
                over: None,
            }),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            rings,
        });
        let theirs = Arc::clone(&shared);
        let reader = thread::Builder::new()
            .name("proofplane-client".into())
            .spawn(move || read_replies(&theirs, &readable))?;
        Ok((shared, reader))
    }

    /// Sends a request. Never blocks; what goes wrong is told by the pending reply.
    pub fn call<C: Command>(&self, request: &C) -> Pending<C::Response> {
        let slot = Arc::new(Slot::new());
        if let Err(error) = self.submit(C::NAME, &to_bytes(request), &slot) {
            slot.fill(Err(error));
        }
        Pending::new(slot, C::RESPONSE, self.error)
    }

    fn submit(&self, name: &str, payload: &[u8], slot: &Arc<Slot>) -> Result<(), CallError> {
        let mut state = self.shared.lock();
        if let Some(why) = &state.over {
            return Err(why.clone());
        }
        if state.waiting.len() >= self.max_in_flight {
            return Err(CallError::Busy);
        }
        let call = state.connection.submit(name, payload)?;
        state.waiting.insert(call, Arc::clone(slot));
        // A loss seen here is seen again by the reader's thread, which fails everything in flight.
        let sent = state.connection.flush();
        drop(state);
        if !matches!(sent, Ok(true)) {
            self.shared.ring();
        }
        Ok(())
    }

    /// Whether requests carry ids, so that replies come as they are done.
    pub fn uses_ids(&self) -> bool {
        self.uses_ids
    }

    /// Calls without a reply, those that nobody waits for any more included.
    pub fn in_flight(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// Closes at once: calls in flight fail with `Closed`. Dropping the client does the same.
    pub fn close(self) {}
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.over.get_or_insert(CallError::Closed);
        state.connection.close();
        drop(state);
        self.shared.ring();
        // A waker may drop the client on the reader's own thread, which cannot wait for itself and ends by itself.
        if let Some(reader) = self.reader.take().filter(|reader| reader.thread().id() != thread::current().id()) {
            // It has no result, and a panic of it has been printed.
            let _ = reader.join();
        }
    }
}

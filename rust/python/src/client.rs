//! The client's side: one attempt to connect at a time, and the connection that an event loop or a blocking caller turns.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use proofplane_reactor::address::Address;
use proofplane_reactor::client::{self as core, Attempt, Lost, SubmitError, Target};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::batch::Batch;
use crate::errors::{self, ConnectFailed, FrameTooLarge};
use crate::guard::Guarded;
use crate::limits::Limits;
use crate::names::{Names, Seen};

/// Longest sleep without a look at Python's signal handlers. C's `wait` returns early when a signal reaches this thread; one that
/// reaches another thread is seen after so long.
const SIGNALS: Duration = Duration::from_millis(100);

/// One connecting in progress.
#[pyclass(frozen, module = "proofplane._native")]
pub struct Connector {
    core: Guarded<core::Connector>,
}

#[pymethods]
impl Connector {
    #[new]
    #[pyo3(signature = (address, *, limits, child=None, start_timeout=0.0, slot=None, spin_us=0))]
    fn new(address: &str, limits: &Limits, child: Option<u32>, start_timeout: f64, slot: Option<u32>, spin_us: u32) -> PyResult<Self> {
        let address = Address::parse(address).map_err(|error| errors::address(&error))?;
        let target = match child {
            None => Target::Foreign,
            Some(pid) => Target::Child {
                pid,
                start_timeout: Duration::try_from_secs_f64(start_timeout).unwrap_or(Duration::MAX),
            },
        };
        let options = core::Options {
            limits: limits.core.clone(),
            target,
            slot,
            spin_us,
        };
        Ok(Self {
            core: Guarded::new(core::Connector::new(address, options)),
        })
    }

    /// Tries once, without blocking: the connection, or the seconds to wait before the next attempt.
    fn attempt(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.core.hold()?.get().attempt() {
            Attempt::Connected(core) => Ok(Bound::new(py, Connection::new(core))?.into_any().unbind()),
            Attempt::Wait(pause) => Ok(pause.as_secs_f64().into_pyobject(py)?.into_any().unbind()),
            Attempt::Failed(why) => Err(ConnectFailed::new_err(why)),
        }
    }
}

/// What is kept of a connection.
struct State {
    core: core::Connection,
    names: Names,
    batch: Batch<(core::Call, Seen)>,
    closed: bool,
}

impl State {
    fn open(&mut self) -> PyResult<&mut Self> {
        if self.closed {
            Err(PyRuntimeError::new_err("the connection is closed"))
        } else {
            Ok(self)
        }
    }

    fn submit(&mut self, name: &str, payload: &[u8]) -> PyResult<Option<core::Call>> {
        match self.core.submit(name, payload) {
            Ok(call) => Ok(Some(call)),
            Err(SubmitError::WouldBlock) => Ok(None),
            Err(SubmitError::Lost(lost)) => Err(errors::lost(lost)),
            Err(SubmitError::TooLarge { need, most }) => Err(FrameTooLarge::new_err(format!(
                "{name} has {need} bytes of fields, and the connection carries {most}"
            ))),
        }
    }

    /// Sleeps without the GIL until a reply comes, at most until `SIGNALS` or the deadline; keeps those that are `wanted`.
    fn sleep(
        &mut self,
        py: Python<'_>,
        deadline: Option<Instant>,
        wanted: impl Fn(core::Call) -> bool + Send + Sync,
    ) -> Result<usize, Lost> {
        let slice = Instant::now() + SIGNALS;
        let until = deadline.map_or(slice, |deadline| deadline.min(slice));
        py.detach(|| {
            let Self { core, names, batch, .. } = self;
            core.wait(Some(until), &mut |call, name, payload| {
                if wanted(call) {
                    batch.push((call, names.see(name)), payload);
                }
            })
        })
    }

    /// Gives every kept reply to `each`.
    fn hand_over<'py>(
        &mut self,
        py: Python<'py>,
        mut each: impl FnMut(core::Call, Bound<'py, PyString>, Bound<'py, PyBytes>) -> PyResult<()>,
    ) -> PyResult<()> {
        let Self { batch, names, .. } = self;
        batch.take(py, |(call, seen), payload| each(call, names.object(py, &seen), payload))
    }

    fn handed_over<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let replies = PyList::empty(py);
        self.hand_over(py, |call, name, payload| replies.append((call, name, payload)))?;
        Ok(replies)
    }
}

/// When `timeout` seconds will have passed; never, if that is beyond what the clock can say.
fn deadline(timeout: Option<f64>) -> Option<Instant> {
    let timeout = Duration::try_from_secs_f64(timeout?.max(0.0)).ok()?;
    Instant::now().checked_add(timeout)
}

fn passed(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// One connection.
#[pyclass(frozen, module = "proofplane._native")]
pub struct Connection {
    state: Guarded<State>,
    fd: i32,
}

impl Connection {
    fn new(core: core::Connection) -> Self {
        let fd = core.as_fd().as_raw_fd();
        Self {
            state: Guarded::new(State {
                core,
                names: Names::default(),
                batch: Batch::default(),
                closed: false,
            }),
            fd,
        }
    }
}

#[pymethods]
impl Connection {
    fn fileno(&self) -> i32 {
        self.fd
    }

    fn use_ids(&self, ids: bool) -> PyResult<()> {
        self.state.hold()?.get().open()?.core.use_ids(ids);
        Ok(())
    }

    fn limit_requests(&self, most: u32) -> PyResult<()> {
        self.state.hold()?.get().open()?.core.limit_requests(most);
        Ok(())
    }

    /// Queues a request; its number, or `None` when the queue is full.
    fn submit(&self, name: &str, payload: &[u8]) -> PyResult<Option<core::Call>> {
        self.state.hold()?.get().open()?.submit(name, payload)
    }

    /// Sends what goes without blocking; true when nothing is left.
    fn flush(&self) -> PyResult<bool> {
        self.state.hold()?.get().open()?.core.flush().map_err(errors::lost)
    }

    /// Takes the replies that have come: (call, name, packed fields). Never blocks; may spin without the GIL.
    fn turn<'py>(&self, py: Python<'py>, spin: bool) -> PyResult<Bound<'py, PyList>> {
        let mut held = self.state.hold()?;
        let state = held.get().open()?;
        if spin {
            let result = py.detach(|| {
                let State { core, names, batch, .. } = &mut *state;
                core.turn(true, &mut |call, name, payload| batch.push((call, names.see(name)), payload))
            });
            let replies = state.handed_over(py)?;
            return if replies.is_empty() {
                result.map(|_| replies).map_err(errors::lost)
            } else {
                Ok(replies)
            };
        }
        let replies = PyList::empty(py);
        let State { core, names, .. } = &mut *state;
        let mut appended = Ok(());
        let result = core.turn(false, &mut |call, name, payload| {
            let seen = names.see(name);
            let item = (call, names.object(py, &seen), PyBytes::new(py, payload));
            if let Err(error) = replies.append(item) {
                appended = Err(error);
            }
        });
        appended?;
        // Replies that came before the end are handed over first; the next turn tells of the end again.
        if replies.is_empty() {
            result.map_err(errors::lost)?;
        }
        Ok(replies)
    }

    /// As `turn`, but sleeps without the GIL until a reply has come; empty when `timeout` seconds have passed.
    #[pyo3(signature = (timeout))]
    fn wait<'py>(&self, py: Python<'py>, timeout: Option<f64>) -> PyResult<Bound<'py, PyList>> {
        let mut held = self.state.hold()?;
        let state = held.get().open()?;
        let deadline = deadline(timeout);
        loop {
            let result = state.sleep(py, deadline, |_| true);
            let replies = state.handed_over(py)?;
            if !replies.is_empty() {
                return Ok(replies);
            }
            result.map_err(errors::lost)?;
            py.check_signals()?;
            if passed(deadline) {
                return Ok(replies);
            }
        }
    }

    /// Queues a request, sends it and sleeps without the GIL until its reply has come: (name, packed fields). Replies to other calls, which
    /// nobody waits for any more, are thrown away. `None` when `timeout` seconds have passed.
    fn exchange<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        payload: &[u8],
        timeout: Option<f64>,
    ) -> PyResult<Option<(Bound<'py, PyString>, Bound<'py, PyBytes>)>> {
        let mut held = self.state.hold()?;
        let state = held.get().open()?;
        let deadline = deadline(timeout);
        let mut mine = None;
        let mut found = None;
        loop {
            if mine.is_none() {
                mine = state.submit(name, payload)?;
            }
            let result = state.sleep(py, deadline, |call| Some(call) == mine);
            state.hand_over(py, |_, name, payload| {
                found = Some((name, payload));
                Ok(())
            })?;
            if found.is_some() {
                return Ok(found);
            }
            result.map_err(errors::lost)?;
            py.check_signals()?;
            if passed(deadline) {
                return Ok(None);
            }
        }
    }

    fn wants_write(&self) -> PyResult<bool> {
        Ok(self.state.hold()?.get().open()?.core.wants_write())
    }

    fn in_flight(&self) -> PyResult<usize> {
        Ok(self.state.hold()?.get().open()?.core.in_flight())
    }

    fn spins(&self) -> PyResult<bool> {
        Ok(self.state.hold()?.get().open()?.core.spins())
    }

    /// Closes at once. Idempotent.
    fn close(&self) -> PyResult<()> {
        let mut held = self.state.hold()?;
        let state = held.get();
        if !state.closed {
            state.closed = true;
            state.core.close();
        }
        Ok(())
    }
}

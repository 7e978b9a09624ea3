//! The server's side: a driver that the event loop's own thread turns, and the handle that other threads hold.

use std::os::fd::{AsFd, AsRawFd};

use proofplane_reactor::address::Address;
use proofplane_reactor::contract::{Contract, Method};
use proofplane_reactor::server::{self as core, Reply, Ticket, Wait};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::batch::Batch;
use crate::errors;
use crate::guard::Guarded;
use crate::limits::Limits;

/// What is kept of a server.
struct State {
    driver: core::Driver,
    batch: Batch<(u64, u32)>,
    echoes: Vec<(Ticket, Vec<u8>)>,
}

/// A server without a thread.
#[pyclass(frozen, module = "proofplane._native")]
pub struct Server {
    state: Guarded<State>,
    handle: core::Handle,
    echo: Vec<bool>,
    fd: i32,
}

/// What other threads hold of a server.
#[pyclass(frozen, module = "proofplane._native")]
pub struct Handle {
    core: core::Handle,
}

/// Builds the reactor's contract from names.
pub fn contract(schema_hash: &[u8], methods: Vec<(String, String)>, error: String, inline: bool) -> PyResult<Contract> {
    let schema_hash = schema_hash
        .try_into()
        .map_err(|_| PyValueError::new_err("a schema hash has 32 bytes"))?;
    let methods = methods
        .into_iter()
        .map(|(request, response)| Method { request, response, inline })
        .collect();
    Ok(Contract {
        schema_hash,
        methods,
        error,
    })
}

/// Gives the driver every (ticket, reply) of a list: bytes are a response's packed fields, a str is an error's message.
fn complete(driver: &mut core::Driver, replies: &Bound<'_, PyList>) -> PyResult<()> {
    for item in replies {
        let item = item.cast_into::<PyTuple>()?;
        let ticket = Ticket(item.get_borrowed_item(0)?.extract()?);
        let reply = item.get_borrowed_item(1)?;
        if let Ok(payload) = reply.cast::<PyBytes>() {
            driver.complete(ticket, Reply::Ok(payload.as_bytes()));
        } else {
            driver.complete(ticket, Reply::Error(reply.cast::<PyString>()?.to_string_lossy().into_owned()));
        }
    }
    Ok(())
}

impl State {
    /// One turn that may wait; requests go to the batch.
    fn wait_a_moment(&mut self, py: Python<'_>, echo: &[bool]) -> PyResult<()> {
        let Self { driver, batch, echoes } = self;
        py.detach(|| {
            driver.turn(Wait::Spin, &mut |request| match echo[request.method as usize] {
                true => echoes.push((request.ticket, request.payload.to_vec())),
                false => batch.push((request.ticket.0, request.method), request.payload),
            })
        })?;
        Ok(())
    }

    /// Answers the requests whose method is an echo.
    fn answer_echoes(&mut self) -> PyResult<()> {
        if self.echoes.is_empty() {
            return Ok(());
        }
        for (ticket, payload) in self.echoes.drain(..) {
            self.driver.complete(ticket, Reply::Ok(&payload));
        }
        Ok(self.driver.flush()?)
    }
}

#[pymethods]
impl Server {
    #[new]
    #[pyo3(signature = (address, schema_hash, methods, error, *, limits, slots=0, request_ring=0, response_ring=0, peers=Vec::new(), spin_us=0, echo=Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of a Python constructor")]
    fn new(
        address: &str,
        schema_hash: &[u8],
        methods: Vec<(String, String)>,
        error: String,
        limits: &Limits,
        slots: u32,
        request_ring: usize,
        response_ring: usize,
        peers: Vec<u32>,
        spin_us: u32,
        echo: Vec<usize>,
    ) -> PyResult<Self> {
        let address = Address::parse(address).map_err(|error| errors::address(&error))?;
        let contract = contract(schema_hash, methods, error, false)?;
        let echo = (0..contract.methods.len()).map(|number| echo.contains(&number)).collect();
        let options = core::Options {
            limits: limits.core.clone(),
            slots,
            request_ring,
            response_ring,
            peers,
            spin_us,
        };
        let driver = core::Driver::bind(&address, contract, options).map_err(errors::serve)?;
        let (handle, fd) = (driver.handle(), driver.as_fd().as_raw_fd());
        let state = State {
            driver,
            batch: Batch::default(),
            echoes: Vec::new(),
        };
        Ok(Self {
            state: Guarded::new(state),
            handle,
            echo,
            fd,
        })
    }

    fn fileno(&self) -> i32 {
        self.fd
    }

    fn handle(&self) -> Handle {
        Handle { core: self.handle.clone() }
    }

    /// Completes `replies`, then takes what has come: (ticket, method's number, packed fields).
    ///
    /// With `linger` it spins for more, as learned, without the GIL.
    fn turn<'py>(&self, py: Python<'py>, replies: &Bound<'py, PyList>, linger: bool) -> PyResult<Bound<'py, PyList>> {
        let mut held = self.state.hold()?;
        let state = held.get();
        complete(&mut state.driver, replies)?;
        let requests = PyList::empty(py);
        if linger {
            state.wait_a_moment(py, &self.echo)?;
            state
                .batch
                .take(py, |(ticket, method), payload| requests.append((ticket, method, payload)))?;
        } else {
            let State { driver, echoes, .. } = state;
            let mut appended = Ok(());
            driver.turn(Wait::No, &mut |request| {
                if self.echo[request.method as usize] {
                    echoes.push((request.ticket, request.payload.to_vec()));
                } else if let Err(error) = requests.append((request.ticket.0, request.method, PyBytes::new(py, request.payload))) {
                    appended = Err(error);
                }
            })?;
            appended?;
        }
        state.answer_echoes()?;
        Ok(requests)
    }

    /// Whether a turn with `linger` would wait: always over shared memory, where turns are repeated until one brings nothing;
    /// over sockets while spinning pays.
    fn lingers(&self) -> PyResult<bool> {
        Ok(self.state.hold()?.get().driver.spins())
    }

    /// Completes `replies` and sends what goes without blocking.
    fn finish(&self, replies: &Bound<'_, PyList>) -> PyResult<()> {
        let mut held = self.state.hold()?;
        let state = held.get();
        complete(&mut state.driver, replies)?;
        Ok(state.driver.flush()?)
    }

    /// Stops accepting; true once nothing is in flight and everything is sent.
    fn drain(&self) -> PyResult<bool> {
        Ok(self.state.hold()?.get().driver.drain())
    }

    /// Ends it: everything is closed and unlinked.
    fn abort(&self) -> PyResult<()> {
        self.state.hold()?.get().driver.abort();
        Ok(())
    }

    /// (accepted, open, requests, replies, refused, orphaned, in flight).
    fn stats(&self) -> PyResult<(u64, u64, u64, u64, u64, u64, u64)> {
        let stats = self.state.hold()?.get().driver.stats();
        Ok((
            stats.accepted,
            stats.open,
            stats.requests,
            stats.replies,
            stats.refused,
            stats.orphaned,
            stats.in_flight,
        ))
    }
}

#[pymethods]
impl Handle {
    /// Answers a request from any thread: bytes are the response's packed fields, a str is an error's message.
    fn complete(&self, ticket: u64, reply: &Bound<'_, PyAny>) -> PyResult<()> {
        let reply = match reply.cast::<PyBytes>() {
            Ok(payload) => Reply::Ok(payload.as_bytes().to_vec()),
            Err(_) => Reply::Error(reply.cast::<PyString>()?.to_string_lossy().into_owned()),
        };
        self.core.complete(Ticket(ticket), reply);
        Ok(())
    }
}

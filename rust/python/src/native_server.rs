//! A whole server in native code, with its own thread: each method answers its request's fields unchanged.

use std::sync::Arc;
use std::time::Duration;

use proofplane_reactor::address::Address;
use proofplane_reactor::server::{self as core, Handler, Reply, Responder};
use pyo3::prelude::*;

use crate::errors;
use crate::guard::Guarded;
use crate::limits::Limits;
use crate::server::contract;

struct Echo;

impl Handler for Echo {
    fn handle(&self, _method: u32, payload: &[u8], responder: Responder) {
        responder.reply(Reply::Ok(payload.to_vec()));
    }
}

/// A native server whose methods all echo: what the reactor costs without Python.
#[pyclass(frozen, module = "proofplane._native")]
pub struct EchoServer {
    core: Guarded<core::Server>,
}

#[pymethods]
impl EchoServer {
    #[new]
    #[pyo3(signature = (address, schema_hash, methods, error, *, limits, workers=0))]
    fn new(
        address: &str,
        schema_hash: &[u8],
        methods: Vec<(String, String)>,
        error: String,
        limits: &Limits,
        workers: usize,
    ) -> PyResult<Self> {
        let address = Address::parse(address).map_err(|error| errors::address(&error))?;
        let options = core::Options {
            limits: limits.core.clone(),
            ..core::Options::default()
        };
        let contract = contract(schema_hash, methods, error, true)?;
        let core = core::Server::spawn(&address, contract, options, workers, Arc::new(Echo)).map_err(errors::serve)?;
        Ok(Self { core: Guarded::new(core) })
    }

    /// Drains for at most `grace` seconds, then aborts; joins every thread.
    fn shutdown(&self, py: Python<'_>, grace: f64) -> PyResult<()> {
        let mut held = self.core.hold()?;
        let core = held.get();
        py.detach(|| core.shutdown(Duration::try_from_secs_f64(grace).unwrap_or_default()));
        Ok(())
    }
}

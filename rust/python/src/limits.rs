//! The bounds of a server or a client, as Python sees them; the defaults are the core's.

use proofplane_reactor::limits::Limits as Core;
use pyo3::prelude::*;

/// The bounds of one server (per connection unless said) or one client.
#[pyclass(frozen, eq, module = "proofplane._native")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub core: Core,
}

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (*, max_frame=None, max_in_flight=None, max_queued=None, max_connections=None, max_waiting=None))]
    fn new(
        max_frame: Option<u32>,
        max_in_flight: Option<u32>,
        max_queued: Option<usize>,
        max_connections: Option<u32>,
        max_waiting: Option<u32>,
    ) -> Self {
        let default = Core::default();
        Self {
            core: Core {
                max_frame: max_frame.unwrap_or(default.max_frame),
                max_in_flight: max_in_flight.unwrap_or(default.max_in_flight),
                max_queued: max_queued.unwrap_or(default.max_queued),
                max_connections: max_connections.unwrap_or(default.max_connections),
                max_waiting: max_waiting.unwrap_or(default.max_waiting),
            },
        }
    }

    #[getter]
    fn max_frame(&self) -> u32 {
        self.core.max_frame
    }

    #[getter]
    fn max_in_flight(&self) -> u32 {
        self.core.max_in_flight
    }

    #[getter]
    fn max_queued(&self) -> usize {
        self.core.max_queued
    }

    #[getter]
    fn max_connections(&self) -> u32 {
        self.core.max_connections
    }

    #[getter]
    fn max_waiting(&self) -> u32 {
        self.core.max_waiting
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.core)
    }
}

//! Payloads that arrive while the GIL is given away.

use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Payloads up to so many bytes are copied and become Python objects afterwards, together; of larger ones the second copy would cost
/// more than taking the GIL for one.
const SMALL: usize = 8 * 1024;

/// Room kept between batches, bytes; more is given back.
const KEPT: usize = 1 << 20;

/// One payload.
enum Body {
    Copied(Range<usize>),
    Object(Py<PyBytes>),
}

/// Payloads with what belongs to each.
pub struct Batch<K> {
    bytes: Vec<u8>,
    items: Vec<(K, Body)>,
}

impl<K> Default for Batch<K> {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            items: Vec::new(),
        }
    }
}

impl<K> Batch<K> {
    /// Keeps a payload; called without the GIL.
    pub fn push(&mut self, key: K, payload: &[u8]) {
        let body = if payload.len() <= SMALL {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(payload);
            Body::Copied(start..self.bytes.len())
        } else {
            Body::Object(Python::attach(|py| PyBytes::new(py, payload).unbind()))
        };
        self.items.push((key, body));
    }

    /// Hands everything over, in order, and is empty afterwards.
    pub fn take<'py>(&mut self, py: Python<'py>, mut each: impl FnMut(K, Bound<'py, PyBytes>) -> PyResult<()>) -> PyResult<()> {
        let Self { bytes, items } = self;
        let result = items.drain(..).try_for_each(|(key, body)| {
            each(
                key,
                match body {
                    Body::Copied(range) => PyBytes::new(py, &bytes[range]),
                    Body::Object(object) => object.into_bound(py),
                },
            )
        });
        bytes.clear();
        bytes.shrink_to(KEPT);
        result
    }
}

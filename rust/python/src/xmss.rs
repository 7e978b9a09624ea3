//! XMSS for Python: whole batches in one call, without the GIL.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use proofplane_xmss::batch::{self, Outcome};
use proofplane_xmss::field::{P, from_montgomery, to_montgomery};
use proofplane_xmss::kernel::{self, Kernel, LANES, Lanes};
use proofplane_xmss::key::{self, SEED_SIZE};
use proofplane_xmss::scheme::{MESSAGE_SIZE, PUBLIC_KEY_SIZE, Scheme};
use proofplane_xmss::verify::Claim;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

type Spans = Vec<(usize, u64, u64)>;

/// A key that can sign for the slots of its window.
#[pyclass(frozen, module = "proofplane._native")]
pub struct XmssKey {
    core: key::SigningKey,
}

#[pymethods]
impl XmssKey {
    #[new]
    fn new(py: Python<'_>, scheme: &str, seed: PyBackedBytes, first_slot: u64, slots: u64) -> PyResult<Self> {
        let scheme = scheme_named(scheme)?;
        let seed = sized::<SEED_SIZE>(&seed, "a seed")?;
        let made = without_gil(py, || key::SigningKey::generate(scheme, kernel::best(), seed, first_slot, slots))?;
        Ok(Self {
            core: made.map_err(refused)?,
        })
    }

    #[getter]
    fn public_key(&self) -> [u8; PUBLIC_KEY_SIZE] {
        self.core.public().encode()
    }

    #[getter]
    fn first_slot(&self) -> u64 {
        self.core.first_slot()
    }

    #[getter]
    fn slots(&self) -> u64 {
        self.core.slots()
    }

    fn sign(&self, py: Python<'_>, slot: u64, message: PyBackedBytes) -> PyResult<Vec<u8>> {
        let message = sized::<MESSAGE_SIZE>(&message, "a message")?;
        without_gil(py, || self.core.sign(slot, message))?.map_err(refused)
    }
}

/// The first failing index, and when each thread was at work.
#[pyfunction]
#[pyo3(signature = (scheme, keys, slots, messages, signatures, threads, *, kernel=None))]
#[expect(
    clippy::too_many_arguments,
    reason = "columns of one table: a list of tuples would take three times as long to read"
)]
pub fn xmss_verify(
    py: Python<'_>,
    scheme: &str,
    keys: Vec<PyBackedBytes>,
    slots: Vec<u64>,
    messages: Vec<PyBackedBytes>,
    signatures: Vec<PyBackedBytes>,
    threads: usize,
    kernel: Option<&str>,
) -> PyResult<(Option<usize>, Spans)> {
    let (scheme, kernel) = (scheme_named(scheme)?, kernel_named(kernel)?);
    if [slots.len(), messages.len(), signatures.len()] != [keys.len(); 3] {
        return Err(PyValueError::new_err("keys, slots, messages and signatures differ in number"));
    }
    let claims: Vec<_> = (0..keys.len())
        .map(|index| {
            Ok(Claim {
                key: sized::<PUBLIC_KEY_SIZE>(&keys[index], "a public key")?,
                slot: slots[index],
                message: sized::<MESSAGE_SIZE>(&messages[index], "a message")?,
                signature: &signatures[index],
            })
        })
        .collect::<PyResult<_>>()?;
    verified(py, scheme, kernel, &claims, threads)
}

/// The same for signatures that lie in one buffer, which is not copied.
///
/// A run is (message, slot, offset of its first entry, number of entries); an entry has `stride` bytes, the key first and the signature last.
#[pyfunction]
pub fn xmss_verify_packed(
    py: Python<'_>,
    scheme: &str,
    data: PyBackedBytes,
    runs: Vec<(PyBackedBytes, u64, usize, usize)>,
    stride: usize,
    threads: usize,
) -> PyResult<(Option<usize>, Spans)> {
    let scheme = scheme_named(scheme)?;
    let Some(signature) = stride.checked_sub(scheme.signature_size()).filter(|&gap| gap >= PUBLIC_KEY_SIZE) else {
        return Err(PyValueError::new_err(format!("no key and signature fit {stride} bytes")));
    };
    let mut claims = Vec::new();
    for (message, slot, start, count) in &runs {
        let message = sized::<MESSAGE_SIZE>(message, "a message")?;
        let end = count.checked_mul(stride).and_then(|length| length.checked_add(*start));
        let entries = end.and_then(|end| data.get(*start..end));
        let entries = entries.ok_or_else(|| PyValueError::new_err("a run reaches beyond the data"))?;
        claims.extend(entries.chunks_exact(stride).map(|entry| Claim {
            key: entry.first_chunk().expect("the stride has room for a key"),
            slot: *slot,
            message,
            signature: &entry[signature..],
        }));
    }
    verified(py, scheme, kernel::best(), &claims, threads)
}

fn verified(py: Python<'_>, scheme: Scheme, kernel: Kernel, claims: &[Claim], threads: usize) -> PyResult<(Option<usize>, Spans)> {
    if threads == 0 {
        return Err(PyValueError::new_err("at least one thread is needed"));
    }
    let Outcome { first_failure, spans } = without_gil(py, || batch::verify(scheme, kernel, claims, threads))?;
    let spans = spans.into_iter().map(|span| (span.thread, span.start, span.end)).collect();
    Ok((first_failure, spans))
}

/// One permutation of canonical values.
#[pyfunction]
pub fn poseidon1(state: Vec<u32>) -> PyResult<Vec<u32>> {
    if state.iter().any(|&element| element >= P) {
        return Err(PyValueError::new_err("an element of the state is not below the modulus"));
    }
    let mut lanes: Vec<_> = state.into_iter().map(|element| Lanes([to_montgomery(element); LANES])).collect();
    let kernel = kernel::best();
    if let Ok(state) = lanes.as_mut_slice().try_into() {
        (kernel.permute16)(state);
    } else if let Ok(state) = lanes.as_mut_slice().try_into() {
        (kernel.permute24)(state);
    } else {
        return Err(PyValueError::new_err("a state has 16 or 24 elements"));
    }
    Ok(lanes.into_iter().map(|lanes| from_montgomery(lanes.0[0])).collect())
}

/// The name of the fastest kernel.
#[pyfunction]
pub fn xmss_kernel() -> &'static str {
    kernel::best().name
}

/// The names of all kernels that this processor can run.
#[pyfunction]
pub fn xmss_kernels() -> Vec<&'static str> {
    kernel::available().into_iter().map(|kernel| kernel.name).collect()
}

/// How long `count` permutations of all lanes take, nanoseconds.
#[pyfunction]
pub fn xmss_permutations(py: Python<'_>, kernel: &str, width: usize, count: u64) -> PyResult<u64> {
    let kernel = kernel_named(Some(kernel))?;
    let run = |permute: &mut (dyn FnMut() + Send)| {
        without_gil(py, || {
            let start = Instant::now();
            (0..count).for_each(|_| permute());
            start.elapsed().as_nanos() as u64
        })
    };
    match width {
        16 => {
            let mut state = [Lanes([1; LANES]); 16];
            run(&mut || (kernel.permute16)(&mut state))
        }
        24 => {
            let mut state = [Lanes([1; LANES]); 24];
            run(&mut || (kernel.permute24)(&mut state))
        }
        _ => Err(PyValueError::new_err("the widths are 16 and 24")),
    }
}

/// Runs `work` without the GIL. A panic becomes a RuntimeError: PyO3's own exception would pass every `except Exception`.
fn without_gil<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    // Unwinding is safe: what the work changes is its own and is dropped.
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|_| PyRuntimeError::new_err("the XMSS kernel panicked: this is a fault of proofplane"))
}

fn sized<'a, const N: usize>(bytes: &'a [u8], what: &str) -> PyResult<&'a [u8; N]> {
    bytes
        .try_into()
        .map_err(|_| PyValueError::new_err(format!("{what} has {N} bytes, not {}", bytes.len())))
}

fn scheme_named(name: &str) -> PyResult<Scheme> {
    Scheme::named(name).ok_or_else(|| PyValueError::new_err(format!("no scheme is named {name:?}")))
}

fn kernel_named(name: Option<&str>) -> PyResult<Kernel> {
    let Some(name) = name else { return Ok(kernel::best()) };
    kernel::available()
        .into_iter()
        .find(|kernel| kernel.name == name)
        .ok_or_else(|| PyValueError::new_err(format!("this processor has no kernel {name:?}")))
}

fn refused(error: key::KeyError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

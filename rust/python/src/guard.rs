//! What only the process that made it may use or drop.

use std::process;
use std::sync::{Mutex, MutexGuard, TryLockError};

use pyo3::PyResult;

use crate::errors::Busy;

/// A value behind a lock that is never waited for, and that a forked child forgets instead of dropping it.
pub struct Guarded<T> {
    inner: Mutex<Option<T>>,
    maker: u32,
}

/// The value, locked.
pub struct Held<'a, T>(MutexGuard<'a, Option<T>>);

impl<T> Guarded<T> {
    /// Keeps `value` for this process.
    pub fn new(value: T) -> Self {
        Self {
            inner: Mutex::new(Some(value)),
            maker: process::id(),
        }
    }

    /// The value, unless another thread is using it. A panic while it was held leaves the value as it is: its owner closes it.
    pub fn hold(&self) -> PyResult<Held<'_, T>> {
        match self.inner.try_lock() {
            Ok(guard) => Ok(Held(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Ok(Held(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => Err(Busy::new_err("another thread is using this connection or server")),
        }
    }
}

impl<T> Held<'_, T> {
    /// The value.
    pub fn get(&mut self) -> &mut T {
        self.0.as_mut().expect("only the drop takes it")
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        if process::id() != self.maker {
            let slot = self.inner.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::forget(slot.take());
        }
    }
}

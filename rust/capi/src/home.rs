//! Where a client or server lives: after a fork the threads behind it are not in the child, and its sockets are the parent's.

use std::process;

use crate::fault::Fault;
use crate::layout::Status;

/// The process that made something.
#[derive(Debug, Clone, Copy)]
pub struct Home(u32);

impl Home {
    /// This process.
    pub fn here() -> Self {
        Self(process::id())
    }

    /// `PP_FORKED` in any other process. `what` is "client" or "server".
    pub fn check(self, what: &str) -> Result<(), Fault> {
        if self.0 == process::id() {
            return Ok(());
        }
        let message = format!(
            "this {what} belongs to process {}: make one anew after a fork, or spawn instead",
            self.0
        );
        Err(Fault::new(Status::Forked, message))
    }
}

//! Why a function of the ABI failed, and the guard that turns panics into such a reason.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proofplane_reactor::client::{HelloError, Lost};
use proofplane_reactor::server::ServeError;

use crate::layout::{ErrorOut, Status};

/// A status and a sentence saying what was wrong and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Never `Ok`.
    pub status: Status,
    /// The sentence.
    pub message: String,
}

impl Fault {
    /// A fault.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// An argument is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Status::Invalid, message)
    }
}

impl From<Lost> for Fault {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Ended(why) => Self::new(Status::Ended, why),
            Lost::Broken(why) => Self::new(Status::Broken, why),
        }
    }
}

impl From<HelloError> for Fault {
    fn from(error: HelloError) -> Self {
        let status = match error {
            HelloError::Lost(lost) => return lost.into(),
            HelloError::NotSent(_) | HelloError::Unreadable => Status::Broken,
            HelloError::Deadline => Status::Unreachable,
            HelloError::OtherSchema { .. } => Status::Mismatch,
        };
        Self::new(status, error.to_string())
    }
}

impl From<ServeError> for Fault {
    fn from(error: ServeError) -> Self {
        let status = match error {
            ServeError::InUse(_) => Status::InUse,
            ServeError::Io(_) => Status::System,
        };
        Self::new(status, error.to_string())
    }
}

/// Runs `body`; a panic becomes `PP_BROKEN`, since unwinding into C is undefined.
pub fn guard<T>(body: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Fault::new(Status::Broken, panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a defect of the core, please report it: {}", what.unwrap_or("it panicked"))
}

impl ErrorOut {
    /// Writes the fault, its message cut at a character's end so that a NUL fits behind it; a NUL inside ends it early.
    pub fn write(&mut self, fault: &Fault) {
        let most = fault.message.len().min(self.message.len() - 1);
        let cut = (0..=most).rev().find(|&at| fault.message.is_char_boundary(at)).unwrap_or(0);
        self.status = fault.status as i32;
        self.message[..cut].copy_from_slice(&fault.message.as_bytes()[..cut]);
        self.message[cut] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_too_long_is_cut_at_a_character_and_ends_with_a_nul() {
        let mut out = ErrorOut {
            status: 0,
            message: [0xff; 508],
        };
        out.write(&Fault::invalid(format!("{}é{}", "x".repeat(506), "y".repeat(100))));
        assert_eq!(out.status, Status::Invalid as i32);
        assert_eq!(&out.message[..506], "x".repeat(506).as_bytes());
        assert_eq!(out.message[506], 0);
    }

    #[test]
    fn a_panic_becomes_a_fault_that_carries_its_text() {
        let fault = guard::<()>(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(fault.status, Status::Broken);
        assert!(fault.message.ends_with("number 7"));
    }
}

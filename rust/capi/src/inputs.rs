//! From C's pointers to Rust's values: the only place where a caller's pointer is followed.

use std::ffi::{CStr, c_char};
use std::slice;

use crate::fault::Fault;
use crate::layout::{ErrorOut, Status};

/// A text that ends with a NUL.
///
/// # Safety
/// `text` is null or points to a NUL-terminated text that stays unchanged for `'a`.
pub unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Fault> {
    if text.is_null() {
        return Err(Fault::invalid(format!("{what} is a null pointer")));
    }
    // SAFETY: not null, and the caller promises the rest.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Fault::invalid(format!("{what} is not UTF-8")))
}

/// A number of values in a row; the pointer may be null when there are none.
///
/// # Safety
/// `first` is null or points to `count` initialised values that stay unchanged for `'a`.
pub unsafe fn values<'a, T>(first: *const T, count: usize, what: &str) -> Result<&'a [T], Fault> {
    if count == 0 {
        return Ok(&[]);
    }
    if first.is_null() || !first.is_aligned() {
        return Err(Fault::invalid(format!(
            "{what} is a null or misaligned pointer, but its count is {count}"
        )));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Fault::invalid(format!("{what} has an impossible count, {count}")));
    }
    // SAFETY: not null, aligned, of a possible size, and the caller promises the rest.
    Ok(unsafe { slice::from_raw_parts(first, count) })
}

/// A struct that must be there.
///
/// # Safety
/// `value` is null or points to an initialised value that stays unchanged for `'a`.
pub unsafe fn reference<'a, T>(value: *const T, what: &str) -> Result<&'a T, Fault> {
    // SAFETY: `option` has the same contract.
    unsafe { option(value, what) }?.ok_or_else(|| Fault::invalid(format!("{what} is a null pointer")))
}

/// A struct that may be absent.
///
/// # Safety
/// As `reference`.
pub unsafe fn option<'a, T>(value: *const T, what: &str) -> Result<Option<&'a T>, Fault> {
    if !value.is_null() && !value.is_aligned() {
        return Err(Fault::invalid(format!("{what} is a misaligned pointer")));
    }
    // SAFETY: null or aligned, and the caller promises the rest.
    Ok(unsafe { value.as_ref() })
}

/// Leaves the fault in the caller's `pp_error`, if there is one, and gives its status.
///
/// # Safety
/// `error` is null or points to memory for a `pp_error` that nobody else uses meanwhile.
pub unsafe fn report(error: *mut ErrorOut, fault: &Fault) -> Status {
    // SAFETY: the caller promises it; any bytes are a valid ErrorOut.
    if let Some(out) = unsafe { error.as_mut() } {
        out.write(fault);
    }
    fault.status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_bad_utf8_are_faults() {
        // SAFETY: null is allowed.
        let null = unsafe { text(std::ptr::null(), "the address") };
        assert_eq!(null, Err(Fault::invalid("the address is a null pointer")));
        // SAFETY: a literal with its NUL.
        let bad = unsafe { text(c"\xff".as_ptr(), "the address") };
        assert_eq!(bad, Err(Fault::invalid("the address is not UTF-8")));
    }

    #[test]
    fn nothing_may_be_null_and_something_may_not() {
        // SAFETY: null is allowed.
        assert_eq!(unsafe { values::<u8>(std::ptr::null(), 0, "the payload") }.unwrap(), b"");
        // SAFETY: null is allowed.
        assert!(unsafe { values::<u8>(std::ptr::null(), 1, "the payload") }.is_err());
        // SAFETY: refused before it is followed.
        assert!(unsafe { values::<u32>(std::ptr::dangling(), usize::MAX, "the payload") }.is_err());
    }
}

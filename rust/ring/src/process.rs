//! This process's id without a system call, so that hot paths can ask whether they run in a forked child.
//!
//! The id is kept in a page that the kernel empties in every forked child (`MADV_WIPEONFORK`, Linux 4.14); where it does not, each
//! question is a system call. Not given: that two processes of one line never share an id, should the kernel give one out again.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

/// This process's id.
#[must_use]
pub fn process_id() -> u32 {
    static CELL: OnceLock<Option<&'static AtomicU32>> = OnceLock::new();
    let Some(cell) = CELL.get_or_init(wiped_on_fork) else {
        return std::process::id();
    };
    // Relaxed: whoever finds nothing asks the system, and all get the same answer.
    match cell.load(Ordering::Relaxed) {
        0 => {
            let id = std::process::id();
            cell.store(id, Ordering::Relaxed);
            id
        }
        id => id,
    }
}

/// A word that is 0 now and in every forked child.
fn wiped_on_fork() -> Option<&'static AtomicU32> {
    let bytes = rustix::param::page_size();
    // SAFETY: a fresh private mapping at an address of the system's choice.
    let page = unsafe { mmap_anonymous(ptr::null_mut(), bytes, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE) }.ok()?;
    // SAFETY: the whole of that mapping, which nobody uses yet.
    unsafe { madvise(page, bytes, Advice::LinuxWipeOnFork) }.ok()?;
    // SAFETY: mapped for ever, aligned to a page, zeroed, and only ever accessed atomically.
    Some(unsafe { &*page.cast::<AtomicU32>() })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_systems_answer_however_often_it_is_asked() {
        assert!((0..3).all(|_| process_id() == std::process::id()));
    }

    #[test]
    fn a_forked_child_is_told_its_own_id_and_the_parent_still_its_own() {
        assert_eq!(process_id(), std::process::id());
        // SAFETY: the child makes only system calls and atomic loads before it ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let right = process_id() == std::process::id() && process_id() == std::process::id();
            // SAFETY: ends the child at once, with no destructor and no handler of the parent's.
            unsafe { libc::_exit(i32::from(!right)) };
        }
        let mut status = -1;
        // SAFETY: our own child, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!((status, process_id()), (0, std::process::id()));
    }
}

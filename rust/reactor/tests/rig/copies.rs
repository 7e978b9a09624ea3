//! Copies of a process's descriptors, as a forked child has them, without the child.

use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Tests that copy or look at all descriptors of the process run one at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy of every descriptor of this process whose link in /proc begins with `kind`.
pub fn copies(kind: &str) -> Vec<OwnedFd> {
    let me = pidfd_open(Pid::from_raw(getpid().as_raw_nonzero().get()).unwrap(), PidfdFlags::empty()).unwrap();
    let numbers: Vec<i32> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().starts_with(kind)))
        .map(|entry| entry.file_name().to_str().unwrap().parse().unwrap())
        .collect();
    // The listing's own descriptor is closed by now.
    let copy = |number| pidfd_getfd(&me, number, PidfdGetfdFlags::empty()).ok();
    numbers.into_iter().filter_map(copy).collect()
}

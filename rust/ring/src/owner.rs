//! Who owns a slot or serves a name: a process that can be recognised after its pid was given to another.
//!
//! The word: pid in the high 22 bits (the kernel's limit), bit 41 for *leaving*, the start time in the low 41 (700 years of ticks).
//! Not guaranteed: anything across pid namespaces; both ends must see the same /proc.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

const START_BITS: u32 = 42;
/// Set by the owner itself when it goes.
const LEAVING: u64 = 1 << 41;
const START: u64 = LEAVING - 1;

/// A process: pid in the high 22 bits, its start time (clock ticks since boot) in the low 41. Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(u64);

impl Owner {
    /// This process.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn me() -> io::Result<Self> {
        Self::of(std::process::id())?
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "/proc does not show this process: is it mounted?"))
    }

    /// The process with this pid, if it lives (a zombie does not).
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        let stat = match std::fs::read(format!("/proc/{pid}/stat")) {
            Ok(stat) => stat,
            // ESRCH: it died between opening and reading.
            Err(error) if error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some((state, start)) = read_stat(&stat) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("/proc/{pid}/stat is not understood"),
            ));
        };
        let dead = matches!(state, b'Z' | b'X' | b'x');
        Ok((!dead && pid != 0).then_some(Self(u64::from(pid) << START_BITS | start & START)))
    }

    /// What a shared word says; `None` for 0. Whether the owner is leaving is not part of who it is.
    #[must_use]
    pub fn from_word(word: u64) -> Option<Self> {
        (word >> START_BITS != 0).then_some(Self(word & !LEAVING))
    }

    /// The word to store.
    #[must_use]
    pub fn word(self) -> u64 {
        self.0
    }

    /// The word to store when it goes.
    pub(crate) fn leaving(self) -> u64 {
        self.0 | LEAVING
    }

    /// Its process id.
    #[must_use]
    pub fn pid(self) -> u32 {
        (self.0 >> START_BITS) as u32
    }

    /// Whether this very process still lives (a zombie does not). If `/proc` cannot be read it is taken to live.
    #[must_use]
    pub fn lives(self) -> bool {
        Self::of(self.pid()).map_or(true, |now| now == Some(self))
    }

    /// A descriptor that becomes readable when it dies; `None` when it is dead already.
    ///
    /// # Errors
    /// No more descriptors, or the kernel knows no pidfd.
    pub fn watch(self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid() as i32) else {
            return Ok(None);
        };
        let fd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => fd,
            // INVAL: the pid is that of a thread by now.
            Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at after opening: the descriptor is then that of this process and of no later one.
        Ok(self.lives().then_some(fd))
    }
}

/// State and start time from `/proc/PID/stat`, fields 3 and 22; the name before them may hold blanks and brackets.
fn read_stat(stat: &[u8]) -> Option<(u8, u64)> {
    let after_name = stat.iter().rposition(|&byte| byte == b')')? + 1;
    let mut fields = std::str::from_utf8(stat.get(after_name..)?).ok()?.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let start = fields.nth(18)?.parse().ok()?;
    Some((state, start))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_does_not_shift_the_fields() {
        let stat = b"7 (a) R (b ) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 99 88\n";
        assert_eq!(read_stat(stat), Some((b'S', 12345)));
    }

    #[test]
    fn a_cut_off_line_is_not_understood() {
        assert_eq!(read_stat(b"7 (a) S 1 2 3"), None);
        assert_eq!(read_stat(b""), None);
    }

    #[test]
    fn a_word_keeps_the_largest_pid_and_leaving_is_not_part_of_who_it_is() {
        let owner = Owner::from_word((4_194_303 << START_BITS) | 77).expect("not 0");
        assert_eq!(owner.pid(), 4_194_303);
        assert_ne!(owner.leaving(), owner.word());
        assert_eq!(Owner::from_word(owner.leaving()), Some(owner));
        assert_eq!(Owner::from_word(0), None);
    }

    #[test]
    fn this_process_lives_and_one_of_its_pid_that_started_at_another_time_does_not() {
        let me = Owner::me().expect("/proc");
        assert!(me.lives() && me.watch().expect("pidfd").is_some());
        let before = Owner::from_word(me.word() ^ 1).expect("not 0");
        assert!(!before.lives() && before.watch().expect("pidfd").is_none());
    }

    #[test]
    fn a_zombie_does_not_live() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().expect("a child");
        let owner = Owner::of(child.id()).expect("/proc").expect("it lives");
        let watch = owner.watch().expect("pidfd").expect("it lives");
        child.kill().expect("killed");
        let mut polled = [rustix::event::PollFd::new(&watch, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut polled, None).expect("it becomes readable");
        assert!(!owner.lives(), "dead, not yet waited for");
        child.wait().expect("reaped");
        assert!(!owner.lives());
    }
}

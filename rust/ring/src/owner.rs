//! Who owns a slot or serves a name: a process that can be recognised after its pid was given to another.

use std::io;
use std::os::fd::OwnedFd;

/// A process: pid in the high 22 bits, its start time (clock ticks since boot) in the low 42. Never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner(u64);

impl Owner {
    /// This process.
    pub fn me() -> io::Result<Self> {
        todo!()
    }
    /// The process with this pid, if it lives.
    pub fn of(pid: u32) -> io::Result<Option<Self>> {
        todo!("{pid}")
    }
    /// What a shared word says; `None` for 0.
    pub fn from_word(word: u64) -> Option<Self> {
        todo!("{word}")
    }
    /// The word to store.
    pub fn word(self) -> u64 {
        self.0
    }
    /// Its process id.
    pub fn pid(self) -> u32 {
        todo!()
    }
    /// Whether this very process still lives (a zombie does not).
    pub fn lives(self) -> bool {
        todo!()
    }
    /// A descriptor that becomes readable when it dies; `None` when it is dead already.
    pub fn watch(self) -> io::Result<Option<OwnedFd>> {
        todo!()
    }
}

//! The driver's epoll instance and its one timer.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

/// Events taken by one wait; the rest come with the next.
const EVENTS: usize = 256;

/// The keys of what is watched besides connections; above every key of a slab.
pub(crate) mod keys {
    /// The bell of the completions queue.
    pub(crate) const BELL: u64 = u64::MAX;
    /// The timer.
    pub(crate) const TIMER: u64 = u64::MAX - 1;
    /// The listening socket.
    pub(crate) const LISTENER: u64 = u64::MAX - 2;
    /// The FIFO beside the rings.
    pub(crate) const FIFO: u64 = u64::MAX - 3;
    /// The owner of slot i: this less i.
    pub(crate) const OWNER: u64 = u64::MAX - 4;
}

/// What is watched.
pub(crate) struct Poll {
    epoll: OwnedFd,
    timer: OwnedFd,
    events: Vec<(u64, EventFlags)>,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let poll = Self {
            epoll,
            timer,
            events: Vec::with_capacity(EVENTS),
        };
        poll.add(&poll.timer, keys::TIMER, EventFlags::IN)?;
        Ok(poll)
    }

    /// Watches one more descriptor, until it is removed: closing does not end it while a forked child has a copy.
    pub(crate) fn add(&self, fd: impl AsFd, key: u64, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, fd, EventData::new_u64(key), flags)?)
    }

    /// Watches for something else.
    pub(crate) fn modify(&self, fd: impl AsFd, key: u64, flags: EventFlags) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, fd, EventData::new_u64(key), flags)?)
    }

    /// Watches it no more. Call it before closing a descriptor.
    pub(crate) fn remove(&self, fd: impl AsFd) {
        // It fails only where it was not watched.
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Waits, for ever with `None`. A signal ends the wait with nothing.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        // A wait too long for the system's type is one without an end.
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        self.events.clear();
        // Not a vector of `Event`s kept: that type holds a pointer and would tie the driver to one thread.
        let mut events = [const { MaybeUninit::<Event>::uninit() }; EVENTS];
        match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
            Ok((events, _)) => {
                self.events.extend(events.iter().map(|&Event { flags, data }| (data.u64(), flags)));
                Ok(())
            }
            Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How many events the last wait found.
    pub(crate) fn found(&self) -> usize {
        self.events.len()
    }

    /// One of them: key and flags.
    pub(crate) fn event(&self, index: usize) -> (u64, EventFlags) {
        self.events[index]
    }

    /// Sets the timer to an instant, or off.
    pub(crate) fn set_timer(&self, at: Option<Instant>) -> io::Result<()> {
        const ZERO: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Zero would turn it off: what is past fires in a nanosecond.
        let left = at.map(|at| at.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1)));
        let value = left.map_or(ZERO, |left| Timespec::try_from(left).unwrap_or(ZERO));
        timerfd_settime(
            &self.timer,
            TimerfdTimerFlags::empty(),
            &Itimerspec {
                it_interval: ZERO,
                it_value: value,
            },
        )?;
        Ok(())
    }

    /// Takes note that the timer fired.
    pub(crate) fn take_timer(&self) {
        // It fails only if the timer was set anew meanwhile.
        let _ = rustix::io::read(&self.timer, &mut [0u8; 8]);
    }
}

impl AsFd for Poll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

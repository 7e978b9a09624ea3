//! What other threads hold of a driver: a queue of answers and a bell, which is rung only when nobody would look otherwise.
//!
//! Invariants
//! 1. Whoever adds something while the driver is not attending rings the bell, once until the driver attends.
//! 2. A driver leaves or sleeps only after it has found the queue empty, under the same lock.
//! 3. A gone driver takes nothing; its handles stay valid and do nothing.
//! 4. In a forked child handles do nothing: the bell is shared with the parent, the rest is a copy that nobody attends, and whose lock
//!    another of the parent's threads may have held.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use proofplane_ring::process_id;
use rustix::event::{EventfdFlags, eventfd};

use super::tickets::Ticket;
use super::types::Reply;

/// An answer from another thread.
pub(crate) type Completion = (Ticket, Reply<Vec<u8>>);

#[derive(Default)]
struct State {
    items: Vec<Completion>,
    /// The driver is in a turn and will look before it leaves or sleeps.
    attended: bool,
    /// The bell was rung and the driver has not attended since.
    rung: bool,
    /// Notified while attended.
    poked: bool,
    shutdown: Option<Instant>,
    gone: bool,
}

/// The queue.
pub(crate) struct Queue {
    state: Mutex<State>,
    bell: OwnedFd,
    /// The process that made it.
    maker: u32,
}

/// What a driver found when it began to attend.
pub(crate) struct Attended {
    /// Somebody rang.
    pub(crate) rung: bool,
    /// Somebody asked for the end, by this instant at the latest.
    pub(crate) shutdown: Option<Instant>,
}

impl Queue {
    pub(crate) fn new() -> io::Result<Self> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self {
            state: Mutex::new(State::default()),
            bell,
            maker: process_id(),
        })
    }

    /// Nothing is left half-changed by a panic under this lock, so that a poisoned one is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rings unless somebody looks anyway. Written under the lock, so that `rung` always tells whether the descriptor is readable.
    fn ring(&self, state: &mut State) {
        if !state.attended && !state.rung {
            state.rung = true;
            // It fails only with a full counter, which is a bell rung already.
            let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        }
    }

    /// The driver begins to look: takes what there is into `items`.
    pub(crate) fn attend(&self, items: &mut Vec<Completion>) -> Attended {
        let mut state = self.lock();
        items.append(&mut state.items);
        state.attended = true;
        let rung = std::mem::take(&mut state.rung);
        if rung {
            let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
        }
        Attended {
            rung,
            shutdown: state.shutdown.take(),
        }
    }

    /// Takes back what somebody else wrote to the bell. Only while attending: nobody rings it then, and what was rung is taken.
    pub(crate) fn quiet(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
    }

    /// A queue as a forked child sees its parent's.
    #[cfg(test)]
    pub(crate) fn of_a_parent() -> Self {
        Self {
            maker: process_id() + 1,
            ..Self::new().expect("an eventfd")
        }
    }

    /// Whether this is the process that made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.maker == process_id()
    }

    /// Takes what came while attending; true if there was something.
    pub(crate) fn take(&self, items: &mut Vec<Completion>) -> bool {
        items.append(&mut self.lock().items);
        !items.is_empty()
    }

    /// The driver is about to leave its turn, or, with `sleeps`, to sleep in it. False, and it goes on attending, if there is
    /// something to look at first. With `again` the bell is rung so that its owner comes back at once.
    pub(crate) fn leave(&self, sleeps: bool, again: bool) -> bool {
        let mut state = self.lock();
        let poked = std::mem::take(&mut state.poked);
        if !state.items.is_empty() || state.shutdown.is_some() || (sleeps && poked) {
            return false;
        }
        state.attended = false;
        if again {
            self.ring(&mut state);
        }
        true
    }

    /// Whether something came while attending; a driver that spins asks.
    pub(crate) fn has_news(&self) -> bool {
        let state = self.lock();
        !state.items.is_empty() || state.shutdown.is_some() || state.poked
    }

    /// The driver's owner has something to look at in the next turn.
    pub(crate) fn wake(&self) {
        let mut state = self.lock();
        self.ring(&mut state);
    }

    /// The driver is gone.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.gone = true;
        state.items = Vec::new();
        if std::mem::take(&mut state.rung) {
            let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

/// What other threads hold of a driver: it queues and wakes, and outlives the driver harmlessly.
#[derive(Clone)]
pub struct Handle {
    queue: Arc<Queue>,
}

impl Handle {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Whether this is the process that made the driver, and no forked child of it, in which a handle does nothing.
    pub fn is_ours(&self) -> bool {
        self.queue.is_ours()
    }

    /// The state, while there is a driver that looks at it.
    fn state(&self) -> Option<MutexGuard<'_, State>> {
        self.queue.is_ours().then(|| self.queue.lock()).filter(|state| !state.gone)
    }

    /// Answers from any thread.
    pub fn complete(&self, ticket: Ticket, reply: Reply<Vec<u8>>) {
        if let Some(mut state) = self.state() {
            state.items.push((ticket, reply));
            self.queue.ring(&mut state);
        }
    }

    /// Wakes whoever sleeps in `turn` or watches the descriptor; a turn that is at work returns without sleeping.
    pub fn notify(&self) {
        if let Some(mut state) = self.state() {
            state.poked |= state.attended;
            self.queue.ring(&mut state);
        }
    }

    /// Asks the driver to drain, and to abort at the deadline.
    pub fn shutdown(&self, deadline: Instant) {
        if let Some(mut state) = self.state() {
            state.shutdown = Some(state.shutdown.map_or(deadline, |earlier| earlier.min(deadline)));
            self.queue.ring(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readable(queue: &Queue) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut [PollFd::new(queue, PollFlags::IN)], Some(&now)).unwrap() == 1
    }

    fn pair() -> (Arc<Queue>, Handle) {
        let queue = Arc::new(Queue::new().unwrap());
        (Arc::clone(&queue), Handle::new(queue))
    }

    #[test]
    fn the_bell_is_rung_once_until_the_driver_attends() {
        let (queue, handle) = pair();
        handle.complete(Ticket(1), Reply::Ok(vec![]));
        handle.complete(Ticket(2), Reply::Ok(vec![]));
        let mut counter = [0; 8];
        rustix::io::read(&*queue, &mut counter).unwrap();
        assert_eq!(u64::from_ne_bytes(counter), 1);
        let mut items = Vec::new();
        assert!(queue.attend(&mut items).rung);
        assert_eq!(items.len(), 2);
        assert!(!queue.attend(&mut items).rung);
    }

    #[test]
    fn nothing_is_rung_while_the_driver_attends_and_it_cannot_leave_before_it_took_everything() {
        let (queue, handle) = pair();
        let mut items = Vec::new();
        queue.attend(&mut items);
        handle.complete(Ticket(1), Reply::Ok(vec![]));
        assert!(!readable(&queue));
        assert!(!queue.leave(false, false));
        assert!(queue.take(&mut items));
        assert!(queue.leave(false, false));
        handle.notify();
        assert!(readable(&queue));
    }

    #[test]
    fn a_notice_given_while_the_driver_attends_keeps_it_from_sleeping() {
        let (queue, handle) = pair();
        queue.attend(&mut Vec::new());
        handle.notify();
        assert!(!queue.leave(true, false));
        assert!(queue.leave(true, false));
        assert!(!readable(&queue));
    }

    #[test]
    fn leaving_with_work_left_rings_so_that_the_owner_comes_again() {
        let (queue, _handle) = pair();
        queue.attend(&mut Vec::new());
        assert!(queue.leave(false, true));
        assert!(readable(&queue));
        assert!(queue.attend(&mut Vec::new()).rung);
        assert!(!readable(&queue));
    }

    #[test]
    fn the_earliest_deadline_counts() {
        let (queue, handle) = pair();
        let soon = Instant::now();
        handle.shutdown(soon + std::time::Duration::from_secs(1));
        handle.shutdown(soon);
        assert_eq!(queue.attend(&mut Vec::new()).shutdown, Some(soon));
    }

    #[test]
    fn in_a_forked_child_a_handle_does_nothing_and_does_not_wait_for_the_parents_lock() {
        let queue = Arc::new(Queue::of_a_parent());
        let handle = Handle::new(Arc::clone(&queue));
        let held = queue.lock();
        assert!(!handle.is_ours());
        handle.complete(Ticket(1), Reply::Ok(vec![]));
        handle.notify();
        handle.shutdown(Instant::now());
        assert!(held.items.is_empty() && held.shutdown.is_none() && !readable(&queue));
    }

    #[test]
    fn a_handle_outlives_its_driver() {
        let (queue, handle) = pair();
        queue.close();
        handle.complete(Ticket(1), Reply::Ok(vec![]));
        handle.notify();
        handle.shutdown(Instant::now());
        assert!(!readable(&queue));
        assert!(queue.lock().items.is_empty());
    }
}

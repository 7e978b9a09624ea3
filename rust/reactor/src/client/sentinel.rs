//! A thread that sleeps in the futex of a foreign server's reply ring on behalf of an event loop, and wakes it through an eventfd.
//!
//! ```text
//!            watch(seen)                 word moved, or a look is due: leave a note
//!   Rest ------------------> Watch(seen) ---------------------------------------> Rest
//!    ^------------- rest() ------'                 stop: from any state, joined
//! ```
//!
//! Invariant: a note is left for every `watch` whose word moves before `rest` is called. The futex compares the word itself, so a
//! message between the look at the ring and the sleep ends the sleep at once. Not given: that a note means a message.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use proofplane_ring::{Bell, process_id};

use super::waker::Note;

/// Longest sleep in the futex, which bounds how late a stop is seen if its wake was lost between the look and the sleep.
const SLICE: Duration = Duration::from_millis(50);
/// After so many slices without a message the loop is woken to look whether the server is still there: once a second.
const SLICES_TO_LOOK: u32 = 20;

/// What the thread shall do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Rest,
    Watch(u32),
    Stop,
}

struct Post {
    order: Mutex<Order>,
    changed: Condvar,
}

/// The running thread; joined on drop.
pub(super) struct Sentinel {
    post: Arc<Post>,
    bell: Bell,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread.
    maker: u32,
}

impl Sentinel {
    /// Starts the thread, at rest.
    pub(super) fn spawn(bell: Bell, note: Note) -> std::io::Result<Self> {
        let post = Arc::new(Post {
            order: Mutex::new(Order::Rest),
            changed: Condvar::new(),
        });
        let thread = std::thread::Builder::new()
            .name("ring-sentinel".into())
            .stack_size(64 << 10)
            .spawn({
                let (post, bell) = (post.clone(), bell.clone());
                move || post.serve(&bell, &note)
            })?;
        Ok(Self {
            post,
            bell,
            thread: Some(thread),
            maker: process_id(),
        })
    }

    /// Leaves a note once the bell's word is no longer `seen`.
    pub(super) fn watch(&self, seen: u32) {
        *self.post.lock() = Order::Watch(seen);
        self.post.changed.notify_one();
    }

    /// The loop is awake by itself.
    pub(super) fn rest(&self) {
        *self.post.lock() = Order::Rest;
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if self.maker != process_id() {
            // A forked child has no such thread, and would wait for it for ever.
            return std::mem::forget(self.thread.take());
        }
        *self.post.lock() = Order::Stop;
        self.post.changed.notify_one();
        self.bell.ring(true, None);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been printed there; there is nobody to pass it on to.
            let _ = thread.join();
        }
    }
}

impl Post {
    fn serve(&self, bell: &Bell, note: &Note) {
        while let Some(seen) = self.next() {
            let moved = self.sleep(bell, seen);
            let mut order = self.lock();
            // An order that came in the meantime stands: its word may not have moved.
            if moved && *order == Order::Watch(seen) {
                *order = Order::Rest;
                note.leave();
            }
        }
    }

    /// Waits for something to watch; `None` to stop.
    fn next(&self) -> Option<u32> {
        let mut order = self.lock();
        loop {
            match *order {
                Order::Watch(seen) => return Some(seen),
                Order::Stop => return None,
                Order::Rest => order = self.changed.wait(order).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Sleeps until the word moved or a look is due (true), or the order changed (false).
    fn sleep(&self, bell: &Bell, seen: u32) -> bool {
        for _ in 0..SLICES_TO_LOOK {
            let started = Instant::now();
            bell.wait(seen, Some(SLICE));
            if *self.lock() != Order::Watch(seen) {
                return false;
            }
            // Shorter than the slice: the word moved, or a rare spurious wake. A word that moves just as the slice ends ends the next
            // one at once.
            if started.elapsed() < SLICE {
                return true;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofplane_ring::{Region, format_ring, layout};

    #[test]
    fn a_forked_childs_copy_of_a_sentinel_neither_stops_it_nor_waits_for_it() {
        let region = Region::private(layout::HEADER_BYTES + 4096);
        format_ring(&region, false).unwrap();
        let note = Note::new().unwrap();
        let mut sentinel = Sentinel::spawn(Bell::of_ring(Arc::new(region)), note).unwrap();
        sentinel.maker += 1;
        let post = sentinel.post.clone();
        drop(sentinel);
        assert!(*post.lock() == Order::Rest, "the parent's thread goes on");
        *post.lock() = Order::Stop;
        post.changed.notify_one();
    }
}

//! Watches one descriptor for Node, whose loop can watch sockets and pipes of its own only.
//!
//! Idle -> (arm) -> Watching -> (readable: Node is told once) -> Idle. Dropping it ends the thread.
//!
//! Invariant: Node is told at most once for each `arm`, so that no call to it is ever queued behind another.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::{retry_on_intr, write};

/// Tells Node that it is time for a turn.
type Tell = ThreadsafeFunction<(), (), (), Status, false>;

/// The thread, and how to speak to it.
pub struct Watcher {
    arm: Option<Sender<()>>,
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread, unarmed. `descriptor` is duplicated.
    pub fn new(descriptor: BorrowedFd<'_>, callback: &Function<'_, (), ()>) -> napi::Result<Self> {
        let tell: Tell = callback.build_threadsafe_function::<()>().build()?;
        let watched = descriptor.try_clone_to_owned().map_err(failed)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
        let stopped = stop.try_clone().map_err(failed)?;
        let (arm, armed) = channel();
        let thread = std::thread::Builder::new()
            .name("proofplane-watch".into())
            .spawn(move || watch(&armed, &watched, &stopped, &tell))
            .map_err(failed)?;
        Ok(Self {
            arm: Some(arm),
            stop,
            thread: Some(thread),
        })
    }

    /// Node is told when the descriptor is readable, at once if it is already.
    pub fn arm(&self) {
        if let Some(arm) = &self.arm {
            // The thread ends only with this object, or when Node itself does.
            let _ = arm.send(());
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.arm = None;
        // The write of one to a fresh eventfd neither fails nor blocks.
        let _ = write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn watch(armed: &Receiver<()>, watched: &OwnedFd, stopped: &OwnedFd, tell: &Tell) {
    while armed.recv().is_ok() {
        let mut descriptors = [
            PollFd::from_borrowed_fd(watched.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN),
        ];
        if retry_on_intr(|| poll(&mut descriptors, None)).is_err() || !descriptors[1].revents().is_empty() {
            return;
        }
        if tell.call((), ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            return; // Node is ending
        }
    }
}

fn failed(error: io::Error) -> napi::Error {
    napi::Error::from_reason(format!("cannot watch the connection: {error}"))
}

//! A fixed number of threads for handlers that may block; work is taken in the order in which it came.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A piece of work.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    came: Condvar,
}

impl Shared {
    /// Jobs run outside the lock and nothing under it panics half-way, so that a poisoned lock is as good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let mut state = self.lock();
            let job = loop {
                if let Some(job) = state.jobs.pop_front() {
                    break job;
                }
                if state.closed {
                    return;
                }
                state = self.came.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            job();
        }
    }
}

/// The threads.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads.
    pub(crate) fn start(count: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut workers = Self {
            shared,
            threads: Vec::with_capacity(count),
        };
        for number in 0..count {
            let shared = Arc::clone(&workers.shared);
            workers
                .threads
                .push(Builder::new().name(format!("pp-worker-{number}")).spawn(move || shared.work())?);
        }
        Ok(workers)
    }

    /// Queues a job. The driver's bound on requests in flight bounds the queue.
    pub(crate) fn push(&self, job: Job) {
        self.shared.lock().jobs.push_back(job);
        self.shared.came.notify_one();
    }
}

impl Drop for Workers {
    /// Drops the jobs that nobody has begun, lets the others finish, and joins.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        let left = std::mem::take(&mut state.jobs);
        drop(state);
        drop(left);
        self.shared.came.notify_all();
        for thread in self.threads.drain(..) {
            // A job's panic is caught where it is made; there is nothing to tell here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn jobs_run_on_several_threads_at_once() {
        let workers = Workers::start(2).unwrap();
        let (first, second) = (channel(), channel());
        // Each waits for the other: with one thread this never ends.
        let (send, receive) = (first.0, second.1);
        workers.push(Box::new(move || {
            send.send(()).unwrap();
            receive.recv().unwrap();
        }));
        let (send, receive) = (second.0, first.1);
        let (done, finished) = channel();
        workers.push(Box::new(move || {
            send.send(()).unwrap();
            receive.recv().unwrap();
            done.send(()).unwrap();
        }));
        finished.recv().unwrap();
    }

    #[test]
    fn jobs_that_nobody_began_are_dropped_at_the_end() {
        let workers = Workers::start(1).unwrap();
        let (begun, begin) = channel();
        let (go, wait) = channel::<()>();
        workers.push(Box::new(move || {
            begun.send(()).unwrap();
            wait.recv().unwrap();
        }));
        begin.recv().unwrap();
        let (dropped, seen) = channel::<()>();
        workers.push(Box::new(move || drop(dropped)));
        let shared = Arc::clone(&workers.shared);
        let end = std::thread::spawn(move || drop(workers));
        // The sender dies with its job, before the first job may finish.
        assert!(seen.recv().is_err());
        go.send(()).unwrap();
        end.join().unwrap();
        assert!(shared.lock().jobs.is_empty());
    }
}

//! A server with its own thread, for handlers that are native: inline when nothing else is in flight, else on a bounded pool.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::completions::Handle;
use super::driver::Driver;
use super::tickets::Ticket;
use super::types::{Options, Reply, Request, ServeError, Stats, Wait};
use super::workers::Workers;
use crate::address::Address;
use crate::contract::Contract;
use crate::cores;

/// Capacity kept for the copy of an inline request's payload, bytes: more than fits a ring of the usual size.
const COPY_BYTES: usize = 1 << 20;

/// A native service.
pub trait Handler: Send + Sync + 'static {
    /// Handles one request; answers through the responder, now or later, from any thread.
    /// The payload is private: over shared memory it is a copy, which the client cannot change under the handler.
    /// On the reactor's own thread for a method marked inline while no other request waits for its answer, else on a worker.
    fn handle(&self, method: u32, payload: &[u8], responder: Responder);
}

/// What a server's responders share.
struct Answers {
    handle: Handle,
    /// Responders that have not answered.
    open: AtomicUsize,
}

/// Answers exactly once; dropped unanswered, it answers an error.
pub struct Responder {
    ticket: Ticket,
    answers: Arc<Answers>,
    answered: bool,
}

impl Responder {
    fn new(ticket: Ticket, answers: &Arc<Answers>) -> Self {
        // Relaxed: the count decides only where a handler runs; answers travel under the queue's lock.
        answers.open.fetch_add(1, Ordering::Relaxed);
        Self {
            ticket,
            answers: Arc::clone(answers),
            answered: false,
        }
    }

    /// Answers.
    pub fn reply(mut self, reply: Reply<Vec<u8>>) {
        self.answer(reply);
    }

    fn answer(&mut self, reply: Reply<Vec<u8>>) {
        self.answered = true;
        self.answers.handle.complete(self.ticket, reply);
        // Relaxed: as in `new`.
        self.answers.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if !self.answered {
            let why = if std::thread::panicking() {
                "the handler panicked"
            } else {
                "the handler left without a reply"
            };
            self.answer(Reply::Error(why.into()));
        }
    }
}

/// A running native server: the reactor's thread and its workers.
pub struct Server {
    handle: Handle,
    stats: Arc<Mutex<Stats>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts; when it returns, clients can connect. `workers` 0 means as many as processors may be used.
    ///
    /// # Errors
    /// As `Driver::bind`, or a thread could not be started.
    pub fn spawn(
        address: &Address,
        contract: Contract,
        options: Options,
        workers: usize,
        handler: Arc<dyn Handler>,
    ) -> Result<Self, ServeError> {
        let inline = contract.methods.iter().map(|method| method.inline).collect();
        let driver = Driver::bind(address, contract, options)?;
        let handle = driver.handle();
        let count = if workers == 0 { cores::available() } else { workers };
        let workers = Workers::start(count)?;
        let stats = Arc::new(Mutex::new(Stats::default()));
        let answers = Arc::new(Answers {
            handle: handle.clone(),
            open: AtomicUsize::new(0),
        });
        let reactor = Reactor {
            driver,
            workers,
            handler,
            inline,
            answers,
            stats: Arc::clone(&stats),
            copy: Vec::new(),
        };
        let thread = Builder::new().name("pp-reactor".into()).spawn(move || reactor.run())?;
        Ok(Self {
            handle,
            stats,
            thread: Some(thread),
        })
    }

    /// Counters, as they were after the reactor's last turn.
    pub fn stats(&self) -> Stats {
        *self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the reactor's thread runs: not after a shutdown, nor after the system failed under it.
    pub fn running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Drains for at most `grace`, then aborts; joins every thread, and so waits for handlers that do not return. Also on drop, with no grace.
    /// In a forked child it does nothing.
    pub fn shutdown(&mut self, grace: Duration) {
        if let Some(thread) = self.thread.take() {
            if !self.handle.is_ours() {
                // A forked child has no such thread, and would wait for it for ever.
                return std::mem::forget(thread);
            }
            let now = Instant::now();
            // A grace beyond what the clock can count is a day.
            self.handle
                .shutdown(now.checked_add(grace).unwrap_or_else(|| now + Duration::from_secs(86_400)));
            // Its panic would be a bug that its own message has told.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

/// What the reactor's thread owns; the driver is dropped, and so ended, before the workers are joined.
struct Reactor {
    driver: Driver,
    workers: Workers,
    handler: Arc<dyn Handler>,
    inline: Vec<bool>,
    answers: Arc<Answers>,
    stats: Arc<Mutex<Stats>>,
    /// The payload of the inline request at hand, over shared memory.
    copy: Vec<u8>,
}

impl Reactor {
    fn run(mut self) {
        while !self.driver.ended() {
            // An error ends the server: its clients see it end, `running` says so.
            if self.turn().is_err() {
                return;
            }
            *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = self.driver.stats();
        }
    }

    fn turn(&mut self) -> io::Result<usize> {
        let Self {
            driver,
            workers,
            handler,
            inline,
            answers,
            copy,
            ..
        } = self;
        let shared = driver.is_shared_memory();
        driver.turn(Wait::Sleep(None), &mut |Request { ticket, method, payload }| {
            // Relaxed: see `Responder::new`; a count that is late sends a request to a worker that could have run here.
            let alone = answers.open.load(Ordering::Relaxed) == 0;
            let responder = Responder::new(ticket, answers);
            if alone && inline[method as usize] {
                if !shared {
                    return call(handler, method, payload, responder);
                }
                copy.clear();
                copy.extend_from_slice(payload);
                call(handler, method, copy, responder);
                copy.shrink_to(COPY_BYTES);
            } else {
                let (handler, payload) = (Arc::clone(handler), payload.to_vec());
                workers.push(Box::new(move || call(&handler, method, &payload, responder)));
            }
        })
    }
}

/// Runs a handler; its panic ends the request, not the thread. What it did to its own state before is its own affair.
fn call(handler: &Arc<dyn Handler>, method: u32, payload: &[u8], responder: Responder) {
    let _ = catch_unwind(AssertUnwindSafe(|| handler.handle(method, payload, responder)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::completions::Queue;
    use std::sync::mpsc::channel;

    #[test]
    fn a_forked_childs_copy_of_a_server_waits_for_no_thread() {
        let (let_go, gate) = channel::<()>();
        let server = Server {
            handle: Handle::new(Arc::new(Queue::of_a_parent())),
            stats: Arc::default(),
            thread: Some(std::thread::spawn(move || gate.recv().unwrap_or_default())),
        };
        let (done, is_done) = channel();
        std::thread::spawn(move || {
            drop(server);
            done.send(()).unwrap();
        });
        assert_eq!(is_done.recv_timeout(Duration::from_secs(20)), Ok(()));
        drop(let_go);
    }
}

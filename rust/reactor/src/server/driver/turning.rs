//! The steps of a turn: what is read, in which order, and how it waits.

use std::io;
use std::thread;
use std::time::Duration;

use rustix::event::epoll::EventFlags;

use super::{Driver, Phase, Transport};
use crate::server::core::Sink;
use crate::server::poll::keys;
use crate::server::sockets::{self, Read};
use crate::server::types::Wait;

/// Turns in a row that may read the last connection without asking epoll first; then the listener, the timer and the others get a look.
const SHORTCUTS: u32 = 16;
/// Turns of a busy shared-memory server between two looks at epoll: an owner's death and the timer may be late by so many.
const TURNS_BETWEEN_LOOKS: usize = 64;
/// Looks at the rings in one turn that find work and hand nothing out: clients that send only nonsense, or come and go.
const ROUNDS: usize = 64;

impl Driver {
    /// With a single connection: reads it without asking epoll; true if something was there.
    pub(super) fn shortcut(&mut self, wait: Wait, sink: &mut Sink<'_>) -> bool {
        let Transport::Sockets(transport) = &mut self.transport else {
            return false;
        };
        if matches!(wait, Wait::Sleep(_)) || self.connections.len() != 1 || self.shortcuts >= SHORTCUTS {
            self.shortcuts = 0;
            return false;
        }
        self.shortcuts += 1;
        let Some(key) = transport.last else { return false };
        !matches!(
            transport.read(key, &mut self.core, &mut self.connections, sink),
            Read::Nothing | Read::NotNow
        )
    }

    /// Over sockets: looks again and again, as long as that has paid, and lets whoever else is ready to run here run between two looks:
    /// on one processor that is the client, whose next request then is there without a sleep and a wake on either side.
    pub(super) fn spin_sockets(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        self.flush_dirty();
        if self.phase == Phase::Ended {
            return Ok(());
        }
        let before = self.core.handed_out();
        let mut spin = self.spin.clone();
        let mut looked = Ok(());
        spin.wait(0, || {
            if !self.shortcut(Wait::Spin, sink) {
                looked = self.poll.wait(Some(Duration::ZERO)).and_then(|()| self.events(sink));
            }
            let done = looked.is_err() || self.core.handed_out() != before || self.queue.has_news();
            if !done {
                thread::yield_now();
            }
            done
        });
        self.spin = spin;
        looked
    }

    /// Waits for events; before it sleeps everything that can be sent is.
    pub(super) fn wait(&mut self, wait: Wait) -> io::Result<()> {
        let Wait::Sleep(timeout) = wait else {
            return self.poll.wait(Some(Duration::ZERO));
        };
        self.flush_dirty();
        if self.phase == Phase::Ended || !self.queue.leave(true, false) {
            return self.poll.wait(Some(Duration::ZERO));
        }
        let waited = self.poll.wait(timeout);
        self.attend();
        waited
    }

    /// Handles what the last wait found, beginning elsewhere each time, so that no connection is always last.
    pub(super) fn events(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        let found = self.poll.found();
        let mut accept = false;
        for index in 0..found {
            let (key, flags) = self.poll.event((index + self.turns) % found);
            match key {
                // The queue is looked at in every turn; a bell that nobody of this process rang must not stay ready for ever.
                keys::BELL if !self.bell_taken => self.queue.quiet(),
                keys::BELL => {}
                keys::TIMER => {
                    self.poll.take_timer();
                    self.tick();
                }
                keys::LISTENER => accept = true,
                keys::FIFO => {}
                key if key > keys::OWNER - u64::from(u32::MAX) => {
                    if let Transport::Rings(rings) = &mut self.transport {
                        rings.owner_died((keys::OWNER - key) as u32);
                    }
                }
                key => self.ready(key, flags, sink),
            }
        }
        match &mut self.transport {
            Transport::Sockets(transport) if accept => transport.accept(&mut self.core, &mut self.connections, &self.poll),
            _ => Ok(()),
        }
    }

    /// Something happened on a connection.
    fn ready(&mut self, key: u64, flags: EventFlags, sink: &mut Sink<'_>) {
        let mut read = Read::NotNow;
        if flags.contains(EventFlags::IN)
            && let Transport::Sockets(transport) = &mut self.transport
        {
            read = transport.read(key, &mut self.core, &mut self.connections, sink);
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        let gone = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        // What the client sent before it went is still taken, unless its connection is paused: no reply can reach it.
        if gone && (read == Read::Nothing || !connection.interest.contains(EventFlags::IN)) {
            connection.broken = true;
        }
        if gone || flags.contains(EventFlags::OUT) {
            self.core.post.mark(key, connection);
        }
    }

    /// Parses what earlier turns received and did not take.
    pub(super) fn parse_pending(&mut self, sink: &mut Sink<'_>) {
        for _ in 0..self.core.pending.len() {
            if self.core.budget == 0 || self.core.held {
                return;
            }
            if let Some(key) = self.core.pending.pop_front() {
                sockets::parse_pending(key, &mut self.core, &mut self.connections, sink);
            }
        }
    }

    /// Over shared memory: looks at the rings, spins, arms the bell, sleeps, as far as `wait` says and until there is something.
    pub(super) fn turn_rings(&mut self, wait: Wait, sink: &mut Sink<'_>) -> io::Result<()> {
        let Transport::Rings(rings) = &mut self.transport else {
            return Ok(());
        };
        let before = self.core.handed_out();
        if rings.awake() || self.turns.is_multiple_of(TURNS_BETWEEN_LOOKS) {
            // The descriptor was armed: the bell, an owner's end or the timer may be what woke us.
            self.poll.wait(Some(Duration::ZERO))?;
            self.events(sink)?;
        }
        let mut slept = wait == Wait::No;
        for _ in 0..ROUNDS {
            let Transport::Rings(rings) = &mut self.transport else {
                return Ok(());
            };
            rings.serve(&mut self.core, &mut self.connections, &self.poll, sink);
            if self.core.handed_out() != before {
                return Ok(());
            }
            if self.core.budget == 0 {
                break;
            }
            self.flush_dirty();
            let Transport::Rings(rings) = &mut self.transport else {
                return Ok(());
            };
            if wait != Wait::No && self.core.in_flight() == 0 && rings.spin() {
                continue;
            }
            if !rings.arm() {
                continue;
            }
            let Wait::Sleep(timeout) = wait else { return Ok(()) };
            if std::mem::replace(&mut slept, true) || !self.queue.leave(true, false) {
                return Ok(());
            }
            let waited = self.poll.wait(timeout);
            self.attend();
            waited?;
            if let Transport::Rings(rings) = &mut self.transport {
                rings.awake();
            }
            self.events(sink)?;
        }
        self.again = true;
        Ok(())
    }
}

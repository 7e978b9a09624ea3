//! A connection over shared memory: requests into one ring, replies out of the other, sleeping as the server's kind allows.
//!
//! Invariants:
//! 1. Replies are taken also while requests wait for room, so that two full rings never hold each other up.
//! 2. Nobody sleeps before the bell is armed and, after that, both rings were looked at once more.
//! 3. A server that waits for room is rung after every batch of releases.
//! 4. Towards a foreign server somebody sleeps in the futex whenever the bell is armed and a reply is to come: the sentinel is posted by
//!    the turn that arms, or by the flush that sends the first request after it, which may be another thread's while the owner of the
//!    descriptor sleeps. What is posted is the word as it was when the bell was armed: a reply that was faster ends the sleep at once.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use proofplane_ring::{ClientChannel, Owner, RingError, Sleep, Spin};

use super::connection::{Lost, SubmitError};
use super::delivery::Delivery;
use super::outbox::Outbox;
use super::sentinel::Sentinel;
use super::waker::Waker;
use crate::envelope::Head;
use crate::limits::Limits;

/// Longest sleep of a blocking wait before it looks whether the server lives: a death shows within this, for 50 wakes a second.
const SLICE: Duration = Duration::from_millis(20);
/// The same while a foreign server's request ring is full: it does not say when there is room again.
const SLICE_FULL: Duration = Duration::from_millis(1);

/// The client's ends of two rings, and the requests that do not fit yet.
pub(super) struct SharedLink {
    // Before the channel: its thread sleeps in the channel's memory.
    sentinel: Option<Sentinel>,
    channel: ClientChannel,
    waker: Waker,
    spin: Spin,
    outbox: Outbox,
    most_in: usize,
    unrung: bool,
    blocked: bool,
    armed: bool,
    /// The bell's word when it was armed with nothing in flight, so that nobody sleeps in it yet (foreign servers).
    unwatched: Option<u32>,
}

impl SharedLink {
    /// Takes a joined channel. `server` is the process behind a foreign one, if known. `Ok(None)`: the server is dead.
    pub(super) fn new(channel: ClientChannel, server: Option<Owner>, limits: &Limits, spin: Spin) -> std::io::Result<Option<Self>> {
        let Some(waker) = Waker::new(&channel, channel.server().or(server))? else {
            return Ok(None);
        };
        Ok(Some(Self {
            sentinel: None,
            channel,
            waker,
            spin,
            outbox: Outbox::new(limits.max_queued),
            most_in: limits.max_frame as usize,
            unrung: false,
            blocked: false,
            armed: false,
            unwatched: None,
        }))
    }

    /// Writes a request into the ring, or queues it behind those that wait for room. At most `most` bytes, and what the ring takes.
    pub(super) fn queue(&mut self, head: &Head, payload: &[u8], most: usize) -> Result<(), SubmitError> {
        let head = head.as_bytes();
        let (need, most) = (head.len() + payload.len(), most.min(self.channel.request.most()));
        if need > most {
            return Err(SubmitError::TooLarge { need, most });
        }
        // Straight into the ring, unless others wait for room already.
        let ring = &mut self.channel.request;
        if self.outbox.is_empty()
            && let Some(mut claim) = ring.claim(need).map_err(|error| SubmitError::Lost(corrupt(error)))?
        {
            let (start, rest) = claim.bytes().split_at_mut(head.len());
            start.copy_from_slice(head);
            rest.copy_from_slice(payload);
            claim.publish();
            self.unrung = true;
            return Ok(());
        }
        if !self.outbox.has_room(need) {
            return Err(SubmitError::WouldBlock);
        }
        self.outbox.push(head, payload);
        Ok(())
    }

    /// Moves what fits into the ring and rings once.
    pub(super) fn flush(&mut self) -> Result<bool, Lost> {
        if (self.unrung || !self.outbox.is_empty())
            && let Some(seen) = self.unwatched.take()
        {
            self.post_sentinel(seen)?;
        }
        self.fill()?;
        if std::mem::take(&mut self.unrung) {
            self.channel.ring();
        }
        Ok(self.outbox.is_empty())
    }

    /// Sends and takes what goes; with nothing to take, arms the bell.
    pub(super) fn turn(&mut self, spin: bool, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        let woken = self.wake()?;
        self.exchange(spin, delivery)?;
        if woken && delivery.count() == 0 {
            self.look_for_the_server(delivery)?;
        }
        while delivery.count() == 0 {
            let seen = self.channel.arm(if self.channel.ours() { Sleep::Poll } else { Sleep::Futex });
            self.armed = true;
            if !self.news()? {
                if self.channel.ours() {
                    return Ok(());
                }
                if delivery.expects() {
                    return self.post_sentinel(seen);
                }
                self.unwatched = Some(seen);
                return Ok(());
            }
            self.wake()?;
            self.exchange(false, delivery)?;
        }
        Ok(())
    }

    /// Sleeps until a reply, the deadline, or a signal.
    pub(super) fn wait(&mut self, deadline: Option<Instant>, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        self.wake()?;
        loop {
            self.exchange(true, delivery)?;
            let now = Instant::now();
            let slice = if self.wants_write() { SLICE_FULL } else { SLICE };
            let pause = deadline.map_or(slice, |deadline| slice.min(deadline.saturating_duration_since(now)));
            if delivery.count() > 0 || pause.is_zero() {
                return Ok(());
            }
            let seen = self.channel.arm(Sleep::Futex);
            let news = self.news()?;
            if !news {
                self.channel.wait(seen, Some(pause));
            }
            self.channel.disarm();
            if news || self.channel.response.has_message() {
                continue;
            }
            if now.elapsed() >= pause {
                self.look_for_the_server(delivery)?;
            } else {
                // Room, an eviction, or a signal, which cannot be told apart: whoever called may want to look at the last.
                return self.exchange(false, delivery);
            }
        }
    }

    /// Whether this must be turned again without having been woken.
    pub(super) fn wants_write(&self) -> bool {
        !self.outbox.is_empty() && !self.channel.ours()
    }

    /// Whether the next turn should spin.
    pub(super) fn spins(&mut self) -> bool {
        self.spin.due()
    }

    /// Gives the slot back and ends the sentinel.
    pub(super) fn close(&mut self) {
        self.sentinel = None;
        self.channel.leave();
        self.outbox.clear();
    }

    /// Sends, takes, spins for what comes, and sends again what the taking made room for.
    fn exchange(&mut self, spin: bool, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        self.flush()?;
        self.drain(delivery)?;
        if spin && delivery.count() == 0 && delivery.expects() {
            let response = &self.channel.response;
            if self.spin.wait(self.channel.peer_cpu(), || response.has_message()) {
                self.drain(delivery)?;
            }
        }
        if delivery.count() > 0 {
            if !self.outbox.is_empty() {
                self.flush()?;
            }
        } else if self.channel.evicted() {
            // Looked at after the ring: what the server published before it ended is read first.
            self.drain(delivery)?;
            if delivery.count() == 0 {
                return Err(Lost::Ended("the server has ended, or cut this client off".into()));
            }
        }
        Ok(())
    }

    /// Hands on every reply in place. At most as many as are in flight: one more would break the connection.
    fn drain(&mut self, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        let mut waits_for_room = false;
        while let Some(body) = self.channel.response.peek().map_err(corrupt)? {
            if body.len() > self.most_in {
                return Err(Lost::Broken(format!(
                    "the server sent a reply of {} bytes; this connection takes {}",
                    body.len(),
                    self.most_in
                )));
            }
            delivery.take_shared(body)?;
            waits_for_room |= self.channel.response.release();
        }
        if waits_for_room {
            self.channel.ring();
        }
        Ok(())
    }

    /// Moves queued requests into the ring while they fit. Our own servers are told that somebody waits for room.
    fn fill(&mut self) -> Result<bool, Lost> {
        let mut moved = false;
        loop {
            while let Some(body) = self.outbox.front() {
                let Some(mut claim) = self.channel.request.claim(body.len()).map_err(corrupt)? else {
                    break;
                };
                claim.bytes().copy_from_slice(body);
                claim.publish();
                let len = body.len();
                self.outbox.pop(len);
                moved = true;
            }
            self.unrung |= moved;
            let full = !self.outbox.is_empty();
            if full == self.blocked || !self.channel.ours() {
                return Ok(moved);
            }
            // Having said that it waits, it looks once more: the server may have made the room just before.
            self.channel.request.set_blocked(full);
            self.blocked = full;
        }
    }

    /// The look after arming: a reply, or room that was used and rung for.
    fn news(&mut self) -> Result<bool, Lost> {
        if self.channel.response.has_message() || self.channel.evicted() {
            return Ok(true);
        }
        let moved = !self.outbox.is_empty() && self.fill()?;
        self.flush()?;
        Ok(moved)
    }

    /// Awake: true if the bell was armed.
    fn wake(&mut self) -> Result<bool, Lost> {
        let armed = std::mem::take(&mut self.armed);
        self.unwatched = None;
        if armed {
            self.channel.disarm();
            if let Some(sentinel) = &self.sentinel {
                sentinel.rest();
            }
            self.waker
                .quiet(&self.channel)
                .map_err(|error| Lost::Broken(format!("reading the client's bell failed: {error}")))?;
        }
        Ok(armed)
    }

    /// Lets the sentinel, started at its first use, sleep for this side.
    fn post_sentinel(&mut self, seen: u32) -> Result<(), Lost> {
        let Some(note) = self.waker.note() else { return Ok(()) };
        if self.sentinel.is_none() {
            let sentinel = Sentinel::spawn(self.channel.bell(), note.clone());
            self.sentinel = Some(sentinel.map_err(|error| Lost::Broken(format!("a thread could not be started: {error}")))?);
        }
        if let Some(sentinel) = &self.sentinel {
            sentinel.watch(seen);
        }
        Ok(())
    }

    /// After a sleep that brought nothing: is the server still there? What it published before its end is delivered first.
    fn look_for_the_server(&mut self, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        let why = if self.waker.server_died() {
            "the server's process has ended"
        } else if !self.channel.ours() && self.channel.vanished() {
            "the server has removed its shared memory"
        } else {
            return Ok(());
        };
        self.drain(delivery)?;
        if delivery.count() > 0 {
            Ok(())
        } else {
            Err(Lost::Ended(why.into()))
        }
    }
}

impl AsFd for SharedLink {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.waker.as_fd()
    }
}

fn corrupt(error: RingError) -> Lost {
    Lost::Broken(error.to_string())
}

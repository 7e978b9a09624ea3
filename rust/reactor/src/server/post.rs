//! Replies on their way out: into the order, into the outbox, or straight into a ring.

use proofplane_ring::Producer;

use super::buffers::Buffers;
use super::connection::Connection;
use super::tickets::Way;
use super::types::Stats;
use crate::envelope::Head;
use crate::frame;

/// What sending needs besides the connection.
pub(crate) struct Post {
    pub(crate) buffers: Buffers,
    pub(crate) stats: Stats,
    /// Connections to look at in the next flush, each once (`Connection::dirty`).
    pub(crate) dirty: Vec<u64>,
}

impl Post {
    pub(crate) fn new() -> Self {
        Self {
            buffers: Buffers::new(),
            stats: Stats::default(),
            dirty: Vec::new(),
        }
    }

    /// The next flush looks at this connection.
    #[inline]
    pub(crate) fn mark(&mut self, key: u64, connection: &mut Connection) {
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(key);
        }
    }

    /// Sends a reply: at once if it carries an id or is the next in order, else when those before it have gone.
    /// `pair` is the plain head. With `ring` it is written there if it has room and nothing waits before it.
    #[inline]
    pub(crate) fn send(
        &mut self,
        key: u64,
        connection: &mut Connection,
        way: Way,
        pair: &[u8],
        payload: &[u8],
        mut ring: Option<&mut Producer>,
    ) {
        self.stats.replies += 1;
        match way {
            Way::Id(id) => {
                self.put(connection, Head::around(Some(id), pair).as_bytes(), payload, ring);
            }
            Way::Plain(place) if connection.order.is_next(place) => {
                connection.order.pass();
                self.put(connection, pair, payload, ring.as_deref_mut());
                while let Some(held) = connection.order.leave() {
                    connection.held -= held.len();
                    self.put(connection, &held[frame::PREFIX_BYTES..], &[], ring.as_deref_mut());
                }
            }
            Way::Plain(place) => {
                let mut held = Vec::with_capacity(frame::PREFIX_BYTES + pair.len() + payload.len());
                append(&mut held, pair, payload);
                connection.held += held.len();
                connection.order.fill(place, held);
                return;
            }
        }
        self.mark(key, connection);
    }

    #[inline]
    fn put(&mut self, connection: &mut Connection, head: &[u8], payload: &[u8], ring: Option<&mut Producer>) {
        if let Some(ring) = ring
            && connection.outbox.is_empty()
        {
            match write(ring, head, payload) {
                Ok(true) => {
                    connection.published = true;
                    return;
                }
                Ok(false) => {}
                Err(_) => connection.broken = true,
            }
        }
        append(connection.outbox.end(&mut self.buffers), head, payload);
    }

    /// Moves what waits in the outbox of a ring's connection into the ring, as far as there is room.
    pub(crate) fn move_to_ring(&mut self, connection: &mut Connection, ring: &mut Producer) {
        while let frame::Front::Frame { body, .. } = frame::front(connection.outbox.rest(), u32::MAX) {
            match write(ring, body, &[]) {
                Ok(true) => {
                    let count = frame::PREFIX_BYTES + body.len();
                    connection.published = true;
                    connection.outbox.advance(count, &mut self.buffers);
                }
                Ok(false) => return,
                Err(_) => {
                    connection.broken = true;
                    return;
                }
            }
        }
    }
}

/// Appends a frame.
#[inline]
fn append(out: &mut Vec<u8>, head: &[u8], payload: &[u8]) {
    out.reserve(frame::PREFIX_BYTES + head.len() + payload.len());
    out.extend_from_slice(&frame::prefix(head.len() + payload.len()));
    out.extend_from_slice(head);
    out.extend_from_slice(payload);
}

/// Writes one message into a ring; false when it has no room now.
#[inline]
fn write(ring: &mut Producer, head: &[u8], payload: &[u8]) -> Result<bool, proofplane_ring::RingError> {
    let Some(mut claim) = ring.claim(head.len() + payload.len())? else {
        return Ok(false);
    };
    let (front, back) = claim.bytes().split_at_mut(head.len());
    front.copy_from_slice(head);
    back.copy_from_slice(payload);
    claim.publish();
    Ok(true)
}

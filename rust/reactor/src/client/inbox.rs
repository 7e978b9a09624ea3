//! Bytes from a socket cut into frames: received straight into place, handed on without a copy, never zeroed.

use super::connection::Lost;
use super::delivery::Delivery;
use crate::frame::{Front, PREFIX_BYTES, front};

/// Room for an ordinary read, bytes: what a Unix socket holds at the most by default, so that one read takes every waiting reply.
const ROOM_BYTES: usize = 256 << 10;
/// Capacity kept between frames, bytes; a rarer, larger frame gives its memory back.
const KEEP_BYTES: usize = 4 << 20;

/// What was received and not yet handed on: at most one incomplete frame between two reads.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    /// Bytes of the incomplete frame once it is whole, prefix included, as far as known.
    total: usize,
}

impl Inbox {
    /// Empty.
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            total: PREFIX_BYTES,
        }
    }

    /// Where the next read goes: the spare capacity, which the rest of the incomplete frame fits.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        let held = self.bytes.len() - self.start;
        if self.bytes.capacity() - self.start < self.total || self.bytes.capacity() == self.bytes.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
            self.bytes.reserve_exact(self.total.max(ROOM_BYTES) - held);
        }
        &mut self.bytes
    }

    /// Hands on every complete frame; each body borrows from the buffer. A length over `most` bytes ends the connection.
    pub(super) fn deliver(&mut self, most: u32, delivery: &mut Delivery<'_>) -> Result<(), Lost> {
        let mut bytes = &self.bytes[self.start..];
        self.total = loop {
            match front(bytes, most) {
                Front::Frame { body, rest } => {
                    delivery.take(body)?;
                    bytes = rest;
                }
                Front::Partial { total } => break total,
                Front::TooLarge { body } => {
                    return Err(Lost::Broken(format!(
                        "the server announced a reply of {body} bytes; this connection takes {most}"
                    )));
                }
            }
        };
        self.start = self.bytes.len() - bytes.len();
        if !self.is_partial() {
            self.start = 0;
            self.bytes.clear();
            if self.bytes.capacity() > KEEP_BYTES {
                self.bytes.shrink_to(ROOM_BYTES);
            }
        }
        Ok(())
    }

    /// Whether a frame has begun and not ended.
    pub(super) fn is_partial(&self) -> bool {
        self.bytes.len() > self.start
    }
}

//! Requests that wait to be sent: whole frames, back to back, in one buffer that is used again and again.

use crate::frame::{Front, PREFIX_BYTES, front, prefix};

/// Capacity kept when everything is sent, bytes; a rarer, larger burst gives its memory back. 4 MiB holds 64 frames of 64 KiB.
const KEEP_BYTES: usize = 4 << 20;

/// The queue of unsent requests.
pub(super) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
    most: usize,
}

impl Outbox {
    /// Empty; holds at most `most` bytes, though always one frame.
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            sent: 0,
            most,
        }
    }

    /// Whether a body of `len` bytes may be queued now.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.is_empty() || self.unsent().len() + PREFIX_BYTES + len <= self.most
    }

    /// Queues one frame, whose body is `head` and then `payload`: within `max_frame`, as the caller has checked.
    pub(super) fn push(&mut self, head: &[u8], payload: &[u8]) {
        // What was sent is moved away only when it is most of the buffer: each byte moves at most once on average.
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        let len = head.len() + payload.len();
        self.bytes.reserve(PREFIX_BYTES + len);
        self.bytes.extend_from_slice(&prefix(len));
        self.bytes.extend_from_slice(head);
        self.bytes.extend_from_slice(payload);
    }

    /// Everything unsent, prefixes included.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The oldest frame's body, for those who send frame by frame (and only those: a frame must not be half sent).
    pub(super) fn front(&self) -> Option<&[u8]> {
        match front(self.unsent(), u32::MAX) {
            Front::Frame { body, .. } => Some(body),
            Front::Partial { .. } | Front::TooLarge { .. } => None,
        }
    }

    /// The oldest frame, whose body has `len` bytes, is sent.
    pub(super) fn pop(&mut self, len: usize) {
        self.advance(PREFIX_BYTES + len);
    }

    /// So many bytes are sent.
    pub(super) fn advance(&mut self, sent: usize) {
        self.sent += sent;
        if self.sent >= self.bytes.len() {
            self.clear();
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BYTES);
        self.sent = 0;
    }

    /// Whether everything is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Outbox;

    #[test]
    fn frames_leave_in_order_however_they_are_cut() {
        for cut in 1..20 {
            let mut outbox = Outbox::new(1000);
            let mut sent = Vec::new();
            for payload in [&b"abc"[..], b"", b"0123456789"] {
                outbox.push(b"h", payload);
                let take = cut.min(outbox.unsent().len());
                sent.extend_from_slice(&outbox.unsent()[..take]);
                outbox.advance(take);
            }
            sent.extend_from_slice(outbox.unsent());
            assert_eq!(sent, b"\x04\0\0\0habc\x01\0\0\0h\x0b\0\0\0h0123456789", "{cut}");
        }
    }

    #[test]
    fn it_is_full_by_bytes_but_always_takes_one_frame() {
        let mut outbox = Outbox::new(20);
        assert!(outbox.has_room(1000));
        outbox.push(b"", b"123456");
        assert!(outbox.has_room(6));
        assert!(!outbox.has_room(7));
    }

    #[test]
    fn whole_frames_are_seen_one_by_one() {
        let mut outbox = Outbox::new(100);
        assert_eq!(outbox.front(), None);
        outbox.push(b"a", b"b");
        outbox.push(b"", b"");
        assert_eq!(outbox.front(), Some(&b"ab"[..]));
        outbox.pop(2);
        assert_eq!(outbox.front(), Some(&b""[..]));
        outbox.pop(0);
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_rare_burst_gives_its_memory_back() {
        let mut outbox = Outbox::new(64 << 20);
        outbox.push(b"", &vec![0; 8 << 20]);
        outbox.advance(outbox.unsent().len());
        assert!(outbox.bytes.capacity() <= super::KEEP_BYTES);
    }
}

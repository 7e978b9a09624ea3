//! The front of a body that another process may write while it is read: copied first, then checked, so that what was checked is what is used.

use std::hint::black_box;

use super::NAME_BYTES;

/// Enough for the longest envelope in its widest formats, and one byte of payload: outer array 5, id 9, inner array 5, name 5 and 255.
const BYTES: usize = 5 + 9 + 5 + 5 + NAME_BYTES + 1;

/// A private copy of a body's first bytes. Reading an envelope from it finds what reading the whole body would find.
pub struct StableFront {
    bytes: [u8; BYTES],
    len: usize,
}

impl StableFront {
    /// Copies.
    #[inline]
    pub fn of(body: &[u8]) -> Self {
        let len = body.len().min(BYTES);
        let mut bytes = [0; BYTES];
        bytes[..len].copy_from_slice(&body[..len]);
        // The compiler takes borrowed bytes for unchanging and might read them again instead of the copy: here it loses track of where
        // the copy came from.
        black_box(&mut bytes);
        Self { bytes, len }
    }

    /// The copy.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{read_reply, read_request, request_id};

    /// The widest formats of everything: `[id, [Name, ..]]` with a name of `len` bytes.
    fn widest(len: usize, payload: &[u8]) -> Vec<u8> {
        let mut body = b"\xdd\0\0\0\x02\xcf\0\0\0\0\0\0\0\x07\xdd\0\0\0\x02\xdb".to_vec();
        body.extend_from_slice(&(len as u32).to_be_bytes());
        body.extend(std::iter::repeat_n(b'n', len));
        body.extend_from_slice(payload);
        body
    }

    #[test]
    fn the_copy_of_the_front_reads_as_the_whole_does_wherever_the_body_ends() {
        for body in [
            widest(255, &[1; 1000]),
            widest(256, &[1; 1000]),
            b"\x92\xa1R\x80".to_vec(),
            b"\x91\x92\xa1R\x80".to_vec(),
        ] {
            for cut in 0..=body.len() {
                let body = &body[..cut];
                let front = StableFront::of(body);
                let front = front.bytes();
                let payload = |rest: usize| &body[front.len() - rest..];
                let whole = read_request(body).map(|request| (request.id, request.name, request.payload));
                let stable = read_request(front).map(|request| (request.id, request.name, payload(request.payload.len())));
                assert_eq!(stable, whole, "{cut}");
                let whole = read_reply(body).map(|reply| (reply.id, reply.name, reply.payload));
                let stable = read_reply(front).map(|reply| (reply.id, reply.name, payload(reply.payload.len())));
                assert_eq!(stable, whole, "{cut}");
                assert_eq!(request_id(front), request_id(body), "{cut}");
            }
        }
    }

    #[test]
    fn what_is_written_over_the_body_later_does_not_reach_the_name_that_was_checked() {
        let mut body = b"\x91\x92\xa4Echo\x80".to_vec();
        let front = StableFront::of(&body);
        let name = read_request(front.bytes()).unwrap().name;
        body.fill(0xff);
        assert_eq!((name, body[3]), ("Echo", 0xff));
    }
}

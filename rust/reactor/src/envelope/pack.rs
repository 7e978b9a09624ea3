//! Packing the little msgpack that the core itself makes: envelopes, error replies and the answer to `Hello`; smallest forms only.

use super::EnvelopeError;

/// Longest name in an envelope, bytes.
pub const NAME_BYTES: usize = 255;
/// Room for the longest head: an array of 1, an id of 9 bytes, an array of 1, a name with 2 bytes of header.
const HEAD_BYTES: usize = 1 + 9 + 1 + 2 + NAME_BYTES;

/// What stands before the payload in a body: `body = head ++ payload`.
#[derive(Debug, Clone)]
pub struct Head {
    bytes: [u8; HEAD_BYTES],
    len: usize,
}

impl Head {
    /// Most bytes that an id adds to a plain reply: an array's header and a u64.
    pub const ID_BYTES: usize = 10;

    /// The head of a request; `BadName` when the name is longer than 255 bytes.
    pub fn request(id: Option<u64>, name: &str) -> Result<Self, EnvelopeError> {
        let mut head = Self {
            bytes: [0; HEAD_BYTES],
            len: 0,
        };
        match id {
            None => head.push(&[0x91]),
            Some(id) => head.push_id(id),
        }
        head.push_pair(name)
    }

    /// The head of a reply; `BadName` when the name is longer than 255 bytes.
    pub fn reply(id: Option<u64>, name: &str) -> Result<Self, EnvelopeError> {
        let mut head = Self {
            bytes: [0; HEAD_BYTES],
            len: 0,
        };
        if let Some(id) = id {
            head.push_id(id);
        }
        head.push_pair(name)
    }

    /// A reply's head around a pair that was packed before (`Head::reply(None, name)`).
    #[inline]
    pub(crate) fn around(id: Option<u64>, pair: &[u8]) -> Self {
        let mut head = Self {
            bytes: [0; HEAD_BYTES],
            len: 0,
        };
        if let Some(id) = id {
            head.push_id(id);
        }
        head.push(pair);
        head
    }

    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push_id(&mut self, id: u64) {
        let mut packed = [0; 9];
        let len = uint(id, &mut packed);
        self.push(&[0x92]);
        self.push(&packed[..len]);
    }

    fn push_pair(mut self, name: &str) -> Result<Self, EnvelopeError> {
        let len = name.len();
        let short = u8::try_from(len).map_err(|_| EnvelopeError::BadName)?;
        self.push(&[0x92]);
        if short < 32 {
            self.push(&[0xa0 | short]);
        } else {
            self.push(&[0xd9, short]);
        }
        self.push(name.as_bytes());
        Ok(self)
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
}

/// The payload of an error reply: `{"message": message}`.
pub fn error_payload(message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 16);
    pack_map(&mut out, 1);
    pack_str(&mut out, "message");
    pack_str(&mut out, message);
    out
}

/// Packs an unsigned integer in its smallest form.
pub fn pack_uint(out: &mut Vec<u8>, value: u64) {
    let mut packed = [0; 9];
    let len = uint(value, &mut packed);
    out.extend_from_slice(&packed[..len]);
}

/// Packs a truth value.
pub fn pack_bool(out: &mut Vec<u8>, value: bool) {
    out.push(if value { 0xc3 } else { 0xc2 });
}

/// Packs the header of a map of `entries` entries, at most 15.
pub fn pack_map(out: &mut Vec<u8>, entries: u8) {
    assert!(entries < 16, "the core makes small maps only");
    out.push(0x80 | entries);
}

/// Packs a string.
pub fn pack_str(out: &mut Vec<u8>, text: &str) {
    match text.len() {
        len @ 0..=31 => out.push(0xa0 | len as u8),
        len => length(out, len, [0xd9, 0xda, 0xdb]),
    }
    out.extend_from_slice(text.as_bytes());
}

/// Packs bytes.
pub fn pack_bin(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len(), [0xc4, 0xc5, 0xc6]);
    out.extend_from_slice(bytes);
}

fn length(out: &mut Vec<u8>, len: usize, marks: [u8; 3]) {
    if let Ok(len) = u8::try_from(len) {
        out.extend_from_slice(&[marks[0], len]);
    } else if let Ok(len) = u16::try_from(len) {
        out.push(marks[1]);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(marks[2]);
        out.extend_from_slice(&u32::try_from(len).expect("a frame's parts are shorter than 4 GiB").to_be_bytes());
    }
}

#[inline]
fn uint(value: u64, out: &mut [u8; 9]) -> usize {
    let (mark, width) = match value {
        0..=0x7f => {
            out[0] = value as u8;
            return 1;
        }
        0x80..=0xff => (0xcc, 1),
        0x100..=0xffff => (0xcd, 2),
        0x1_0000..=0xffff_ffff => (0xce, 4),
        _ => (0xcf, 8),
    };
    out[0] = mark;
    out[1..=width].copy_from_slice(&value.to_be_bytes()[8 - width..]);
    1 + width
}

//! What a client asks first: whose schema the server serves, and whether it knows request ids.

use std::time::Instant;

use proofplane_reactor::client::{Connection, SubmitError};

use crate::fault::Fault;
use crate::layout::Status;

/// What the server said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// All zero: none.
    pub schema_hash: [u8; 32],
    /// Whether it answers requests with ids.
    pub ids: bool,
    /// The largest frame body that it takes, bytes.
    pub max_frame: u32,
}

/// Asks; `None` from a peer that does not know the question and answered an error, which takes plain requests only.
pub fn hello(connection: &mut Connection, schema_hash: &[u8; 32], deadline: Instant) -> Result<Option<Greeting>, Fault> {
    let mut question = b"\x81\xabschema_hash\xc4\x20".to_vec();
    question.extend_from_slice(schema_hash);
    connection.submit("Hello", &question).map_err(|error| match error {
        SubmitError::Lost(lost) => Fault::from(lost),
        other => Fault::new(Status::Broken, format!("a new connection did not take Hello: {other:?}")),
    })?;
    let mut answer = None;
    let mut sink = |_, name: &str, payload: &[u8]| answer = Some((name == "HelloResponse").then(|| read_greeting(payload)));
    // It comes back early with nothing when a signal came.
    while connection.wait(Some(deadline), &mut sink)? == 0 && Instant::now() < deadline {}
    match answer {
        None => Err(Fault::new(
            Status::Unreachable,
            "the server took the connection and did not answer Hello before the deadline",
        )),
        Some(None) => Ok(None),
        Some(Some(greeting)) => greeting
            .map(Some)
            .ok_or_else(|| Fault::new(Status::Broken, "the server's HelloResponse cannot be read")),
    }
}

/// Reads `{"schema_hash": bin32, "ids": bool, ..}`: fields in any order, unknown ones skipped.
fn read_greeting(payload: &[u8]) -> Option<Greeting> {
    let mut rest = payload;
    let (mut hash, mut ids, mut max_frame) = (None, None, None);
    for _ in 0..take_length(&mut rest, 0x80, 0x0f, &[(0xde, 2), (0xdf, 4)])? {
        let name_len = take_length(&mut rest, 0xa0, 0x1f, &[(0xd9, 1), (0xda, 2), (0xdb, 4)])?;
        match take(&mut rest, name_len)? {
            b"schema_hash" => {
                let len = take_length(&mut rest, 0x100, 0, &[(0xc4, 1), (0xc5, 2), (0xc6, 4)])?;
                hash = Some(take(&mut rest, len)?.try_into().ok()?);
            }
            b"ids" => match take(&mut rest, 1)?[0] {
                0xc2 => ids = Some(false),
                0xc3 => ids = Some(true),
                _ => return None,
            },
            b"max_frame" => max_frame = Some(take_u32(&mut rest)?),
            _ => skip_scalar(&mut rest)?,
        }
    }
    Some(Greeting {
        schema_hash: hash?,
        ids: ids?,
        max_frame: max_frame?,
    })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// A container's length: `short | n` with n in `mask`, or a tag with so many bytes of big-endian length behind it.
fn take_length(rest: &mut &[u8], short: u16, mask: u8, long: &[(u8, usize)]) -> Option<usize> {
    let tag = take(rest, 1)?[0];
    if u16::from(tag & !mask) == short {
        return Some(usize::from(tag & mask));
    }
    let width = long.iter().find(|(of, _)| *of == tag)?.1;
    Some(take(rest, width)?.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
}

/// An unsigned integer of any width, whose value fits.
fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let tag = take(rest, 1)?[0];
    let width = match tag {
        0x00..=0x7f => return Some(tag.into()),
        0xcc..=0xcf => 1 << (tag - 0xcc),
        _ => return None,
    };
    take(rest, width)?
        .iter()
        .fold(0u64, |number, &byte| number << 8 | u64::from(byte))
        .try_into()
        .ok()
}

/// Passes over a value without parts, such as a later version's number, flag or text; a container there is unreadable.
fn skip_scalar(rest: &mut &[u8]) -> Option<()> {
    let tag = *rest.first()?;
    let after_tag = match tag {
        0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
        0xcc | 0xd0 => 1,
        0xcd | 0xd1 => 2,
        0xca | 0xce | 0xd2 => 4,
        0xcb | 0xcf | 0xd3 => 8,
        0xa0..=0xbf | 0xd9..=0xdb => {
            let len = take_length(rest, 0xa0, 0x1f, &[(0xd9, 1), (0xda, 2), (0xdb, 4)])?;
            return take(rest, len).map(drop);
        }
        0xc4..=0xc6 => {
            let len = take_length(rest, 0x100, 0, &[(0xc4, 1), (0xc5, 2), (0xc6, 4)])?;
            return take(rest, len).map(drop);
        }
        _ => return None,
    };
    take(rest, 1 + after_tag).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Vec<u8> {
        let mut bytes = b"\x83\xabschema_hash\xc4\x20".to_vec();
        bytes.extend([7; 32]);
        bytes.extend(b"\xa3ids\xc3\xa9max_frame\xce\x04\x00\x00\x00");
        bytes
    }

    #[test]
    fn the_answer_is_read_whatever_the_widths_and_the_order() {
        let expected = Some(Greeting {
            schema_hash: [7; 32],
            ids: true,
            max_frame: 1 << 26,
        });
        assert_eq!(read_greeting(&answer()), expected);
        let mut wide =
            b"\xde\x00\x04\xda\x00\x03ids\xc3\xa9max_frame\xcf\0\0\0\0\x04\0\0\0\xd9\x04more\xa3abc\xabschema_hash\xc5\x00\x20".to_vec();
        wide.extend([7; 32]);
        assert_eq!(read_greeting(&wide), expected);
    }

    #[test]
    fn every_cut_of_the_answer_is_unreadable_and_no_byte_of_it_panics() {
        let whole = answer();
        for cut in 0..whole.len() {
            assert_eq!(read_greeting(&whole[..cut]), None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut mutated = whole.clone();
                mutated[at] = byte;
                read_greeting(&mutated);
            }
        }
    }
}

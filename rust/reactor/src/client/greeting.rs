//! The answer to Hello, read by hand: three fields, and whatever later versions add.

/// What the server said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Greeting {
    /// Hash of its schema; all zero when it has none.
    pub schema_hash: [u8; 32],
    /// Whether it answers requests with ids.
    pub ids: bool,
    /// The largest frame body that it takes, bytes.
    pub max_frame: u32,
}

impl Greeting {
    /// Reads `{"schema_hash": bin32, "ids": bool, "max_frame": u32}`: fields in any order, unknown ones passed over.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let (mut hash, mut ids, mut max_frame) = (None, None, None);
        for _ in 0..take_length(&mut rest, MAP)? {
            let name_len = take_length(&mut rest, TEXT)?;
            match take(&mut rest, name_len)? {
                b"schema_hash" => {
                    let len = take_length(&mut rest, BINARY)?;
                    hash = Some(take(&mut rest, len)?.try_into().ok()?);
                }
                b"ids" => match take(&mut rest, 1)?[0] {
                    0xc2 => ids = Some(false),
                    0xc3 => ids = Some(true),
                    _ => return None,
                },
                b"max_frame" => max_frame = Some(take_u32(&mut rest)?),
                _ => skip(&mut rest)?,
            }
        }
        let greeting = Self {
            schema_hash: hash?,
            ids: ids?,
            max_frame: max_frame?,
        };
        rest.is_empty().then_some(greeting)
    }
}

/// How values of a kind that has a length begin: the tags of short ones, which hold it, and how many those are; the first tag of the three
/// (of maps and arrays: two) that have it behind them, in as many bytes.
#[derive(Clone, Copy)]
struct Kind {
    short: u8,
    shorts: u8,
    long: u8,
    widths: &'static [usize],
}

const MAP: Kind = Kind {
    short: 0x80,
    shorts: 16,
    long: 0xde,
    widths: &[2, 4],
};
const ARRAY: Kind = Kind {
    short: 0x90,
    shorts: 16,
    long: 0xdc,
    widths: &[2, 4],
};
const TEXT: Kind = Kind {
    short: 0xa0,
    shorts: 32,
    long: 0xd9,
    widths: &[1, 2, 4],
};
const BINARY: Kind = Kind {
    short: 0,
    shorts: 0,
    long: 0xc4,
    widths: &[1, 2, 4],
};
const EXTENSION: Kind = Kind {
    short: 0,
    shorts: 0,
    long: 0xc7,
    widths: &[1, 2, 4],
};

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}

/// The length at the front of a value of this kind; `None`, and nothing taken, if it is of another.
fn take_length(rest: &mut &[u8], kind: Kind) -> Option<usize> {
    let (&tag, mut after) = rest.split_first()?;
    let length = match tag.wrapping_sub(kind.short) {
        length if length < kind.shorts => usize::from(length),
        _ => take_big_endian(&mut after, *kind.widths.get(usize::from(tag.checked_sub(kind.long)?))?)? as usize,
    };
    *rest = after;
    Some(length)
}

fn take_big_endian(rest: &mut &[u8], width: usize) -> Option<u64> {
    Some(take(rest, width)?.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// An unsigned integer of any width, whose value fits.
fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    match take(rest, 1)?[0] {
        small @ 0x00..=0x7f => Some(small.into()),
        tag @ 0xcc..=0xcf => take_big_endian(rest, 1 << (tag - 0xcc))?.try_into().ok(),
        _ => None,
    }
}

/// Passes over one value, counting instead of recursing: each step takes a byte at least, however deep the values nest.
fn skip(rest: &mut &[u8]) -> Option<()> {
    let mut left: u64 = 1;
    while left > 0 {
        left -= 1;
        if let Some(pairs) = take_length(rest, MAP) {
            left = left.saturating_add(2 * pairs as u64);
        } else if let Some(items) = take_length(rest, ARRAY) {
            left = left.saturating_add(items as u64);
        } else if let Some(len) = take_length(rest, TEXT).or_else(|| take_length(rest, BINARY)) {
            take(rest, len)?;
        } else if let Some(len) = take_length(rest, EXTENSION) {
            take(rest, len.checked_add(1)?)?;
        } else {
            let behind = match take(rest, 1)?[0] {
                0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
                0xcc | 0xd0 => 1,
                0xcd | 0xd1 | 0xd4 => 2,
                0xd5 => 3,
                0xca | 0xce | 0xd2 => 4,
                0xd6 => 5,
                0xcb | 0xcf | 0xd3 => 8,
                0xd7 => 9,
                0xd8 => 17,
                _ => return None,
            };
            take(rest, behind)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Greeting = Greeting {
        schema_hash: [7; 32],
        ids: true,
        max_frame: 1 << 26,
    };

    fn answer() -> Vec<u8> {
        let mut bytes = b"\x83\xabschema_hash\xc4\x20".to_vec();
        bytes.extend([7; 32]);
        bytes.extend(b"\xa3ids\xc3\xa9max_frame\xce\x04\x00\x00\x00");
        bytes
    }

    #[test]
    fn the_answer_is_read_whatever_the_widths_and_the_order() {
        assert_eq!(Greeting::read(&answer()), Some(EXPECTED));
        let mut wide = b"\xde\x00\x03\xda\x00\x03ids\xc3\xa9max_frame\xcf\0\0\0\0\x04\0\0\0\xabschema_hash\xc5\x00\x20".to_vec();
        wide.extend([7; 32]);
        assert_eq!(Greeting::read(&wide), Some(EXPECTED));
    }

    #[test]
    fn fields_of_later_versions_are_passed_over_whatever_they_hold() {
        let values: [&[u8]; 9] = [
            b"\xa3abc",
            b"\xc4\x01a",
            b"\xd3\0\0\0\0\0\0\0\0",
            b"\x93\x01\x92\xc0\xc3\xa0",
            b"\x82\xa1a\x01\xa1b\x81\x05\x06",
            b"\xd8\x01aaaaaaaaaaaaaaaa",
            b"\xc7\x02\x05ab",
            b"\xdd\0\0\0\x01\xcb\0\0\0\0\0\0\0\0",
            b"\xff",
        ];
        for value in values {
            let mut bytes = answer();
            bytes[0] = 0x84;
            bytes.extend(b"\xa4more");
            bytes.extend(value);
            assert_eq!(Greeting::read(&bytes), Some(EXPECTED), "{value:x?}");
            bytes.pop();
            assert_eq!(Greeting::read(&bytes), None, "{value:x?}, cut");
        }
    }

    #[test]
    fn deep_nesting_needs_no_stack() {
        let mut bytes = b"\x84\xa4more".to_vec();
        bytes.extend(std::iter::repeat_n(0x91, 1_000_000));
        bytes.push(0xc0);
        bytes.extend(&answer()[1..]);
        assert_eq!(Greeting::read(&bytes), Some(EXPECTED));
    }

    #[test]
    fn every_cut_of_the_answer_is_unreadable_and_no_byte_of_it_panics() {
        let whole = answer();
        for cut in 0..whole.len() {
            assert_eq!(Greeting::read(&whole[..cut]), None, "cut at {cut}");
        }
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut mutated = whole.clone();
                mutated[at] = byte;
                Greeting::read(&mutated);
            }
        }
    }
}

//! The head of a msgpack value: what it is and how long; its bytes or items follow.

use super::error::DecodeError;

/// One head. Lengths are what the sender claims: nothing is allocated by them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Str(u32),
    Bin(u32),
    Array(u32),
    Map(u32),
    /// Bytes that follow, the type byte included.
    Ext(u64),
}

impl Token {
    /// For messages.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a bool",
            Self::Unsigned(_) | Self::Negative(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "a string",
            Self::Bin(_) => "bytes",
            Self::Array(_) => "an array",
            Self::Map(_) => "a map",
            Self::Ext(_) => "an extension",
        }
    }

    /// Reads one head off the front.
    pub(super) fn read(rest: &mut &[u8]) -> Result<Self, DecodeError> {
        let [marker] = *fixed::<1>(rest)?;
        Ok(match marker {
            0x00..=0x7f => Self::Unsigned(marker.into()),
            0x80..=0x8f => Self::Map((marker & 0x0f).into()),
            0x90..=0x9f => Self::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Self::Str((marker & 0x1f).into()),
            0xc0 => Self::Nil,
            0xc1 => return Err(DecodeError::NotAValue),
            0xc2 | 0xc3 => Self::Bool(marker == 0xc3),
            0xc4 => Self::Bin(u8(rest)?.into()),
            0xc5 => Self::Bin(u16(rest)?.into()),
            0xc6 => Self::Bin(u32(rest)?),
            0xc7 => Self::Ext(u64::from(u8(rest)?) + 1),
            0xc8 => Self::Ext(u64::from(u16(rest)?) + 1),
            0xc9 => Self::Ext(u64::from(u32(rest)?) + 1),
            0xca => Self::Float(f32::from_be_bytes(*fixed(rest)?).into()),
            0xcb => Self::Float(f64::from_be_bytes(*fixed(rest)?)),
            0xcc => Self::Unsigned(u8(rest)?.into()),
            0xcd => Self::Unsigned(u16(rest)?.into()),
            0xce => Self::Unsigned(u32(rest)?.into()),
            0xcf => Self::Unsigned(u64::from_be_bytes(*fixed(rest)?)),
            0xd0 => signed(i8::from_be_bytes(*fixed(rest)?).into()),
            0xd1 => signed(i16::from_be_bytes(*fixed(rest)?).into()),
            0xd2 => signed(i32::from_be_bytes(*fixed(rest)?).into()),
            0xd3 => signed(i64::from_be_bytes(*fixed(rest)?)),
            0xd4..=0xd8 => Self::Ext((1 << (marker - 0xd4)) + 1),
            0xd9 => Self::Str(u8(rest)?.into()),
            0xda => Self::Str(u16(rest)?.into()),
            0xdb => Self::Str(u32(rest)?),
            0xdc => Self::Array(u16(rest)?.into()),
            0xdd => Self::Array(u32(rest)?),
            0xde => Self::Map(u16(rest)?.into()),
            0xdf => Self::Map(u32(rest)?),
            0xe0..=0xff => Self::Negative(i8::from_be_bytes([marker]).into()),
        })
    }
}

fn signed(value: i64) -> Token {
    u64::try_from(value).map_or(Token::Negative(value), Token::Unsigned)
}

fn fixed<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], DecodeError> {
    let (front, after) = rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *rest = after;
    Ok(front)
}

fn u8(rest: &mut &[u8]) -> Result<u8, DecodeError> {
    fixed(rest).map(|bytes| u8::from_be_bytes(*bytes))
}

fn u16(rest: &mut &[u8]) -> Result<u16, DecodeError> {
    fixed(rest).map(|bytes| u16::from_be_bytes(*bytes))
}

fn u32(rest: &mut &[u8]) -> Result<u32, DecodeError> {
    fixed(rest).map(|bytes| u32::from_be_bytes(*bytes))
}

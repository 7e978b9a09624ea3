//! Reading envelopes, by hand: nothing is allocated, nothing beyond the bytes is read, every width of every header is accepted.

use super::{EnvelopeError, NAME_BYTES, ReplyEnvelope, RequestEnvelope};

/// Reads a request's envelope. Every integer and length width is accepted; bytes after the payload are the payload's reader's business.
#[inline]
pub fn read_request(body: &[u8]) -> Result<RequestEnvelope<'_>, EnvelopeError> {
    let mut bytes = Bytes(body);
    let id = match bytes.envelope()? {
        1 => None,
        _ => Some(bytes.id()?),
    };
    if bytes.array()? != Some(2) {
        return Err(EnvelopeError::NotAPair);
    }
    let (name, payload) = bytes.pair()?;
    Ok(RequestEnvelope { id, name, payload })
}

/// Reads a reply's envelope; the same holds as for a request's.
#[inline]
pub fn read_reply(body: &[u8]) -> Result<ReplyEnvelope<'_>, EnvelopeError> {
    let mut bytes = Bytes(body);
    if bytes.envelope()? != 2 {
        return Err(EnvelopeError::NotAnEnvelope);
    }
    if bytes.starts_string() {
        let (name, payload) = bytes.pair()?;
        return Ok(ReplyEnvelope { id: None, name, payload });
    }
    let id = Some(bytes.id()?);
    if bytes.array()? != Some(2) {
        return Err(EnvelopeError::NotAPair);
    }
    let (name, payload) = bytes.pair()?;
    Ok(ReplyEnvelope { id, name, payload })
}

/// The id of a request whose envelope may be bad otherwise, so that the error can be answered under it.
pub fn request_id(body: &[u8]) -> Option<u64> {
    let mut bytes = Bytes(body);
    match bytes.envelope() {
        Ok(2) => bytes.id().ok(),
        _ => None,
    }
}

/// The bytes not yet read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// Elements of the outer array: 1 or 2.
    #[inline]
    fn envelope(&mut self) -> Result<u32, EnvelopeError> {
        if self.0.is_empty() {
            return Err(EnvelopeError::Empty);
        }
        match self.array()? {
            Some(count @ (1 | 2)) => Ok(count),
            _ => Err(EnvelopeError::NotAnEnvelope),
        }
    }

    /// Elements of an array; `None` when what comes is something else.
    #[inline]
    fn array(&mut self) -> Result<Option<u32>, EnvelopeError> {
        Ok(match self.byte()? {
            mark @ 0x90..=0x9f => Some(u32::from(mark & 0x0f)),
            0xdc => Some(u32::from(u16::from_be_bytes(self.take()?))),
            0xdd => Some(u32::from_be_bytes(self.take()?)),
            _ => None,
        })
    }

    /// An id: an integer in any format, signed ones included, of at least 1.
    #[inline]
    fn id(&mut self) -> Result<u64, EnvelopeError> {
        let id = match self.byte()? {
            mark @ 0..=0x7f => u64::from(mark),
            0xcc => u64::from(self.byte()?),
            0xcd => u64::from(u16::from_be_bytes(self.take()?)),
            0xce => u64::from(u32::from_be_bytes(self.take()?)),
            0xcf => u64::from_be_bytes(self.take()?),
            0xd0 => Self::unsigned(i64::from(i8::from_be_bytes(self.take()?)))?,
            0xd1 => Self::unsigned(i64::from(i16::from_be_bytes(self.take()?)))?,
            0xd2 => Self::unsigned(i64::from(i32::from_be_bytes(self.take()?)))?,
            0xd3 => Self::unsigned(i64::from_be_bytes(self.take()?))?,
            _ => return Err(EnvelopeError::IdNotAnInteger),
        };
        if id == 0 { Err(EnvelopeError::IdZero) } else { Ok(id) }
    }

    fn unsigned(value: i64) -> Result<u64, EnvelopeError> {
        u64::try_from(value).map_err(|_| EnvelopeError::IdNotAnInteger)
    }

    /// Whether a string comes next.
    #[inline]
    fn starts_string(&self) -> bool {
        matches!(self.0.first(), Some(0xa0..=0xbf | 0xd9..=0xdb))
    }

    /// A name and, after it, at least one byte of payload.
    #[inline]
    fn pair(&mut self) -> Result<(&'a str, &'a [u8]), EnvelopeError> {
        let len = match self.byte()? {
            mark @ 0xa0..=0xbf => usize::from(mark & 0x1f),
            0xd9 => usize::from(self.byte()?),
            0xda => usize::from(u16::from_be_bytes(self.take()?)),
            0xdb => u32::from_be_bytes(self.take()?) as usize,
            _ => return Err(EnvelopeError::BadName),
        };
        if len > NAME_BYTES {
            return Err(EnvelopeError::BadName);
        }
        let (name, payload) = self.0.split_at_checked(len).ok_or(EnvelopeError::Truncated)?;
        let name = std::str::from_utf8(name).map_err(|_| EnvelopeError::NameNotUtf8)?;
        if payload.is_empty() {
            return Err(EnvelopeError::Truncated);
        }
        Ok((name, payload))
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, EnvelopeError> {
        self.take::<1>().map(|[byte]| byte)
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EnvelopeError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(EnvelopeError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }
}

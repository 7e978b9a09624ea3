//! Envelopes: what is around a payload. Requests `[[Name, {..}]]` and `[id, [Name, {..}]]`; replies `[Name, {..}]` and `[id, that]`.
//!
//! Only the envelope is read: the payload is the rest of the body, and whether it is one whole msgpack value is its reader's business.

mod pack;
mod read;
mod stable;
#[cfg(test)]
mod tests;

pub use pack::{Head, NAME_BYTES, error_payload, pack_bin, pack_bool, pack_map, pack_str, pack_uint};
pub use read::{read_reply, read_request, request_id};
pub use stable::StableFront;

use std::fmt;

/// A request's envelope, read.
#[derive(Debug, PartialEq, Eq)]
pub struct RequestEnvelope<'a> {
    /// The correlation number, if it carries one (> 0).
    pub id: Option<u64>,
    /// The command's name.
    pub name: &'a str,
    /// The packed fields, unread.
    pub payload: &'a [u8],
}

/// A reply's envelope, read.
#[derive(Debug, PartialEq, Eq)]
pub struct ReplyEnvelope<'a> {
    /// The request's number, if it carried one.
    pub id: Option<u64>,
    /// The reply's name.
    pub name: &'a str,
    /// The packed fields, unread.
    pub payload: &'a [u8],
}

/// Why an envelope cannot be read; each is a reason code that the fuzz test must reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EnvelopeError {
    /// No bytes at all.
    Empty,
    /// The body is not an array, or not of 1 or 2 elements.
    NotAnEnvelope,
    /// The first of two elements is not an unsigned integer.
    IdNotAnInteger,
    /// The id is 0.
    IdZero,
    /// The inner element is not an array of exactly 2.
    NotAPair,
    /// The name is not a string, or longer than 255 bytes.
    BadName,
    /// The name is not UTF-8.
    NameNotUtf8,
    /// The bytes end inside the envelope.
    Truncated,
}

impl EnvelopeError {
    /// Every reason, for tests that must reach each.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::NotAnEnvelope,
        Self::IdNotAnInteger,
        Self::IdZero,
        Self::NotAPair,
        Self::BadName,
        Self::NameNotUtf8,
        Self::Truncated,
    ];

    /// The reason's name in error messages and golden files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NotAnEnvelope => "not_an_envelope",
            Self::IdNotAnInteger => "id_not_an_integer",
            Self::IdZero => "id_zero",
            Self::NotAPair => "not_a_pair",
            Self::BadName => "bad_name",
            Self::NameNotUtf8 => "name_not_utf8",
            Self::Truncated => "truncated",
        }
    }
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the frame is empty: a request is [[Name, {..}]] or [id, [Name, {..}]]",
            Self::NotAnEnvelope => "not an envelope: a request is [[Name, {..}]] or [id, [Name, {..}]]",
            Self::IdNotAnInteger => "the request id is not an unsigned integer",
            Self::IdZero => "the request id is 0; ids start at 1",
            Self::NotAPair => "what the envelope holds is not an array of exactly a name and a value",
            Self::BadName => "the name is not a string of at most 255 bytes",
            Self::NameNotUtf8 => "the name is not UTF-8",
            Self::Truncated => "the frame ends inside the envelope",
        })
    }
}

impl std::error::Error for EnvelopeError {}

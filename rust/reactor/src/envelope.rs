//! Envelopes: what is around a payload. Requests `[[Name, {..}]]` and `[id, [Name, {..}]]`; replies `[Name, {..}]` and `[id, that]`.

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

/// Reads a request's envelope. Every integer and length width is accepted; bytes after the payload are the payload's reader's business.
pub fn read_request(body: &[u8]) -> Result<RequestEnvelope<'_>, EnvelopeError> {
    todo!("{}", body.len())
}

/// Reads a reply's envelope.
pub fn read_reply(body: &[u8]) -> Result<ReplyEnvelope<'_>, EnvelopeError> {
    todo!("{}", body.len())
}

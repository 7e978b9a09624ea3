//! Why bytes are not the value that they should be.

use std::fmt;

/// The first thing in the bytes that the contract does not allow: the peer's mistake; the same bytes never decode.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a value.
    Truncated,
    /// A value of another kind stands here.
    Kind {
        /// What the contract wants.
        wanted: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// The byte c1, which has no meaning in msgpack.
    NotAValue,
    /// An integer that the contract's width does not hold.
    Range {
        /// What the contract wants.
        wanted: &'static str,
    },
    /// Fixed bytes, an array or a tuple of another length.
    Length {
        /// Bytes or items that the contract wants.
        wanted: usize,
        /// Bytes or items that stand there.
        found: usize,
    },
    /// A string that is not UTF-8.
    NotUtf8,
    /// A struct without this field.
    MissingField(&'static str),
    /// So many bytes after the value.
    Trailing(usize),
}

impl DecodeError {
    /// The reason in the word that every language has for it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Kind { .. } => "wrong_type",
            Self::NotAValue => "not_a_value",
            Self::Range { .. } => "out_of_range",
            Self::Length { .. } => "wrong_length",
            Self::NotUtf8 => "not_utf8",
            Self::MissingField(_) => "missing_field",
            Self::Trailing(_) => "trailing",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end inside a value"),
            Self::Kind { wanted, found } => write!(f, "{wanted} wanted, {found} found"),
            Self::NotAValue => f.write_str("the byte c1 is no value"),
            Self::Range { wanted } => write!(f, "the integer does not fit a {wanted}"),
            Self::Length { wanted, found } => write!(f, "length {wanted} wanted, {found} found"),
            Self::NotUtf8 => f.write_str("a string is not UTF-8"),
            Self::MissingField(name) => write!(f, "missing field {name}"),
            Self::Trailing(bytes) => write!(f, "{bytes} bytes after the value"),
        }
    }
}

impl std::error::Error for DecodeError {}

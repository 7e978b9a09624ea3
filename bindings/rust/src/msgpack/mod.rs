//! msgpack as a contract wants it: one form for each value written, every width read, nothing taken for something else.
//!
//! Hand-written rather than serde: a derived reader takes a `str` or an array for bytes, an array for a struct, and a missing
//! key for `None`, all of which a contract refuses.

mod error;
mod reader;
mod token;
mod writer;

pub use error::DecodeError;
pub use reader::Reader;
pub use writer::Writer;

/// A type of a contract that can be written.
pub trait Pack {
    /// Appends the value.
    fn pack(&self, writer: &mut Writer);
}

/// A type of a contract that can be read.
pub trait Unpack: Sized {
    /// Reads one value.
    ///
    /// # Errors
    /// The first thing in the bytes that the contract does not allow.
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// The packed value.
pub fn to_bytes<T: Pack>(value: &T) -> Vec<u8> {
    let mut writer = Writer::new();
    value.pack(&mut writer);
    writer.into_bytes()
}

/// The value that these bytes are, from the first to the last.
///
/// # Errors
/// The first thing in the bytes that the contract does not allow; bytes after the value are such a thing.
pub fn from_bytes<T: Unpack>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = T::unpack(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

//! Hello's messages, for programs that look at frames themselves; clients ask and servers answer it in the reactor.

use crate::contract::Command;
use crate::msgpack::{DecodeError, Pack, Reader, Unpack, Writer};

/// The question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Hash of the client's schema; all zero when it has none.
    pub schema_hash: [u8; 32],
}

/// What a server of ours answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloResponse {
    /// Hash of the server's schema; all zero when it has none.
    pub schema_hash: [u8; 32],
    /// Whether it knows request ids.
    pub ids: bool,
    /// Bytes of the largest frame that it takes.
    pub max_frame: u32,
}

impl Command for Hello {
    type Response = HelloResponse;
    const NAME: &'static str = "Hello";
    const RESPONSE: &'static str = "HelloResponse";
}

impl Pack for Hello {
    fn pack(&self, writer: &mut Writer) {
        writer.entries(1);
        writer.string("schema_hash");
        writer.bytes(&self.schema_hash);
    }
}

impl Unpack for HelloResponse {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut schema_hash = None;
        let mut ids = None;
        let mut max_frame = None;
        reader.fields(|key, reader| {
            match key {
                "schema_hash" => schema_hash = Some(reader.fixed()?),
                "ids" => ids = Some(reader.bool()?),
                "max_frame" => max_frame = Some(reader.u32()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Self {
            schema_hash: schema_hash.ok_or(DecodeError::MissingField("schema_hash"))?,
            ids: ids.ok_or(DecodeError::MissingField("ids"))?,
            max_frame: max_frame.ok_or(DecodeError::MissingField("max_frame"))?,
        })
    }
}

impl Unpack for Hello {
    fn unpack(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut schema_hash = None;
        reader.fields(|key, reader| {
            match key {
                "schema_hash" => schema_hash = Some(reader.fixed()?),
                _ => reader.skip()?,
            }
            Ok(())
        })?;
        Ok(Self {
            schema_hash: schema_hash.ok_or(DecodeError::MissingField("schema_hash"))?,
        })
    }
}

impl Pack for HelloResponse {
    fn pack(&self, writer: &mut Writer) {
        writer.entries(3);
        writer.string("schema_hash");
        writer.bytes(&self.schema_hash);
        writer.string("ids");
        writer.bool(&self.ids);
        writer.string("max_frame");
        writer.u32(&self.max_frame);
    }
}

//! The first question on a connection: which schema, and are request ids known?

use std::time::Instant;

use proofplane_reactor::client::Connection;

use crate::contract::Command;
use crate::error::ConnectError;
use crate::msgpack::{DecodeError, Pack, Reader, Unpack, Writer, from_bytes, to_bytes};

const NO_SCHEMA: [u8; 32] = [0; 32];

/// The question. Clients ask it by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Hash of the client's schema; all zero when it has none.
    pub schema_hash: [u8; 32],
}

/// What a server of ours answers, by itself.
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

/// Asks, and compares schemas. `None` means a server that knows no Hello: first in, first out, and whatever schema it has.
pub(crate) fn introduce(
    connection: &mut Connection,
    schema_hash: [u8; 32],
    deadline: Instant,
) -> Result<Option<HelloResponse>, ConnectError> {
    let lost = |error: &dyn std::fmt::Debug| ConnectError::Unreachable(format!("it ended during Hello: {error:?}"));
    connection
        .submit(Hello::NAME, &to_bytes(&Hello { schema_hash }))
        .map_err(|error| lost(&error))?;
    let mut reply = None;
    while reply.is_none() {
        // The wait may end early with nothing, when a signal came: the deadline tells, not the count.
        connection
            .wait(Some(deadline), &mut |_, name, payload| {
                reply = Some((name == Hello::RESPONSE, payload.to_vec()))
            })
            .map_err(|error| lost(&error))?;
        if reply.is_none() && Instant::now() >= deadline {
            return Err(ConnectError::Deadline);
        }
    }
    let Some((true, payload)) = reply else { return Ok(None) };
    let theirs: HelloResponse = from_bytes(&payload).map_err(|error| ConnectError::NotOurs(format!("its HelloResponse: {error}")))?;
    if schema_hash != NO_SCHEMA && theirs.schema_hash != NO_SCHEMA && theirs.schema_hash != schema_hash {
        return Err(ConnectError::OtherSchema {
            ours: schema_hash,
            theirs: theirs.schema_hash,
        });
    }
    Ok(Some(theirs))
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

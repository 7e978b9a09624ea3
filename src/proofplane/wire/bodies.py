"""Whole bodies of frames by a contract alone, envelope and payload: the reference for golden frames, fuzzing and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofplane.base.errors import CallerMistake, Refused
from proofplane.wire import envelopes
from proofplane.wire.dynamic import pack, unpack
from proofplane.wire.envelopes import Envelope
from proofplane.wire.messages import HASH_BYTES, HELLO, HELLO_RESPONSE
from proofplane.wire.schema.model import Field, FixedBytes, Scalar, Schema, Struct

HELLO_STRUCT = Struct(HELLO, (Field("schema_hash", FixedBytes(HASH_BYTES)),))
"""The payload of `Hello` as a contract's type."""

HELLO_RESPONSE_STRUCT = Struct(
    HELLO_RESPONSE,
    (Field("schema_hash", FixedBytes(HASH_BYTES)), Field("ids", Scalar.BOOL), Field("max_frame", Scalar.U32)),
)
"""The payload of `HelloResponse` as a contract's type."""


class UnknownName(Refused):
    """A body names a command or reply that the contract does not have."""


class UnknownCommand(CallerMistake):
    """A command or reply to be written that the contract does not have."""


@dataclass(frozen=True, slots=True)
class Body:
    """A request or a reply, read; values as `proofplane.wire.dynamic` has them."""

    name: str
    value: dict[str, Any]
    id: int | None = None


class Bodies:
    """Reads and writes the bodies of one contract, `Hello` included."""

    def __init__(self, schema: Schema) -> None:
        """Builds the lookups by name once."""
        self.schema = schema
        self.requests = {HELLO: HELLO_STRUCT} | {command.name: command.request for command in schema.commands}
        """Every struct that a request may carry, by name."""
        replies = [HELLO_RESPONSE_STRUCT, schema.error, *(command.response for command in schema.commands)]
        self.replies = {struct.name: struct for struct in replies}
        """Every struct that a reply may carry, by name."""

    def read_request(self, body: bytes) -> Body:
        """Raises `UnreadableEnvelope`, `UnknownName` or `BadBytes`."""
        return self._read(envelopes.read_request(body), self.requests)

    def read_reply(self, body: bytes) -> Body:
        """Raises `UnreadableEnvelope`, `UnknownName` or `BadBytes`."""
        return self._read(envelopes.read_reply(body), self.replies)

    def write_request(self, body: Body) -> bytes:
        """Canonical bytes; raises `UnknownCommand`, `NotOfType` or `BadEnvelopeValue`."""
        return envelopes.write_request(body.name, self._pack(body, self.requests), body.id)

    def write_reply(self, body: Body) -> bytes:
        """Canonical bytes; raises `UnknownCommand`, `NotOfType` or `BadEnvelopeValue`."""
        return envelopes.write_reply(body.name, self._pack(body, self.replies), body.id)

    def _read(self, envelope: Envelope, structs: Mapping[str, Struct]) -> Body:
        struct = structs.get(envelope.name)
        if struct is None:
            raise UnknownName(f"{self.schema.service} has no {envelope.name!r:.120}")
        return Body(envelope.name, unpack(self.schema, struct, envelope.payload, envelope.name), envelope.id)

    def _pack(self, body: Body, structs: Mapping[str, Struct]) -> bytes:
        struct = structs.get(body.name)
        if struct is None:
            raise UnknownCommand(f"{self.schema.service} has no {body.name!r:.120}; it has {', '.join(structs)}")
        return pack(self.schema, struct, body.value, body.name)

"""Envelopes, what is around a payload: requests `[[Name, {..}]]` and `[id, [Name, {..}]]`, replies `[Name, {..}]` and `[id, that]`.

The reference for `rust/reactor/src/envelope.rs`: the same rules in the same order, the same reason codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec

from proofplane.base.errors import CallerMistake, Refused
from proofplane.wire.msgpack import CutOff, Head, Kind, length_of, read_head

MAX_ID = 2**64 - 1
"""The largest request id; the smallest is 1."""

MAX_NAME_BYTES = 255
"""Bytes of the longest name of a command or reply, in UTF-8: what a name's length byte can say."""


class EnvelopeReason(Enum):
    """Why an envelope cannot be read."""

    EMPTY = "empty"
    """No bytes at all."""
    NOT_AN_ENVELOPE = "not_an_envelope"
    """The body is not an array, or not of 1 or 2 elements (a reply: of 2)."""
    ID_NOT_AN_INTEGER = "id_not_an_integer"
    """The first of two elements is not an unsigned integer."""
    ID_ZERO = "id_zero"
    """The id is 0."""
    NOT_A_PAIR = "not_a_pair"
    """The inner element is not an array of exactly 2."""
    BAD_NAME = "bad_name"
    """The name is not a string, or longer than 255 bytes."""
    NAME_NOT_UTF8 = "name_not_utf8"
    """The name is not UTF-8."""
    TRUNCATED = "truncated"
    """The bytes end inside the envelope."""


_SENTENCES = {
    EnvelopeReason.EMPTY: "the frame is empty",
    EnvelopeReason.NOT_AN_ENVELOPE: "the body is no envelope: [[Name, {..}]] or [id, [Name, {..}]], replies [Name, {..}] or [id, that]",
    EnvelopeReason.ID_NOT_AN_INTEGER: "the request id is not an unsigned integer",
    EnvelopeReason.ID_ZERO: "the request id is 0; ids begin with 1",
    EnvelopeReason.NOT_A_PAIR: "inside the envelope is no [Name, {..}]",
    EnvelopeReason.BAD_NAME: f"the name is not a string of at most {MAX_NAME_BYTES} bytes",
    EnvelopeReason.NAME_NOT_UTF8: "the name is not UTF-8",
    EnvelopeReason.TRUNCATED: "the frame ends inside the envelope",
}


class UnreadableEnvelope(Refused):
    """A body whose envelope cannot be read; `reason` says which rule it breaks."""

    def __init__(self, reason: EnvelopeReason) -> None:
        """The message follows from the reason."""
        super().__init__(_SENTENCES[reason])
        self.reason = reason


class BadEnvelopeValue(CallerMistake):
    """An id or a name that cannot be put into an envelope."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request's or a reply's envelope, read."""

    id: int | None
    """The correlation number, if it carries one, 1 to 2^64 - 1."""
    name: str
    """The command's or the reply's name."""
    payload: bytes
    """All bytes behind the name, unread; at least one."""


def read_request(body: bytes) -> Envelope:
    """Reads a request's envelope, any integer and length width; raises `UnreadableEnvelope`."""
    outer = _outer(body)
    if outer.value not in (1, 2):
        raise UnreadableEnvelope(EnvelopeReason.NOT_AN_ENVELOPE)
    number, at = (None, outer.end) if outer.value == 1 else _read_id(_head(body, outer.end))
    return _read_pair(body, at, number)


def read_reply(body: bytes) -> Envelope:
    """Reads a reply's envelope, any integer and length width; raises `UnreadableEnvelope`."""
    outer = _outer(body)
    if outer.value != 2:
        raise UnreadableEnvelope(EnvelopeReason.NOT_AN_ENVELOPE)
    first = _head(body, outer.end)
    if first.kind is Kind.STRING:
        return _read_named(body, outer.end, None)
    number, at = _read_id(first)
    return _read_pair(body, at, number)


def write_request(name: str, payload: bytes, id: int | None = None) -> bytes:  # noqa: A002 the wire's own word
    """Returns a request's body; `payload` is a packed struct. Raises `BadEnvelopeValue` for a name or id that the wire cannot carry."""
    pair = write_reply(name, payload)
    return b"\x91" + pair if id is None else b"\x92" + _write_id(id) + pair


def write_reply(name: str, payload: bytes, id: int | None = None) -> bytes:  # noqa: A002 the wire's own word
    """Returns a reply's body; `payload` is a packed struct. Raises `BadEnvelopeValue` for a name or id that the wire cannot carry."""
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise BadEnvelopeValue(f"a name has at most {MAX_NAME_BYTES} bytes in UTF-8: {name[:40]!r}...")
    try:
        pair = b"\x92" + msgspec.msgpack.encode(name) + payload
    except UnicodeEncodeError as error:
        raise BadEnvelopeValue(f"a name is text that UTF-8 can carry, not {name!r}") from error
    return pair if id is None else b"\x92" + _write_id(id) + pair


def _write_id(number: int) -> bytes:
    if not 1 <= number <= MAX_ID:
        raise BadEnvelopeValue(f"a request id is 1 to 2^64 - 1, not {number}")
    return msgspec.msgpack.encode(number)


def _head(body: bytes, at: int) -> Head:
    try:
        return read_head(body, at)
    except CutOff:
        raise UnreadableEnvelope(EnvelopeReason.TRUNCATED) from None


def _outer(body: bytes) -> Head:
    if not body:
        raise UnreadableEnvelope(EnvelopeReason.EMPTY)
    head = _head(body, 0)
    if head.kind is not Kind.ARRAY:
        raise UnreadableEnvelope(EnvelopeReason.NOT_AN_ENVELOPE)
    return head


def _read_id(head: Head) -> tuple[int, int]:
    if head.kind is not Kind.INTEGER or length_of(head) < 0:
        raise UnreadableEnvelope(EnvelopeReason.ID_NOT_AN_INTEGER)
    if head.value == 0:
        raise UnreadableEnvelope(EnvelopeReason.ID_ZERO)
    return length_of(head), head.end


def _read_pair(body: bytes, at: int, number: int | None) -> Envelope:
    pair = _head(body, at)
    if pair.kind is not Kind.ARRAY or pair.value != 2:
        raise UnreadableEnvelope(EnvelopeReason.NOT_A_PAIR)
    return _read_named(body, pair.end, number)


def _read_named(body: bytes, at: int, number: int | None) -> Envelope:
    head = _head(body, at)
    if head.kind is not Kind.STRING or length_of(head) > MAX_NAME_BYTES:
        raise UnreadableEnvelope(EnvelopeReason.BAD_NAME)
    end = head.end + length_of(head)
    if end > len(body):
        raise UnreadableEnvelope(EnvelopeReason.TRUNCATED)
    try:
        name = str(body[head.end : end], "utf-8")
    except UnicodeDecodeError:
        raise UnreadableEnvelope(EnvelopeReason.NAME_NOT_UTF8) from None
    if end == len(body):  # a payload has a byte at least
        raise UnreadableEnvelope(EnvelopeReason.TRUNCATED)
    return Envelope(number, name, body[end:])

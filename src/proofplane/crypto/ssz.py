"""SSZ encoding, decoding and hashing of plain values, derived from a `remerkleable` type.

A view of `remerkleable` costs a millisecond to build and a third of one to encode, at every block and again in every program run;
the same bytes and roots from plain values cost tens of microseconds. The types stay the one schema, and tests hold every value
that is made here against the view of the same type.

Plain values: unsigned integers are `int`, byte vectors and byte lists `bytes`, lists and containers `tuple`s in the order of the schema.

Invariants: `decode(encode(value)) == value`, and `decode` reads nothing but what `encode` writes: offsets are the tight ones
(`remerkleable` reads gaps too), limits are those of the schema, nothing is left over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from remerkleable.basic import uint
from remerkleable.byte_arrays import ByteList, ByteVector
from remerkleable.complex import Container, List

from proofplane.base.errors import Broken, Refused
from proofplane.base.ids import Hash32

_CHUNK = 32
_OFFSET = 4

_ZERO = [bytes(_CHUNK)]
"""Roots of all-zero trees by depth."""
for _ in range(64):
    _ZERO.append(sha256(_ZERO[-1] * 2).digest())


class MalformedSsz(Refused):
    """Bytes that are not the SSZ form of the value that was asked for."""


class Codec(ABC):
    """One SSZ type over plain values.

    Values that do not fit the type (an integer too wide, too many bytes) are the caller's bug and are not looked for when encoding.
    """

    size: int | None
    """Bytes of every value, None if they differ."""

    @abstractmethod
    def encode(self, value: Any) -> bytes:
        """The SSZ bytes."""

    @abstractmethod
    def decode(self, raw: bytes) -> Any:
        """Reads `encode()`; raises `MalformedSsz` on anything else."""

    @abstractmethod
    def root(self, value: Any) -> Hash32:
        """The tree-hash root."""


def codec_of(schema: Any) -> Codec:
    """The codec of a `remerkleable` type: unsigned integers, byte vectors up to 32 bytes, byte lists, lists, containers."""
    if issubclass(schema, uint):
        return _Uint(schema.type_byte_length())
    if issubclass(schema, ByteVector) and schema.type_byte_length() <= _CHUNK:
        return _Bytes(schema.type_byte_length())
    if issubclass(schema, ByteList):
        return _ByteList(schema.limit())
    if issubclass(schema, List):
        return _List(codec_of(schema.element_cls()), schema.limit())
    if issubclass(schema, Container):
        return _Container({name: codec_of(field) for name, field in schema.fields().items()})
    raise Broken(f"no codec is built for the SSZ type {schema.__name__}")


def merkle_root(chunks: Sequence[bytes], depth: int) -> Hash32:
    """Root of a tree of `2 ** depth` leaves of 32 bytes that begins with `chunks` and goes on with zeros."""
    if not chunks:
        return Hash32(_ZERO[depth])
    level = chunks
    for zero in _ZERO[:depth]:
        if len(level) % 2:
            level = [*level, zero]
        level = [sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return Hash32(level[0])


def _depth(chunks: int) -> int:
    return (chunks - 1).bit_length()


def _with_length(root: bytes, length: int) -> Hash32:
    return Hash32(sha256(root + length.to_bytes(_CHUNK, "little")).digest())


def _chunks(packed: bytes) -> list[bytes]:
    return [packed[i : i + _CHUNK].ljust(_CHUNK, b"\0") for i in range(0, len(packed), _CHUNK)]


class _Uint(Codec):
    def __init__(self, size: int) -> None:
        self.size: int = size

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def decode(self, raw: bytes) -> int:
        _expect(raw, self.size)
        return int.from_bytes(raw, "little")

    def root(self, value: int) -> Hash32:
        return Hash32(value.to_bytes(_CHUNK, "little"))


class _Bytes(Codec):
    def __init__(self, size: int) -> None:
        self.size: int = size

    def encode(self, value: bytes) -> bytes:
        return bytes(value)

    def decode(self, raw: bytes) -> bytes:
        _expect(raw, self.size)
        return bytes(raw)

    def root(self, value: bytes) -> Hash32:
        return Hash32(value.ljust(_CHUNK, b"\0"))


class _ByteList(Codec):
    size = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._levels = _depth(-(-limit // _CHUNK))

    def encode(self, value: bytes) -> bytes:
        return bytes(value)

    def decode(self, raw: bytes) -> bytes:
        if len(raw) > self._limit:
            raise MalformedSsz(f"a list of at most {self._limit} bytes has {len(raw)}")
        return bytes(raw)

    def root(self, value: bytes) -> Hash32:
        return _with_length(merkle_root(_chunks(value), self._levels), len(value))


class _List(Codec):
    size = None

    def __init__(self, element: Codec, limit: int) -> None:
        self._element = element
        self._limit = limit
        self._packed = isinstance(element, _Uint)
        self._levels = _depth(-(-limit * (element.size or 0) // _CHUNK) if self._packed else limit)

    def encode(self, value: Sequence[Any]) -> bytes:
        parts = [self._element.encode(item) for item in value]
        if self._element.size is not None:
            return b"".join(parts)
        return _offsets(parts, _OFFSET * len(parts)) + b"".join(parts)

    def decode(self, raw: bytes) -> tuple[Any, ...]:
        step = self._element.size
        if step is not None:
            if len(raw) % step:
                raise MalformedSsz(f"{len(raw)} bytes are no whole number of elements of {step}")
            parts = [raw[i : i + step] for i in range(0, len(raw), step)]
        elif raw:
            first = int.from_bytes(raw[:_OFFSET], "little")
            if first % _OFFSET or not 0 < first <= min(len(raw), _OFFSET * self._limit):
                raise MalformedSsz(f"a list's first offset is {first}")
            parts = _split(raw, range(0, first, _OFFSET), first)
        else:
            parts = []
        if len(parts) > self._limit:
            raise MalformedSsz(f"a list of at most {self._limit} elements has {len(parts)}")
        return tuple([self._element.decode(part) for part in parts])

    def root(self, value: Sequence[Any]) -> Hash32:
        chunks = _chunks(self.encode(value)) if self._packed else [self._element.root(item) for item in value]
        return _with_length(merkle_root(chunks, self._levels), len(value))


class _Container(Codec):
    def __init__(self, fields: dict[str, Codec]) -> None:
        self._fields = tuple(fields.values())
        widths = [field.size or _OFFSET for field in self._fields]
        starts = [sum(widths[:i]) for i in range(len(widths))]
        self._layout = tuple(zip(self._fields, starts, widths, strict=True))
        self._fixed = sum(widths)
        self._dynamic = [start for field, start, _ in self._layout if field.size is None]
        self.size = None if self._dynamic else self._fixed
        self._levels = _depth(len(self._fields))

    def encode(self, value: Sequence[Any]) -> bytes:
        parts = [field.encode(item) for field, item in zip(self._fields, value, strict=True)]
        if self.size is not None:
            return b"".join(parts)
        head, tail, at = [], [], self._fixed
        for field, part in zip(self._fields, parts, strict=True):
            if field.size is not None:
                head.append(part)
            else:
                head.append(at.to_bytes(_OFFSET, "little"))
                tail.append(part)
                at += len(part)
        return b"".join(head + tail)

    def decode(self, raw: bytes) -> tuple[Any, ...]:
        if self.size is not None:
            _expect(raw, self.size)
            parts = []
        elif len(raw) < self._fixed:
            raise MalformedSsz(f"{len(raw)} bytes are shorter than a container's fixed part of {self._fixed}")
        else:
            parts = _split(raw, self._dynamic, self._fixed)
        dynamic = iter(parts)
        whole = [raw[start : start + width] if field.size is not None else next(dynamic) for field, start, width in self._layout]
        return tuple([field.decode(part) for field, part in zip(self._fields, whole, strict=True)])

    def root(self, value: Sequence[Any]) -> Hash32:
        return merkle_root([field.root(item) for field, item in zip(self._fields, value, strict=True)], self._levels)


def _offsets(parts: Sequence[bytes], start: int) -> bytes:
    offsets = []
    for part in parts:
        offsets.append(start.to_bytes(_OFFSET, "little"))
        start += len(part)
    return b"".join(offsets)


def _split(raw: bytes, places: Sequence[int], expected: int) -> list[bytes]:
    """The parts of `raw` that the offsets at `places` mark; the first must begin at `expected`, each at or after the one before."""
    bounds = [int.from_bytes(raw[place : place + _OFFSET], "little") for place in places]
    bounds.append(len(raw))
    if bounds[0] != expected or any(bounds[i] > bounds[i + 1] for i in range(len(bounds) - 1)):
        raise MalformedSsz(f"offsets {bounds[:-1]} of a value of {len(raw)} bytes with a fixed part of {expected}")
    return [raw[bounds[i] : bounds[i + 1]] for i in range(len(bounds) - 1)]


def _expect(raw: bytes, size: int) -> None:
    if len(raw) != size:
        raise MalformedSsz(f"a value of {size} bytes has {len(raw)}")

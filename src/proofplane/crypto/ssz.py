"""SSZ encoding, decoding and hashing of plain values, derived from a `remerkleable` type.

A view of `remerkleable` costs a millisecond to build and a third of one to encode, at every block and again in every program run;
the same bytes and roots from plain values cost tens of microseconds. The types stay the one schema, and tests hold every value
that is made here against the view of the same type. Where a view is wanted, because its tree shares what does not change, `tree()`
builds its backing.

Plain values: unsigned integers and booleans are `int`, byte vectors and byte lists `bytes`, lists, vectors and containers `tuple`s in
the order of the schema; of bits see `crypto.ssz_basic`. A type with a rule of its own brings its codec: a class method `codec()`.

Invariants: `decode(encode(value)) == value`, and `decode` reads nothing but what `encode` writes: offsets are the tight ones
(`remerkleable` reads gaps too), limits are those of the schema, nothing is left over. Sizes and limits are checked before elements
are cut out, so that hostile bytes cost no more than honest ones of the same size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from remerkleable.basic import boolean, uint
from remerkleable.bitfields import Bitlist, Bitvector
from remerkleable.byte_arrays import ByteList, ByteVector
from remerkleable.complex import Container, List, Vector
from remerkleable.tree import Node

from proofplane.base.errors import Broken
from proofplane.base.ids import Hash32
from proofplane.crypto.ssz_basic import BitlistCodec, BitvectorCodec, ByteListCodec, ByteVectorCodec, UintCodec
from proofplane.crypto.ssz_codec import Codec, MalformedSsz, Raw, expect_size
from proofplane.crypto.ssz_tree import (
    CHUNK,
    chunked,
    depth_of,
    list_length,
    list_tree,
    merkle_root,
    packed_bytes,
    packed_tree,
    subtrees,
    tree_of,
    with_length,
)

_OFFSET = 4
"""Bytes of an offset."""


def codec_of(schema: Any) -> Codec:
    """The codec of a `remerkleable` type: integers, booleans, bytes, bits, lists, vectors of a fixed size, containers.

    Raises:
        Broken: There is no codec for this type.
    """
    if hasattr(schema, "codec"):
        own: Codec = schema.codec()
        return own
    if issubclass(schema, boolean):
        return UintCodec(1, bound=2)
    if issubclass(schema, uint):
        return UintCodec(schema.type_byte_length())
    if issubclass(schema, ByteVector):
        return ByteVectorCodec(schema.type_byte_length())
    if issubclass(schema, ByteList):
        return ByteListCodec(schema.limit())
    if issubclass(schema, Bitvector):
        return BitvectorCodec(schema.vector_length())
    if issubclass(schema, Bitlist):
        return BitlistCodec(schema.limit())
    if issubclass(schema, List):
        return ListCodec(codec_of(schema.element_cls()), schema.limit())
    if issubclass(schema, Vector) and schema.is_fixed_byte_length():
        return VectorCodec(codec_of(schema.element_cls()), schema.vector_length())
    if issubclass(schema, Container):
        return ContainerCodec([codec_of(field) for field in schema.fields().values()])
    raise Broken(f"no codec is built for the SSZ type {schema.__name__}")


class _Elements:
    """The elements of a list or vector, in leaves: integers packed, anything else each by itself."""

    def __init__(self, codec: Codec, limit: int) -> None:
        self.codec = codec
        self._packed = isinstance(codec, UintCodec)
        self.depth = depth_of(-(-limit * (codec.size or 0) // CHUNK) if self._packed else limit)

    def encode(self, values: Sequence[Any]) -> bytes:
        parts = [self.codec.encode(item) for item in values]
        if self.codec.size is not None:
            return b"".join(parts)
        return _offsets(parts, _OFFSET * len(parts)) + b"".join(parts)

    def decode_fixed(self, raw: Raw, step: int) -> tuple[Any, ...]:
        decode = self.codec.decode
        return tuple([decode(raw[i : i + step]) for i in range(0, len(raw), step)])

    def root(self, values: Sequence[Any]) -> Hash32:
        chunks = chunked(self.encode(values)) if self._packed else [self.codec.root(item) for item in values]
        return merkle_root(chunks, self.depth)

    def tree(self, values: Sequence[Any]) -> Node:
        if self._packed:
            return packed_tree(self.encode(values), self.depth)
        return tree_of([self.codec.tree(item) for item in values], self.depth)

    def untree(self, node: Node, count: int) -> tuple[Any, ...]:
        step = self.codec.size
        if self._packed and step is not None:
            return self.decode_fixed(packed_bytes(node, self.depth, step * count), step)
        untree = self.codec.untree
        return tuple([untree(item) for item in subtrees(node, self.depth, 0, count)])


class ListCodec(Codec):
    """At most `limit` elements."""

    size = None

    def __init__(self, element: Codec, limit: int) -> None:
        self._elements = _Elements(element, limit)
        self._limit = limit
        self.depth = self._elements.depth
        """Of the tree of the elements, without the length."""

    def encode(self, value: Sequence[Any]) -> bytes:
        return self._elements.encode(value)

    def decode(self, raw: Raw) -> tuple[Any, ...]:
        step = self._elements.codec.size
        if step is not None:
            if len(raw) % step:
                raise MalformedSsz(f"{len(raw)} bytes are no whole number of elements of {step}")
            if len(raw) // step > self._limit:
                raise MalformedSsz(f"a list of at most {self._limit} elements has {len(raw) // step}")
            return self._elements.decode_fixed(raw, step)
        if not raw:
            return ()
        first = int.from_bytes(raw[:_OFFSET], "little")
        if first % _OFFSET or not 0 < first <= min(len(raw), _OFFSET * self._limit):
            raise MalformedSsz(f"the first offset of a list of at most {self._limit} elements is {first}, of {len(raw)} bytes")
        return tuple([self._elements.codec.decode(part) for part in _split(raw, range(0, first, _OFFSET), first)])

    def root(self, value: Sequence[Any]) -> Hash32:
        return with_length(self._elements.root(value), len(value))

    def tree(self, value: Sequence[Any]) -> Node:
        return list_tree(self._elements.tree(value), len(value))

    def untree(self, node: Node) -> tuple[Any, ...]:
        return self._elements.untree(node.get_left(), list_length(node))


class VectorCodec(Codec):
    """Exactly `length` elements of a fixed size."""

    def __init__(self, element: Codec, length: int) -> None:
        self._elements = _Elements(element, length)
        self._length = length
        self._step = element.size or 0
        self.size: int = self._step * length

    def encode(self, value: Sequence[Any]) -> bytes:
        return self._elements.encode(value)

    def decode(self, raw: Raw) -> tuple[Any, ...]:
        expect_size(raw, self.size)
        return self._elements.decode_fixed(raw, self._step)

    def root(self, value: Sequence[Any]) -> Hash32:
        return self._elements.root(value)

    def tree(self, value: Sequence[Any]) -> Node:
        return self._elements.tree(value)

    def untree(self, node: Node) -> tuple[Any, ...]:
        return self._elements.untree(node, self._length)


class ContainerCodec(Codec):
    """Fields one after the other; those of no fixed size follow the others and have their offsets in their place."""

    def __init__(self, fields: Sequence[Codec]) -> None:
        self._fields = tuple(fields)
        widths = [_OFFSET if field.size is None else field.size for field in self._fields]
        starts = [sum(widths[:i]) for i in range(len(widths))]
        self._layout = tuple(zip(self._fields, starts, widths, strict=True))
        self._fixed = sum(widths)
        self._dynamic = [start for field, start, _ in self._layout if field.size is None]
        self.size = None if self._dynamic else self._fixed
        self._depth = depth_of(len(self._fields))

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

    def decode(self, raw: Raw) -> tuple[Any, ...]:
        if self.size is not None:
            expect_size(raw, self.size)
            parts = []
        elif len(raw) < self._fixed:
            raise MalformedSsz(f"{len(raw)} bytes are shorter than a container's fixed part of {self._fixed}")
        else:
            parts = _split(raw, self._dynamic, self._fixed)
        dynamic = iter(parts)
        whole = [raw[start : start + width] if field.size is not None else next(dynamic) for field, start, width in self._layout]
        return tuple([field.decode(part) for field, part in zip(self._fields, whole, strict=True)])

    def root(self, value: Sequence[Any]) -> Hash32:
        return merkle_root([field.root(item) for field, item in zip(self._fields, value, strict=True)], self._depth)

    def tree(self, value: Sequence[Any]) -> Node:
        return tree_of([field.tree(item) for field, item in zip(self._fields, value, strict=True)], self._depth)

    def untree(self, node: Node) -> tuple[Any, ...]:
        nodes = subtrees(node, self._depth, 0, len(self._fields))
        return tuple([field.untree(item) for field, item in zip(self._fields, nodes, strict=True)])


def _offsets(parts: Sequence[bytes], start: int) -> bytes:
    offsets = []
    for part in parts:
        offsets.append(start.to_bytes(_OFFSET, "little"))
        start += len(part)
    return b"".join(offsets)


def _split(raw: Raw, places: Sequence[int], expected: int) -> list[Raw]:
    """The parts of `raw` that the offsets at `places` mark; the first must begin at `expected`, each at or after the one before."""
    bounds = [int.from_bytes(raw[place : place + _OFFSET], "little") for place in places]
    bounds.append(len(raw))
    if bounds[0] != expected or any(bounds[i] > bounds[i + 1] for i in range(len(bounds) - 1)):
        raise MalformedSsz(f"offsets of a value of {len(raw)} bytes with a fixed part of {expected}: {bounds[:-1][:8]}")
    return [raw[bounds[i] : bounds[i + 1]] for i in range(len(bounds) - 1)]

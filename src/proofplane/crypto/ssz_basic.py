"""SSZ codecs of integers, booleans, bytes and bits.

Bitvectors are held as one integer, bit `i` of it being element `i`; bitlists as a pair of that integer and their length.
"""

from __future__ import annotations

from remerkleable.tree import Node, RootNode

from proofplane.base.ids import Hash32
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
    repacked,
    with_length,
)


class UintCodec(Codec):
    """Unsigned integers of `size` bytes; a decoded one is below `bound`, if that is given."""

    def __init__(self, size: int, bound: int | None = None) -> None:
        self.size: int = size
        self._bound = bound

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def decode(self, raw: Raw) -> int:
        expect_size(raw, self.size)
        value = int.from_bytes(raw, "little")
        if self._bound is not None and value >= self._bound:
            raise MalformedSsz(f"{value} is not below {self._bound}")
        return value

    def root(self, value: int) -> Hash32:
        return Hash32(value.to_bytes(CHUNK, "little"))

    def tree(self, value: int) -> Node:
        return RootNode(value.to_bytes(CHUNK, "little"))

    def untree(self, node: Node) -> int:
        return int.from_bytes(node.merkle_root(), "little")


class ByteVectorCodec(Codec):
    """Exactly `size` bytes."""

    def __init__(self, size: int) -> None:
        self.size: int = size
        self._depth = depth_of(-(-size // CHUNK))

    def encode(self, value: bytes) -> bytes:
        return bytes(value)

    def decode(self, raw: Raw) -> bytes:
        expect_size(raw, self.size)
        return bytes(raw)

    def root(self, value: bytes) -> Hash32:
        if self._depth == 0:
            return Hash32(value.ljust(CHUNK, b"\0"))
        return merkle_root(chunked(value), self._depth)

    def tree(self, value: bytes) -> Node:
        if self._depth == 0:
            return RootNode(value.ljust(CHUNK, b"\0"))
        return packed_tree(value, self._depth)

    def untree(self, node: Node) -> bytes:
        if self._depth == 0:
            return bytes(node.merkle_root()[: self.size])
        return packed_bytes(node, self._depth, self.size)


class ByteListCodec(Codec):
    """At most `limit` bytes."""

    size = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._depth = depth_of(-(-limit // CHUNK))

    def encode(self, value: bytes) -> bytes:
        return bytes(value)

    def decode(self, raw: Raw) -> bytes:
        if len(raw) > self._limit:
            raise MalformedSsz(f"a list of at most {self._limit} bytes has {len(raw)}")
        return bytes(raw)

    def root(self, value: bytes) -> Hash32:
        return with_length(merkle_root(chunked(value), self._depth), len(value))

    def tree(self, value: bytes) -> Node:
        return list_tree(packed_tree(value, self._depth), len(value))

    def untree(self, node: Node) -> bytes:
        return packed_bytes(node.get_left(), self._depth, list_length(node))


class BitvectorCodec(Codec):
    """Exactly `length` bits, as an integer."""

    def __init__(self, length: int) -> None:
        self._length = length
        self.size: int = -(-length // 8)
        self._depth = depth_of(-(-self.size // CHUNK))

    def encode(self, value: int) -> bytes:
        return value.to_bytes(self.size, "little")

    def decode(self, raw: Raw) -> int:
        expect_size(raw, self.size)
        value = int.from_bytes(raw, "little")
        if value >> self._length:
            raise MalformedSsz(f"bits are set beyond the {self._length} of the vector")
        return value

    def root(self, value: int) -> Hash32:
        return merkle_root(chunked(self.encode(value)), self._depth)

    def tree(self, value: int) -> Node:
        return packed_tree(self.encode(value), self._depth)

    def untree(self, node: Node) -> int:
        return int.from_bytes(packed_bytes(node, self._depth, self.size), "little")


class BitlistCodec(Codec):
    """At most `limit` bits, as (integer, length); nothing is set at or above the length."""

    size = None

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.depth = depth_of(-(-limit // (8 * CHUNK)))
        """Of the tree of the bits, without the length."""

    def encode(self, value: tuple[int, int]) -> bytes:
        bits, length = value
        return (bits | 1 << length).to_bytes(length // 8 + 1, "little")

    def decode(self, raw: Raw) -> tuple[int, int]:
        if len(raw) > self._limit // 8 + 1:
            raise MalformedSsz(f"a list of at most {self._limit} bits has {len(raw)} bytes")
        if not raw or not raw[-1]:
            raise MalformedSsz("a bit list ends without its delimiter")
        delimited = int.from_bytes(raw, "little")
        length = delimited.bit_length() - 1
        if length > self._limit:
            raise MalformedSsz(f"a list of at most {self._limit} bits has {length}")
        return delimited ^ 1 << length, length

    def root(self, value: tuple[int, int]) -> Hash32:
        return with_length(merkle_root(chunked(_packed(value)), self.depth), value[1])

    def tree(self, value: tuple[int, int]) -> Node:
        return list_tree(packed_tree(_packed(value), self.depth), value[1])

    def retree(self, node: Node, value: tuple[int, int]) -> Node:
        """`tree(value)`, sharing with `node`, the tree of another value, every part that is equal."""
        before = self.untree(node)
        if value == before:
            return node
        return list_tree(repacked(node.get_left(), self.depth, _packed(before), _packed(value)), value[1])

    def untree(self, node: Node) -> tuple[int, int]:
        length = list_length(node)
        return int.from_bytes(packed_bytes(node.get_left(), self.depth, -(-length // 8)), "little"), length


def _packed(value: tuple[int, int]) -> bytes:
    bits, length = value
    return bits.to_bytes(-(-length // 8), "little")

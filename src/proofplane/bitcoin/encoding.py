"""Bitcoin's consensus encoding: the bounded reader and the variable-length integer.

Invariants:
1. The reader never returns fewer bytes than asked for and never reads past the end.
2. A count is checked against the bytes that remain before anything is allocated for it, so a hostile count costs nothing.
3. Only the shortest form of a variable-length integer is read, so decoding and encoding are inverse.
"""

from __future__ import annotations

import struct

from proofplane.base.errors import CallerMistake, Refused

_U16, _U32, _U64 = 0xFD, 0xFE, 0xFF
"""First bytes that announce 2, 4 and 8 little-endian bytes; anything smaller is the number itself."""


class MalformedEncoding(Refused):
    """Bytes that are not the consensus form of what was read; `offset` is where the fault was seen."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.reason} (at byte {self.offset})"


class Unencodable(CallerMistake):
    """A value whose fields do not fit the consensus form: correct the field that the message names."""


class Reader:
    """Reads consensus fields from `raw`, starting at `at`; every method raises `MalformedEncoding` beyond the end."""

    __slots__ = ("at", "raw")

    def __init__(self, raw: bytes, at: int = 0) -> None:
        self.raw = raw
        self.at = at

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes."""
        start = self.at
        end = start + size
        if end > len(self.raw):
            raise MalformedEncoding(f"{what} needs {size} bytes, {len(self.raw) - start} remain", start)
        self.at = end
        return self.raw[start:end]

    def u32(self, what: str) -> int:
        """The next 4 bytes, little-endian, unsigned."""
        return int.from_bytes(self.take(4, what), "little")

    def i32(self, what: str) -> int:
        """The next 4 bytes, little-endian, signed."""
        return int.from_bytes(self.take(4, what), "little", signed=True)

    def i64(self, what: str) -> int:
        """The next 8 bytes, little-endian, signed."""
        return int.from_bytes(self.take(8, what), "little", signed=True)

    def compact_size(self, what: str) -> int:
        """The next variable-length integer; a form that is longer than needed is refused."""
        start = self.at
        first = self.take(1, what)[0]
        if first < _U16:
            return first
        size = 2 << (first - _U16)
        value = int.from_bytes(self.take(size, what), "little")
        if len(compact_size(value)) != 1 + size:
            raise MalformedEncoding(f"{what} {value} is not in its shortest form", start)
        return value

    def count(self, what: str, least: int) -> int:
        """A count of items of at least `least` bytes each; refused if the remaining bytes cannot hold them."""
        start = self.at
        value = self.compact_size(what)
        if value * least > len(self.raw) - self.at:
            raise MalformedEncoding(f"{what} {value} does not fit the {len(self.raw) - self.at} bytes that remain", start)
        return value

    def sized(self, what: str) -> bytes:
        """A variable-length integer and that many bytes."""
        return self.take(self.compact_size(what), what)

    def finish(self, what: str) -> None:
        """Refuses bytes after the end of `what`."""
        if self.at != len(self.raw):
            raise MalformedEncoding(f"{len(self.raw) - self.at} bytes follow the {what}", self.at)


def compact_size(value: int) -> bytes:
    """The shortest form of a variable-length integer, 1, 3, 5 or 9 bytes; `Unencodable` unless 0 <= value < 2^64."""
    if not 0 <= value < 2**64:
        raise Unencodable(f"a variable-length integer is 0 to 2^64 - 1, not {value}")
    if value < _U16:
        return bytes((value,))
    if value < 2**16:
        return struct.pack("<BH", _U16, value)
    if value < 2**32:
        return struct.pack("<BI", _U32, value)
    return struct.pack("<BQ", _U64, value)

"""msgpack's heads: what the next value is and how long, in any width, without trusting a length; and stepping over a value."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Kind(Enum):
    """What a value is, whatever width it is written in."""

    NIL = "nil"
    BOOL = "bool"
    INTEGER = "integer"
    FLOAT = "float"
    STRING = "string"
    BINARY = "bytes"
    ARRAY = "array"
    MAP = "map"
    EXTENSION = "extension"
    NOTHING = "the byte c1"
    """The one byte that starts no value."""


@dataclass(frozen=True, slots=True)
class Head:
    """The start of one value."""

    kind: Kind
    value: int | float | bool | None
    """The value of a scalar; the length in bytes of a string, binary or extension; the count of an array's items or a map's pairs."""
    end: int
    """Where the head ends: the position of the first byte of what it announces."""


class CutOff(Exception):
    """The bytes end inside a value; internal to `wire`, which turns it into a reason code."""


class NotAValue(Exception):
    """The byte c1 where a value should start; internal to `wire`, which turns it into a reason code."""


_CONSTANTS: Final[dict[int, tuple[Kind, bool | None]]] = {
    0xC0: (Kind.NIL, None),
    0xC1: (Kind.NOTHING, None),
    0xC2: (Kind.BOOL, False),
    0xC3: (Kind.BOOL, True),
}

_FIXED_EXTENSIONS: Final = {0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
"""First byte -> bytes after it: the type and the data."""

_SIZED: Final[dict[int, tuple[Kind, struct.Struct, int]]] = {
    0xC4: (Kind.BINARY, struct.Struct(">B"), 0),
    0xC5: (Kind.BINARY, struct.Struct(">H"), 0),
    0xC6: (Kind.BINARY, struct.Struct(">I"), 0),
    0xC7: (Kind.EXTENSION, struct.Struct(">B"), 1),
    0xC8: (Kind.EXTENSION, struct.Struct(">H"), 1),
    0xC9: (Kind.EXTENSION, struct.Struct(">I"), 1),
    0xCA: (Kind.FLOAT, struct.Struct(">f"), 0),
    0xCB: (Kind.FLOAT, struct.Struct(">d"), 0),
    0xCC: (Kind.INTEGER, struct.Struct(">B"), 0),
    0xCD: (Kind.INTEGER, struct.Struct(">H"), 0),
    0xCE: (Kind.INTEGER, struct.Struct(">I"), 0),
    0xCF: (Kind.INTEGER, struct.Struct(">Q"), 0),
    0xD0: (Kind.INTEGER, struct.Struct(">b"), 0),
    0xD1: (Kind.INTEGER, struct.Struct(">h"), 0),
    0xD2: (Kind.INTEGER, struct.Struct(">i"), 0),
    0xD3: (Kind.INTEGER, struct.Struct(">q"), 0),
    0xD9: (Kind.STRING, struct.Struct(">B"), 0),
    0xDA: (Kind.STRING, struct.Struct(">H"), 0),
    0xDB: (Kind.STRING, struct.Struct(">I"), 0),
    0xDC: (Kind.ARRAY, struct.Struct(">H"), 0),
    0xDD: (Kind.ARRAY, struct.Struct(">I"), 0),
    0xDE: (Kind.MAP, struct.Struct(">H"), 0),
    0xDF: (Kind.MAP, struct.Struct(">I"), 0),
}
"""First byte -> kind, the number that follows it, and what its length leaves out: an extension's type byte."""


def read_head(data: bytes, at: int) -> Head:
    """Reads the head of the value that starts at `at`.

    Raises:
        CutOff: `data` ends inside the head; what the head announces is not looked at.
    """
    if at >= len(data):
        raise CutOff
    first = data[at]
    sized = _SIZED.get(first)
    if sized is not None:
        kind, form, extra = sized
        end = at + 1 + form.size
        if end > len(data):
            raise CutOff
        value = form.unpack_from(data, at + 1)[0]
        return Head(kind, value + extra if extra else value, end)  # adding 0 would make 0.0 of -0.0
    if first in _CONSTANTS:
        kind, value = _CONSTANTS[first]
        return Head(kind, value, at + 1)
    if first in _FIXED_EXTENSIONS:
        return Head(Kind.EXTENSION, _FIXED_EXTENSIONS[first], at + 1)
    if first < 0x80:
        return Head(Kind.INTEGER, first, at + 1)
    if first < 0x90:
        return Head(Kind.MAP, first & 0x0F, at + 1)
    if first < 0xA0:
        return Head(Kind.ARRAY, first & 0x0F, at + 1)
    if first < 0xC0:
        return Head(Kind.STRING, first & 0x1F, at + 1)
    return Head(Kind.INTEGER, first - 0x100, at + 1)


def length_of(head: Head) -> int:
    """The length or count that `head` announces."""
    assert isinstance(head.value, int)
    return head.value


def skip(data: bytes, at: int) -> int:
    """Returns where the value that starts at `at` ends.

    Counts instead of recursing, so that deep nesting costs nothing.
    Every value takes a byte at least, so that a huge count ends with the data.

    Raises:
        CutOff: `data` ends inside the value.
        NotAValue: A byte in it starts no value.
    """
    values = 1
    while values:
        head = read_head(data, at)
        at = head.end
        values -= 1
        if head.kind is Kind.NOTHING:
            raise NotAValue
        if head.kind is Kind.ARRAY:
            values += length_of(head)
        elif head.kind is Kind.MAP:
            values += 2 * length_of(head)
        elif head.kind in (Kind.STRING, Kind.BINARY, Kind.EXTENSION):
            at += length_of(head)
            if at > len(data):
                raise CutOff
    return at

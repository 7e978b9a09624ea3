"""The KoalaBear field: its modulus, and the two ways in which XMSS writes numbers and bytes as elements.

An element is an `int` from 0 to `P` - 1; in bytes it has 4, little-endian. Bytes of a value from `P` on stand for nothing.
Source: leanSpec 43246bd6, `Fp`; Plonky3, `koala-bear`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from proofplane.base.errors import CallerMistake, Refused

P = 2**31 - 2**24 + 1
"""The modulus, 2,130,706,433."""

ELEMENT_SIZE = 4
"""Bytes of an element."""


class NotCanonical(Refused):
    """Bytes that are no sequence of elements below the modulus."""


class TooLarge(CallerMistake):
    """A number that does not fit the limbs given for it."""


def encode(elements: Sequence[int]) -> bytes:
    """The bytes of canonical elements, `ELEMENT_SIZE` each."""
    return struct.pack(f"<{len(elements)}I", *elements)


def decode(raw: bytes) -> tuple[int, ...]:
    """Reads `encode()`; raises `NotCanonical` if bytes are left over or an element is not below `P`."""
    if len(raw) % ELEMENT_SIZE:
        raise NotCanonical(f"{len(raw)} bytes are no whole number of elements of {ELEMENT_SIZE}")
    elements = struct.unpack(f"<{len(raw) // ELEMENT_SIZE}I", raw)
    for place, element in enumerate(elements):
        if element >= P:
            raise NotCanonical(f"element {place} is {element}, not below {P}")
    return elements


def limbs(number: int, count: int) -> tuple[int, ...]:
    """The `count` base-`P` digits of a non-negative integer, least significant first; raises `TooLarge` if it needs more."""
    found, rest = [], number
    for _ in range(count):
        rest, digit = divmod(rest, P)
        found.append(digit)
    if rest:
        raise TooLarge(f"{number} does not fit {count} limbs")
    return tuple(found)

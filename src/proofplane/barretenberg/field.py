"""Field elements of BN254 as `bb` carries them: 32 bytes, big-endian, less than the modulus."""

from __future__ import annotations

import struct

from proofplane.base.errors import CallerMistake
from proofplane.crypto import poseidon2

SIZE = 32
"""Bytes of every field element on the wire and in files."""

MODULUS = poseidon2.MODULUS
"""r, the order of BN254's groups; the values of a circuit are below it."""

MODULUS_BYTES = MODULUS.to_bytes(SIZE, "big")
"""r as it would stand on the wire: of equally long strings of bytes the smaller number is the smaller string."""


class NotCanonical(CallerMistake):
    """A value that is no field element's one form: not 32 bytes long, or not less than the modulus.

    `bb` reads past the end of a shorter one, so that its result depends on what lies there; see `SIZE`.
    """


class Fr(bytes):
    """An element of the scalar field in its one form: 32 bytes, big-endian, less than `MODULUS`."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> Fr:
        """Raises `NotCanonical` unless `raw` is that form; a number is taken by `of`."""
        if not isinstance(raw, bytes) or len(raw) != SIZE:
            what = f"{len(raw)} bytes" if isinstance(raw, bytes) else type(raw).__name__
            raise NotCanonical(f"a field element is {SIZE} bytes, not {what}")
        if raw >= MODULUS_BYTES:
            raise NotCanonical(f"a field element is less than the modulus: {raw.hex()}")
        return super().__new__(cls, raw)

    @classmethod
    def of(cls, value: int) -> Fr:
        """The element of this number; raises `NotCanonical` unless it is 0 to `MODULUS` - 1, since nothing is reduced silently."""
        if not 0 <= value < MODULUS:
            raise NotCanonical(f"a field element is 0 to the modulus - 1, not {value}")
        return super().__new__(cls, value.to_bytes(SIZE, "big"))

    def __int__(self) -> int:
        return int.from_bytes(self, "big")

    def __repr__(self) -> str:
        return f"Fr({int(self):#x})"

    __str__ = __repr__


def split(raw: bytes) -> list[bytes]:
    """Cuts joined elements, the form of `bb`'s files, into the bytes of each.

    Raises:
        NotCanonical: `raw` is no multiple of 32 bytes, or an element, which is named by its index, is not less than the modulus.
    """
    if len(raw) % SIZE:
        raise NotCanonical(f"joined field elements are a multiple of {SIZE} bytes, not {len(raw)}")
    parts = list(struct.unpack(f"{SIZE}s" * (len(raw) // SIZE), raw))
    if parts and max(parts) >= MODULUS_BYTES:
        index = next(index for index, part in enumerate(parts) if part >= MODULUS_BYTES)
        raise NotCanonical(f"field element {index} is not less than the modulus: {parts[index].hex()}")
    return parts


def elements(raw: bytes) -> tuple[Fr, ...]:
    """`split` with each element as a value of its own; raises `NotCanonical` as it does."""
    return tuple(map(Fr, split(raw)))

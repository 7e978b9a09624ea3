"""A circuit as a value: its bytecode, the flavour that it is proved in, and how many ceremony points that takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from proofplane.barretenberg.flavors import Flavor
from proofplane.base.ids import Hash32, hash32

MASKING_ROWS = 5
"""Rows that `bb` adds to a circuit's gates before it rounds up to a power of two; measured, zero knowledge or not."""


@dataclass(frozen=True, slots=True, repr=False)
class Circuit:
    """A program to prove, for example one of `acir`'s or Noir's."""

    name: str
    """For messages; means nothing to `bb`."""
    bytecode: bytes
    """ACIR in msgpack behind its format byte 0x03; Noir's artefacts have it gzipped, which is to be undone before."""
    flavor: Flavor
    """How it is proved."""
    sha256: Hash32 = field(init=False, compare=False)
    """Of the bytecode; with the flavour it names the circuit's key."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hash32(hashlib.sha256(self.bytecode).digest()))

    def __repr__(self) -> str:
        return f"Circuit({self.name}, {self.flavor.value}, {len(self.bytecode)} bytes)"


def points_needed(gates: int) -> int:
    """Ceremony points that proving a circuit of so many gates takes: the least power of two that holds them and 5 more.

    `num_gates_dyadic` of `CircuitStats` leaves the 5 out, so near a boundary it is one power too small.
    """
    return 1 << (gates + MASKING_ROWS - 1).bit_length()

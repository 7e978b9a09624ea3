"""Proofs as values: joined field elements, the form of `bb`'s files, checked where they are made into values.

A proof comes from somebody else, so what is wrong with one is a refusal, not its reader's mistake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Self

import msgspec

from proofplane.barretenberg.errors import ProofFlaw, ProofRefused
from proofplane.barretenberg.field import SIZE, Fr, NotCanonical, split
from proofplane.base.ids import Hash32, hash32

MAX_PROOF_FIELDS = 4096
"""Field elements of the longest proof that is looked at; Chonk's, the longest, has 1,272 with two outputs."""

MAX_PUBLIC_INPUTS = 1 << 20
"""Public inputs that are looked at: 32 MB, half of the longest message that was tried with `bb`."""

CHONK_LAST_PARTS = (41, 612, 64, 477)
"""Field elements of a Chonk proof's parts but the first, in order: merge, ECCVM, IPA, joint. Before them is the hiding OINK proof."""

CHONK_BODY = 48 + sum(CHONK_LAST_PARTS)
"""Field elements of a Chonk proof besides its public inputs, which its key counts and which stand first: 1,242, measured."""

CHONK_OWN_INPUTS = 28
"""Public inputs of every Chonk proof besides the stack's outputs, which come first."""

CHONK_FIELDS = CHONK_BODY + CHONK_OWN_INPUTS + 2
"""Field elements of the proof of a stack with two outputs, 1,272."""


@dataclass(frozen=True, slots=True, repr=False)
class _Fields:
    """Joined field elements of a bounded number."""

    LEAST: ClassVar[int] = 1
    """Field elements of the shortest."""

    raw: bytes
    """The field elements, 32 bytes each, as they stand in a file."""
    packed: bytes = field(init=False, compare=False)
    """The same as msgpack's array, as they go over the wire: packed once, beside the look at each, and not while a process waits.

    It doubles what a waiting proof takes, to 27 KB: 28 MB for the 1,024 that a pool lets wait."""
    sha256: Hash32 = field(init=False, compare=False)
    """SHA-256 of `raw`."""

    def __post_init__(self) -> None:
        """Raises `ProofRefused` (WRONG_SIZE, NOT_CANONICAL) if these are no field elements, or fewer or more than any such proof has."""
        if not self.LEAST * SIZE <= len(self.raw) <= MAX_PROOF_FIELDS * SIZE:
            raise ProofRefused(ProofFlaw.WRONG_SIZE, f"no {type(self).__name__} has {len(self.raw)} bytes")
        object.__setattr__(self, "packed", msgspec.msgpack.encode(_split("the proof", self.raw)))
        object.__setattr__(self, "sha256", hash32(hashlib.sha256(self.raw).digest()))

    @classmethod
    def of(cls, fields: Iterable[bytes]) -> Self:
        """The proof of these field elements; raises what the class itself raises."""
        return cls(b"".join(fields))

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The same, cut anew each time: kept, they would take twice as much again as `raw` and `packed` together."""
        return tuple(_split("the proof", self.raw))

    def __len__(self) -> int:
        """How many field elements."""
        return len(self.raw) // SIZE

    @property
    def fields(self) -> tuple[Fr, ...]:
        """The field elements as values."""
        return tuple(map(Fr, self.parts))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} fields)"


@dataclass(frozen=True, slots=True, repr=False)
class UltraHonkProof(_Fields):
    """A proof of one circuit, without its public inputs; how many field elements follows from the flavour, see `Flavor.proof_size`."""


@dataclass(frozen=True, slots=True, repr=False)
class ChonkProof(_Fields):
    """A proof of a stack of circuits, its public outputs first, flat; the layout is `bb`'s business.

    It has 1,242 field elements and the public inputs that its key counts.
    """

    LEAST = CHONK_BODY + CHONK_OWN_INPUTS


def public_inputs(raw: bytes) -> tuple[Fr, ...]:
    """Reads public inputs as `bb`'s command line writes them to a file: joined field elements.

    Raises:
        ProofRefused: They are too many (WRONG_INPUTS), or no field elements (NOT_CANONICAL).
    """
    if len(raw) > MAX_PUBLIC_INPUTS * SIZE:
        raise ProofRefused(ProofFlaw.WRONG_INPUTS, f"{len(raw)} bytes of public inputs are more than are looked at")
    return tuple(map(Fr, _split("public inputs", raw)))


def _split(what: str, raw: bytes) -> list[bytes]:
    try:
        return split(raw)
    except NotCanonical as error:
        raise ProofRefused(ProofFlaw.NOT_CANONICAL, f"in {what}: {error}") from error

"""Predicates: under which key and scheme a claim counts as proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from proofplane.base.errors import Refused

MAX_CONDITION = 1024
"""Bytes; the schema's list limit."""

_FIXED = 5
"""SSZ fixed part: id u8 and the offset u32 of the condition."""


class MalformedPredicate(Refused):
    """Bytes that are not the SSZ form of a predicate."""


class PredicateKind(IntEnum):
    """Predicate ids that have a meaning here; any other id can be carried but never checked."""

    NEVER_ACCEPT = 0
    ALWAYS_ACCEPT = 1
    SCHNORR = 10
    """BIP-340: condition = x-only key (32 bytes), witness = signature (64 bytes) of SHA256(claim)."""
    SP1_GROTH16 = 20
    """Condition = program id (32 bytes) followed by the verifying-key bytes, witness = the Groth16 proof."""
    ULTRA_HONK = 64
    """Condition = SHA-256 of each accepted verification key of `bb`, joined in the order of the circuits: 64 bytes for the header steps,
    plain and retarget. Witness = what `proofplane.anchor.header_claim` encodes. The number is of this project only."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """(id u8, condition up to `MAX_CONDITION` bytes); equality of encodings is equality of predicates."""

    kind: int
    condition: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.kind <= 255:
            raise MalformedPredicate(f"a predicate id is a u8, not {self.kind}")
        if len(self.condition) > MAX_CONDITION:
            raise MalformedPredicate(f"a condition has at most {MAX_CONDITION} bytes, not {len(self.condition)}")

    def encode(self) -> bytes:
        """SSZ: id u8, offset u32 LE = 5, condition."""
        return bytes([self.kind]) + _FIXED.to_bytes(4, "little") + self.condition

    @classmethod
    def decode(cls, raw: bytes) -> Predicate:
        """Raises `MalformedPredicate` if `raw` is not exactly one predicate."""
        if len(raw) < _FIXED or int.from_bytes(raw[1:_FIXED], "little") != _FIXED:
            raise MalformedPredicate(f"{len(raw)} bytes are not a predicate")
        return cls(raw[0], bytes(raw[_FIXED:]))

    def __str__(self) -> str:
        try:
            name = PredicateKind(self.kind).name.lower().replace("_", "-")
        except ValueError:
            name = str(self.kind)
        return f"{name}:{self.condition.hex()}" if self.condition else name

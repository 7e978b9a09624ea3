"""Claims about Moho states: what step and recursive proofs state, in their SSZ bytes.

The fixed-size containers are plain concatenation in SSZ, so they are encoded here without a library;
`tests/vectors` holds them against `remerkleable`.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, BlockId, Hash32, hash32
from proofplane.base.predicate import Predicate

STATE_SIZE = 2 * HASH_SIZE
STEP_SIZE = 2 * STATE_SIZE
"""Bytes of a step proof's public values."""

_CLAIM_FIXED = STEP_SIZE + 4
"""A recursive claim's fixed part: attestation (128) and the offset (4) of the predicate."""


class MalformedClaim(Refused):
    """Public values that are not the SSZ form of the claim they should be."""


@dataclass(frozen=True, slots=True)
class StateAttestation:
    """A Moho state at a block: the block's id and the state's commitment (SSZ tree-hash root)."""

    reference: BlockId
    commitment: Hash32

    def encode(self) -> bytes:
        """64 bytes: reference, commitment."""
        return self.reference + self.commitment

    @classmethod
    def decode(cls, raw: bytes) -> StateAttestation:
        """Raises `MalformedClaim` unless `raw` is 64 bytes."""
        if len(raw) != STATE_SIZE:
            raise MalformedClaim(f"a state attestation has {STATE_SIZE} bytes, not {len(raw)}")
        return cls(BlockId(raw[:HASH_SIZE]), hash32(raw[HASH_SIZE:]))


@dataclass(frozen=True, slots=True)
class StepAttestation:
    """One block's transition: the state before it leads to the state after it. Its encoding is the step proof's public values."""

    before: StateAttestation
    after: StateAttestation

    def encode(self) -> bytes:
        """128 bytes: from, to."""
        return self.before.encode() + self.after.encode()

    @classmethod
    def decode(cls, raw: bytes) -> StepAttestation:
        """Raises `MalformedClaim` unless `raw` is 128 bytes."""
        if len(raw) != STEP_SIZE:
            raise MalformedClaim(f"a step attestation has {STEP_SIZE} bytes, not {len(raw)}")
        return cls(StateAttestation.decode(raw[:STATE_SIZE]), StateAttestation.decode(raw[STATE_SIZE:]))


@dataclass(frozen=True, slots=True)
class RecursiveAttestation:
    """Everything from the genesis state to the proven state."""

    genesis: StateAttestation
    proven: StateAttestation

    def encode(self) -> bytes:
        """128 bytes: genesis, proven."""
        return self.genesis.encode() + self.proven.encode()

    @classmethod
    def decode(cls, raw: bytes) -> RecursiveAttestation:
        """Raises `MalformedClaim` unless `raw` is 128 bytes."""
        pair = StepAttestation.decode(raw)
        return cls(pair.before, pair.after)


@dataclass(frozen=True, slots=True)
class RecursiveClaim:
    """A recursive proof's public values: the attestation and the predicate it was made under.

    A program cannot contain its own key, so whoever checks the proof must compare `moho_predicate` with the one it trusts,
    and `attestation.genesis` with its own anchor (a base case can be built at any block).
    """

    attestation: RecursiveAttestation
    moho_predicate: Predicate

    def encode(self) -> bytes:
        """SSZ: attestation (128), offset u32 LE (4), predicate."""
        return self.attestation.encode() + _CLAIM_FIXED.to_bytes(4, "little") + self.moho_predicate.encode()

    @classmethod
    def decode(cls, raw: bytes) -> RecursiveClaim:
        """Raises `MalformedClaim` or `MalformedPredicate` if `raw` is not exactly one claim."""
        if len(raw) < _CLAIM_FIXED or int.from_bytes(raw[STEP_SIZE:_CLAIM_FIXED], "little") != _CLAIM_FIXED:
            raise MalformedClaim(f"{len(raw)} bytes are not a recursive claim")
        return cls(RecursiveAttestation.decode(raw[:STEP_SIZE]), Predicate.decode(raw[_CLAIM_FIXED:]))

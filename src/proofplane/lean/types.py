"""Plain values of Lean consensus: slots, roots, checkpoints, votes, blocks. SSZ types: `lean.ssz`; bytes and roots: `lean.codec`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from proofplane.base.errors import CallerMistake

Slot = NewType("Slot", int)
"""A slot number, u64."""

ValidatorIndex = NewType("ValidatorIndex", int)
"""A position in the registry, u64."""

Root = NewType("Root", bytes)
"""An SSZ tree-hash root, 32 bytes; shown as it stands, never reversed."""

ZERO_ROOT = Root(bytes(32))


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block at its slot; 40 bytes in SSZ."""

    root: Root
    slot: Slot


@dataclass(frozen=True, slots=True)
class AttestationData:
    """What a vote says: 128 bytes in SSZ."""

    slot: Slot
    """When the vote was cast; for an XMSS key also which one-time key signed it."""
    head: Checkpoint
    target: Checkpoint
    source: Checkpoint


class BadParticipants(CallerMistake):
    """Bits that no list has."""


@dataclass(frozen=True, slots=True)
class Participants:
    """Which validators take part: a bitlist of at most 4,096 bits, held as one integer."""

    mask: int
    """Bit i = validator i; nothing at or above `length`."""
    length: int
    """Bits of the list, set or not: two lists of different length are different SSZ values."""

    def indices(self) -> tuple[ValidatorIndex, ...]:
        """The set bits, ascending."""
        found, mask = [], self.mask
        while mask:
            low = mask & -mask
            found.append(ValidatorIndex(low.bit_length() - 1))
            mask ^= low
        return tuple(found)

    def highest(self) -> int:
        """The highest set bit, -1 if none is."""
        return self.mask.bit_length() - 1

    def count(self) -> int:
        """How many bits are set."""
        return self.mask.bit_count()

    @classmethod
    def of(cls, indices: set[int] | tuple[int, ...] | list[int], length: int | None = None) -> Participants:
        """The list with these bits set; its length is the given one, or just enough for the highest.

        Raises:
            BadParticipants: A bit lies outside the list.
        """
        if min(indices, default=0) < 0:
            raise BadParticipants(f"no validator has the index {min(indices)}")
        mask = 0
        for index in indices:
            mask |= 1 << index
        participants = cls(mask, mask.bit_length() if length is None else length)
        if participants.highest() >= participants.length:
            raise BadParticipants(f"bit {participants.highest()} of a list of {participants.length}; make it longer")
        return participants


@dataclass(frozen=True, slots=True)
class AggregatedAttestation:
    """One vote cast by many, as a block's body carries it."""

    participants: Participants
    data: AttestationData


@dataclass(frozen=True, slots=True)
class Block:
    """A block without its proof, with the roots that everybody asks for; made by `lean.codec` only, so that the roots are its own."""

    root: Root
    """Tree-hash root of the block, which is that of its header."""
    slot: Slot
    proposer_index: ValidatorIndex
    parent_root: Root
    state_root: Root
    """Root of the state after the block."""
    body_root: Root
    attestations: tuple[AggregatedAttestation, ...]


@dataclass(frozen=True, slots=True)
class SignedBlock:
    """A block and the proof that proposer and voters signed. The block's root does not commit to the proof."""

    block: Block
    proof: bytes
    """At most 512 KiB; what is in it is the proof backend's matter."""


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """One validator's vote, as gossiped."""

    validator_index: ValidatorIndex
    data: AttestationData
    signature: bytes
    """SSZ bytes of the XMSS signature: 424 (test) or 2,536 (prod)."""


@dataclass(frozen=True, slots=True)
class AggregateProof:
    """A single-message proof and whose signatures it stands for ("SingleMessageAggregate"). Equal if the SSZ bytes are."""

    participants: Participants
    proof: bytes
    """At most 512 KiB."""


@dataclass(frozen=True, slots=True)
class SignedAggregate:
    """A gossiped aggregate ("SignedAggregatedAttestation")."""

    data: AttestationData
    proof: AggregateProof


@dataclass(frozen=True, slots=True)
class Validator:
    """An entry of the registry; its index is its position."""

    attestation_key: bytes
    """52 bytes."""
    proposal_key: bytes
    """52 bytes."""


@dataclass(frozen=True, slots=True)
class Registry:
    """All validators of a state, in order; never changes on a chain."""

    validators: tuple[Validator, ...]

    def __len__(self) -> int:
        return len(self.validators)

"""What can be proved: proof ids, local, deterministic and totally ordered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import total_ordering
from typing import ClassVar

from proofplane.base.ids import COMMITMENT_KEY_SIZE, BlockCommitment, Height, MalformedId


class ProofKind(IntEnum):
    """What a proof is about: one block's transition, or everything up to a block.

    The numbers are bytes of keys: they are stored, and at one height their order is the order of work.
    """

    STEP = 0
    RECURSIVE = 1


@total_ordering
class ProofId:
    """Base of the two kinds; ordered by height (a step by its start), then step before recursive, then the full key."""

    __slots__ = ()

    kind: ClassVar[ProofKind]

    def key(self) -> bytes:
        """Storage key whose byte order is the order of proof ids: height BE (4), kind (1), commitment key(s)."""
        raise NotImplementedError  # abstract: both kinds below define it

    def height(self) -> Height:
        """The height that orders this proof."""
        return Height(int.from_bytes(self.key()[:4], "big"))

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, ProofId):
            return NotImplemented
        return self.key() < other.key()


@dataclass(frozen=True, slots=True)
class StepId(ProofId):
    """The step proof of the blocks `start` to `end`, both included (the project proves single blocks: start == end)."""

    kind: ClassVar[ProofKind] = ProofKind.STEP

    start: BlockCommitment
    end: BlockCommitment

    def __post_init__(self) -> None:
        if self.end.height < self.start.height:
            raise MalformedId(f"a step's end {self.end.height} is below its start {self.start.height}")

    @classmethod
    def of(cls, block: BlockCommitment) -> StepId:
        """The step over one block."""
        return cls(block, block)

    def key(self) -> bytes:
        start = self.start.key()
        return start[:4] + bytes([self.kind]) + start + self.end.key()

    def __str__(self) -> str:
        return f"step {self.end}"


@dataclass(frozen=True, slots=True)
class RecursiveId(ProofId):
    """The recursive proof of everything from the anchor to `block`."""

    kind: ClassVar[ProofKind] = ProofKind.RECURSIVE

    block: BlockCommitment

    def key(self) -> bytes:
        block = self.block.key()
        return block[:4] + bytes([self.kind]) + block

    def __str__(self) -> str:
        return f"recursive {self.block}"


def proof_id_from_key(key: bytes) -> StepId | RecursiveId:
    """Reads `ProofId.key()`; raises `MalformedId` if the bytes are no key or not the canonical one."""
    size = COMMITMENT_KEY_SIZE
    proof_id: StepId | RecursiveId
    if len(key) == 5 + 2 * size and key[4] == ProofKind.STEP:
        proof_id = StepId(BlockCommitment.from_key(key[5 : 5 + size]), BlockCommitment.from_key(key[5 + size :]))
    elif len(key) == 5 + size and key[4] == ProofKind.RECURSIVE:
        proof_id = RecursiveId(BlockCommitment.from_key(key[5:]))
    else:
        raise MalformedId(f"not a proof key: {key.hex()}")
    if proof_id.key() != key:
        raise MalformedId(f"a proof key whose height is not its block's: {key.hex()}")
    return proof_id

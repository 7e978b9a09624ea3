"""What the anchor worker needs from outside: a source of blocks; and what a source needs: somewhere to submit them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.header import Header


@dataclass(frozen=True, slots=True)
class LocatedHeader:
    """A header and where the source says that it stands."""

    commitment: BlockCommitment
    header: Header

    def parent(self) -> BlockCommitment:
        """The block before it; raises `MalformedId` for a block of height 0, which has none."""
        return BlockCommitment(Height(self.commitment.height - 1), self.header.previous)


class L1Source(Protocol):
    """Blocks by id, of every branch that the source knows; retries of its own errors happen inside."""

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        """Returns header and height of a block.

        Raises:
            MissingL1Block: The source does not have it.
        """

    async def payload(self, block: BlockCommitment) -> bytes:
        """Returns what the transition takes: the 80-byte header (headers only) or the whole block in consensus bytes (full block).

        Raises:
            MissingL1Block: The source does not have it.
        """


class BlockSubmitter(Protocol):
    """Takes block ids to process; the anchor worker's handle is one."""

    async def submit(self, block_id: BlockId) -> list[BlockCommitment]:
        """Processes everything up to `block_id` and returns what was emitted, oldest first; empty if there was nothing to do."""

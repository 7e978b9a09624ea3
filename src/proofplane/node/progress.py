"""How far a running node is: one plain value that displays and waiters read."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.base.ids import BlockCommitment


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts since the beginning of the data directory, durable things only."""

    blocks: int
    """Blocks of the current branch above the anchor."""
    tip: BlockCommitment
    """The last durable block; the anchor before the first."""
    target_blocks: int | None
    """How many blocks there will be; None when the source has no end."""
    step_proofs: int
    recursive_proofs: int
    queued: int
    in_flight: int
    failed: int
    """Jobs whose retry budget is spent."""

    @property
    def proofs(self) -> int:
        """Stored proofs of both kinds."""
        return self.step_proofs + self.recursive_proofs

    @property
    def expected_proofs(self) -> int | None:
        """Proofs there will be; None when the source has no end."""
        return None if self.target_blocks is None else 2 * self.target_blocks

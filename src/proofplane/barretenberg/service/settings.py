"""How a verifier service is set up: every bound with its default and its reason."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.barretenberg.service.errors import BadBounds
from proofplane.barretenberg.service.types import Queue

MAX_FRAME = 4 << 20
"""Bytes of the largest request: 130,000 public inputs. Larger statements are verified without the service, which so keeps its memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much a service takes in before it refuses.

    Raises:
        BadBounds: A bound with which nothing could be verified.
    """

    rpc: int = 1024
    """Unanswered requests of the rpc queue: 2.3 s of UltraHonk proofs on two cores; who waits longer has asked somebody else."""
    gossip: int = 2048
    """Unanswered requests of the gossip queue: half a minute of Chonk proofs on one core in full batches."""
    max_bytes: int = 256 << 20
    """Bytes of everything that waits or runs; all of the above as Chonk proofs (44 kB each) take half of it."""

    def __post_init__(self) -> None:
        if min(self.rpc, self.gossip) < 1 or self.max_bytes < MAX_FRAME:
            raise BadBounds(f"a queue has room for 1 request at least, and all of them for one of {MAX_FRAME} bytes: {self}")

    def of(self, queue: Queue) -> int:
        """The bound of one queue."""
        return self.rpc if queue is Queue.RPC else self.gossip

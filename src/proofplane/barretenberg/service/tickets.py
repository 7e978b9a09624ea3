"""A ticket: the right of one request to one answer."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.barretenberg.service.types import Queue, Source
from proofplane.base.ids import Hash32


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """Two are never equal: requests for the same question have different ones."""

    source: Source
    queue: Queue
    """Which queue's bound it counts against: the one that its request named."""
    deadline: float
    """Instant from which it is not begun any more; infinite if none."""
    question: Hash32
    """The digest of the job."""

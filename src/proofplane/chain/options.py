"""How an importer works: options and the bounds that are not to be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

from proofplane.base.cores import usable_cores
from proofplane.base.errors import CallerMistake

BLOCKS_IN_FLIGHT = 4
"""Blocks that are checked at the same time.
Each holds a proof (512 KiB), what verifying makes of it, and a view of a state, so this bounds memory; two blocks fill the cores, two
more wait with their guards done. Callers beyond it wait their turn with their own bytes."""

TASK_SECONDS = 60.0
"""How long the barrier waits for a task.
The largest proof takes 0.3 s on one slow core, so whoever has not answered after two hundred times that never will; without a bound one
dead thread would hold a caller for ever."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a user may choose. No choice changes a verdict, a reason or the store."""

    parallel: bool = True
    """Signatures beside the transition; otherwise signatures on one thread, whatever `threads` says, then the transition."""
    threads: int = field(default_factory=usable_cores)
    """Native threads that verify one proof, if parallel; not used otherwise."""
    waiting_blocks: int = 64
    """Blocks kept until their parent comes; 0 keeps none. A gap longer than two epochs of gossip wants a sync, not a buffer."""
    waiting_bytes: int = 16 << 20
    """Memory of the blocks kept, in bytes: 32 proofs of the largest size."""
    task_seconds: float = TASK_SECONDS
    """See `TASK_SECONDS`."""

    def __post_init__(self) -> None:
        """Raises `CallerMistake` if a number makes no sense."""
        if self.threads < 1 or self.waiting_blocks < 0 or self.waiting_bytes < 0 or self.task_seconds <= 0:
            raise CallerMistake(f"threads >= 1, waiting_blocks >= 0, waiting_bytes >= 0 and task_seconds > 0 are wanted, not {self}")

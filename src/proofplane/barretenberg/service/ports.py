"""What the front needs: somebody who verifies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from proofplane.barretenberg.service.types import ChonkJob, Job, Verdict


class Executor(Protocol):
    """Verifies jobs; called by the front, which keeps the threads of all calls together within the cores."""

    async def alone(self, job: Job, threads: int) -> Verdict:
        """Verifies one job with so many threads; raises nothing that is expected."""

    async def together(self, jobs: Sequence[ChonkJob], threads: int, decided: Callable[[int, Verdict], None]) -> None:
        """Verifies several jobs, calling `decided` with an index into `jobs` and what became of it, once at most for each.

        Those that it has not called for when it returns are undecided: the process died, for example. Raises nothing that is expected.
        """

    @property
    def spawned(self) -> int:
        """Processes started so far."""

"""An executor that verifies when the test says so, and remembers what it was given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from proofplane.barretenberg.service.types import ChonkJob, Job, Verdict


class ScriptedExecutor:
    """Implements `Executor`."""

    spawned = 0

    def __init__(self) -> None:
        self.alone_given: list[Job] = []
        self.together_given: list[Sequence[ChonkJob]] = []
        self.most_threads = 0
        self.broken = False
        """Whether batches break off after their first job, and single jobs raise."""
        self.verdict: Callable[[Job], Verdict] = lambda job: None
        self.gate = asyncio.Event()
        self.after: asyncio.Event | None = None
        """Batches end only when this is set, after they have decided."""
        self.ended = 0
        """Batches that have."""
        self._threads = 0

    async def alone(self, job: Job, threads: int) -> Verdict:
        """As the port says."""
        self.alone_given.append(job)
        await self._wait(threads)
        return self.verdict(job)

    async def together(self, jobs: Sequence[ChonkJob], threads: int, decided: Callable[[int, Verdict], None]) -> None:
        """As the port says."""
        self.together_given.append(jobs)
        await self._wait(threads)
        for index, job in enumerate(jobs):
            decided(index, self.verdict(job))
            if self.broken:
                return
        if self.after is not None:
            await self.after.wait()
        self.ended += 1

    async def _wait(self, threads: int) -> None:
        self._threads += threads
        self.most_threads = max(self.most_threads, self._threads)
        try:
            await self.gate.wait()
        finally:
            self._threads -= threads

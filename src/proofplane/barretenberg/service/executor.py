"""Verifies jobs with real `bb` processes of two kinds: narrow ones with one thread, as many as cores, and wide ones for what runs alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from proofplane.barretenberg.binary import find_binary
from proofplane.barretenberg.crs import verification_crs
from proofplane.barretenberg.errors import CouldNotVerify, ProofRefused
from proofplane.barretenberg.service.batch import Decided, all_hold, find_bad
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.scheduling import wide_threads
from proofplane.barretenberg.service.types import ChonkJob, Job, UltraHonkJob, Verdict
from proofplane.barretenberg.specs import verifier_spec
from proofplane.barretenberg.verifier import VERIFY_SECONDS, Verifier
from proofplane.base.errors import Broken, NeverAgain, TryAgain
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions, WorkerSpec

_WARY = 8
"""Batches after one with a bad proof that go to the batch verifier service at once: who sends one bad proof may send more, and asking
first whether all hold would double the cost of each."""

_log = logging.getLogger(__name__)


class PooledExecutor:
    """The executor over two pools; implements `Executor`. Get one from `open_executor`."""

    def __init__(self, narrow: WorkerPool, wide: WorkerPool, timeout: float) -> None:
        """Takes entered pools, and the seconds after which a process that has not verified what it was given is taken for wedged."""
        self._narrow = narrow
        self._wide = wide
        self._timeout = timeout
        self._wary = 0

    @property
    def spawned(self) -> int:
        """Processes started so far."""
        return self._narrow.stats.spawned + self._wide.stats.spawned

    async def alone(self, job: Job, threads: int) -> Verdict:
        """As the port says; a process that dies is replaced, and asked once more, by the pool."""
        verifier = Verifier(self._pool(threads))
        try:
            if isinstance(job, UltraHonkJob):
                await verifier.verify(job.key, job.public_inputs, job.proof, job.flavor, timeout=self._timeout)
            else:
                await verifier.verify_chonk(job.key, job.proof, timeout=self._timeout)
        except ProofRefused as error:
            return error
        except CouldNotVerify as error:
            return NotVerified(Obstacle.NO_ANSWER, str(error), error.retry_after)
        except (TryAgain, NeverAgain, Broken) as error:
            return NotVerified(Obstacle.NO_ANSWER, str(error))
        return None

    async def together(self, jobs: Sequence[ChonkJob], threads: int, decided: Decided) -> None:
        """As the port says; a batch is not tried again here, since what broke its process may be in it."""
        if len(jobs) == 1:
            decided(0, await self.alone(jobs[0], threads))
            return
        try:
            async with self._pool(threads).lease(self._timeout) as worker:
                if not self._wary and await all_hold(worker, jobs):
                    for index in range(len(jobs)):
                        decided(index, None)
                    return
                self._wary = max(0, self._wary - 1)
                await find_bad(worker, jobs, threads, self._noticing(decided))
        except (TryAgain, NeverAgain, Broken) as error:
            _log.warning("verifier: a batch of %d proofs broke off, each is verified by itself: %s", len(jobs), error)

    def _noticing(self, decided: Decided) -> Decided:
        """`decided`, with an eye on bad proofs."""

        def noticing(index: int, verdict: Verdict) -> None:
            if verdict is not None:
                self._wary = _WARY
            decided(index, verdict)

        return noticing

    def _pool(self, threads: int) -> WorkerPool:
        return self._narrow if threads == 1 else self._wide


@asynccontextmanager
async def open_executor(
    cores: int,
    spec: Callable[[int], WorkerSpec] | None = None,
    *,
    timeout: float = VERIFY_SECONDS,
    options: PoolOptions | None = None,
) -> AsyncIterator[PooledExecutor]:
    """An executor with processes of its own, started when they are needed and ended when it is left.

    Args:
        cores: Threads that may verify at a time.
        spec: The process for so many threads; None finds `bb` and what verifying needs, made here if need be.
        timeout: Seconds for one job or batch; the largest batch takes one second of one core.
        options: Bounds of both pools.

    Raises:
        BinaryMissing, BinaryWrong, CacheBusy, CacheFull, CacheUnusable, GrumpkinNotMade, UnsupportedPlatform: It cannot begin.
    """
    spec = spec or _found()
    threads = wide_threads(cores)
    options = options or PoolOptions()
    async with (
        WorkerPool(spec(1), cores, options) as narrow,
        WorkerPool(spec(threads), max(1, cores // threads), options) as wide,
    ):
        yield PooledExecutor(narrow, wide, timeout)


def _found() -> Callable[[int], WorkerSpec]:
    binary = find_binary()
    return partial(verifier_spec, binary, verification_crs(binary=binary))

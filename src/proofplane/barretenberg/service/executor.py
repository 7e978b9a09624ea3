"""Verifies jobs with real `bb` processes of two kinds: narrow ones with one thread, as many as cores, and wide ones for what runs alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from proofplane.barretenberg.binary import find_binary
from proofplane.barretenberg.crs import verification_crs
from proofplane.barretenberg.errors import CouldNotVerify, ProofRefused
from proofplane.barretenberg.known_good import KnownGood
from proofplane.barretenberg.service.batch import Decided, KeysRefused, all_hold, find_bad
from proofplane.barretenberg.service.errors import NotVerified, Obstacle
from proofplane.barretenberg.service.scheduling import wide_threads
from proofplane.barretenberg.service.types import ChonkJob, Job, UltraHonkJob, Verdict
from proofplane.barretenberg.specs import VerifierSpec, verifier_spec
from proofplane.barretenberg.verifier import VERIFY_SECONDS, Verifier
from proofplane.base.errors import ProofplaneError
from proofplane.base.ids import Hash32
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions

_WARY = 8
"""Batches after one with a bad proof that go to the batch verifier service at once: who sends one bad proof may send more, and asking
first whether all hold would double the cost of each."""

_log = logging.getLogger(__name__)


class PooledExecutor:
    """The executor over two pools; implements `Executor`. Get one from `open_executor`."""

    def __init__(self, narrow: WorkerPool, wide: WorkerPool, good: KnownGood, timeout: float) -> None:
        """Takes entered pools, what their processes must accept, and the seconds for one job or batch: who takes longer is wedged."""
        self._pools = (narrow, wide)
        self._narrow = Verifier(narrow, good)
        self._wide = Verifier(wide, good)
        self._timeout = timeout
        self._wary = 0

    @property
    def spawned(self) -> int:
        """Processes started so far."""
        return sum(pool.stats.spawned for pool in self._pools)

    async def alone(self, job: Job, threads: int) -> Verdict:
        """As the port says; a process that dies is replaced, and asked once more, by the pool."""
        verifier = self._verifier(threads)
        try:
            if isinstance(job, UltraHonkJob):
                await verifier.verify(job.key, job.public_inputs, job.proof, job.flavor, timeout=self._timeout)
            else:
                await verifier.verify_chonk(job.key, job.proof, timeout=self._timeout)
        except ProofRefused as error:
            return error
        except CouldNotVerify as error:
            return NotVerified(Obstacle.NO_ANSWER, str(error), error.retry_after)
        except ProofplaneError as error:  # of whatever family: it says nothing about the proof
            return NotVerified(Obstacle.NO_ANSWER, str(error))
        return None

    async def together(self, jobs: Sequence[ChonkJob], threads: int, decided: Decided) -> None:
        """As the port says; a batch is not tried again here, since what broke its process may be in it.

        If `bb` refuses the keys, of which nobody knows which it was, the proofs of each key are a batch of their own, on another process.
        """
        if len(jobs) == 1:
            decided(0, await self.alone(jobs[0], threads))
            return
        try:
            await self._batch(jobs, threads, decided)
        except KeysRefused as refused:
            _log.info("verifier: a batch of %d proofs is split by its keys: %s", len(jobs), refused)
            for key in sorted({job.key.sha256 for job in jobs}):
                await self._under_key(key, jobs, threads, decided)
        except ProofplaneError as error:
            _log.warning("verifier: a batch of %d proofs broke off, each is verified by itself: %s", len(jobs), error)

    async def _under_key(self, key: Hash32, jobs: Sequence[ChonkJob], threads: int, decided: Decided) -> None:
        """The part of a batch that is under one key; one job, and what breaks off, is left undecided."""
        places = [place for place, job in enumerate(jobs) if job.key.sha256 == key]
        if len(places) == 1:
            return
        try:
            await self._batch([jobs[place] for place in places], threads, lambda index, verdict: decided(places[index], verdict))
        except ProofplaneError as error:
            _log.info("verifier: %d proofs under one key are verified by themselves: %s", len(places), error)

    async def _batch(self, jobs: Sequence[ChonkJob], threads: int, decided: Decided) -> None:
        vetted = self._verifier(threads).vetted
        async with vetted.lease(self._timeout, grumpkin=True) as worker:
            if not self._wary and await all_hold(worker, jobs):
                for index in range(len(jobs)):
                    decided(index, None)
                return
            self._wary = max(0, self._wary - 1)
            await find_bad(worker, jobs, threads, vetted.good.grumpkin, self._noticing(decided))

    def _noticing(self, decided: Decided) -> Decided:
        """`decided`, with an eye on bad proofs."""

        def noticing(index: int, verdict: Verdict) -> None:
            if verdict is not None:
                self._wary = _WARY
            decided(index, verdict)

        return noticing

    def _verifier(self, threads: int) -> Verifier:
        return self._narrow if threads == 1 else self._wide


@asynccontextmanager
async def open_executor(
    cores: int,
    spec: Callable[[int], VerifierSpec] | None = None,
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
    one = spec(1)
    async with (
        WorkerPool(one, cores, options) as narrow,
        WorkerPool(spec(threads), max(1, cores // threads), options) as wide,
    ):
        yield PooledExecutor(narrow, wide, one.good, timeout)


def _found() -> Callable[[int], VerifierSpec]:
    binary = find_binary()
    return partial(verifier_spec, binary, verification_crs(binary=binary))

"""Processes whose answers can be believed: what they say is held against proofs that are known to be good.

Rules:

1. Before its first question that needs the Grumpkin points a process verifies a good proof that needs them: with damaged points it would
   say no to good proofs. (The plain one is asked of every fresh process, by `specs`.)
2. After an error the same process is asked the good question: an error of one that is short of something is not about the content.
3. A process that fails either, or says itself what it is short of, is condemned, and nothing is known about what it was asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from proofplane.barretenberg.answers import about_content, reason
from proofplane.barretenberg.client import canonical
from proofplane.barretenberg.errors import Doubtful, UnfitVerifier
from proofplane.barretenberg.generated.barretenberg import CircuitVerify
from proofplane.barretenberg.known_good import KnownGood, genuine
from proofplane.barretenberg.ports import Lender, Lent
from proofplane.barretenberg.requests import Checked
from proofplane.pool.errors import WorkerDied
from proofplane.rpc.errors import CallFailed
from proofplane.wire import Command, Message, command_of

R = TypeVar("R", bound=Message)

_REMEMBERED = 1024
"""Processes whose Grumpkin points are known to be good: more than a pool has; of a forgotten one the question is asked once more."""

_log = logging.getLogger(__name__)


class Vetted:
    """A pool of `bb` processes, asked by the rules above."""

    def __init__(self, pool: Lender, good: KnownGood | None = None) -> None:
        """Takes an entered pool, and what its processes must accept; None: what the pinned binary does."""
        self.good = good or genuine()
        """What the processes must accept."""
        self._pool = pool
        self._sound: dict[int, None] = {}
        """Numbers of processes whose Grumpkin points are good, the oldest first."""

    async def ask(self, request: Command[R] | Checked[R], *, grumpkin: bool, timeout: float) -> R:
        """The answer of some process; when one dies under the request, another one is asked, once.

        Args:
            request: Of Barretenberg's contract.
            grumpkin: Whether the answer depends on the Grumpkin points.
            timeout: Seconds for everything together.

        Raises:
            CallFailed: `bb` answered with an error, which is about the content of the request.
            NotCanonical: A field element of the request is not less than its modulus; nothing was sent.
            Doubtful: By rule 3 nothing is known.
            UnfitVerifier: A process has damaged Grumpkin points.
            TryAgain, Broken, NeverAgain: What the pool raises.
        """
        if not isinstance(request, Checked):
            canonical(request)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        try:
            return await self._ask_once(request, grumpkin, timeout)
        except WorkerDied as error:
            _log.info("%s is asked again, of another process: %s", command_of(request).__name__, error)
        return await self._ask_once(request, grumpkin, max(deadline - loop.time(), 0.0))

    @asynccontextmanager
    async def lease(self, timeout: float, *, grumpkin: bool) -> AsyncIterator[Lent]:
        """One process for several questions, vetted by rule 1; after an error of it `confirm` is the caller's to ask."""
        async with self._pool.lease(timeout) as worker:
            if grumpkin:
                await self._require_sound(worker)
            yield worker

    async def _require_sound(self, worker: Lent) -> None:
        """Rule 1."""
        if worker.number in self._sound:
            return
        await _require_grumpkin(worker, self.good.grumpkin)
        self._sound[worker.number] = None
        if len(self._sound) > _REMEMBERED:
            del self._sound[next(iter(self._sound))]

    async def _ask_once(self, request: Command[R] | Checked[R], grumpkin: bool, timeout: float) -> R:
        async with self._pool.lease(timeout) as worker:  # not `self.lease`, which costs as much again as the pool's
            if grumpkin:
                await self._require_sound(worker)
            try:
                return await worker.call(request)
            except CallFailed as failed:
                require_content(worker, failed)
                await confirm(worker, self.good.of(grumpkin))
                raise


def require_content(worker: Lent, failed: CallFailed) -> None:
    """Rule 3; raises `Doubtful`, the process condemned, for an error that is not about the content."""
    try:
        about_content(failed)
    except Doubtful:
        worker.condemn()
        raise


async def confirm(worker: Lent, good: CircuitVerify) -> None:
    """Rule 2; raises `Doubtful`, the process condemned, unless it still accepts the good proof."""
    try:
        accepted = (await worker.call(good)).verified
        said = "it refuses it"
    except CallFailed as failed:
        accepted = False
        said = reason(failed)
    if not accepted:
        worker.condemn()
        raise Doubtful(f"a bb that answered with an error fails a proof that is good, too: {said}")


async def _require_grumpkin(worker: Lent, good: CircuitVerify) -> None:
    try:
        accepted = (await worker.call(good)).verified
        said = "it refuses it"
    except CallFailed as failed:
        require_content(worker, failed)
        accepted = False
        said = reason(failed)
    if not accepted:
        worker.condemn()
        raise UnfitVerifier(
            f"bb fails a good proof that needs the Grumpkin points, which may be damaged: run `proofplane bb doctor` ({said})"
        )

"""A prover backend that runs one coroutine a job in this process; what the coroutine does (call a worker process, say) is its own affair.

Rules:

1. A key that is known gives the id of its job and starts nothing.
2. At most `concurrency` jobs run; the others wait in the order in which they were accepted.
3. A job that cannot succeed as asked (`CallerMistake`, `Refused`, `NeverAgain`) is UNEXECUTABLE. One that could not be done now
   (`TryAgain`) is UNFULFILLABLE; anything else is our failure and OTHER. The last two are tried again by whoever schedules.
4. What has ended is kept until it was read, and then a while longer (`ended`).
5. `close` cancels what runs, waits for it, and drops all jobs; a cancelled job is told to nobody.

Invariants: every job accepted and not ended is waiting or running; whatever frees a place ends in `_pump`, which neither waits nor yields.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from proofplane.base.errors import CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.base.receipt import Receipt
from proofplane.proving.ended import EndedJobs, Result
from proofplane.proving.errors import NotReady
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemotePhase, RemoteStatus, Submission
from proofplane.service.subscriptions import Subscribers, Subscription

_log = logging.getLogger(__name__)

Job = Callable[[Submission], Awaitable[Receipt]]
"""Makes the receipt; its prerequisites are all receipts."""

MAX_UNFINISHED = 4096
"""Jobs accepted and not ended, as the native prover takes: a node never has more than half of that in flight."""

MAX_UNFINISHED_BYTES = 64 * 1024 * 1024
"""Input bytes of those (one job is always accepted); a node stops at half of it."""

KEEP_UNREAD = 1024
"""Ended jobs kept for whoever did not ask yet: 14 MB of UltraHonk receipts, many minutes of work; a reader asks every second."""

KEEP_READ = 256
"""Ended jobs kept after they were read, for whoever asks again."""


class ProverFull(TryAgain):
    """The prover has as many unfinished jobs, or bytes of input, as it takes: start more when some have ended."""


class ProverClosed(TryAgain):
    """A call after `close`: nothing is said about the jobs."""


class NotPipelined(CallerMistake):
    """A job names another job as its prerequisite: this prover takes receipts only."""


class TaskProver:
    """Runs jobs as tasks of this process's event loop. See `ports.ProverBackend` for the calls."""

    pipelines = False
    remembers = False

    def __init__(self, name: str, job: Job, concurrency: int) -> None:
        """Takes what makes a receipt, and how many may be made at a time; raises `CallerMistake` if that is below 1."""
        if concurrency < 1:
            raise CallerMistake(f"{name} has to run at least 1 job at a time, not {concurrency}")
        self.name = name
        self._job = job
        self._concurrency = concurrency
        self._waiting: OrderedDict[RemoteId, Submission] = OrderedDict()
        self._running: dict[RemoteId, asyncio.Task[None]] = {}
        self._sizes: dict[RemoteId, int] = {}
        """Input bytes of each job that waits or runs."""
        self._held = 0
        """Their sum."""
        self._ended = EndedJobs(KEEP_UNREAD, KEEP_READ)
        self._closed = False
        self._subscribers: Subscribers[RemoteId] = Subscribers()
        self._completions = self._subscribers.subscribe()

    @property
    def completions(self) -> Subscription[RemoteId]:
        """The ids of jobs that have ended; ends with `close`."""
        return self._completions

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """Accepts jobs; in the place of one that is not: `ProverFull`, `NotPipelined`. Raises `ProverClosed`."""
        self._require_open()
        answers = [self._accept(job) for job in jobs]
        self._pump()
        return answers

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        """How the jobs stand; raises `ProverClosed`."""
        self._require_open()
        return [self._status(one) for one in ids]

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        """The receipts; `NotReady` in the place of a job that has none. Raises `ProverClosed`."""
        self._require_open()
        return [self._receipt(one) for one in ids]

    async def close(self) -> None:
        """Cancels what runs, waits for its end and drops all jobs; a second call does nothing."""
        self._closed = True
        self._waiting.clear()
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._subscribers.close()

    def _accept(self, job: Submission) -> RemoteId | Exception:
        remote_id = RemoteId(job.key)
        if remote_id in self._sizes or remote_id in self._ended:
            return remote_id
        if not all(isinstance(one, Receipt) for one in job.prerequisites):
            return NotPipelined(f"{job.proof_id} builds on a job without a receipt, and {self.name} does not pipeline")
        size = len(job.body)
        if len(self._sizes) >= MAX_UNFINISHED or (self._sizes and self._held + size > MAX_UNFINISHED_BYTES):
            return ProverFull(
                f"{self.name} has {len(self._sizes)} unfinished jobs with {self._held} bytes: start more when some have ended"
            )
        self._waiting[remote_id] = job
        self._sizes[remote_id] = size
        self._held += size
        return remote_id

    def _pump(self) -> None:
        while self._waiting and len(self._running) < self._concurrency:
            remote_id, job = self._waiting.popitem(last=False)
            self._running[remote_id] = asyncio.create_task(self._run(remote_id, job), name=f"{self.name}: {job.proof_id}")

    async def _run(self, remote_id: RemoteId, job: Submission) -> None:
        try:
            result: Result = await self._job(job)
        except asyncio.CancelledError:
            self._end(remote_id, Failed(FailureReason.LOST, "it was cancelled"))
            raise
        except Exception as error:
            result = _failure(error)
            if result.reason is FailureReason.OTHER:
                _log.exception("%s: %s failed", self.name, job.proof_id)
        self._end(remote_id, result)

    def _end(self, remote_id: RemoteId, result: Result) -> None:
        if self._closed:
            return
        del self._running[remote_id]
        self._held -= self._sizes.pop(remote_id)
        self._ended.put(remote_id, result)
        self._subscribers.emit(remote_id)
        self._pump()

    def _status(self, remote_id: RemoteId) -> RemoteStatus:
        if remote_id in self._running:
            return RemotePhase.IN_PROGRESS
        return RemotePhase.REQUESTED if remote_id in self._waiting else self._ended.status(remote_id)

    def _receipt(self, remote_id: RemoteId) -> Receipt | NotReady:
        if remote_id in self._sizes:
            return NotReady(f"job {remote_id} has no receipt yet")
        try:
            return self._ended.receipt(remote_id)
        except NotReady as error:
            return error

    def _require_open(self) -> None:
        if self._closed:
            raise ProverClosed(f"{self.name} was closed: ask a new one")


def _failure(error: Exception) -> Failed:
    if isinstance(error, (CallerMistake, Refused, NeverAgain)):
        return Failed(FailureReason.UNEXECUTABLE, str(error))
    if isinstance(error, TryAgain):
        return Failed(FailureReason.UNFULFILLABLE, str(error))
    return Failed(FailureReason.OTHER, f"{type(error).__name__}: {error}")

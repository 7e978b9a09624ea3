"""The verifier service: takes requests in, begins what the rules say, answers each request exactly once.

Rules:

1. Decisions are `State`'s; this file waits, runs tasks and sets answers. A decision and what follows from it happen without an `await`.
2. After every event (a request, an end, the time that `Next.again` names) it decides again, once for all events of a turn of the loop.
3. A caller that is cancelled drops its answer; what it asked is verified all the same, since others may have joined it.
4. Leaving drains: nothing is taken in any more, what was accepted is verified for at most `drain_timeout` seconds, and whoever has no
   answer then is told so. An executor that is still at work then is cancelled.
5. If deciding itself fails, which is a bug, everybody is told so at once, and nothing is taken in any more.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable
from types import TracebackType

from proofplane.barretenberg.errors import ProofRefused
from proofplane.barretenberg.service.errors import BadRequestToService, NotVerified, Obstacle
from proofplane.barretenberg.service.ports import Executor
from proofplane.barretenberg.service.settings import Bounds
from proofplane.barretenberg.service.state import Entry, Launch, State
from proofplane.barretenberg.service.status import Counters, QueueStatus, Status
from proofplane.barretenberg.service.tickets import Ticket
from proofplane.barretenberg.service.types import MAX_SOURCE, NOBODY, ChonkJob, Job, Queue, Source, Verdict
from proofplane.service.clock import Clock, SystemClock

DRAIN_TIMEOUT = 30.0
"""Seconds for what was accepted when the front is left; a full gossip queue takes about as long on one core."""

_BUG = "the verifier failed; this is a bug of proofplane"

_log = logging.getLogger(__name__)


class Front:
    """Both queues over one executor; use it as `async with Front(...) as front`, on one loop."""

    def __init__(
        self,
        executor: Executor,
        cores: int,
        *,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
        drain_timeout: float = DRAIN_TIMEOUT,
    ) -> None:
        """`cores`: threads that may verify at a time; `drain_timeout` in seconds."""
        self._executor = executor
        self._bounds = bounds or Bounds()
        self._state = State(cores, self._bounds)
        self._clock = clock or SystemClock()
        self._drain_timeout = drain_timeout
        self._answers: dict[Ticket, asyncio.Future[Verdict]] = {}
        self._counted: Counter[str] = Counter()
        self._largest_batch = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._event = asyncio.Event()
        """Set when there is something to decide."""
        self._drained = asyncio.Event()
        """Set while nothing waits and nothing is in progress."""
        self._stopping = False
        self._decider: asyncio.Task[None] | None = None
        self._alarm: tuple[float, asyncio.Task[None]] | None = None
        """When to decide again, whatever happens."""

    async def verify(self, job: Job, queue: Queue = Queue.RPC, source: Source = NOBODY, timeout: float | None = None) -> None:
        """Returns if the proof holds.

        Args:
            job: What is to be verified.
            queue: Which queue; the gossip queue takes Chonk proofs only.
            source: What `cancel` will know this request by.
            timeout: Seconds after which it need not be begun any more; None: whenever. One that is in progress is waited for.

        Raises:
            ProofRefused: The proof was checked and is invalid.
            NotVerified: Nothing is known, and why.
            BadRequestToService: The queue does not take such jobs, or the source is too long.
        """
        if queue is Queue.GOSSIP and not isinstance(job, ChonkJob):
            raise BadRequestToService("the gossip queue batches Chonk proofs only: send others to the rpc queue")
        if len(source) > MAX_SOURCE:
            raise BadRequestToService(f"a source has at most {MAX_SOURCE} characters, not {len(source)}")
        self._counted["requests"] += 1
        if self._stopping or self._decider is None:
            self._counted["no_answer"] += 1
            raise NotVerified(Obstacle.STOPPING, "the verifier service does not run (any more)")
        now = self._clock.now()
        try:
            ticket, joined = self._state.admit(job, queue, source, math.inf if timeout is None else now + timeout, now)
        except NotVerified:
            self._counted["queue_full"] += 1
            raise
        self._counted["coalesced"] += joined
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._answers[ticket] = answer
        self._drained.clear()
        self._event.set()
        verdict = await answer
        if verdict is not None:
            raise verdict.with_traceback(None)  # the same error may go to several callers

    def cancel(self, source: Source) -> int:
        """Answers all of a source that has no answer with `Obstacle.CANCELLED`, and begins none of it; returns how many.

        Proofs that `bb` is already at are finished, and their result dropped. `NOBODY` cannot be cancelled.
        """
        if source == NOBODY:
            return 0
        tickets = self._state.cancel(source)
        self._answer(tickets, NotVerified(Obstacle.CANCELLED, f"the source {source!r} was cancelled"), "cancelled")
        self._event.set()
        return len(tickets)

    def refused_unasked(self) -> None:
        """Counts a request that was refused before it came here, as no proof at all."""
        self._counted["requests"] += 1
        self._counted["refused"] += 1

    def status(self) -> Status:
        """How it stands."""
        queues = {queue: QueueStatus(self._state.unanswered(queue), self._bounds.of(queue), self._state.waiting(queue)) for queue in Queue}
        counters = Counters(**self._counted, largest_batch=self._largest_batch, spawned=self._executor.spawned)
        return Status(self._state.cores, self._state.busy, queues[Queue.RPC], queues[Queue.GOSSIP], counters)

    def stop_taking(self) -> None:
        """Refuses every further request with `Obstacle.STOPPING`; what was accepted goes on. Idempotent."""
        self._stopping = True

    async def __aenter__(self) -> Front:
        self._decider = asyncio.create_task(self._decide(), name="verifier: decide")
        self._decider.add_done_callback(self._on_decider_end)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop_taking()
        assert self._decider is not None
        drained = asyncio.create_task(self._drained.wait(), name="verifier: drain")
        timer = asyncio.create_task(self._clock.sleep_until(self._clock.now() + self._drain_timeout), name="verifier: drain timeout")
        try:
            await asyncio.wait({drained, timer, self._decider}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._answer(self._state.abandon(), NotVerified(Obstacle.STOPPING, "the verifier service was stopped"), "no_answer")
            ending = [drained, timer, self._decider, *self._tasks, *([self._alarm[1]] if self._alarm else [])]
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)

    async def _decide(self) -> None:
        """Rule 2; the only place that begins anything."""
        while True:
            self._event.clear()
            found = self._state.next(self._clock.now())
            self._answer(found.late, NotVerified(Obstacle.TOO_LATE, "it waited longer than it was allowed to"), "too_late")
            for launch in found.launches:
                task = asyncio.create_task(self._run(launch), name="verifier: job")
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if self._state.idle and not self._state.busy:
                self._drained.set()
            if found.again is not None:
                self._decide_at(self._clock.now() + found.again)
            await self._event.wait()

    def _decide_at(self, at: float) -> None:
        """Sets the one alarm, unless it is set for then or sooner, which only has this decided once too often."""
        if self._alarm is not None:
            if self._alarm[0] <= at:
                return
            self._alarm[1].cancel()
        self._alarm = (at, asyncio.create_task(self._wake(at), name="verifier: alarm"))

    async def _wake(self, at: float) -> None:
        await self._clock.sleep_until(at)
        self._alarm = None
        self._event.set()

    def _on_decider_end(self, decider: asyncio.Task[None]) -> None:
        """Rule 5."""
        if decider.cancelled() or (error := decider.exception()) is None:
            return
        _log.error("verifier: deciding failed", exc_info=error)
        self.stop_taking()
        self._answer(self._state.abandon(), NotVerified(Obstacle.NO_ANSWER, _BUG), "no_answer")

    async def _run(self, launch: Launch) -> None:
        """One launch from its beginning to its end, whatever happens in between."""
        done = False
        try:
            done = await (self._run_together(launch) if launch.together else self._run_alone(launch.entries[0], launch.threads))
        except Exception:
            _log.exception("verifier: an executor failed")
        finally:
            for entry in launch.entries:
                self._settle(entry, NotVerified(Obstacle.NO_ANSWER, _BUG))
            self._state.ended(launch, self._clock.now(), done=done)
            self._event.set()

    async def _run_alone(self, entry: Entry, threads: int) -> bool:
        """Returns whether it came to a verdict."""
        self._counted["alone"] += 1
        verdict = await self._executor.alone(entry.job, threads)
        self._settle(entry, verdict)
        return not isinstance(verdict, NotVerified)

    async def _run_together(self, launch: Launch) -> bool:
        """Returns whether it came to a verdict on every job."""
        jobs = [entry.job for entry in launch.entries if isinstance(entry.job, ChonkJob)]
        self._counted["batches"] += 1
        self._counted["batched"] += len(jobs)
        self._largest_batch = max(self._largest_batch, len(jobs))
        open_ = dict(enumerate(launch.entries))

        def decided(index: int, verdict: Verdict) -> None:
            entry = open_.pop(index, None)
            if entry is not None:
                self._settle(entry, verdict)

        await self._executor.together(jobs, launch.threads, decided)
        for entry in reversed(open_.values()):
            self._counted["again"] += self._state.redo(entry)
        return not open_

    def _settle(self, entry: Entry, verdict: Verdict) -> None:
        counter = "verified" if verdict is None else "refused" if isinstance(verdict, ProofRefused) else "no_answer"
        self._answer(self._state.settle(entry), verdict, counter)

    def _answer(self, tickets: Iterable[Ticket], verdict: Verdict, counter: str) -> None:
        for ticket in tickets:
            self._counted[counter] += 1
            answer = self._answers.pop(ticket)
            if not answer.done():  # its caller may have been cancelled
                answer.set_result(verdict)

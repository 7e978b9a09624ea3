"""The native prover: a `ProverBackend` that has child processes run programs, in parallel and off the event loop, and sign the result.

What its receipts prove is that the holder of the signing key ran the program; they are no zero-knowledge proofs.

A worker has one chunk running and one waiting in its pipe, so that it never idles between two; when another worker is idle and nothing
else is ready, the waiting one is withdrawn and goes there, so that no slow job holds up others while there is a free worker.

Invariants: a worker has at most `IN_FLIGHT` unanswered chunks; whatever changes what is ready or who has room ends in `_pump`,
which neither waits nor yields, so no two of its runs overlap; the secret keys are read by the child processes and never pass through here.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from proofplane.base.errors import Broken, CallerMistake, TryAgain
from proofplane.base.receipt import Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.native.chunks import IN_FLIGHT
from proofplane.proving.native.frames import Batch, MalformedFrame, Results, Withdraw, Withdrawn, encode
from proofplane.proving.native.ledger import Chunk, Ledger
from proofplane.proving.native.process import WorkerProcess
from proofplane.proving.types import RemoteId, RemoteStatus, Submission
from proofplane.service.clock import Clock, SystemClock
from proofplane.service.retry import RetryTier, delay
from proofplane.service.subscriptions import Subscribers, Subscription

log = logging.getLogger(__name__)

RESPAWN = RetryTier("respawn", first_delay=0.1, factor=3.0, cap=30.0, budget=6)
"""A process that dies is replaced almost at once; one that dies again and again without finishing a job, ever later, then not by itself."""

JOB_SECONDS = 600.0
"""A job that runs longer is taken for endless and lost with its worker; a full block takes seconds."""


class ProverClosed(TryAgain):
    """A call on a native prover after its `close`: nothing is said about the jobs."""


class ProverDown(TryAgain):
    """No prover process runs at the moment, though some have: the message has the last one's end."""


class _Slot:
    """The place of one worker: its process, what it has in hand, and how its starts went."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task: asyncio.Task[None] | None = None
        self.worker: WorkerProcess | None = None
        """None while there is none, or none that is ready."""
        self.in_flight: deque[tuple[int, Chunk]] = deque()
        self.withdrawing: int | None = None
        """The batch that it was asked to give back."""
        self.active_at = 0.0
        """When it last reported, or got a chunk while it had none."""
        self.failures = 0
        """Ends in a row without a result in between."""
        self.error: Exception | None = None
        """Why there is no worker; None while one starts or runs."""

    @property
    def hands(self) -> WorkerProcess | None:
        """The worker, if it can be given something."""
        return self.worker if self.worker is not None and self.worker.takes_orders else None

    @property
    def starting(self) -> bool:
        return self.worker is None and self.error is None


class NativeProver:
    """Runs programs in `workers` child processes, started with the first job. See `ports.ProverBackend` for the calls."""

    name = "native"
    pipelines = True
    remembers = False

    def __init__(self, argv: Sequence[str], workers: int, clock: Clock | None = None) -> None:
        """Takes the command line of a child process, whose main function calls `worker.serve`, and how many of them to run.

        Raises `CallerMistake` if `workers` is below 1.
        """
        if workers < 1:
            raise CallerMistake(f"the native prover needs at least 1 worker, not {workers}")
        self._argv = tuple(argv)
        self._clock = SystemClock() if clock is None else clock
        self._ledger = Ledger(workers)
        self._slots = [_Slot(f"native worker {number}") for number in range(workers)]
        self._batches = 0
        self._been_up = False
        self._closed = False
        self._news = asyncio.Event()
        self._subscribers: Subscribers[RemoteId] = Subscribers()
        self._completions = self._subscribers.subscribe()

    @property
    def completions(self) -> Subscription[RemoteId]:
        """The ids of jobs that have ended; ends with `close`."""
        return self._completions

    @property
    def pids(self) -> list[int]:
        """The processes that are up."""
        return [slot.worker.pid for slot in self._slots if slot.worker is not None]

    async def start(self, jobs: Sequence[Submission]) -> Sequence[RemoteId | Exception]:
        """Accepts jobs; waits only for the start of the first process.

        In the place of a job that is not accepted: `QueueFull`, `JobTooLarge`, `PrerequisiteBehind`.

        Raises:
            WorkerNotStarted: No process has ever become ready.
            ProverDown: All processes have died; they are being replaced.
            ProverClosed: After `close`.
        """
        await self._up()
        answers = self._ledger.accept(jobs)
        self._pump()
        return answers

    async def status(self, ids: Sequence[RemoteId]) -> Sequence[RemoteStatus | Exception]:
        """How the jobs stand, REQUESTED until a process has it; raises `ProverClosed`."""
        self._require_open()
        self._end_overdue()
        return [self._ledger.status(one) for one in ids]

    async def fetch(self, ids: Sequence[RemoteId]) -> Sequence[Receipt | Exception]:
        """The receipts; `NotReady` in the place of a job that has none. Raises `ProverClosed`."""
        self._require_open()
        return [self._receipt(one) for one in ids]

    async def close(self) -> None:
        """Ends the processes (at once, whatever they run) and drops all jobs; a second call does nothing."""
        self._closed = True
        tasks = [slot.task for slot in self._slots if slot.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._subscribers.close()
        self._ledger = Ledger(len(self._slots))
        self._tell()

    def _receipt(self, remote_id: RemoteId) -> Receipt | NotReady:
        try:
            return self._ledger.receipt(remote_id)
        except NotReady as error:
            return error

    def _require_open(self) -> None:
        if self._closed:
            raise ProverClosed("the native prover was closed: ask a new one")

    async def _up(self) -> None:
        """Starts what is not running and waits until a worker is up; raises if none is or comes up."""
        self._require_open()
        for slot in self._slots:
            if slot.task is None or slot.task.done():
                slot.error = None
                slot.task = asyncio.create_task(self._keep(slot), name=slot.name)
        while not self.pids:
            self._require_open()
            if not any(slot.starting for slot in self._slots):
                raise self._why_down()
            await self._news.wait()

    def _why_down(self) -> Exception:
        error = next(slot.error for slot in self._slots if slot.error is not None)
        if self._been_up:
            return ProverDown(f"no process of the native prover runs: {error}")
        return error

    async def _keep(self, slot: _Slot) -> None:
        """Keeps one worker running until it cannot be, or until cancelled."""
        try:
            while True:
                try:
                    await self._run_worker(slot)
                except Broken as error:
                    slot.error = error
                    log.warning("%s: %s", slot.name, error)
                self._drop(slot, str(slot.error))
                wait = delay(RESPAWN, min(slot.failures, RESPAWN.budget), slot.name.encode())
                slot.failures += 1
                if wait is None:
                    return
                await self._clock.sleep_until(self._clock.now() + wait)
                slot.error = None
        except Exception as error:  # our bug: it must not leave jobs in a dead worker's hands
            slot.error = error
            log.exception("%s stopped", slot.name)
            self._drop(slot, f"the native prover failed: {error!r}")
        finally:
            self._gave_up(slot)

    async def _run_worker(self, slot: _Slot) -> None:
        """Starts a worker and takes its results until it ends, which raises."""
        worker = await WorkerProcess.launch(self._argv)
        try:
            slot.worker = worker
            self._been_up = True
            self._tell()
            self._pump()
            while True:
                self._take_report(slot, await worker.receive(), worker.version)
                self._pump()
        finally:
            slot.worker = None
            await worker.end()

    def _take_report(self, slot: _Slot, report: Results | Withdrawn, version: str) -> None:
        """Applies what a worker says; raises `MalformedFrame` if it could not have said it."""
        head = slot.in_flight[0] if slot.in_flight else None
        if isinstance(report, Withdrawn):
            given_back = next((entry for entry in slot.in_flight if entry[0] == report.number == slot.withdrawing), None)
            if given_back is None:
                raise MalformedFrame(f"a prover process gave back batch {report.number}, which nobody asked for")
            slot.withdrawing = None
            slot.in_flight.remove(given_back)
            self._ledger.put_back(given_back[1])
            return
        if head is None or head[0] != report.number:
            raise MalformedFrame(f"a prover process sent results of batch {report.number}, whose turn it is not")
        if slot.withdrawing == report.number:
            slot.withdrawing = None  # too late: it was begun
        if self._ledger.settle(head[1], report.first, report.outcomes, version):
            slot.in_flight.popleft()
        slot.active_at = self._clock.now()
        slot.failures = 0

    def _pump(self) -> None:
        """Hands ready chunks to the workers with the least in hand, and announces what has ended."""
        while open_slots := [slot for slot in self._slots if slot.hands is not None and len(slot.in_flight) < IN_FLIGHT]:
            chunk = self._ledger.take()
            if chunk is None:
                break
            self._hand_over(chunk, min(open_slots, key=lambda one: len(one.in_flight)))
        self._rebalance()
        for remote_id in self._ledger.drain_ended():
            self._subscribers.emit(remote_id)

    def _hand_over(self, chunk: Chunk, slot: _Slot) -> None:
        if not slot.in_flight:
            slot.active_at = self._clock.now()
        self._batches += 1
        slot.in_flight.append((self._batches, chunk))
        if (worker := slot.hands) is not None:
            worker.send(encode(Batch(self._batches, self._ledger.messages(chunk))))

    def _rebalance(self) -> None:
        """Withdraws as many waiting chunks as there are idle workers; a withdrawn one comes back as the next that is ready."""
        idle = sum(1 for slot in self._slots if slot.hands is not None and not slot.in_flight)
        idle -= sum(1 for slot in self._slots if slot.withdrawing is not None)
        for slot in self._slots:
            worker = slot.hands
            if idle > 0 and worker is not None and len(slot.in_flight) == IN_FLIGHT and slot.withdrawing is None:
                slot.withdrawing = slot.in_flight[-1][0]
                worker.send(encode(Withdraw(slot.withdrawing)))
                idle -= 1

    def _end_overdue(self) -> None:
        """Kills workers that have been silent over their work for too long; looked at whenever somebody asks for status."""
        for slot in self._slots:
            if slot.worker is not None and slot.in_flight and self._clock.now() - slot.active_at > JOB_SECONDS:
                slot.worker.kill(f"was ended: no result for {JOB_SECONDS:g} s")

    def _drop(self, slot: _Slot, cause: str) -> None:
        """Takes back what a dead worker had in hand: the first chunk may have begun and is lost, the others are handed out again."""
        slot.withdrawing = None
        if slot.in_flight:
            self._ledger.lose(slot.in_flight.popleft()[1], cause)
        while slot.in_flight:
            self._ledger.put_back(slot.in_flight.pop()[1])
        self._tell()
        self._pump()

    def _gave_up(self, slot: _Slot) -> None:
        """A slot's task ends: after the last one nobody would ever take the jobs that wait."""
        if not self._closed and all(one.task is None or one.task.done() or one is slot for one in self._slots):
            self._ledger.lose_all(f"no process of the native prover runs: {slot.error}")
            self._pump()
        self._tell()

    def _tell(self) -> None:
        """Wakes whoever waits in `start`."""
        self._news.set()
        self._news = asyncio.Event()

"""The pool: processes that are started when needed, lent to one lease at a time, watched, replaced and drained.

The decisions are `PoolState`'s; here they are carried out. Each change of the state is followed in the same turn of the loop by `_turn`,
which does what was decided and waits for nothing, so no two of them overlap. Whatever waits belongs to a task that `close` awaits.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from proofplane.base.cores import usable_cores
from proofplane.base.errors import ProofplaneError, TryAgain
from proofplane.pool.decisions import Decision, End, Fail, Lend, Probe, Start, Ticket
from proofplane.pool.errors import BadPool, DisposalFailed, LeaseTimeout, PoolClosed, WorkerDied, WorkerUnusable
from proofplane.pool.exits import Recycle
from proofplane.pool.lease import Lease, Wait
from proofplane.pool.life import Life
from proofplane.pool.starts import backoff
from proofplane.pool.state import PoolState
from proofplane.pool.types import PoolOptions, PoolStats, WorkerId, WorkerSpec
from proofplane.pool.worker import HARMLESS, Worker
from proofplane.rpc.options import seconds
from proofplane.service.clock import Clock, SystemClock
from proofplane.wire import Message, Request, command_of

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Message)

_KEPT_ERRORS = 100
"""Disposal errors kept until `close` raises them together; of more than that the log has all and the statistics the number."""

_DEFAULTS = PoolOptions()


class WorkerPool:
    """Workers of one kind. To be entered, and used on the loop that it was entered on."""

    def __init__(self, spec: WorkerSpec, size: int | None, options: PoolOptions = _DEFAULTS, clock: Clock | None = None) -> None:
        """Starts nothing yet.

        Args:
            spec: What a worker is.
            size: Processes at most, which live on from lease to lease; None takes a fresh process for each lease, at most
                `options.fresh_at_once` at a time.
            options: Bounds.
            clock: For ages and pauses; deadlines are the loop's.

        Raises:
            BadPool: `size` is below 1.
        """
        if size is not None and size < 1:
            raise BadPool(f"a pool has at least 1 worker, not {size}")
        if size is None:
            size = options.fresh_at_once or usable_cores()
            options = replace(options, max_leases=1)
        self._spec = spec
        self._options = options
        self._clock: Clock = SystemClock() if clock is None else clock
        self._state = PoolState(size, options, probes=spec.probe is not None)
        self._entered = False
        self._lives: dict[WorkerId, Life] = {}
        self._futures: dict[Ticket, asyncio.Future[Life]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._disposal_errors: deque[Exception] = deque(maxlen=_KEPT_ERRORS)
        self._news: asyncio.Event | None = None
        """Somebody waits for a change of the state."""
        self._alarm: tuple[float, asyncio.Task[None]] | None = None

    async def __aenter__(self) -> WorkerPool:
        if self._entered:
            raise BadPool("a pool can be entered once")
        self._entered = True
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Drains, then closes; raises what `close` raises."""
        try:
            await self.drain()
        finally:
            await self.close()

    def lease(self, timeout: float) -> AbstractAsyncContextManager[Worker]:
        """Temporary exclusive use of a worker.

        A lease that ends with an error, other than a worker's own answer or a request that was not sent, costs the worker: it is killed
        and replaced. So does one that is cancelled, or still out at its deadline.

        Args:
            timeout: Seconds for waiting, for the start of a worker, and for all calls together.

        Raises, on entering:
            QueueFull: Too many leases wait.
            LeaseTimeout: There was no worker in time.
            PoolClosed: The pool is draining, closed, or was not entered.
            WorkerNotStarted: Starts have failed, also when tried again, and no worker lives.
            WorkerUnusable: No worker that is started will do.
        """
        return Lease(self, seconds(timeout))

    async def call(self, request: Request[R], *, timeout: float, retry: bool = True) -> R:
        """Lends a worker for one call.

        Args:
            request: Of the contract of the pool's specification.
            timeout: Seconds, for everything together.
            retry: The request may be done twice: when a worker's process ends under it, it runs once more, on another worker.

        Raises whatever `lease` and `Worker.call` raise.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout := seconds(timeout))
        try:
            return await self._call_once(request, timeout)
        except WorkerDied as error:
            if not retry:
                raise
            log.info("%s: %s is run again on another worker: %s", self._spec.name, command_of(request).__name__, str(error))
        self._state.retried += 1
        return await self._call_once(request, max(deadline - loop.time(), 0.0))

    async def _call_once(self, request: Request[R], timeout: float) -> R:
        async with Lease(self, timeout) as worker:
            return await worker.call(request)

    def expire(self) -> None:
        """Has every worker replaced: idle ones now, those on lease when they are handed back."""
        self._state.expire()
        self._turn()

    async def start(self) -> None:
        """Starts all workers now, in parallel, and waits until they are ready; without it they are started when needed.

        If one does not become ready, the others of this start that are not on lease are ended too, and all are started again after a pause.

        Raises:
            WorkerNotStarted: They failed again as often as `start_retries` allows.
            WorkerUnusable: No worker that is started will do.
            PoolClosed: The pool was not entered, or is closed.
        """
        failures = 0
        while True:
            self._require_open()
            numbers = self._state.fill()
            self._turn()
            lives = [life for life in self._lives.values() if life.recycled is None]
            if lives:
                await asyncio.wait([life.outcome for life in lives])
            error = next((error for life in lives if (error := life.outcome.result()) is not None), None)
            if error is None:
                return
            await self._tear_down(numbers)
            if not isinstance(error, TryAgain) or failures >= self._options.start_retries:
                raise error
            await self._clock.sleep_until(self._clock.now() + backoff(self._options, failures))
            failures += 1

    async def drain(self) -> None:
        """Takes no further lease, serves those that wait, and waits for those that are out, `drain_timeout` seconds in all."""
        self._state.drain()
        self._turn()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_timeout):
                while not self._state.quiet:
                    await self._change()

    async def close(self) -> None:
        """Ends all workers now, those on lease too, and waits until nothing of them is left. A second call finds nothing to do.

        It has no deadline of its own: each worker's end is bounded by `stop_timeout` and `kill_timeout`, and they end side by side.

        Raises:
            ExceptionGroup: All that went wrong while workers were ended, during the pool's life too; mostly `DisposalFailed`.
        """
        self._state.close()
        self._turn()
        while self._tasks:
            await asyncio.wait(self._tasks)
        errors = list(self._disposal_errors)
        self._disposal_errors.clear()
        if errors:
            raise ExceptionGroup(f"workers of {self._spec.name} could not be ended properly", errors)

    @property
    def stats(self) -> PoolStats:
        """Counters since the start, and gauges."""
        return self._state.stats()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers that are ready, those on lease included."""
        return [life.pid for life in self._lives.values() if life.ready and life.recycled is None]

    def ask(self) -> Wait:
        """Begins to wait for a worker; raises what `lease` says."""
        self._require_open()
        ticket = self._state.ask()
        future = self._futures[ticket] = asyncio.get_running_loop().create_future()
        self._turn()
        return Wait(ticket, future)

    def give_up(self, wait: Wait) -> None:
        """A lease waits no longer; a worker that it was given just now goes to the next."""
        self._futures.pop(wait.ticket, None)
        self._state.withdraw(wait.ticket)
        if (life := wait.lent) is not None:
            self._state.not_taken(life.number, self._clock.now())
        self._turn()

    def too_late(self) -> LeaseTimeout:
        """The error of a lease whose deadline has passed while it waited."""
        why = self._state.starts.last_failure
        error = LeaseTimeout(
            f"no worker of {self._spec.name} was free in time ({self._state.stats().borrowed} of {self._state.size} on lease)"
            + (f"; the last start failed: {why}" if why else "")
        )
        error.__cause__ = why
        return error

    def hand_back(self, worker: Worker, error: BaseException | None) -> bool:
        """The end of a lease, with the error that ended it; returns whether the next lease has the worker."""
        worker.leave()
        recycled = worker.broken
        if recycled in (None, Recycle.CONDEMNED):
            if error is not None and not isinstance(error, HARMLESS):
                recycled = Recycle.CANCELLED if isinstance(error, asyncio.CancelledError) else Recycle.FAILED
            elif worker.client.in_use:  # by a task that the lessee has not waited for
                recycled = Recycle.FAILED
        resident = 0 if self._options.max_memory is None else worker.resident()
        self._state.handed_back(worker.number, self._clock.now(), recycled, resident)
        self._turn()
        return self._state.is_lent(worker.number)

    def overdue(self, life: Life) -> None:
        """A lease's deadline has passed and it is not over: its worker is killed, and its calls fail now, slow as the system may be."""
        self._state.end(life.number, Recycle.OVERDUE)
        self._turn()
        if life.client is not None:
            life.client.close()

    def _require_open(self) -> None:
        if not self._entered:
            raise PoolClosed("the pool was not entered: use `async with`")
        self._state.require_open()

    def _turn(self) -> None:
        """Does what the state decides, until it decides nothing more."""
        while decisions := self._state.decide(self._clock.now(), self._is_alive):
            for decision in decisions:
                try:
                    self._do(decision)
                except Exception as error:  # the others are to be done all the same
                    self._keep(error)
        self._set_alarm(self._state.wake_at)
        if self._news is not None:
            self._news.set()
            self._news = None

    def _is_alive(self, number: WorkerId) -> bool:
        return self._lives[number].lives()

    async def _change(self) -> None:
        """Waits until something has been decided."""
        if self._news is None:
            self._news = asyncio.Event()
        await self._news.wait()

    def _do(self, decision: Decision) -> None:
        match decision:
            case Lend(ticket, number):
                future = self._futures.pop(ticket)
                if future.done():  # cancelled in this turn of the loop, and not awake yet
                    self._state.not_taken(number, self._clock.now())
                else:
                    future.set_result(self._lives[number])
            case Start(number):
                life = self._lives[number] = Life(number, self._state.generation, self._spec, self._options)
                self._own(self._live(life), f"{self._spec.name} {number}")
            case Probe(number):
                self._own(self._probe(self._lives[number]), f"probe of {self._spec.name} {number}")
            case End(number, recycled):
                life = self._lives[number]
                log.info("%s %d (process %d) is ended: %s", self._spec.name, number, life.pid, recycled.value)
                life.end(recycled)
            case Fail(ticket, error):
                future = self._futures.pop(ticket)
                if not future.done():
                    future.set_exception(error)

    async def _live(self, life: Life) -> None:
        """Goes through one worker's life."""
        number = life.number
        try:
            error = await self._start(life)
            now = self._clock.now()
            if error is None:
                log.info("%s %d (process %d) is ready", self._spec.name, number, life.pid)
                self._state.started(number, now)
            else:
                if life.recycled is None:
                    log.warning("%s %d was not started: %s", self._spec.name, number, str(error))
                self._state.start_failed(number, now, error)
            self._turn()
            await life.over()
        except asyncio.CancelledError:  # by a loop that ends without us: nothing may be started any more
            self._state.close()
            raise
        finally:
            self._state.end(number, Recycle.DIED)
            self._turn()
            await self._dispose(life)
            del self._lives[number]
            self._state.gone(number)
            self._turn()

    async def _start(self, life: Life) -> ProofplaneError | None:
        outcome: ProofplaneError | None = WorkerUnusable("the start was cut off")
        try:
            await life.start()
            outcome = None
        except ProofplaneError as error:
            outcome = error
        except Exception as error:  # of the specification's command, or our bug: those who wait are told
            log.exception("%s cannot be started", self._spec.name)
            outcome = WorkerUnusable(f"{self._spec.name} cannot be started: {error!r}")
        finally:
            life.outcome.set_result(outcome)
        return outcome

    async def _dispose(self, life: Life) -> None:
        """Ends a worker; what goes wrong is kept for `close`, and must not keep the place of this worker occupied."""
        try:
            errors = await life.dispose()
        except Exception as failure:
            errors = [failure]
        for error in errors:
            log.error("%s (process %d) was not ended properly: %s", self._spec.name, life.pid, str(error))
        self._disposal_errors.extend(errors)
        self._state.disposal_failures += len(errors)

    async def _probe(self, life: Life) -> None:
        assert self._spec.probe is not None
        assert life.client is not None
        try:
            async with asyncio.timeout(self._options.probe_timeout):
                await self._spec.probe(life.client)
        except Exception as error:
            log.info("%s %d (process %d) failed its probe: %s", self._spec.name, life.number, life.pid, repr(error))
            self._state.end(life.number, Recycle.PROBE)
        else:
            self._state.probed(life.number, self._clock.now())
        self._turn()

    async def _tear_down(self, numbers: list[WorkerId]) -> None:
        """Ends what a failed `start` has started and nobody has on lease, and waits until it is gone."""
        for number in numbers:
            self._state.end_unless_lent(number, Recycle.SIBLING)
        self._turn()
        while any(self._state.is_ending(number) for number in numbers):
            await self._change()

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._disown)

    def _disown(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._keep(error)

    def _keep(self, error: BaseException) -> None:
        """For `close`: an error of ours, which nobody waits for."""
        log.error("the pool of %s failed", self._spec.name, exc_info=error)
        self._disposal_errors.append(error if isinstance(error, Exception) else DisposalFailed(repr(error)))

    def _set_alarm(self, at: float | None) -> None:
        """Has the state asked again at `at`."""
        if self._alarm is not None:
            if self._alarm[0] == at:
                return
            self._alarm[1].cancel()
            self._alarm = None
        if at is not None:
            task = asyncio.create_task(self._wake(at), name=f"{self._spec.name}: next start")
            self._tasks.add(task)
            task.add_done_callback(self._disown)
            self._alarm = (at, task)

    async def _wake(self, at: float) -> None:
        await self._clock.sleep_until(at)
        self._alarm = None
        self._turn()

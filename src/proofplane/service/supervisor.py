"""Owns all running parts of a process: launches them, notices the first failure, and stops everything in order and in bounded time.

Rules:

1. A critical part that raises stops the system; the first such error is the result, `TaskFailed` with the part's name.
   A critical part that ends normally stops nothing. A non-critical part that raises is logged.
2. Stopping is begun by the first of: a critical failure, `shutdown()` (a signal calls it), the end of the `async with` block.
   Nothing can be launched after that.
3. Parts are stopped in reverse order of launch, each after the one before it has ended: whoever calls or listens to another part
   was launched after it, so nobody loses a part that it still uses. A service is told by its shutdown signal, a plain task is cancelled.
4. All of it takes at most `graceful_timeout`, of which each part gets an equal share before the next is told as well.
   Then what still runs is cancelled, and what does not react to that within `CANCEL_TIMEOUT` is named in the log and abandoned.
5. The first SIGINT or SIGTERM asks for a graceful stop; a second one kills the process at once, as if no handler were installed.
   That is safe, because every commit is atomic. The signal is honoured by the operating system even if the loop hangs.

Invariants: every task is awaited by the supervisor; the `async with` block is left only when no part runs (those abandoned excepted).
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from proofplane.base.errors import Broken, CallerMistake, NeverAgain
from proofplane.service.clock import Clock, SystemClock
from proofplane.service.inputs import Input
from proofplane.service.monitor import Monitor, StatusCell
from proofplane.service.service import Service, ShutdownSignal, run_service

M = TypeVar("M")
S = TypeVar("S")

GRACEFUL_TIMEOUT = 30.0
"""Seconds for a graceful stop.
Container runtimes and service managers kill after 10 to 90: configure one that waits less than this and `CANCEL_TIMEOUT` to wait longer.
"""

CANCEL_TIMEOUT = 5.0
"""Seconds for a cancelled part to unwind; longer means that it ignores cancellation."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_log = logging.getLogger(__name__)


class TaskFailed(Broken):
    """A critical part failed and everything was stopped; `cause` says what to do about it."""

    def __init__(self, name: str, cause: BaseException) -> None:
        super().__init__(f"{name} failed: {str(cause) or type(cause).__name__}")
        self.name = name
        self.cause = cause


class Stopping(NeverAgain):
    """A launch came after stopping had begun: launch everything before, or start a new supervisor."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One running part and how it is told to stop."""

    name: str
    critical: bool
    task: asyncio.Task[None]
    stop: Callable[[], object]


class Supervisor:
    """Use as `async with Supervisor() as supervisor`: launch the parts, then `await supervisor.wait()`."""

    def __init__(self, graceful_timeout: float = GRACEFUL_TIMEOUT, clock: Clock | None = None) -> None:
        """`graceful_timeout` in seconds; raises `CallerMistake` if it is negative."""
        if graceful_timeout < 0:
            raise CallerMistake(f"a graceful timeout is at least 0 seconds, not {graceful_timeout}")
        self._graceful_timeout = graceful_timeout
        self._clock = clock or SystemClock()
        self._parts: list[_Part] = []
        self._failure: TaskFailed | None = None
        self._stopper: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        """Set whenever a part ends or stopping begins."""
        self._signals_of: asyncio.AbstractEventLoop | None = None

    def launch(self, service: Service[M, S], source: Input[M], critical: bool = True) -> Monitor[S]:
        """Runs `service` on `source`; the monitor shows its initial status at once. Raises `Stopping`."""
        self._require_running()
        cell = StatusCell(service.status())
        monitor = cell.monitor()
        signal_to_stop = ShutdownSignal()
        self._adopt(service.name, run_service(service, source, signal_to_stop, cell), critical, lambda _: signal_to_stop.set())
        return monitor

    def spawn(self, name: str, factory: Callable[[], Coroutine[Any, Any, None]], critical: bool = True) -> None:
        """Runs a plain task, which is stopped by cancelling it. Raises `Stopping`."""
        self._require_running()
        self._adopt(name, factory(), critical, asyncio.Task.cancel)

    def shutdown(self) -> None:
        """Begins the graceful stop of everything and returns at once. Idempotent."""
        self._begin_stop()

    async def wait(self) -> None:
        """Returns when stopping has begun or no part runs any more; raises `TaskFailed` if a critical part has failed."""
        while self._failure is None and self._stopper is None and self._parts:
            self._changed.clear()
            await self._changed.wait()
        if self._failure is not None:
            raise self._failure from self._failure.cause

    def install_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """Makes the first SIGINT or SIGTERM a graceful stop and the second one deadly, until the block is left. Main thread only."""
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        self._signals_of = loop

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stops everything; raises `TaskFailed` if a critical part has failed, in place of any `Exception` of the block."""
        stopper = self._begin_stop()
        try:
            await asyncio.wait({stopper})
        except asyncio.CancelledError:
            stopper.cancel()  # no grace left: it goes on with the cancelling
            await asyncio.wait({stopper})
            raise
        finally:
            self._uninstall_signals()
        stopper.result()
        if self._failure is not None and error is not self._failure and (error is None or isinstance(error, Exception)):
            raise self._failure from self._failure.cause

    def _require_running(self) -> None:
        if self._stopper is not None:
            raise Stopping("everything is being stopped: nothing can be launched")

    def _adopt(self, name: str, work: Coroutine[Any, Any, None], critical: bool, stop: Callable[[asyncio.Task[None]], object]) -> None:
        task = asyncio.create_task(work, name=name)
        part = _Part(name, critical, task, lambda: stop(task))
        self._parts.append(part)
        task.add_done_callback(lambda _: self._on_end(part))
        _log.info("%s: launched", name)

    def _on_end(self, part: _Part) -> None:
        self._parts.remove(part)
        self._changed.set()
        cause = _why(part.task)
        if isinstance(cause, asyncio.CancelledError) and self._stopper is not None:
            cause = None
        if cause is None:
            _log.info("%s: ended", part.name)
        elif not part.critical or self._failure is not None:
            _log.error("%s: failed", part.name, exc_info=cause)
        else:
            _log.info("%s: failed, stopping everything", part.name)
            self._failure = TaskFailed(part.name, cause)
            self.shutdown()

    def _begin_stop(self) -> asyncio.Task[None]:
        if self._stopper is None:
            self._stopper = asyncio.create_task(self._stop_in_order(), name="supervisor: stop")
            self._changed.set()
        return self._stopper

    async def _stop_in_order(self) -> None:
        deadline = self._clock.now() + self._graceful_timeout
        waiting = self._parts[::-1]
        try:
            for number, part in enumerate(waiting):
                part.stop()
                now = self._clock.now()
                await self._ended([part], now + (deadline - now) / (len(waiting) - number))
            await self._ended(waiting, deadline)
        except asyncio.CancelledError:
            _log.warning("stopping was cut short")
        late = [part for part in waiting if not part.task.done()]
        for part in late:
            _log.warning("%s: did not stop in time, cancelled", part.name)
            part.task.cancel()
        await self._ended(late, self._clock.now() + CANCEL_TIMEOUT)
        for part in late:
            if not part.task.done():
                _log.error("%s: ignores cancellation, abandoned", part.name)

    async def _ended(self, parts: Iterable[_Part], deadline: float) -> None:
        """Returns when all of `parts` have ended, or at `deadline`."""
        timer = asyncio.create_task(self._clock.sleep_until(deadline))
        try:
            while running := {part.task for part in parts if not part.task.done()}:
                await asyncio.wait(running | {timer}, return_when=asyncio.FIRST_COMPLETED)
                if timer.done():
                    return
        finally:
            timer.cancel()
            await asyncio.wait({timer})

    def _on_signal(self, number: signal.Signals) -> None:
        self._uninstall_signals()
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        _log.warning("%s: stopping; once more to stop at once", number.name)  # not before it is true: a second signal may follow at once
        self.shutdown()

    def _uninstall_signals(self) -> None:
        if self._signals_of is not None:
            for number in _SIGNALS:
                self._signals_of.remove_signal_handler(number)
            self._signals_of = None


def _why(task: asyncio.Task[None]) -> BaseException | None:
    """What ended a task that is done; None if it ended normally."""
    return asyncio.CancelledError("cancelled by its own code") if task.cancelled() else task.exception()

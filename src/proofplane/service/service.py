"""A service (state, messages, status) and the loop that runs it on an input until the input ends, it is told to stop, or it fails.

Rules of `run_service`:

1. `on_launch` runs first. If it raises, the task fails at once and `before_shutdown` is not called.
2. Then each message of the input goes to `process_input`, one at a time. After each success, one that says `SHOULD_EXIT` included,
   the status is published; after an error it is not. (It is also published after `on_launch`, which may have resumed a state.)
3. The loop ends well when the input ends, when `process_input` says `SHOULD_EXIT`, or when the shutdown signal is set:
   `before_shutdown(None)`. It ends badly when the input or `process_input` raises: `before_shutdown(error)`, then the task fails with it.
4. An error of `before_shutdown` is logged and changes nothing.
5. The shutdown signal cancels whatever runs, at its next `await`: a wait for input, but also a `process_input` or `on_launch` in flight.
   A service therefore makes each commit atomic and its in-memory state agree with it before it awaits again.
   What it has handed to a thread or a process goes on: it waits for that in `before_shutdown` if it must not outlive it.
   A launch that is cut off so counts as never launched: it ends well, without `before_shutdown`.
6. Whatever happens, cancellation from outside included, `on_exit` is called last, the status ends and the input is closed:
   whoever waits for this service's stream, status or answers is told.
7. Each cancellation from outside is passed on to what runs and raised again once that has ended, however long it takes:
   a hook that ignores cancellation keeps the service's task alive, so its owner knows that it still runs.

Invariants: hooks never overlap, and nothing of a service runs on after the last one;
`before_shutdown` is called at most once, and only after a successful `on_launch`;
the loop yields after every message, so an input that is always ready cannot keep the shutdown signal out.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from enum import Enum
from typing import Any, ClassVar, Generic, TypeVar

from proofplane.base.errors import Broken
from proofplane.service.inputs import Input, close_input
from proofplane.service.monitor import StatusCell

M = TypeVar("M")
S = TypeVar("S")

_log = logging.getLogger(__name__)


class Flow(Enum):
    """What a service wants after a message."""

    CONTINUE = "continue"
    SHOULD_EXIT = "should exit"


class CancelledItself(Broken):
    """A hook or an input raised `CancelledError` although nobody cancelled it: a bug in that service."""


class ShutdownSignal:
    """Set once, by whoever owns the service, to make it stop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Tells the service to stop. Idempotent; call it on the loop's thread."""
        self._event.set()

    def is_set(self) -> bool:
        """Whether the service was told to stop."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Returns when the service is told to stop."""
        await self._event.wait()


class Service(ABC, Generic[M, S]):
    """A long-running part: it owns its state, takes messages `M` and shows a status `S` (a frozen value)."""

    name: ClassVar[str]
    """Says in logs and errors which service it is."""

    @abstractmethod
    def status(self) -> S:
        """The status of the present state; also called before `on_launch`."""

    async def on_launch(self) -> None:
        """Resumes or creates the state; an error keeps the service from starting."""
        return

    @abstractmethod
    async def process_input(self, message: M) -> Flow:
        """Handles one message; an error ends the service."""

    async def before_shutdown(self, error: BaseException | None) -> None:
        """Finishes what was begun; `error` is what ended the loop, None if it ended well."""
        return

    def on_exit(self) -> None:
        """Lets go of what others wait for, above all its `Subscribers`; called once, however it ended, even if it never launched."""
        return


async def run_service(service: Service[M, S], source: Input[M], shutdown: ShutdownSignal, monitor: StatusCell[S]) -> None:
    """Runs `service` on `source` by the rules above; owns `source` and closes it.

    Raises whatever the launch, the input or the processing raised, or `CancelledItself`.
    """
    try:
        if not await _unless(shutdown, _launch(service, monitor), service.name):
            return
        try:
            await _unless(shutdown, _process(service, source, monitor), service.name)
        except Exception as error:
            await _before_shutdown(service, error)
            raise
        await _before_shutdown(service, None)
    finally:
        try:
            service.on_exit()
        except Exception:
            _log.exception("%s: on_exit failed", service.name)
        monitor.close()
        await close_input(source)


async def _launch(service: Service[M, S], monitor: StatusCell[S]) -> None:
    await service.on_launch()
    monitor.publish(service.status())


async def _process(service: Service[M, S], source: Input[M], monitor: StatusCell[S]) -> None:
    while (message := await source.recv_next()) is not None:
        flow = await service.process_input(message)
        monitor.publish(service.status())
        if flow is Flow.SHOULD_EXIT:
            return
        await asyncio.sleep(0)


async def _before_shutdown(service: Service[M, S], error: Exception | None) -> None:
    try:
        await service.before_shutdown(error)
    except Exception:
        _log.exception("%s: before_shutdown failed", service.name)


async def _unless(shutdown: ShutdownSignal, work: Coroutine[Any, Any, None], name: str) -> bool:
    """Runs `work` until it ends or `shutdown` cancels it; returns whether it ended by itself and raises its error.

    Cancelled itself, it returns no sooner: an error of `work` is then logged, and the cancellation raised.
    """
    task = asyncio.create_task(work, name=f"{name}: work")
    stop = asyncio.create_task(shutdown.wait(), name=f"{name}: stop")
    cancelled = False
    until = asyncio.FIRST_COMPLETED
    while not (task.done() and stop.done()):
        try:
            await asyncio.wait({task, stop}, return_when=until)
        except asyncio.CancelledError:
            cancelled = True
        until = asyncio.ALL_COMPLETED
        task.cancel()
        stop.cancel()
    if cancelled:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s: failed when it was cancelled", name, exc_info=error)
        raise asyncio.CancelledError
    if not task.cancelled():
        task.result()
        return True
    if not shutdown.is_set():
        raise CancelledItself(f"{name} was cancelled by its own code: find what raised CancelledError there")
    return False

"""Commands to a service: a bounded channel, its handle, and one-shot completions that are always answered.

Rules:

1. At most `COMMAND_CAPACITY` commands wait; a further `send` waits for room (senders in order of arrival).
2. The channel ends for its service by `finish` (no more commands; those queued are still delivered),
   and for its callers by `close` (the service is gone; those queued are dropped).
3. Every `call` is answered exactly once: by the first `succeed` or `fail`, or with `WorkerExitedWithoutResponse` when the service is gone
   or has dropped the completion unanswered. Later answers are ignored with a warning.
4. A cancelled `call` withdraws nothing: a command that was queued may still be carried out; its answer is then dropped.

Invariants: a command is taken from the queue in the synchronous step in which `recv` returns it, so a cancelled `recv` loses none.
Everything except `Completion` belongs to one event loop; a completion may be answered from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from proofplane.base.errors import NeverAgain

M = TypeVar("M")
R = TypeVar("R")

COMMAND_CAPACITY = 64
"""Queued commands per service: enough to keep it busy between two turns of the loop; beyond it the callers are held back."""

_log = logging.getLogger(__name__)


class WorkerExited(NeverAgain):
    """The service behind the handle has ended and is not restarted: this command was not taken and no later one will be."""


class WorkerExitedWithoutResponse(NeverAgain):
    """The service ended, or dropped the command, before it answered: whether it was carried out has to be looked up in the store."""


class ChannelEnded(NeverAgain):
    """No further command will arrive on this channel: stop receiving."""


class _Answer(Generic[R]):
    """The caller's side of a completion: a future and whether it was answered."""

    def __init__(self) -> None:
        self.future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._loop_thread = threading.get_ident()
        self._lock = threading.RLock()  # re-entrant: the garbage collector may abandon a completion inside `settle`
        self._answered = False

    def settle(self, value: R) -> bool:
        """Returns False if there was an answer already."""
        return self._once(lambda: self.future.set_result(value))

    def settle_error(self, error: BaseException) -> bool:
        """Returns False if there was an answer already."""
        return self._once(lambda: self.future.set_exception(error))

    def abandon(self) -> None:
        """Answers that there will be no answer, unless there was one."""
        self.settle_error(WorkerExitedWithoutResponse("the service ended or dropped the command before it answered"))

    def _once(self, act: Callable[[], None]) -> bool:
        with self._lock:
            if self._answered:
                return False
            self._answered = True

        def apply() -> None:
            if not self.future.done():  # done without an answer: the caller has gone
                act()

        # A RuntimeError means that the caller's loop is closed: nobody waits there any more.
        with contextlib.suppress(RuntimeError):
            if threading.get_ident() == self._loop_thread:
                apply()
            else:
                self.future.get_loop().call_soon_threadsafe(apply)
        return True


class Completion(Generic[R]):
    """The one-shot right and duty to answer a command; dropping it unanswered answers `WorkerExitedWithoutResponse`."""

    def __init__(self, answer: _Answer[R]) -> None:
        """Made by `CommandHandle.call`."""
        self._answer = answer
        weakref.finalize(self, answer.abandon).atexit = False  # at interpreter exit no caller is left

    def succeed(self, value: R) -> None:
        """Answers with `value`; ignored with a warning if there was an answer already."""
        if not self._answer.settle(value):
            _log.warning("a command was answered twice; the second answer (a value) is ignored")

    def fail(self, error: BaseException) -> None:
        """Makes the caller's `call` raise `error`; ignored with a warning if there was an answer already."""
        if not self._answer.settle_error(error):
            _log.warning("a command was answered twice; the second answer (%r) is ignored", error)


class CommandChannel(Generic[M]):
    """The service's end: receives what its handles send."""

    def __init__(self, capacity: int = COMMAND_CAPACITY) -> None:
        """`capacity` is how many commands may wait."""
        self._queue: deque[M] = deque()
        self._room = asyncio.Semaphore(capacity)
        self._changed = asyncio.Event()
        self._finished = False
        self._closed = False
        self._outstanding: set[Callable[[], None]] = set()
        """`_Answer.abandon` of each call that was queued and is not answered."""

    def handle(self) -> CommandHandle[M]:
        """Returns a sender; any number may exist, and they keep nothing alive."""
        return CommandHandle(self)

    async def recv(self) -> M:
        """Returns the next command, waiting for it; raises `ChannelEnded` when there will be none. A cancelled call loses none."""
        while not self._queue:
            if self._finished:
                raise ChannelEnded("no more commands")
            self._changed.clear()
            await self._changed.wait()
        self._room.release()
        return self._queue.popleft()

    def finish(self) -> None:
        """Takes no further command; those queued are still delivered. Idempotent."""
        self._finished = True
        self._changed.set()
        self._room.release()  # the first held sender wakes, and each wakes the next

    def close(self) -> None:
        """Says that the service is gone: drops the queue, answers every outstanding call and refuses all later ones. Idempotent."""
        self._closed = True
        self.finish()
        self._queue.clear()
        for abandon in list(self._outstanding):
            abandon()

    async def put(self, message: M) -> None:
        """Queues a command for a handle, waiting for room; raises `WorkerExited` if none is taken any more."""
        if not self._finished:
            await self._room.acquire()
        if self._finished:
            self._room.release()
            raise WorkerExited("the service has ended: restart the program to use it again")
        self._queue.append(message)
        self._changed.set()

    def expect(self, answer: _Answer[R]) -> None:
        """Remembers a queued call until it is answered, so that `close` can answer it."""
        self._outstanding.add(answer.abandon)
        answer.future.add_done_callback(lambda _: self._outstanding.discard(answer.abandon))

    def queued(self) -> int:
        """Commands that wait to be taken."""
        return len(self._queue)


class CommandHandle(Generic[M]):
    """The callers' end: sends commands to a service and says how many wait."""

    def __init__(self, channel: CommandChannel[M]) -> None:
        """Use `CommandChannel.handle`."""
        self._channel = channel

    async def send(self, message: M) -> None:
        """Queues `message`, waiting for room; raises `WorkerExited` if the service is gone. Does not wait for its effect."""
        await self._channel.put(message)

    async def call(self, make_message: Callable[[Completion[R]], M]) -> R:
        """Sends the message made around a fresh completion and returns the answer.

        Raises:
            WorkerExited: The service was gone before the command was taken.
            WorkerExitedWithoutResponse: It ended, or dropped the completion, before it answered.
            BaseException: Whatever the service failed the completion with.
        """
        answer: _Answer[R] = _Answer()
        try:
            # The message is not kept in a variable: its completion must be able to die with the service's last reference.
            await self._channel.put(make_message(Completion(answer)))
        except BaseException:
            answer.future.cancel()  # nobody will ask for it, so it must not be reported as an unretrieved error
            raise
        if not answer.future.done():
            self._channel.expect(answer)
        return await answer.future

    def pending(self) -> int:
        """Commands that wait to be taken."""
        return self._channel.queued()

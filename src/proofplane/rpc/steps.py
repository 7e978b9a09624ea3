"""Runs a coroutine's first step without a Task, and gives it a Task only if it suspends.

A Task costs as much as the rest of a short request together. Most handlers never suspend.

Rules:

1. During every step, first or later, `asyncio.current_task()` is the same stand-in: whoever remembers it (`asyncio.timeout`, `TaskGroup`,
   anyio's scopes) finds it again. It is what a Task would be to them; once there is a Task it asks that.
2. The first step runs in a copy of the caller's context, which the Task then keeps.
3. What was asked of the stand-in before there was a Task (cancel, uncancel, callbacks) is asked of the Task when there is one.

Invariants: the coroutine is resumed only by its Task once it has suspended; what it first waited for is waited for by the Task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from sys import getrefcount
from types import TracebackType
from typing import Any

# Documented for third-party tasks ("Extending asyncio"); their stubs know the standard library's own class only.
_enter: Callable[[asyncio.AbstractEventLoop, Any], None] = asyncio._enter_task
_leave: Callable[[asyncio.AbstractEventLoop, Any], None] = asyncio._leave_task


_UNREMEMBERED = 4
"""References to a stand-in that its coroutine kept none of: the spare's place, the loop's current task, a local variable, the
question's own argument."""


class StandIn:
    """The current task of a coroutine that may never need one.

    It is used again for the next coroutine if the last kept no hold of it."""

    # Defaults of the class: a handler that never suspends costs three assignments.
    _task: asyncio.Task[Any] | None = None
    _cancels = 0
    _uncancels = 0
    _must_cancel = False
    _callbacks: list[tuple[Callable[[Any], object], Context | None]] | None = None
    value: Any = None
    """What the coroutine first waited for."""

    was_asked = False
    """Whether a cancellation or a callback was asked for."""
    coroutine: Coroutine[Any, Any, Any] | None = None
    """The handler's."""
    context: Context | None = None
    """Of every step."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def resume(self, name: str) -> asyncio.Task[Any]:
        """Makes the Task that goes on with the suspended coroutine; its owner awaits it."""
        task = asyncio.Task(_Rest(self, self.value), loop=self._loop, context=self.context, name=name)
        self.value = None
        self._task = task
        for _ in range(self._cancels):
            task.cancel()
        for _ in range(self._uncancels):
            task.uncancel()
        if self._callbacks is not None:
            task.add_done_callback(self._call_back)
        return task

    def step(self, send: Callable[..., Any], *args: Any) -> Any:
        """One step on behalf of the Task, which steps aside meanwhile."""
        loop, task = self._loop, self._task
        _leave(loop, task)
        _enter(loop, self)
        try:
            return send(*args)
        finally:
            _leave(loop, self)
            _enter(loop, task)

    def cancel(self, msg: Any = None) -> bool:
        """As `asyncio.Task.cancel`."""
        if self._task is not None:
            return self._task.cancel(msg)
        self._cancels += 1
        self._must_cancel = self.was_asked = True
        return True

    def uncancel(self) -> int:
        """As `asyncio.Task.uncancel`."""
        if self._task is not None:
            return self._task.uncancel()
        if self._cancels > self._uncancels:
            self._uncancels += 1
        return self._cancels - self._uncancels

    def cancelling(self) -> int:
        """As `asyncio.Task.cancelling`."""
        return self._task.cancelling() if self._task is not None else self._cancels - self._uncancels

    def done(self) -> bool:
        """As `asyncio.Task.done`; false during the first step."""
        return self._task is not None and self._task.done()

    def cancelled(self) -> bool:
        """As `asyncio.Task.cancelled`; false during the first step."""
        return self._task is not None and self._task.cancelled()

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """As `asyncio.Task.add_done_callback`; the callback is given this stand-in."""
        if self._callbacks is None:
            self._callbacks = []
            self.was_asked = True
            if self._task is not None:
                self._task.add_done_callback(self._call_back)
        self._callbacks.append((callback, context))

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """As `asyncio.Task.remove_done_callback`."""
        before = self._callbacks or []
        self._callbacks = [pair for pair in before if pair[0] != callback]
        return len(before) - len(self._callbacks)

    def finish(self) -> None:
        """The coroutine ended in its first step: calls back whoever asked for it; raises `CancelledError` if it had cancelled itself."""
        self.call_back()
        if self._must_cancel:
            raise asyncio.CancelledError

    def call_back(self) -> None:
        """Calls back, soon, whoever asked for it."""
        if self._callbacks:
            self._loop.call_soon(self._call_back)

    def _call_back(self, _: object = None) -> None:
        for callback, context in self._callbacks or ():
            self._loop.call_soon(callback, self, context=context)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop."""
        return self._loop

    def get_coro(self) -> Coroutine[Any, Any, Any]:
        """The handler's coroutine."""
        assert self.coroutine is not None, "asked after its end"
        return self.coroutine

    def get_context(self) -> Context | None:
        """The context of every step."""
        return self.context

    def get_name(self) -> str:
        """The Task's name, or the coroutine's."""
        return self._task.get_name() if self._task is not None else getattr(self.coroutine, "__qualname__", "rpc handler")

    def __await__(self) -> Generator[Any, None, Any]:
        return self._promoted().__await__()

    def __getattr__(self, name: str) -> Any:
        """Everything else that a Task has, once there is one; before, nothing is being waited for."""
        if name == "_fut_waiter" and self._task is None:
            return None
        return getattr(self._promoted(), name)

    def _promoted(self) -> asyncio.Task[Any]:
        if self._task is None:
            raise asyncio.InvalidStateError("a handler that has not suspended has no result to ask for")
        return self._task


class _Rest(Coroutine[Any, Any, Any]):
    """What is left of a coroutine after its first step, for its Task: first what the step waited for, then the coroutine itself."""

    __slots__ = ("_pending", "_stand_in", "_started")

    def __init__(self, stand_in: StandIn, pending: Any) -> None:
        self._stand_in = stand_in
        self._pending = pending
        self._started = False

    def send(self, value: Any) -> Any:
        stand_in = self._stand_in
        if not self._started:
            self._started = True
            if self._pending is not None:
                pending, self._pending = self._pending, None
                return pending
        return stand_in.step(stand_in.get_coro().send, value)

    def throw(self, kind: Any, value: object = None, traceback: TracebackType | None = None, /) -> Any:
        error = kind if value is None else value
        if not self._started:
            self._started = True
            pending, self._pending = self._pending, None
            if pending is not None:
                if isinstance(error, asyncio.CancelledError) and pending.cancel():
                    return pending
                pending._asyncio_future_blocking = False
        stand_in = self._stand_in
        return stand_in.step(stand_in.get_coro().throw, error)

    def close(self) -> None:
        self._stand_in.get_coro().close()

    def __await__(self) -> Generator[Any, None, Any]:
        raise TypeError("only its Task runs it")


class Steps:
    """Runs first steps on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._spare = StandIn(loop)

    def first(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Runs a coroutine to its end or to where it first suspends; to be called from a callback of the loop, outside every task.

        Returns:
            What the coroutine returned; or, if it suspended, its `StandIn`, to be resumed.

        Raises whatever the coroutine raises, and `CancelledError` if it ended although it had cancelled itself.
        """
        loop, stand_in, context = self._loop, self._spare, copy_context()
        stand_in.coroutine, stand_in.context = coroutine, context
        _enter(loop, stand_in)
        try:
            stand_in.value = context.run(coroutine.send, None)
        except StopIteration as end:
            # One that nobody remembers and that was asked nothing can stand in for the next.
            if getrefcount(stand_in) > _UNREMEMBERED or stand_in.was_asked:
                self._spare = StandIn(loop)
                stand_in.finish()
            return end.value
        except BaseException:
            self._spare = StandIn(loop)
            stand_in.call_back()
            raise
        finally:
            _leave(loop, stand_in)
        self._spare = StandIn(loop)
        return stand_in

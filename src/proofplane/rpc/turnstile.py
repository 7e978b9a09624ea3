"""Callers that wait for their turn, first come first served, when a connection carries as much as it may.

Invariants: nobody who comes later passes somebody who waits; a turn given to a caller that was cancelled goes to the next one.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turnstile:
    """The queue before one connection."""

    __slots__ = ("_loop", "_passing", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._passing = 0

    def __len__(self) -> int:
        """How many wait, or were let through and have not run yet."""
        return len(self._waiting) + self._passing

    async def wait(self, *, first: bool = False) -> None:
        """Returns when `admit` let this caller through; `first` puts it before all others (it was let through and there was no room)."""
        turn = self._loop.create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        try:
            await turn
        except BaseException:  # cancelled, sent away, or its coroutine closed
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._passing -= 1
                self.admit(self._passing + 1)
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise
        self._passing -= 1

    def admit(self, room: int) -> None:
        """Lets callers through, the oldest first, as long as fewer than `room` have been and not run yet."""
        while self._passing < room and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                self._passing += 1
                turn.set_result(None)

    def fail(self, error: Exception) -> None:
        """Sends everybody away."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(type(error)(*error.args))

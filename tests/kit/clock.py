"""Clocks for tests: one that stands still until it is advanced, one that runs fast; and a way to let every ready task run."""

from __future__ import annotations

import asyncio
import time


class ManualClock:
    """Implements `proofplane.service.clock.Clock`; time is what `advance` makes it."""

    def __init__(self, start: float = 0.0) -> None:
        """`start` in seconds."""
        self._now = start
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Seconds."""
        return self._now

    async def sleep_until(self, instant: float) -> None:
        """Returns once the clock was advanced to `instant`; at once if it is there already."""
        if instant <= self._now:
            return
        sleeper = (instant, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Moves on by `seconds` in one leap and wakes whoever is due; they run at the caller's next `await`."""
        self.advance_to(self._now + seconds)

    def advance_to(self, instant: float) -> None:
        """Moves to exactly `instant`, as `advance` does."""
        self._now = instant
        for due, future in self._sleepers:
            if due <= instant and not future.done():
                future.set_result(None)

    def sleepers(self) -> int:
        """How many sleep now."""
        return len(self._sleepers)


async def settle(turns: int = 50) -> None:
    """Lets the loop turn until whatever can run has run (`turns` is more than any chain of wake-ups in the tests)."""
    for _ in range(turns):
        await asyncio.sleep(0)


class FastClock:
    """The real clock, `speed` times faster; for tests that run real processes through waits of minutes."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    def now(self) -> float:
        """Seconds of the fast time."""
        return time.monotonic() * self._speed

    async def sleep_until(self, instant: float) -> None:
        """As the port says."""
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110 - no event to wait for: a timer may fire a little too early
            await asyncio.sleep(left / self._speed)

"""Time as a value that is handed in, so that whatever waits can be tested without waiting."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock; its zero has no meaning."""

    def now(self) -> float:
        """Seconds; never goes backwards."""

    async def sleep_until(self, instant: float) -> None:
        """Returns when `now() >= instant`, never before; at once if that is so already."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    async def sleep_until(self, instant: float) -> None:
        """Sleeps on the running loop."""
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110 - no event to wait for: a timer may fire up to its resolution too early
            await asyncio.sleep(left)

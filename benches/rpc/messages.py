"""The two exchanges that every peer of the benches carries, and how a driver times them.

*small*: a request of a name, a u32 and 32 bytes (67 bytes with its envelope), a reply of 94. *large*: 64 KiB each way.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

WARM_SECONDS = 0.1
LARGE_BYTES = 64 * 1024


class Small(msgspec.Struct):
    """The small request's fields."""

    name: str
    number: int
    digest: bytes


class SmallReply(msgspec.Struct):
    """The small reply's fields."""

    name: str
    number: int
    digest: bytes
    tag: int


class Large(msgspec.Struct):
    """The large exchange's field, both ways."""

    data: bytes


SMALL = Small("peer", 7_000_000, bytes(range(32)))
LARGE = Large(bytes(LARGE_BYTES))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one driver measured: the median round trip (one in flight only), and calls per second."""

    p50_us: float
    per_second: float


class Meter:
    """Times calls after a warm-up until the seconds are over."""

    def __init__(self, seconds: float) -> None:
        self._begin = time.perf_counter() + WARM_SECONDS
        self._end = self._begin + seconds
        self._samples: list[float] = []
        self._done = 0

    def call(self, started: float) -> bool:
        """Counts a call that began at `started` and has just ended; false when time is up."""
        now = time.perf_counter()
        if started >= self._begin:
            self._done += 1
            self._samples.append(now - started)
        return now < self._end

    def figures(self) -> Figures:
        """What was measured."""
        took = time.perf_counter() - self._begin
        return Figures(statistics.median(self._samples) * 1e6 if self._samples else 0.0, self._done / took)


def drive_blocking(call: Callable[[], object], seconds: float) -> Figures:
    """One call after the other."""
    meter = Meter(seconds)
    started = time.perf_counter()
    call()
    while meter.call(started):
        started = time.perf_counter()
        call()
    return meter.figures()


async def drive(call: Callable[[], Awaitable[object]], depth: int, seconds: float) -> Figures:
    """`depth` coroutines, each one call after the other."""
    meter = Meter(seconds)

    async def loop() -> None:
        started = time.perf_counter()
        await call()
        while meter.call(started):
            started = time.perf_counter()
            await call()

    if depth == 1:
        await loop()
    else:
        await asyncio.gather(*(loop() for _ in range(depth)))
    return meter.figures()

"""Callers of a pool: a closed loop, in which each asks again as soon as it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def closed_loop(ask: Callable[[T], Awaitable[object]], items: Iterable[T], callers: int) -> list[float]:
    """Asks for each item once, so many at a time; returns when each was answered, instants of `time.perf_counter`."""
    left = iter(items)
    ended = []

    async def call() -> None:
        for item in left:
            await ask(item)
            ended.append(time.perf_counter())

    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(call())
    return ended

"""The system clock keeps the promise of the protocol."""

from __future__ import annotations

from kit.clock import ManualClock
from proofplane.service.clock import Clock, SystemClock


async def test_sleep_until_never_returns_early() -> None:
    clock = SystemClock()
    until = clock.now() + 0.003
    await clock.sleep_until(until)
    assert clock.now() >= until


async def test_sleep_until_a_past_instant_returns_at_once() -> None:
    clocks: list[Clock] = [SystemClock(), ManualClock()]
    for clock in clocks:
        before = clock.now()
        await clock.sleep_until(before - 3600)
        assert clock.now() - before < 3600

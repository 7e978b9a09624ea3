"""A foreign server's ring that is full by turns is tried again by one timer, however often it fills."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from kit.rpc_service import CONTRACT
from proofplane.rpc.client import Client
from proofplane.rpc.codec import Codec
from proofplane.rpc.options import ClientOptions


class Ring:
    """A connection with nothing to read, whose ring is full when told so."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.full = False

    def fileno(self) -> int:
        return self._fd

    def flush(self) -> bool:
        return not self.full

    def turn(self, spin: bool) -> list[Any]:
        return []

    def spins(self) -> bool:
        return False

    def wants_write(self) -> bool:
        return self.full

    def close(self) -> None:
        """Nothing is open."""


async def test_a_ring_that_fills_again_and_again_has_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    ring: Any = Ring(read)
    client = Client(ring, Codec(CONTRACT), ClientOptions(), "foreign.shm")
    timers: list[Callable[..., Any]] = []

    def call_later(delay: float, callback: Callable[..., Any], *args: Any) -> object:
        timers.append(callback)
        return object()

    monkeypatch.setattr(client._loop, "call_later", call_later)
    for full in (True, False, True, False, True):
        ring.full = full
        client._send()
    assert len(timers) == 1

    for _ in range(3):  # still full: tried again by one timer after the other
        timers.pop()()
        assert len(timers) == 1

    ring.full = False
    timers.pop()()
    assert timers == []
    client.close()
    os.close(read)
    os.close(write)
    await asyncio.sleep(0)

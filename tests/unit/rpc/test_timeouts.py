"""Timeouts of the loop's client, from minus infinity to more than any clock holds."""

from __future__ import annotations

import asyncio
import math
import threading

import pytest

from kit.rpc_service import CONTRACT, PATIENCE, Data, Echo, Hold
from proofplane import rpc
from unit.rpc.scripted import Peer, Scripted


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 2**70, 2**1100, 2**32 / 1000 + 0.001, 2**32])
async def test_a_timeout_however_long_is_no_short_one(scripted: Scripted, timeout: float) -> None:
    arrived, go = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        for _ in range(2):
            peer.read()
        arrived.set()
        go.wait(PATIENCE)
        peer.send(["HoldResponse", {"data": b"1"}], ["EchoResponse", {"data": b"2"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT, limits=rpc.Limits(max_in_flight=2)) as client, asyncio.timeout(PATIENCE):
            calls = [asyncio.ensure_future(client.call(request, timeout=timeout)) for request in (Hold(1), Echo(b""))]
            waiting = asyncio.ensure_future(client.call(Echo(b"in the turnstile"), timeout=timeout))
            await asyncio.to_thread(arrived.wait, PATIENCE)
            assert not waiting.done()
            go.set()
            assert await asyncio.gather(*calls) == [Data(b"1"), Data(b"2")]
            waiting.cancel()


@pytest.mark.parametrize("timeout", [0, -1, -1e300, -math.inf, -(2**1100)])
async def test_a_timeout_that_has_passed_already_is_a_deadline_that_passes(scripted: Scripted, timeout: float) -> None:
    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.DeadlinePassed):
                await client.call(Echo(b""), timeout=timeout)


async def test_a_timeout_that_is_no_number_is_refused(scripted: Scripted) -> None:
    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            for call in (client.call(Echo(b""), timeout=math.nan), client.call_raw("Echo", b"\x80", timeout=math.nan)):
                with pytest.raises(rpc.BadOptions, match="nan"):
                    await call

"""A server that drains, whoever waits for it and whatever happens meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from kit.rpc_service import CONTRACT, PATIENCE, Data, Echo, Hold, service
from proofplane import rpc


async def test_draining_waits_for_what_was_accepted_however_many_wait_for_it(address: str) -> None:
    made, held = service()
    async with rpc.serve(address, made) as server, rpc.connect(address, CONTRACT) as client:
        call = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        drains = [asyncio.ensure_future(server.drain()) for _ in range(3)]
        await asyncio.sleep(0)
        drains[0].cancel()
        await asyncio.sleep(0)
        assert [drain.done() for drain in drains] == [True, False, False]
        held.gate(1).set()
        async with asyncio.timeout(PATIENCE):
            assert await call == Data(b"1")
            await asyncio.gather(*drains[1:])
            await server.drain()
        assert server.stats.in_flight == 0


async def test_a_server_that_drains_reads_nothing_more(address: str) -> None:
    made, held = service()
    async with rpc.serve(address, made) as server, rpc.connect(address, CONTRACT) as client:
        accepted = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        draining = asyncio.ensure_future(server.drain())
        await asyncio.sleep(0)
        later = asyncio.ensure_future(client.call(Echo(b""), timeout=PATIENCE))
        held.gate(1).set()
        async with asyncio.timeout(PATIENCE):
            assert await accepted == Data(b"1")
            await draining
        assert server.stats.requests == 1
        await server.close()
        with pytest.raises(rpc.Ended):
            await later


async def test_draining_ends_when_the_server_is_left_meanwhile(address: str) -> None:
    made, held = service()
    async with rpc.serve(address, made, options=rpc.ServerOptions(grace=0.01)) as server, rpc.connect(address, CONTRACT) as client:
        call = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        draining = asyncio.ensure_future(server.drain())
        await asyncio.sleep(0)
        await server.close()
        async with asyncio.timeout(PATIENCE):
            await draining
            await server.drain()
        with pytest.raises(rpc.CallFailed, match="cancelled"):
            await call

"""Who has nothing to do uses no processor: neither a server nor a client spins or polls once its peer is silent."""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.rpc_service import CONTRACT, PATIENCE, Data, Echo, Hold, service
from proofplane import rpc

WATCHED = 1.5
"""Seconds of silence that are watched."""

MOST = 0.1
"""Seconds of processor time in them; a spin or a poll without end would take all, signals' handlers looked at ten times a second none."""


async def silence() -> float:
    """Seconds of processor time that all threads of this process use while nothing happens."""
    before = time.process_time()
    await asyncio.sleep(WATCHED)
    return time.process_time() - before


@pytest.mark.parametrize("transport", ["socket", "shared memory"])
async def test_a_server_and_its_clients_that_wait_use_no_processor(tmp_path: Path, transport: str) -> None:
    address = str(tmp_path / "s.sock") if transport == "socket" else f"pp-test-{uuid.uuid4().hex}.shm"
    made, held = service()
    with ThreadPoolExecutor(1) as threads:
        async with rpc.serve(address, made), rpc.connect(address, CONTRACT) as client:
            for _ in range(200):  # spins have been learned to pay
                await client.call(Echo(b""), timeout=PATIENCE)
            await asyncio.sleep(0.05)
            assert await silence() < MOST

            def block() -> Data:
                with rpc.connect_blocking(address, CONTRACT) as blocking:
                    for _ in range(200):
                        blocking.call(Echo(b""), timeout=PATIENCE)
                    return blocking.call(Hold(2), timeout=PATIENCE)

            waiting = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
            blocked = asyncio.get_running_loop().run_in_executor(threads, block)
            await held.until(2)
            assert await silence() < MOST

            held.gate(1).set()
            held.gate(2).set()
            assert (await waiting, await blocked) == (Data(b"1"), Data(b"2"))

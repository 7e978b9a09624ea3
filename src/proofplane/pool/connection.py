"""The one connection to a worker; a server that is known to be plain is not asked what it is."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofplane import rpc
from proofplane.pool.types import WorkerSpec
from proofplane.rpc.codec import Codec
from proofplane.rpc.connecting import connected
from proofplane.rpc.options import ClientOptions

_ONE_AT_A_TIME = rpc.Limits(max_in_flight=1)
"""A worker that answers one request after the other gains nothing from a second one, and loses both when it is killed."""

_YOUTH = 0.005
"""Seconds in which a socket is looked for in every turn of the loop: `bb` needs 2 ms. What needs longer loses little by timers."""


@asynccontextmanager
async def connection(spec: WorkerSpec, address: str, child: int) -> AsyncIterator[rpc.Client]:
    """Connects to the process `child` of ours as soon as it listens; raises what `rpc.connect` raises."""
    limits = spec.limits or _ONE_AT_A_TIME
    if not spec.plain:
        async with rpc.connect(address, spec.contract, child=child, start_timeout=spec.start_timeout, limits=limits) as client:
            yield client
        return
    codec = Codec(spec.contract)  # takes 0.1 ms, in which the process gets on
    await _appeared(address)
    options = ClientOptions(limits, child=child, start_timeout=spec.start_timeout)
    client = rpc.Client(await connected(address, options), codec, options, address)
    try:
        yield client
    finally:
        client.close()


async def _appeared(address: str) -> None:
    """Goes round with the loop until there is a socket, or for 5 ms: loops round a timer up to a millisecond, half of what `bb` needs."""
    until = time.monotonic() + _YOUTH
    # No event tells of another process's socket, and looking for it takes a microsecond.
    while not os.path.exists(address) and time.monotonic() < until:  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(0)

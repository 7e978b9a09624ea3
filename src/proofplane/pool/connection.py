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
"""Seconds in which a socket is looked for so often: `bb` needs 2 ms. What needs much longer loses little by the loop's timers."""

_LOOK = 0.0002
"""Seconds between two looks."""


@asynccontextmanager
async def connection(spec: WorkerSpec, address: str, child: int) -> AsyncIterator[rpc.Client]:
    """Connects to the process `child` of ours as soon as it listens; raises what `rpc.connect` raises."""
    limits = spec.limits or _ONE_AT_A_TIME
    if not spec.plain:
        async with rpc.connect(address, spec.contract, child=child, start_timeout=spec.start_timeout, limits=limits) as client:
            yield client
        return
    codec = Codec(spec.contract)  # takes 0.1 ms, in which the process gets on
    await asyncio.to_thread(_await_socket, address)
    options = ClientOptions(limits, child=child, start_timeout=spec.start_timeout)
    client = rpc.Client(await connected(address, options), codec, options, address)
    try:
        yield client
    finally:
        client.close()


def _await_socket(address: str) -> None:
    """Sleeps until there is a socket, or for `_YOUTH`.

    On a thread: a loop's timers round up to a millisecond, half of what `bb` needs, and a loop that turns without pause takes the processor
    from it.
    """
    until = time.monotonic() + _YOUTH
    while not os.path.exists(address) and time.monotonic() < until:
        time.sleep(_LOOK)

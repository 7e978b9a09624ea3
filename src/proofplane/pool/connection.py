"""The one connection to a worker; a server that is known to be plain is not asked what it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofplane import rpc
from proofplane.pool.types import WorkerSpec
from proofplane.rpc.codec import Codec
from proofplane.rpc.connecting import connected
from proofplane.rpc.options import ClientOptions

_ONE_AT_A_TIME = rpc.Limits(max_in_flight=1)
"""A worker that answers one request after the other gains nothing from a second one, and loses both when it is killed."""


@asynccontextmanager
async def connection(spec: WorkerSpec, address: str, child: int) -> AsyncIterator[rpc.Client]:
    """Connects to the process `child` of ours as soon as it listens; raises what `rpc.connect` raises."""
    limits = spec.limits or _ONE_AT_A_TIME
    if not spec.plain:
        async with rpc.connect(address, spec.contract, child=child, start_timeout=spec.start_timeout, limits=limits) as client:
            yield client
        return
    options = ClientOptions(limits, child=child, start_timeout=spec.start_timeout)
    client = rpc.Client(await connected(address, options), Codec(spec.contract), options, address)
    try:
        yield client
    finally:
        client.close()

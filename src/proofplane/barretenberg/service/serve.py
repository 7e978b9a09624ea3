"""The verifier service as a server: the front behind our rpc, drained when it is told to stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from proofplane import rpc
from proofplane.barretenberg.generated.verifier import CONTRACT
from proofplane.barretenberg.service.executor import open_executor
from proofplane.barretenberg.service.front import DRAIN_TIMEOUT, Front
from proofplane.barretenberg.service.handlers import Handlers
from proofplane.barretenberg.service.settings import MAX_FRAME, Bounds
from proofplane.barretenberg.specs import VerifierSpec
from proofplane.barretenberg.verifier import VERIFY_SECONDS
from proofplane.pool.types import PoolOptions

_SPARE = 1024
"""Requests that the reactor takes in beyond both queues' bounds, so that a full queue answers and is not merely slow;
whoever asks for the status or cancels gets through as well."""


@asynccontextmanager
async def serve_verifier(
    address: str,
    cores: int,
    *,
    bounds: Bounds | None = None,
    spec: Callable[[int], VerifierSpec] | None = None,
    timeout: float = VERIFY_SECONDS,
    drain_timeout: float = DRAIN_TIMEOUT,
    options: PoolOptions | None = None,
) -> AsyncIterator[Front]:
    """Serves at `address` while the block runs; when it is left, what was accepted is verified and answered first.

    Args:
        address: `PATH.sock` or `NAME.shm`.
        cores: Threads that may verify at a time.
        bounds: Of the queues.
        spec: The verifier process for so many threads; None finds `bb`.
        timeout: Seconds after which a process that has not verified what it was given is taken for wedged.
        drain_timeout: Seconds for what was accepted, when the block is left.
        options: Bounds of the pools of processes.

    Raises:
        BadAddress, AddressInUse, CannotServe: As `rpc.serve`.
        BinaryMissing and others: As `open_executor`.
    """
    bounds = bounds or Bounds()
    most = bounds.rpc + bounds.gossip + _SPARE
    limits = rpc.Limits(max_frame=MAX_FRAME, max_in_flight=most, max_waiting=most)
    async with open_executor(cores, spec, timeout=timeout, options=options) as executor, AsyncExitStack() as serving:
        front = Front(executor, cores, bounds=bounds, drain_timeout=drain_timeout)
        service = rpc.Service.of(CONTRACT, Handlers(front))
        # The front is left before the server, so that whoever asks meanwhile is told by a verdict that the service is stopping.
        try:
            await serving.enter_async_context(rpc.serve(address, service, options=rpc.ServerOptions(limits=limits)))
        except rpc.CannotServe as error:
            raise rpc.CannotServe(f"cannot serve at {address}: {error}") from None
        await serving.enter_async_context(front)
        yield front

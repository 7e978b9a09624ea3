"""How one gets a client: connected, introduced by `Hello`, closed when left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

from proofplane.rpc.blocking import BlockingClient
from proofplane.rpc.client import Client
from proofplane.rpc.codec import Codec
from proofplane.rpc.connecting import agree, connected, connected_blocking, hello
from proofplane.rpc.options import HELLO_TIMEOUT, START_TIMEOUT, ClientOptions, Limits
from proofplane.wire import Contract


@asynccontextmanager
async def connect(
    address: str,
    contract: Contract | None = None,
    *,
    slot: int | None = None,
    child: int | None = None,
    start_timeout: float = START_TIMEOUT,
    limits: Limits | None = None,
    ids: Literal[False] | None = None,
) -> AsyncIterator[Client]:
    """Connects to the server at `address`, trying again while it is absent or refuses: 5 s in all, or as long as one's own child lives.

    Args:
        address: `PATH.sock` (a Unix socket) or `NAME.shm` (shared memory).
        contract: Of the service, for typed calls; without it only `call_raw` can be used.
        slot: Shared memory: which client slot is ours; needed with a foreign many-client server.
        child: Process id of the server, if it is our own child.
        start_timeout: Seconds that the child may take to start.
        limits: Bounds of frames, queues and calls in flight; what is not given has the reactor's default.
        ids: None uses request ids if the server knows them; False asks for replies in the order of the requests.

    Raises:
        BadAddress: `address` is none.
        BadOptions: `slot`, `child` or `start_timeout` is out of range.
        CannotConnect: No server was reached.
        SchemaMismatch: The server has another contract.
    """
    options = ClientOptions(limits or Limits(), slot, child, start_timeout, ids)
    codec = Codec(contract)
    connection = await connected(address, options)
    client = Client(connection, codec, options, address)
    try:
        reply = await client.call_raw(*hello(codec), timeout=HELLO_TIMEOUT)
        client.ids = agree(connection, codec, options, *reply)
        yield client
    finally:
        client.close()


@contextmanager
def connect_blocking(
    address: str,
    contract: Contract | None = None,
    *,
    slot: int | None = None,
    child: int | None = None,
    start_timeout: float = START_TIMEOUT,
    limits: Limits | None = None,
    ids: Literal[False] | None = None,
) -> Iterator[BlockingClient]:
    """`connect` for scripts and threads without an event loop."""
    options = ClientOptions(limits or Limits(), slot, child, start_timeout, ids)
    codec = Codec(contract)
    connection = connected_blocking(address, options)
    client = BlockingClient(connection, codec, options, address)
    try:
        reply = client.call_raw(*hello(codec), timeout=HELLO_TIMEOUT)
        client.ids = agree(connection, codec, options, *reply)
        yield client
    finally:
        client.close()

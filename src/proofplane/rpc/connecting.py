"""Connecting, with retries as the server's owner deserves them, and the first words with a server."""

from __future__ import annotations

import asyncio
import time

from proofplane import _native
from proofplane.rpc.codec import UNREADABLE, Codec, decoder, encoder
from proofplane.rpc.errors import NATIVE, BadReply, SchemaMismatch, typed
from proofplane.rpc.heap import keep_freed_memory
from proofplane.rpc.options import ClientOptions, seconds
from proofplane.wire import Hello, HelloResponse, same_schema
from proofplane.wire.messages import HELLO, HELLO_RESPONSE, NO_HASH


class _Attempts:
    """Attempts until one connects; whoever asks sleeps between two of them in its own way."""

    def __init__(self, address: str, options: ClientOptions) -> None:
        keep_freed_memory()
        self._connector = _native.Connector(
            address,
            limits=options.limits.native(),
            child=options.child,
            start_timeout=seconds(options.start_timeout),
            slot=options.slot,
            spin_us=options.spin_us,
        )

    def next(self) -> _native.Connection | float:
        return self._connector.attempt()


async def connected(address: str, options: ClientOptions) -> _native.Connection:
    """Connects without blocking the loop.

    Raises `BadAddress` and `CannotConnect`.
    """
    try:
        attempts = _Attempts(address, options)
        while isinstance(attempt := attempts.next(), float):  # noqa: ASYNC110 - no event tells of another process's server
            await asyncio.sleep(attempt)
    except NATIVE as error:
        raise typed(error) from None
    return attempt


def connected_blocking(address: str, options: ClientOptions) -> _native.Connection:
    """The same, blocking this thread."""
    try:
        attempts = _Attempts(address, options)
        while isinstance(attempt := attempts.next(), float):
            time.sleep(attempt)
    except NATIVE as error:
        raise typed(error) from None
    return attempt


def hello(codec: Codec) -> tuple[str, bytes]:
    """The first request: name and packed fields."""
    contract = codec.contract
    return HELLO, encoder().encode(Hello(contract.schema_hash if contract is not None else NO_HASH))


_decode_hello = decoder(HelloResponse)


def agree(connection: _native.Connection, codec: Codec, options: ClientOptions, name: str, payload: bytes) -> bool:
    """Adopts what the server says about itself; returns whether requests carry ids from now on.

    An error reply means a server that knows no `Hello`, and so neither ids nor hashes: plain requests, answered in order.

    Raises:
        SchemaMismatch: Both have a contract, and not the same.
        BadReply: The reply is neither.
    """
    if name != HELLO_RESPONSE:
        if codec.is_error(name, payload):
            return False
        raise BadReply(f"Hello was answered by {name}")
    try:
        said = _decode_hello(payload)
    except UNREADABLE as error:
        raise BadReply(f"the reply to Hello cannot be read: {error}") from error
    contract = codec.contract
    if contract is not None and not same_schema(contract.schema_hash, said.schema_hash):
        raise SchemaMismatch(contract.service, contract.schema_hash, said.schema_hash)
    connection.limit_requests(said.max_frame)
    ids = said.ids and options.ids is not False
    connection.use_ids(ids)
    return ids

"""A server in an event loop: started, served, drained when it is left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from proofplane import _native
from proofplane.rpc.codec import methods_of
from proofplane.rpc.errors import NATIVE_OR_SYSTEM, CannotServe, typed
from proofplane.rpc.heap import keep_freed_memory
from proofplane.rpc.options import ServerOptions
from proofplane.rpc.pump import Pump
from proofplane.rpc.service import Route, Runs, Service
from proofplane.rpc.threads import Threads
from proofplane.rpc.types import Stats

_CANCEL_GRACE = 1.0
"""Seconds that cancelled handlers get for their `finally`, and threads to end; one that takes longer is left behind."""


class Server:
    """A running server; get one from `serve`."""

    def __init__(self, native: _native.Server, routes: tuple[Route, ...], options: ServerOptions, address: str) -> None:
        self.address = address
        """Where it listens."""
        self._native = native
        self._threads = Threads(options.threads)
        self._grace = options.grace
        self._drained = asyncio.Event()
        self._pump = Pump(native, routes, self._threads, shared=address.endswith(".shm"))
        self._pump.start()

    @property
    def stats(self) -> Stats:
        """Its counters."""
        return Stats(*self._native.stats())

    async def drain(self) -> None:
        """Stops accepting connections and requests; returns when everything accepted is answered and sent, or the server was left.

        Any number of callers may wait.

        Raises:
            CannotServe: The system took away what the server needs.
        """
        self._pump.on_turn = self._look
        self._look()
        await self._drained.wait()
        if self._pump.failure is not None:
            raise CannotServe(f"the server at {self.address} failed: {self._pump.failure}")

    def _look(self) -> None:
        """Asks whether everything is answered and sent; after a failure, or the end, nothing more will be."""
        if not self._drained.is_set() and (self._pump.over or self._native.drain()):
            self._drained.set()

    async def close(self) -> None:
        """Drains for at most the grace, then cancels what is left and aborts. Idempotent; everything is unlinked."""
        try:
            async with asyncio.timeout(self._grace):
                await self.drain()
        except TimeoutError:
            pass
        finally:
            await self._abort()

    async def _abort(self) -> None:
        tasks = set(self._pump.tasks)
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=_CANCEL_GRACE)
                await asyncio.sleep(0)
        finally:
            self._pump.stop()
            self._threads.end()
            self._native.abort()
            self._drained.set()
            await asyncio.to_thread(self._threads.join, _CANCEL_GRACE)


@asynccontextmanager
async def serve(address: str, service: Service, *, options: ServerOptions | None = None) -> AsyncIterator[Server]:
    """Serves at `address` while the block runs: clients can connect when it begins.

    When it is left, accepted requests are finished for at most `options.grace` seconds, the others answered with an error;
    then every connection is closed and everything unlinked.

    Args:
        address: `PATH.sock` (a Unix socket) or `NAME.shm` (shared memory).
        service: Who handles what; its `async def` handlers run on this loop.
        options: Bounds, threads, rings.

    Raises:
        BadAddress: `address` is none.
        AddressInUse: A living server has it.
        BadService: A method has no handler.
        CannotServe: The system refuses.

    The first server or client of a process also raises the C library's thresholds for giving memory back (`rpc/heap.py`).
    """
    options = options or ServerOptions()
    keep_freed_memory()
    contract = service.contract
    routes = service.routes()
    try:
        native = _native.Server(
            address,
            contract.schema_hash,
            methods_of(contract),
            contract.error_name,
            limits=options.limits.native(),
            slots=options.slots,
            request_ring=options.request_ring,
            response_ring=options.response_ring,
            peers=list(options.peers),
            spin_us=options.spin_us,
            echo=[number for number, route in enumerate(routes) if route.runs is Runs.NATIVE],
        )
    except NATIVE_OR_SYSTEM as error:
        raise typed(error) from None
    server = Server(native, routes, options, address)
    try:
        yield server
    finally:
        await server.close()

"""When a client's request leaves, and what happens to its reply meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from kit.rpc_service import CONTRACT, Data, Echo
from proofplane import _native, rpc
from proofplane.wire import Command, Prepared
from unit.rpc.scripted import Peer, Scripted

PATIENCE = 20.0


class Wrapped:
    """A client's connection, to be made worse by a subclass."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class Foreign(Command[Data], frozen=True):
    """Of no contract."""


async def test_a_call_on_an_idle_connection_is_sent_before_the_loop_goes_on(scripted: Scripted) -> None:
    read = threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        for number in (b"1", b"2"):
            assert peer.read() == [["Echo", {"data": number}]]
            read.set()
            peer.send(["EchoResponse", {"data": number}])

    async def send(client: rpc.Client, number: bytes) -> None:
        """Until its first suspension, and then no turn of the loop until the peer has read it."""
        call = asyncio.ensure_future(client.call(Echo(number)))
        asyncio.get_running_loop().call_soon(lambda: arrived.append(read.wait(PATIENCE)))
        assert await call == Data(number)
        read.clear()

    arrived: list[bool] = []
    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            await send(client, b"1")
            await send(client, b"2")
    assert arrived == [True, True]


@contextmanager
def served_by_a_thread(address: str, answered: threading.Event) -> Iterator[None]:
    """An echo on a loop of its own, which sets `answered` each time after a reply has left."""

    made = rpc.Service(CONTRACT, partial=True)

    @made.handles(Echo)
    async def echo(request: Echo) -> Data:
        asyncio.get_running_loop().call_soon(answered.set)
        return Data(request.data)

    async def serve() -> None:
        async with rpc.serve(address, made):
            ready.set()
            await asyncio.to_thread(done.wait)

    ready, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield
    finally:
        done.set()
        thread.join(PATIENCE)
        assert not thread.is_alive()


async def test_every_call_lets_the_loop_go_on_even_if_its_reply_is_there_at_once(address: str) -> None:
    class Slow(Wrapped):
        """A connection that does not spin, and whose thread is held up after each send until the reply has surely come."""

        def spins(self) -> bool:
            return False

        def flush(self) -> bool:
            sent: bool = self._connection.flush()  # type: ignore[attr-defined]  # `object` stands for the native class
            assert answered.wait(PATIENCE)
            answered.clear()
            return sent

    async def count() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    answered = threading.Event()
    turns: list[None] = []
    with served_by_a_thread(address, answered):
        async with rpc.connect(address, CONTRACT) as client:
            answered.clear()
            client._connection = Slow(client._connection)  # type: ignore[assignment]  # what is tested needs its timing
            counting = asyncio.ensure_future(count())
            for number in range(5):
                before = len(turns)
                assert await client.call(Echo(bytes([number]))) == Data(bytes([number]))
                assert len(turns) > before
            counting.cancel()
            await asyncio.wait([counting])


async def test_a_call_whose_request_cannot_be_sent_raises_why(scripted: Scripted) -> None:
    class Broken(Wrapped):
        """A connection whose sending fails at once."""

        def flush(self) -> bool:
            raise _native.ConnectionBroken("the peer is gone")

    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            client._connection = Broken(client._connection)  # type: ignore[assignment]  # what is tested needs its timing
            for _ in range(2):
                with pytest.raises(rpc.ConnectionBroken, match="the peer is gone"):
                    await client.call(Echo(b""))


async def test_a_request_that_is_packed_already_is_sent_as_it_is(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        assert peer.read() == [["Echo", {"data": b"1", "more": 2}]]
        peer.send(["EchoResponse", {"data": b"1"}])

    packed = Prepared(Echo, msgspec.msgpack.encode({"data": b"1", "more": 2}))
    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            assert await client.call(packed) == Data(b"1")
            with pytest.raises(rpc.UnknownRequest, match="Foreign is no request of"):
                await client.call(Prepared(Foreign, b"\x80"))

"""What a broken, slow, vanishing or hostile client can do to a server: nothing, to anybody but itself.

Over sockets a raw client says whatever it likes; over shared memory the rings leave a client of another program only names, fields,
silence and its end, which our own connection can play.
"""

import asyncio
import os
import struct
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kit.rpc_raw import RawClient, frame, numbered, plain
from kit.rpc_service import CONTRACT, PATIENCE, Data, Echo, Held, Hold, Large, service
from proofplane import _native, rpc
from proofplane.rpc.connecting import connected
from proofplane.rpc.options import ClientOptions

MAX_FRAME = 1 << 20


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[tuple[Path, Held, rpc.Server]]:
    made, held = service()
    path = tmp_path / "s.sock"
    options = rpc.ServerOptions(limits=rpc.Limits(max_frame=MAX_FRAME, max_in_flight=16, max_queued=1 << 20), grace=0.2)
    async with rpc.serve(str(path), made, options=options) as server:
        yield path, held, server


Served = tuple[Path, Held, rpc.Server]


@pytest.fixture(params=["socket", "shared memory"])
async def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[str, Held, rpc.Server]]:
    made, held = service()
    address = str(tmp_path / "s.sock") if request.param == "socket" else f"pp-test-{uuid.uuid4().hex}.shm"
    limits = rpc.Limits(max_frame=MAX_FRAME, max_in_flight=16, max_queued=1 << 20)
    async with rpc.serve(address, made, options=rpc.ServerOptions(limits=limits, grace=0.2, slots=4)) as server:
        yield address, held, server


Anywhere = tuple[str, Held, rpc.Server]


async def assert_serves_at(address: str) -> None:
    """A client that comes now is served."""
    async with rpc.connect(address, CONTRACT) as other:
        assert await other.call(Echo(b"hello"), timeout=PATIENCE) == Data(b"hello")


async def assert_serves(path: Path) -> None:
    """A client that comes now is served."""
    async with RawClient(path) as other:
        await other.send(plain("Echo", {"data": b"hello"}))
        assert await other.reply() == ["EchoResponse", {"data": b"hello"}]


async def test_half_a_frame_and_silence_hold_up_nobody_while_it_stays_open(served: Served) -> None:
    path, _, _ = served
    async with RawClient(path) as half, RawClient(path) as prefix:
        await prefix.send(b"\x10\x00")
        await half.send(plain("Echo", {"data": bytes(100)})[:50])

        await assert_serves(path)

        await half.send(plain("Echo", {"data": bytes(100)})[50:])
        assert await half.reply() == ["EchoResponse", {"data": bytes(100)}]


async def test_a_client_that_never_reads_is_not_read_and_others_are_served(served: Served) -> None:
    path, _, server = served
    async with RawClient(path) as silent:
        asks = b"".join(plain("Large", {"size": 200_000}) for _ in range(200))
        silent.writer.write(asks)

        for _ in range(20):
            await assert_serves(path)
        # 200 replies of 200 kB are 40 MB: the server makes no more than what may be in flight at once beyond a full queue.
        assert server.stats.requests - 20 <= 32

        for _ in range(200):
            name, fields = await silent.reply()
            assert (name, len(fields["data"])) == ("LargeResponse", 200_000)


async def test_a_frame_over_the_limit_gets_an_error_in_its_place_and_the_connection_ends(served: Served) -> None:
    path, held, _ = served
    async with RawClient(path) as client:
        await client.send(plain("Hold", {"number": 1}) + struct.pack("<I", MAX_FRAME + 1))
        await held.until(1)
        held.gate(1).set()

        assert await client.reply() == ["HoldResponse", {"data": b"1"}]
        name, fields = await client.reply()
        assert name == "ErrorResponse"
        assert str(MAX_FRAME) in fields["message"]
        assert await client.ended()
    await assert_serves(path)


async def test_a_prefix_of_four_gigabytes_costs_no_memory(served: Served) -> None:
    path, _, _ = served
    before = _resident()
    async with RawClient(path) as client:
        await client.send(b"\xff\xff\xff\xff")
        assert (await client.reply())[0] == "ErrorResponse"

    assert _resident() - before < 64 << 20


ODD = {
    "empty frame": b"",
    "not msgpack": b"\xc1",
    "nil": b"\xc0",
    "a number": b"\x07",
    "empty array": b"\x90",
    "outer array of three": msgspec.msgpack.encode([1, 2, 3]),
    "inner not an array": msgspec.msgpack.encode(["Echo"]),
    "inner of one": msgspec.msgpack.encode([["Echo"]]),
    "inner of three": msgspec.msgpack.encode([["Echo", {}, {}]]),
    "name not a string": msgspec.msgpack.encode([[7, {}]]),
    "name not utf-8": b"\x91\x92\xa1\xff\x80",
    "unwrapped pair": msgspec.msgpack.encode(["Echo", {"data": b""}]),
    "id zero": msgspec.msgpack.encode([0, ["Echo", {"data": b""}]]),
    "negative id": msgspec.msgpack.encode([-1, ["Echo", {"data": b""}]]),
    "cut short": msgspec.msgpack.encode([["Echo", {}]])[:-3],
    "unknown method": msgspec.msgpack.encode([["Nothing", {}]]),
    "fields missing": msgspec.msgpack.encode([["Echo", {}]]),
    "fields of the wrong type": msgspec.msgpack.encode([["Echo", {"data": 3}]]),
    "payload nil": msgspec.msgpack.encode([["Echo", None]]),
    "garbage": bytes(range(200, 256)),
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
async def test_every_odd_envelope_gets_an_error_reply_in_its_place(served: Served, body: bytes) -> None:
    path, _, _ = served
    async with RawClient(path) as client:
        await client.send(plain("Echo", {"data": b"before"}) + frame(body) + plain("Echo", {"data": b"after"}))

        assert await client.reply() == ["EchoResponse", {"data": b"before"}]
        name, fields = await client.reply()
        assert name == "ErrorResponse"
        assert fields["message"]
        assert await client.reply() == ["EchoResponse", {"data": b"after"}]


async def test_plain_requests_are_answered_in_order_and_numbered_ones_at_once_on_one_connection(served: Served) -> None:
    path, held, _ = served
    async with RawClient(path) as client:
        await client.send(plain("Hold", {"number": 1}) + plain("Hold", {"number": 2}))
        await client.send(numbered(70, "Hold", {"number": 3}) + numbered(80, "Echo", {"data": b"now"}))
        await held.until(3)

        assert await client.reply() == [80, ["EchoResponse", {"data": b"now"}]]
        held.gate(3).set()
        assert await client.reply() == [70, ["HoldResponse", {"data": b"3"}]]
        held.gate(2).set()
        await client.send(numbered(81, "Echo", {"data": b"2 waits for 1"}))
        assert await client.reply() == [81, ["EchoResponse", {"data": b"2 waits for 1"}]]
        held.gate(1).set()
        assert await client.reply() == ["HoldResponse", {"data": b"1"}]
        assert await client.reply() == ["HoldResponse", {"data": b"2"}]


async def test_an_empty_reply_frame_is_no_end_of_anything(tmp_path: Path) -> None:
    """An earlier design skipped a zero-length reply, and its client waited for ever; here it ends the connection with a clear error."""
    path = str(tmp_path / "odd.sock")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(struct.pack("<I", 0))
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(answer, path):
        with pytest.raises(rpc.ConnectionBroken):
            async with rpc.connect(path, CONTRACT):
                pass


async def test_a_thousand_clients_connect_at_once(served: Served) -> None:
    path, _, _ = served

    async def one(number: int) -> None:
        async with rpc.connect(str(path), CONTRACT, start_timeout=PATIENCE) as client:
            assert (await client.call(Echo(number.to_bytes(4, "big")))).data == number.to_bytes(4, "big")

    await asyncio.gather(*(one(number) for number in range(1000)))


async def test_a_client_that_vanishes_before_its_reply_hurts_nobody(anywhere: Anywhere) -> None:
    address, held, _ = anywhere
    async with rpc.connect(address, CONTRACT) as leaver:
        calls = [asyncio.ensure_future(leaver.call(request)) for request in (Hold(1), Large(300_000))]
        await held.until(1)
    held.gate(1).set()
    await asyncio.gather(*calls, return_exceptions=True)

    await assert_serves_at(address)


async def test_a_late_reply_never_reaches_the_next_client(anywhere: Anywhere) -> None:
    address, held, server = anywhere
    lost = []
    for number in range(4):  # over shared memory, one in every slot
        async with rpc.connect(address, CONTRACT, ids=False) as first:
            lost.append(asyncio.ensure_future(first.call(Hold(number))))
            await held.until(number + 1)
    async with rpc.connect(address, CONTRACT, ids=False) as second:
        call = asyncio.ensure_future(second.call(Hold(10), timeout=PATIENCE))
        await held.until(5)
        for number in (0, 1, 2, 3, 10):
            held.gate(number).set()

        assert await call == Data(b"10")
    assert server.stats.orphaned == 4
    assert [type(error) for error in await asyncio.gather(*lost, return_exceptions=True)] == [rpc.Closed] * 4


async def test_sixteen_handlers_that_wait_run_together_on_one_connection(anywhere: Anywhere) -> None:
    address, held, _ = anywhere
    async with rpc.connect(address, CONTRACT, ids=False) as client:
        calls = [asyncio.ensure_future(client.call(Hold(number), timeout=PATIENCE)) for number in range(16)]
        await held.until(16)
        for number in range(16):
            held.gate(number).set()

        assert await asyncio.gather(*calls) == [Data(str(number).encode()) for number in range(16)]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("Nothing", b"\x80"),
        ("Echo", b"\x80"),
        ("Echo", b"\x81\xa4data\x03"),
        ("Echo", b"\xc0"),
        ("Echo", b"\xc1"),
        ("Fail", b"\x81\xa7message\xa1\xff"),
    ],
)
async def test_a_request_that_cannot_be_read_gets_an_error_in_its_place(anywhere: Anywhere, name: str, fields: bytes) -> None:
    address, _, _ = anywhere
    async with rpc.connect(address, ids=False) as client, asyncio.timeout(PATIENCE):
        echo = msgspec.msgpack.encode({"data": b"x"})
        replies = await asyncio.gather(*[client.call_raw(*request) for request in (("Echo", echo), (name, fields), ("Echo", echo))])

    assert [reply for reply, _ in replies] == ["EchoResponse", "ErrorResponse", "EchoResponse"]


async def test_both_directions_full_of_bytes_that_nobody_reads_hold_up_nobody_else_and_nothing_is_lost(anywhere: Anywhere) -> None:
    address, _, server = anywhere
    silent = await connected(address, ClientOptions(limits=rpc.Limits(max_in_flight=10_000, max_queued=1 << 20)))
    request = msgspec.msgpack.encode({"data": bytes(50_000)})
    sent = fill(silent, request)
    while True:  # until what the server has taken in the meantime makes no room any more
        for _ in range(20):
            await assert_serves_at(address)
        more = fill(silent, request)
        if more == 0:
            break
        sent += more
    # Beyond full queues the server makes no more replies than may be in flight at once.
    assert server.stats.in_flight <= 16
    assert sent >= 40

    replies = 0
    async with asyncio.timeout(PATIENCE):
        while replies < sent:
            for _, name, payload in silent.turn(False):
                assert (name, payload) == ("EchoResponse", request)
                replies += 1
            await asyncio.sleep(0)
    silent.close()


def fill(connection: _native.Connection, fields: bytes) -> int:
    """Submits and sends echoes until the connection takes no more, reading nothing; returns how many."""
    count = 0
    connection.flush()
    while connection.submit("Echo", fields) is not None:
        connection.flush()
        count += 1
    return count


async def test_a_slot_belongs_to_one_client_until_it_leaves() -> None:
    made, _ = service()
    address, soon = f"pp-test-{uuid.uuid4().hex}.shm", {"child": os.getpid(), "start_timeout": 0.01}
    async with rpc.serve(address, made, options=rpc.ServerOptions(slots=2)):
        async with rpc.connect(address, CONTRACT, slot=1) as first:
            assert await first.call(Echo(b"1"), timeout=PATIENCE) == Data(b"1")
            with pytest.raises(rpc.CannotConnect):
                async with rpc.connect(address, CONTRACT, slot=1, **soon):
                    pass
            async with rpc.connect(address, CONTRACT) as other:  # takes the one that is free
                assert await other.call(Echo(b"2"), timeout=PATIENCE) == Data(b"2")
                with pytest.raises(rpc.CannotConnect):
                    async with rpc.connect(address, CONTRACT, **soon):
                        pass
            assert await first.call(Echo(b"3"), timeout=PATIENCE) == Data(b"3")
        async with rpc.connect(address, CONTRACT, slot=1) as second:
            assert await second.call(Echo(b"4"), timeout=PATIENCE) == Data(b"4")
        with pytest.raises(rpc.CannotConnect):
            async with rpc.connect(address, CONTRACT, slot=2, **soon):
                pass


def _resident() -> int:
    """Bytes of memory in use by this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

"""The client of an event loop, against peers that answer as told."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import msgspec
import pytest

from kit.rpc_service import CONTRACT, Data, Echo, Fail, Hold
from proofplane import rpc
from proofplane.wire import Command
from unit.rpc.scripted import Peer, Scripted

PATIENCE = 20.0


async def test_a_peer_that_knows_no_hello_gets_plain_requests_and_answers_in_order(scripted: Scripted) -> None:
    seen = []

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        seen.extend([peer.read(), peer.read()])
        peer.send(["EchoResponse", {"data": b"1"}], ["EchoResponse", {"data": b"2"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            replies = await asyncio.gather(client.call(Echo(b"1")), client.call(Echo(b"2")))

    assert not client.ids
    assert seen == [[["Echo", {"data": b"1"}]], [["Echo", {"data": b"2"}]]]
    assert replies == [Data(b"1"), Data(b"2")]


async def test_a_peer_that_knows_ids_may_answer_in_any_order(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        (first, _), (second, _) = peer.read(), peer.read()
        peer.send([second, ["EchoResponse", {"data": b"2"}]], [first, ["EchoResponse", {"data": b"1"}]])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            replies = await asyncio.gather(client.call(Echo(b"1")), client.call(Echo(b"2")))

    assert client.ids
    assert replies == [Data(b"1"), Data(b"2")]


async def test_ids_are_not_used_when_they_are_not_wanted(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        assert peer.read() == [["Echo", {"data": b""}]]
        peer.send(["EchoResponse", {"data": b""}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT, ids=False) as client:
            assert await client.call(Echo(b"")) == Data(b"")


async def test_a_peer_with_another_contract_is_refused(scripted: Scripted) -> None:
    other = scripted.running(lambda peer: peer.answer_hello(schema_hash=b"\xff" * 32))
    with other as address, pytest.raises(rpc.SchemaMismatch) as caught:
        async with rpc.connect(address, CONTRACT):
            pass

    assert (caught.value.ours, caught.value.theirs) == (CONTRACT.schema_hash, b"\xff" * 32)


@pytest.mark.parametrize("reply", [["Surprise", {}], ["HelloResponse", {"ids": True}]])
async def test_an_answer_to_hello_that_is_none_is_refused(scripted: Scripted, reply: object) -> None:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(reply)

    with scripted.running(script) as address, pytest.raises(rpc.BadReply):
        async with rpc.connect(address, CONTRACT):
            pass


async def test_an_error_reply_is_raised_with_its_message_and_method(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        peer.send(["ErrorResponse", {"message": "no such thing"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.CallFailed) as caught:
                await client.call(Echo(b""))

    assert (caught.value.message, caught.value.method) == ("no such thing", "Echo")


@pytest.mark.parametrize("reply", [["LargeResponse", {"data": b""}], ["EchoResponse", {}], ["EchoResponse", {"data": 7}]])
async def test_a_reply_that_the_contract_does_not_promise_fails_that_call_only(scripted: Scripted, reply: object) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        peer.send(reply)
        peer.read()
        peer.send(["EchoResponse", {"data": b"fine"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.BadReply):
                await client.call(Echo(b""))
            assert await client.call(Echo(b"")) == Data(b"fine")


async def test_a_deadline_passes_and_the_late_reply_is_thrown_away(scripted: Scripted) -> None:
    late = threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        late.wait(PATIENCE)
        peer.read()
        peer.send(["EchoResponse", {"data": b"late"}], ["EchoResponse", {"data": b"mine"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.DeadlinePassed):
                await client.call(Echo(b"first"), timeout=0.001)
            late.set()
            assert await client.call(Echo(b"second"), timeout=PATIENCE) == Data(b"mine")


async def test_a_cancelled_caller_drops_its_reply_and_not_the_read(scripted: Scripted) -> None:
    arrived, late = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        arrived.set()
        late.wait(PATIENCE)
        peer.read()
        peer.send(["EchoResponse", {"data": b"late"}], ["EchoResponse", {"data": b"mine"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            call = asyncio.ensure_future(client.call(Echo(b"first")))
            await asyncio.to_thread(arrived.wait, PATIENCE)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            late.set()
            assert await client.call(Echo(b"second")) == Data(b"mine")


@pytest.mark.parametrize("half", [b"", b"\x10\x00", b"\x10\x00\x00\x00\x92"])
async def test_a_server_that_ends_fails_every_call_in_flight_and_every_later_one(scripted: Scripted, half: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        peer.read()
        peer.read()
        peer.send_raw(half)
        raise EOFError

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            outcomes = await asyncio.gather(client.call(Echo(b"1")), client.call(Echo(b"2")), return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [rpc.Ended, rpc.Ended]
            with pytest.raises(rpc.Ended):
                await client.call(Echo(b"3"))


@pytest.mark.parametrize("reply", [b"\x01\x00\x00\x00\xc1", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
async def test_a_server_whose_bytes_make_no_sense_ends_the_connection(scripted: Scripted, reply: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        peer.read()
        peer.send_raw(reply)

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.ConnectionBroken):
                await client.call(Echo(b"1"), timeout=PATIENCE)


async def test_calls_beyond_the_bound_wait_their_turn_in_order(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        for _ in range(20):
            ((_, fields),) = peer.read()
            peer.send(["EchoResponse", fields])

    done: list[int] = []

    async def one(client: rpc.Client, number: int) -> None:
        await client.call(Echo(bytes([number])))
        done.append(number)

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT, limits=rpc.Limits(max_in_flight=2)) as client, asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(one(client, number))

    assert done == list(range(20))


async def test_a_call_that_waits_for_its_turn_has_a_deadline_too(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT, limits=rpc.Limits(max_in_flight=1)) as client:
            first = asyncio.ensure_future(client.call(Hold(1)))
            await asyncio.sleep(0)
            with pytest.raises(rpc.DeadlinePassed):
                await client.call(Hold(2), timeout=0.001)
            first.cancel()


async def test_a_request_that_no_frame_can_carry_is_refused_and_harms_nothing(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello(max_frame=1000, ids=False)
        ((_, fields),) = peer.read()
        peer.send(["EchoResponse", fields])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.FrameTooLarge):
                await client.call(Echo(bytes(1000)))
            assert await client.call(Echo(b"small")) == Data(b"small")


async def test_a_closed_client_says_so_and_fails_what_is_in_flight(scripted: Scripted) -> None:
    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            call = asyncio.ensure_future(client.call(Echo(b"")))
            await asyncio.sleep(0)
            client.close()
            with pytest.raises(rpc.Closed):
                await call
        with pytest.raises(rpc.Closed):
            await client.call(Echo(b""))


async def test_a_request_of_another_contract_is_refused(scripted: Scripted) -> None:
    class Stranger(Echo, frozen=True):
        """Not in the contract."""

    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.UnknownRequest, match="Stranger is no request of Test"):
                await client.call(Stranger(b""))


async def test_a_raw_call_carries_bytes_and_gives_errors_as_they_came(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        assert peer.read() == [["Anything", [1, 2]]]
        peer.send(["ErrorResponse", {"message": "no"}])

    with scripted.running(script) as address:
        async with rpc.connect(address) as client:
            name, payload = await client.call_raw("Anything", msgspec.msgpack.encode([1, 2]))

    assert (name, msgspec.msgpack.decode(payload)) == ("ErrorResponse", {"message": "no"})


@pytest.mark.parametrize("name", ["WsdbErrorResponse", "ErrorResponse"])
async def test_without_a_contract_any_reply_that_reads_as_an_error_refuses_hello(scripted: Scripted, name: str) -> None:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send([name, {"message": "Unknown type name", "code": 7}])
        assert peer.read() == [["Anything", {}]]
        peer.send([name, {"message": "no"}])

    with scripted.running(script) as address:
        async with rpc.connect(address) as client:
            assert not client.ids
            reply, payload = await client.call_raw("Anything", b"\x80")

    assert (reply, msgspec.msgpack.decode(payload)) == (name, {"message": "no"})


@pytest.mark.parametrize("fields", [{}, {"message": 7}, {"text": "no"}])
async def test_without_a_contract_what_reads_as_no_error_is_no_answer_to_hello(scripted: Scripted, fields: object) -> None:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(["Surprise", fields])

    with scripted.running(script) as address, pytest.raises(rpc.BadReply, match="Hello was answered by Surprise"):
        async with rpc.connect(address):
            pass


@pytest.mark.parametrize("changed", [{"max_frame": 2**32}, {"max_frame": -1}, {"schema_hash": bytes(31)}, {"schema_hash": bytes(33)}])
async def test_an_answer_to_hello_that_is_out_of_range_is_refused(scripted: Scripted, changed: dict[str, object]) -> None:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(["HelloResponse", {"schema_hash": bytes(32), "ids": True, "max_frame": 1 << 20, **changed}])

    with scripted.running(script) as address, pytest.raises(rpc.BadReply, match="cannot be read"):
        async with rpc.connect(address, CONTRACT):
            pass


UNWRITABLE = [Hold(2**64), Hold(-(2**63) - 1), Fail("\ud800"), Echo(object()), Fail(Ellipsis)]  # type: ignore[arg-type] # what is tested


@pytest.mark.parametrize("request_", UNWRITABLE, ids=lambda request: type(request).__name__)
async def test_a_request_that_the_wire_cannot_carry_is_refused_and_nothing_is_sent(scripted: Scripted, request_: Command[Data]) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        ((_, fields),) = peer.read()
        peer.send(["EchoResponse", fields])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            with pytest.raises(rpc.BadRequest, match=f"{type(request_).__name__} has a value that the wire cannot carry"):
                await client.call(request_)
            assert await client.call(Echo(b"fine")) == Data(b"fine")


async def test_a_call_whose_coroutine_is_closed_gives_its_place_to_the_next(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        assert peer.read() == [["Echo", {"data": b"next"}]]
        peer.send(["HoldResponse", {"data": b"nobody's"}], ["EchoResponse", {"data": b"mine"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT, limits=rpc.Limits(max_in_flight=1)) as client:
            closed = client.call(Hold(1))
            closed.send(None)
            closed.close()
            assert await client.call(Echo(b"next"), timeout=PATIENCE) == Data(b"mine")


async def test_a_client_may_be_closed_twice(scripted: Scripted) -> None:
    with scripted.running(lambda peer: peer.refuse_hello()) as address:
        async with rpc.connect(address, CONTRACT) as client:
            client.close()
            client.close()


@pytest.mark.parametrize("address", ["", "x", "/tmp/x.socket", "a/b.shm", ".shm", "/" + "x" * 200 + ".sock"])
async def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(rpc.BadAddress):
        async with rpc.connect(address, CONTRACT):
            pass


async def test_a_child_that_is_dead_is_not_waited_for(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()

    with pytest.raises(rpc.CannotConnect):
        async with rpc.connect(str(tmp_path / "absent.sock"), CONTRACT, child=process.pid, start_timeout=PATIENCE):
            pass


async def test_a_server_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    async def use() -> Data:
        async with rpc.connect(str(tmp_path / "peer.sock"), CONTRACT) as client:
            return await client.call(Echo(b"x"))

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        peer.send(["EchoResponse", {"data": b"late"}])

    using = asyncio.ensure_future(use())
    await asyncio.sleep(0)
    scripted = Scripted(tmp_path)
    with scripted.running(script):
        assert await using == Data(b"late")
    scripted.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of fork in a process with threads: that is what is tested
async def test_a_forked_child_may_not_use_the_client_and_leaves_the_parents_alone(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        peer.send(["EchoResponse", {"data": b"still"}])

    with scripted.running(script) as address:
        async with rpc.connect(address, CONTRACT) as client:
            child = os.fork()
            if child == 0:
                try:
                    client.call(Echo(b"")).send(None)
                except rpc.ForkedClient:
                    client.close()
                    del client
                    os._exit(0)
                os._exit(1)
            _, status = await asyncio.to_thread(os.waitpid, child, 0)
            assert os.waitstatus_to_exitcode(status) == 0
            assert await client.call(Echo(b"")) == Data(b"still")

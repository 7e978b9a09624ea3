"""A server in an event loop: every kind of handler, every way of answering, starting and ending; over a socket and shared memory."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kit.rpc_service import CONTRACT, Data, Echo, Fail, Hold, Large, service
from proofplane import rpc
from proofplane.base.errors import Refused

PATIENCE = 20.0


def leftovers(address: str) -> list[str]:
    if address.endswith(".sock"):
        return os.listdir(Path(address).parent)
    return [name for name in os.listdir("/dev/shm") if name.startswith(address.removesuffix(".shm"))]


@asynccontextmanager
async def answering(address: str, handler: Any, **options: Any) -> AsyncIterator[rpc.Client]:
    """A client of a server whose `Echo` is handled so."""
    made = rpc.Service(CONTRACT, partial=True)
    made.handle(Echo, handler)
    async with rpc.serve(address, made, options=rpc.ServerOptions(**options)), rpc.connect(address, CONTRACT) as client:
        yield client


@asynccontextmanager
async def left_server(
    address: str, made: rpc.Service, grace: float = PATIENCE, **options: Any
) -> AsyncIterator[tuple[rpc.Client, Callable[[], asyncio.Task[None]]]]:
    left = asyncio.Event()
    served = asyncio.Event()

    async def serve() -> None:
        async with rpc.serve(address, made, options=rpc.ServerOptions(grace=grace, **options)):
            served.set()
            await left.wait()

    serving = asyncio.create_task(serve())
    await served.wait()

    def leave() -> asyncio.Task[None]:
        left.set()
        return serving

    async with rpc.connect(address, CONTRACT) as client:
        yield client, leave
    await leave()


async def coroutine(request: Echo) -> Data:
    return Data(request.data)


async def suspending(request: Echo) -> Data:
    await asyncio.sleep(0)
    return Data(request.data)


def function(request: Echo) -> Data:
    assert threading.current_thread() is not threading.main_thread()
    return Data(request.data)


async def with_responder(request: Echo, responder: rpc.Responder[Data]) -> None:
    responder.reply(Data(request.data))


async def with_responder_later(request: Echo, responder: rpc.Responder[Data]) -> None:
    asyncio.get_running_loop().call_soon(responder.reply, Data(request.data))


def function_with_responder(request: Echo, responder: rpc.Responder[Data]) -> None:
    responder.reply(Data(request.data))


async def from_another_thread(request: Echo, responder: rpc.Responder[Data]) -> None:
    threading.Thread(target=responder.reply, args=(Data(request.data),)).start()


@pytest.mark.parametrize(
    "handler",
    [coroutine, suspending, function, with_responder, with_responder_later, function_with_responder, from_another_thread, rpc.native_echo],
)
async def test_every_kind_of_handler_answers(address: str, handler: Any) -> None:
    sent = [Echo(bytes([number]) * number * 50) for number in range(100)]
    async with answering(address, handler) as client:
        replies = await asyncio.gather(*[client.call(request, timeout=PATIENCE) for request in sent])

    assert replies == [Data(request.data) for request in sent]
    assert leftovers(address) == []


class Weird(Refused):
    """A refusal with its own words."""


async def refusing(request: Echo) -> Data:
    raise Weird("that will not do")


async def refusing_late(request: Echo) -> Data:
    await asyncio.sleep(0)
    raise Weird("that will not do")


def refusing_on_a_thread(request: Echo) -> Data:
    raise Weird("that will not do")


async def refusing_beside_its_responder(request: Echo, responder: rpc.Responder[Data]) -> None:
    raise Weird("that will not do")


async def erring(request: Echo, responder: rpc.Responder[Data]) -> None:
    responder.error("that will not do")


@pytest.mark.parametrize("handler", [refusing, refusing_late, refusing_on_a_thread, refusing_beside_its_responder, erring])
async def test_an_error_raised_on_purpose_is_answered_with_its_message(address: str, handler: Any) -> None:
    async with answering(address, handler) as client:
        with pytest.raises(rpc.CallFailed) as caught:
            await client.call(Echo(b""), timeout=PATIENCE)

    assert caught.value.message == "that will not do"


async def failing(request: Echo) -> Data:
    raise KeyError("a secret")


async def returning_nothing(request: Echo) -> Data:
    return None  # type: ignore[return-value] # the mistake that is tested


def returning_another(request: Echo) -> Data:
    return Echo(b"")  # type: ignore[return-value] # the mistake that is tested


@pytest.mark.parametrize(
    ("handler", "text"),
    [
        (failing, "internal error: KeyError"),
        (returning_nothing, "internal error: TypeError"),
        (returning_another, "internal error: TypeError"),
    ],
)
async def test_a_bug_of_a_handler_is_answered_by_its_type_and_logged_whole(
    address: str, handler: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with answering(address, handler) as client:
        with pytest.raises(rpc.CallFailed) as caught:
            await client.call(Echo(b""), timeout=PATIENCE)

    assert caught.value.message == text
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def dropping(request: Echo, responder: rpc.Responder[Data]) -> None:
    return


async def dropping_late(request: Echo, responder: rpc.Responder[Data]) -> None:
    await asyncio.sleep(0)


def dropping_on_a_thread(request: Echo, responder: rpc.Responder[Data]) -> None:
    return


async def losing_it_in_a_cycle(request: Echo, responder: rpc.Responder[Data]) -> None:
    cycle: list[Any] = [responder]
    cycle.append(cycle)
    asyncio.get_running_loop().call_soon(gc.collect)


@pytest.mark.parametrize("handler", [dropping, dropping_late, dropping_on_a_thread, losing_it_in_a_cycle])
async def test_a_handler_that_leaves_without_a_reply_answers_an_error(address: str, handler: Any) -> None:
    async with answering(address, handler) as client:
        with pytest.raises(rpc.CallFailed, match="left without a reply"):
            await client.call(Echo(b""), timeout=PATIENCE)


async def test_a_responder_answers_once(address: str) -> None:
    seen: list[bool] = []

    async def twice(request: Echo, responder: rpc.Responder[Data]) -> None:
        seen.append(responder.answered)
        with pytest.raises(TypeError):
            responder.reply(None)  # type: ignore[arg-type] # the mistake that is tested
        responder.reply(Data(b"first"))
        seen.append(responder.answered)
        with pytest.raises(rpc.AlreadyAnswered):
            responder.reply(Data(b"second"))

    async with answering(address, twice) as client:
        assert await client.call(Echo(b""), timeout=PATIENCE) == Data(b"first")
    assert seen == [False, True]


@pytest.mark.parametrize(
    ("fields", "text"), [(b"\x80", "Echo: .*missing.*data"), (b"\x81\xa4data\x07", r"Echo: .*\$\.data"), (b"\xc1", "Echo: ")]
)
@pytest.mark.parametrize("handler", [coroutine, function, with_responder, function_with_responder])
async def test_fields_that_cannot_be_read_are_refused_with_what_is_wrong(address: str, handler: Any, fields: bytes, text: str) -> None:
    async with answering(address, handler) as client:
        name, payload = await client.call_raw("Echo", fields, timeout=PATIENCE)
        with pytest.raises(rpc.CallFailed, match=text):
            client._codec.response(client._codec.exchanges[Echo], name, payload)


async def test_a_method_without_a_handler_is_refused_by_name(address: str) -> None:
    async with answering(address, coroutine) as client:
        with pytest.raises(rpc.CallFailed, match="Hold is not served here"):
            await client.call(Hold(1), timeout=PATIENCE)


async def test_handlers_that_wait_do_not_hold_up_others_nor_each_other(address: str) -> None:
    made, held = service()
    async with rpc.serve(address, made), rpc.connect(address, CONTRACT) as client:
        waiting = [asyncio.ensure_future(client.call(Hold(number), timeout=PATIENCE)) for number in range(16)]
        await held.until(16)
        assert await client.call(Echo(b"meanwhile"), timeout=PATIENCE) == Data(b"meanwhile")
        for number in reversed(range(16)):
            held.gate(number).set()
        assert await asyncio.gather(*waiting) == [Data(str(number).encode()) for number in range(16)]


async def test_plain_replies_keep_the_order_whatever_finishes_first(address: str) -> None:
    made, held = service()
    order: list[int] = []

    async def ask(client: rpc.Client, number: int) -> None:
        await client.call(Hold(number), timeout=PATIENCE)
        order.append(number)

    async with rpc.serve(address, made), rpc.connect(address, CONTRACT, ids=False) as client, asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(ask(client, number))
        await held.until(8)
        for number in reversed(range(8)):
            held.gate(number).set()

    assert order == list(range(8))


async def test_no_more_threads_run_than_the_bound(address: str) -> None:
    together = threading.Barrier(2)
    names: set[str] = set()

    def handler(request: Echo) -> Data:
        together.wait(PATIENCE)  # passed by two at a time: with one thread alone it would break
        names.add(threading.current_thread().name)
        return Data(b"")

    async with answering(address, handler, threads=2) as client:
        await asyncio.gather(*[client.call(Echo(b""), timeout=PATIENCE) for _ in range(200)])
    assert len(names) == 2


async def test_leaving_waits_for_handlers_that_finish_within_the_grace(address: str) -> None:
    made, held = service()
    async with left_server(address, made) as (client, leave):
        call = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        leaving = leave()
        await asyncio.sleep(0)
        held.gate(1).set()
        assert await call == Data(b"1")
        await leaving
    assert leftovers(address) == []


async def test_what_is_not_finished_within_the_grace_is_cancelled_and_answered(address: str) -> None:
    made, held = service()
    async with left_server(address, made, 0.01) as (client, leave):
        call = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        await leave()
        with pytest.raises(rpc.CallFailed, match="Hold: cancelled"):
            await call
    assert leftovers(address) == []


async def test_a_responder_that_is_still_kept_at_the_end_of_the_grace_is_answered_for_and_harmless_later(address: str) -> None:
    made = rpc.Service(CONTRACT, partial=True)
    kept: list[rpc.Responder[Data]] = []
    arrived = asyncio.Event()

    @made.handles(Echo)
    async def on_echo(request: Echo, responder: rpc.Responder[Data]) -> None:
        kept.append(responder)
        arrived.set()

    async with left_server(address, made, 0.01) as (client, leave):
        call = asyncio.ensure_future(client.call(Echo(b""), timeout=PATIENCE))
        await arrived.wait()
        await leave()
        with pytest.raises(rpc.CallFailed, match="shutting down"):
            await call
    kept.pop().reply(Data(b"too late"))
    assert leftovers(address) == []


async def test_handlers_that_no_thread_has_begun_are_not_begun_when_the_server_is_left(address: str) -> None:
    made = rpc.Service(CONTRACT, partial=True)
    begun, release = threading.Event(), threading.Event()
    ran: list[bytes] = []

    @made.handles(Echo)
    def on_echo(request: Echo) -> Data:
        ran.append(request.data)
        begun.set()
        release.wait(PATIENCE)
        return Data(b"")

    async with left_server(address, made, 0.01, threads=1) as (client, leave):
        calls = [asyncio.ensure_future(client.call(Echo(bytes([number])), timeout=PATIENCE)) for number in range(5)]
        assert await asyncio.to_thread(begun.wait, PATIENCE)
        leaving = leave()
        for call in calls:
            with pytest.raises(rpc.CallFailed, match="shutting down"):
                await call
        release.set()
        await leaving
    assert ran == [b"\0"]


async def test_a_server_may_be_closed_twice_at_once_and_later(address: str) -> None:
    made, held = service()
    async with rpc.serve(address, made, options=rpc.ServerOptions(grace=0.01)) as server, rpc.connect(address, CONTRACT) as client:
        call = asyncio.ensure_future(client.call(Hold(1), timeout=PATIENCE))
        await held.until(1)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(server.close(), server.close())
            await server.close()
        with pytest.raises(rpc.CallFailed, match="cancelled"):
            await call
        assert leftovers(address) == []


async def test_an_address_that_is_served_is_in_use(address: str) -> None:
    made, _ = service()
    async with rpc.serve(address, made):
        with pytest.raises(rpc.AddressInUse):
            async with rpc.serve(address, made):
                pass
        async with rpc.connect(address, CONTRACT) as client:
            assert await client.call(Echo(b"x"), timeout=PATIENCE) == Data(b"x")


async def test_what_cannot_be_served_is_refused_with_a_reason(tmp_path: Path) -> None:
    made, _ = service()
    for address, expected in [("nowhere", rpc.BadAddress), (str(tmp_path / "absent" / "s.sock"), rpc.CannotServe)]:
        with pytest.raises(expected):
            async with rpc.serve(address, made):
                pass


async def test_the_counters_count(address: str) -> None:
    made, _ = service()
    async with rpc.serve(address, made) as server, rpc.connect(address, CONTRACT) as client:
        await asyncio.gather(*[client.call(Large(size), timeout=PATIENCE) for size in range(10)])
        await client.call_raw("Unknown", b"\x80", timeout=PATIENCE)
        stats = server.stats

    assert (stats.accepted, stats.open, stats.requests, stats.refused, stats.in_flight) == (1, 1, 10, 1, 0)


async def test_a_server_may_be_called_from_its_own_handler(address: str) -> None:
    made = rpc.Service(CONTRACT, partial=True)

    @made.handles(Echo)
    async def on_echo(request: Echo) -> Data:
        async with rpc.connect(address, CONTRACT) as inner:
            return await inner.call(Large(3), timeout=PATIENCE)

    @made.handles(Large)
    def on_large(request: Large) -> Data:
        return Data(bytes(request.size))

    async with rpc.serve(address, made), rpc.connect(address, CONTRACT) as client:
        assert await client.call(Echo(b""), timeout=PATIENCE) == Data(bytes(3))
        with pytest.raises(rpc.CallFailed):
            await client.call(Fail("x"), timeout=PATIENCE)

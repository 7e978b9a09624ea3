"""The client of scripts and threads, against peers that answer as told and a server of ours."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from kit.rpc_service import CONTRACT, Data, Echo, Fail, Hold
from proofplane import rpc
from proofplane.wire import Command, Prepared
from unit.rpc.scripted import Peer, Scripted

PATIENCE = 20.0
UNWRITABLE = [Hold(2**64), Fail("\ud800"), Echo(object())]  # type: ignore[arg-type] # the mistake that is tested


def echoes(peer: Peer, count: int) -> None:
    peer.answer_hello()
    for _ in range(count):
        number, (_, fields) = peer.read()
        peer.send([number, ["EchoResponse", fields]])


def test_a_call_gives_its_reply(scripted: Scripted) -> None:
    with scripted.running(lambda peer: echoes(peer, 1)) as address, rpc.connect_blocking(address, CONTRACT) as client:
        assert client.ids
        assert client.call(Echo(b"x")) == Data(b"x")


def test_many_calls_are_sent_before_the_first_reply_is_awaited(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        requests = [peer.read() for _ in range(50)]
        peer.send(*[[number, ["EchoResponse", fields]] for number, (_, fields) in reversed(requests)])

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client:
        assert client.call_many([Echo(bytes([number])) for number in range(50)]) == [Data(bytes([number])) for number in range(50)]
        assert client.call_many([]) == []


def test_no_more_calls_are_in_flight_than_the_bound(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        for _ in range(3):
            requests = [peer.read() for _ in range(2)]
            peer.send(*[[number, ["EchoResponse", fields]] for number, (_, fields) in requests])

    limits = rpc.Limits(max_in_flight=2)
    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT, limits=limits) as client:
        assert len(client.call_many([Echo(b"")] * 6)) == 6


def test_a_deadline_passes_and_the_late_reply_is_thrown_away(scripted: Scripted) -> None:
    late = threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        late.wait(PATIENCE)
        peer.read()
        peer.send(["EchoResponse", {"data": b"late"}], ["EchoResponse", {"data": b"mine"}])

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client:
        with pytest.raises(rpc.DeadlinePassed):
            client.call(Echo(b""), timeout=0.001)
        late.set()
        assert client.call(Echo(b""), timeout=PATIENCE) == Data(b"mine")


def test_a_server_that_ends_fails_the_call_and_every_later_one(scripted: Scripted) -> None:
    def script(peer: Peer) -> None:
        peer.answer_hello()
        peer.read()
        raise EOFError

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client:
        for _ in range(2):
            with pytest.raises(rpc.Ended):
                client.call(Echo(b""))
        with pytest.raises(rpc.Ended):
            client.call_many([Echo(b"")])


def test_threads_that_share_a_client_each_get_their_own_reply(scripted: Scripted) -> None:
    sharing = ThreadPoolExecutor(4)
    with scripted.running(lambda peer: echoes(peer, 200)) as address, rpc.connect_blocking(address, CONTRACT) as client, sharing:
        replies = list(sharing.map(lambda number: client.call(Echo(bytes([number]))), range(200)))

    assert replies == [Data(bytes([number])) for number in range(200)]


def test_a_thread_that_waits_for_anothers_call_has_a_deadline(scripted: Scripted) -> None:
    arrived, go = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.answer_hello()
        number, _ = peer.read()
        arrived.set()
        go.wait(PATIENCE)
        peer.send([number, ["HoldResponse", {"data": b""}]])

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client, ThreadPoolExecutor(1) as threads:
        first = threads.submit(client.call, Hold(1))
        arrived.wait(PATIENCE)
        with pytest.raises(rpc.DeadlinePassed, match="another thread"):
            client.call(Echo(b""), timeout=0.001)
        go.set()
        assert first.result() == Data(b"")


def test_a_closed_client_says_so(scripted: Scripted) -> None:
    with scripted.running(lambda peer: echoes(peer, 0)) as address:
        with rpc.connect_blocking(address, CONTRACT) as client:
            pass
        client.close()
        with pytest.raises(rpc.Closed):
            client.call(Echo(b""))


def test_closing_does_not_wait_for_ever_for_another_threads_call(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proofplane.rpc.blocking._CLOSE_PATIENCE", 0.01)
    arrived, go = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.answer_hello()
        number, _ = peer.read()
        arrived.set()
        go.wait(PATIENCE)
        peer.send([number, ["HoldResponse", {"data": b"late"}]])

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client, ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.call, Hold(1))
        assert arrived.wait(PATIENCE)
        second = threads.submit(client.call, Echo(b"waits for the lock"))
        client.close()
        assert not first.done()
        go.set()
        assert first.exception(PATIENCE) is None or isinstance(first.exception(), rpc.Closed)
        assert isinstance(second.exception(PATIENCE), rpc.Closed)
        with pytest.raises(rpc.Closed):
            client.call(Echo(b""))
        with pytest.raises(RuntimeError, match="closed"):
            client._connection.in_flight()


@pytest.mark.parametrize("request_", UNWRITABLE, ids=lambda request: type(request).__name__)
def test_a_request_that_the_wire_cannot_carry_is_refused_and_nothing_is_sent(scripted: Scripted, request_: Command[Data]) -> None:
    with scripted.running(lambda peer: echoes(peer, 1)) as address, rpc.connect_blocking(address, CONTRACT) as client:
        with pytest.raises(rpc.BadRequest):
            client.call(request_)
        with pytest.raises(rpc.BadRequest):
            client.call_many([Echo(b"not sent"), request_])
        assert client.call(Echo(b"fine")) == Data(b"fine")


@pytest.mark.parametrize("timeout", [math.inf, 1e300, 2**70, 2**1100, 2**32 / 1000 + 0.001, 2**32])
def test_a_timeout_however_long_is_no_short_one(scripted: Scripted, timeout: float) -> None:
    arrived, go = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.answer_hello()
        for reply in ("HoldResponse", "EchoResponse", "EchoResponse"):
            number, _ = peer.read()
            arrived.set()
            go.wait(PATIENCE)
            peer.send([number, [reply, {"data": b"x"}]])

    with scripted.running(script) as address, rpc.connect_blocking(address, CONTRACT) as client, ThreadPoolExecutor(2) as threads:
        first = threads.submit(client.call, Hold(1), timeout=timeout)
        assert arrived.wait(PATIENCE)
        second = threads.submit(client.call_many, [Echo(b"")] * 2, timeout=timeout)
        go.set()
        assert first.result(PATIENCE) == Data(b"x")
        assert second.result(PATIENCE) == [Data(b"x")] * 2


@pytest.mark.parametrize("timeout", [0, -1, -1e300, -math.inf, -(2**1100)])
def test_a_timeout_that_has_passed_already_is_a_deadline_that_passes(scripted: Scripted, timeout: float) -> None:
    with scripted.running(lambda peer: peer.answer_hello()) as address, rpc.connect_blocking(address, CONTRACT) as client:
        with pytest.raises(rpc.DeadlinePassed):
            client.call(Echo(b""), timeout=timeout)
        with pytest.raises(rpc.DeadlinePassed):
            client.call_many([Echo(b"")], timeout=timeout)
        with pytest.raises(rpc.BadOptions, match="nan"):
            client.call(Echo(b""), timeout=math.nan)


def test_a_forked_child_may_not_use_the_client_and_leaves_the_parents_alone(scripted: Scripted) -> None:
    with scripted.running(lambda peer: echoes(peer, 1)) as address, rpc.connect_blocking(address, CONTRACT) as client:
        child = os.fork()
        if child == 0:
            try:
                client.call(Echo(b""))
            except rpc.ForkedClient:
                client.close()
                del client
                os._exit(0)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert client.call(Echo(b"still")) == Data(b"still")


def test_an_interrupt_reaches_a_script_that_waits(scripted: Scripted) -> None:
    waiting = threading.Event()

    def script(peer: Peer) -> None:
        peer.refuse_hello()
        peer.read()
        waiting.set()

    code = f"""
from proofplane import rpc
with rpc.connect_blocking({scripted.address!r}) as client:
    try:
        client.call_raw("Wait", b"\\x80")
    except KeyboardInterrupt:
        print("interrupted")
"""
    with scripted.running(script):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert waiting.wait(PATIENCE)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)

    assert out == "interrupted\n"


def test_requests_that_are_packed_already_are_sent_like_the_others(scripted: Scripted) -> None:
    packed = Prepared(Echo, msgspec.msgpack.encode({"data": b"packed"}))
    with scripted.running(lambda peer: echoes(peer, 3)) as address, rpc.connect_blocking(address, CONTRACT) as client:
        assert client.call(packed) == Data(b"packed")
        assert client.call_many([packed, Echo(b"plain")]) == [Data(b"packed"), Data(b"plain")]

"""A pump over a scripted reactor: every request of every batch is answered, whatever happens between its lines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.rpc_service import CONTRACT, Data, Echo
from proofplane import rpc
from proofplane.rpc.codec import encoder
from proofplane.rpc.pump import Pump
from proofplane.rpc.threads import Threads

Answer = tuple[int, bytes | str]
ECHO = encoder().encode(Echo(b"x"))
ECHOED = encoder().encode(Data(b"x"))


class Reactor:
    """Hands out batches and keeps what it is handed; `then` runs between taking a list of replies and giving it back, as a garbage
    collection may."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.batches: list[list[tuple[int, int, bytes]]] = []
        self.then: Callable[[], None] = lambda: None
        self._fd, self._other = os.pipe()

    def _take(self, replies: list[Answer]) -> None:
        self.answers += replies
        then, self.then = self.then, lambda: None
        then()

    def turn(self, replies: list[Answer], linger: bool) -> list[tuple[int, int, bytes]]:
        self._take(replies)
        return self.batches.pop(0) if self.batches else []

    def finish(self, replies: list[Answer]) -> None:
        self._take(replies)

    def complete(self, ticket: int, reply: bytes | str) -> None:
        self.answers.append((ticket, reply))

    def lingers(self) -> bool:
        return bool(self.batches)

    def handle(self) -> Reactor:
        return self

    def fileno(self) -> int:
        return self._fd

    def abort(self) -> None:
        """Nothing is left to end."""

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._other)


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


def pump(reactor: Reactor, handler: Any, threads: Threads | None = None) -> Pump:
    service = rpc.Service(CONTRACT, partial=True)
    service.handle(Echo, handler)
    native: Any = reactor
    return Pump(native, service.routes(), threads or Threads(1), shared=False)


async def echo(request: Echo) -> Data:
    return Data(request.data)


async def turned(made: Pump) -> None:
    """Runs the pump as the loop does, in a callback, and lets what it began go on."""
    asyncio.get_running_loop().call_soon(made.ready)
    await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("batch", [0, 1, 3, 4, 30])
async def test_an_answer_given_while_others_are_handed_over_is_handed_over_too(reactor: Reactor, batch: int) -> None:
    made = pump(reactor, echo)
    reactor.batches.append([(number, 0, ECHO) for number in range(batch)])
    reactor.then = lambda: made.answer(99, "late")

    await turned(made)

    assert sorted(reactor.answers, key=lambda answer: answer[0]) == [*((number, ECHOED) for number in range(batch)), (99, "late")]


async def test_an_answer_given_while_the_answers_of_tasks_are_handed_over_is_handed_over_too(reactor: Reactor) -> None:
    made = pump(reactor, echo)
    reactor.then = lambda: made.answer(99, "late")
    made.answer(1, "first")
    await settled()

    assert reactor.answers == [(1, "first"), (99, "late")]


async def test_an_answer_given_while_the_pump_stops_is_handed_over_too(reactor: Reactor) -> None:
    made = pump(reactor, echo)
    made.answer(1, "first")
    reactor.then = lambda: made.answer(99, "late")
    made.stop()

    assert reactor.answers == [(1, "first"), (99, "late")]


async def test_a_request_whose_handling_cannot_begin_is_answered_and_the_rest_of_the_batch_is_handled(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def suspending(request: Echo) -> Data:
        await asyncio.sleep(0)
        return Data(request.data)

    made = pump(reactor, suspending)
    resume = made._resume
    failures = [MemoryError()]

    def failing(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return resume(*args)

    monkeypatch.setattr(made, "_resume", failing)
    reactor.batches.append([(number, 0, ECHO) for number in range(3)])

    await turned(made)

    assert sorted(reactor.answers) == [(0, "internal error: MemoryError"), (1, ECHOED), (2, ECHOED)]
    assert len(caplog.records) == 1


async def test_a_server_without_a_single_thread_refuses_what_needs_one_and_handles_the_rest(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler(request: Echo) -> Data:
        raise AssertionError("no thread runs it")

    def start(thread: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", start)
    made = pump(reactor, handler)
    reactor.batches.append([(0, 0, ECHO), (1, 1, b"\x81\xa4size\x01"), (2, 0, ECHO)])

    await turned(made)

    assert [(ticket, "no thread can be started" in str(reply)) for ticket, reply in reactor.answers] == [(0, True), (1, False), (2, True)]


async def test_an_error_that_comes_when_another_thread_has_just_answered_is_no_answer_and_harms_nothing(
    reactor: Reactor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(request: Echo, responder: rpc.Responder[Data]) -> None:
        responder.reply(Data(request.data))
        raise rpc.Closed("too late to be said")

    # Whoever asked a moment ago was told that nobody had answered.
    monkeypatch.setattr(rpc.Responder, "answered", property(lambda responder: False))
    made = pump(reactor, handler)
    reactor.batches.append([(0, 0, ECHO), (1, 0, ECHO)])
    await turned(made)

    assert reactor.answers == [(0, ECHOED), (1, ECHOED)]


@pytest.mark.parametrize("error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret"), RecursionError("secret")])
async def test_an_error_of_reading_that_a_handler_raises_itself_is_the_handlers(
    reactor: Reactor, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Echo) -> Data:
        raise error

    made = pump(reactor, handler)
    reactor.batches.append([(0, 0, ECHO), (1, 0, b"\x80")])
    await turned(made)

    assert reactor.answers[0] == (0, f"internal error: {type(error).__name__}")
    assert reactor.answers[1] == (1, "Echo: Object missing required field `data`")
    assert len(caplog.records) == 1

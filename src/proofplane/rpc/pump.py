"""The heart of a server: requests out of the reactor, through their handlers, and the replies back in.

Rules:

1. The loop's own thread turns the reactor when its descriptor is readable; a batch of requests comes out, the batch of replies goes in.
2. A coroutine is stepped once; one that suspends gets a Task, which the pump owns until its reply is given.
3. `def` handlers run on threads, and answer through the reactor's handle: the loop is not involved.
4. Every request is answered on every path: by its handler, by the error that it raised, or by its responder's end.
5. After a request the pump stays for a moment, if that pays: the next mostly comes at once, and the loop's own way round costs more
   than a short request. It lets the loop run after `_MOST_TURNS` or `_MOST_REQUESTS`, and after every turn while a handler is suspended.
6. What a request's fields lack is told to the peer, and so is an error that a handler raises on purpose; of any other only its kind.

Invariants: `_replies` is handed over before the loop sleeps; a batch of requests is walked to its end, whatever one of them raises.
A list that is being handed over is nobody's to append to: a garbage collection at any allocation may end a responder and so `answer`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any

from proofplane import _native
from proofplane.base.errors import Broken, ProofplaneError
from proofplane.rpc.codec import UNREADABLE
from proofplane.rpc.errors import AlreadyAnswered
from proofplane.rpc.responder import Responder
from proofplane.rpc.service import Route, Runs
from proofplane.rpc.steps import StandIn, Steps
from proofplane.rpc.threads import Threads
from proofplane.wire import Message

_log = logging.getLogger(__name__)

_MOST_REQUESTS = 256
"""Requests handled before the loop's other callbacks run: a few hundred microseconds of short handlers."""

_MOST_TURNS = 16
"""Turns of the reactor before the loop's other callbacks run; with one client that asks again at once, about 200 microseconds."""

_FIRST_REPLIES = 4
"""Replies of a batch that leave before the rest is handled, so that the client works at the same time: about 8 microseconds of short
handlers, well above the system call that sends them. If all waited for the last, the two ends took turns, at half the calls a second.
The next part is twice as long, and so on: waking a client that sleeps costs more than a few handlers."""


def error_text(error: BaseException, method: str) -> str:
    """What an error reply says: the message of an error raised on purpose; of any other only its type, and the log has the rest."""
    if isinstance(error, ProofplaneError) and not isinstance(error, Broken):
        return str(error) or type(error).__name__
    if isinstance(error, asyncio.CancelledError):
        return f"{method}: cancelled"
    _log.error("the handler of %s failed", method, exc_info=error)
    return f"internal error: {type(error).__name__}"


class Pump:
    """Drives one reactor on one loop."""

    def __init__(self, native: _native.Server, routes: tuple[Route, ...], threads: Threads, *, shared: bool) -> None:
        self._native = native
        self._handle = native.handle()
        self._routes = routes
        self._threads = threads
        self._shared = shared
        self._loop = asyncio.get_running_loop()
        self._first_step = Steps(self._loop).first
        self._thread = threading.get_ident()
        self._replies: list[tuple[int, bytes | str]] = []
        self._pumping = False
        self._finishing = False
        self.over = False
        """Whether it was stopped, or failed."""
        self.tasks: set[asyncio.Task[Any]] = set()
        """Handlers that have suspended."""
        self.on_turn: Callable[[], None] | None = None
        """Called after everything was handed over; a draining server asks then whether it is done."""
        self.failure: OSError | None = None
        """What ended the reactor, if the system did."""

    def start(self) -> None:
        """Watches the reactor's descriptor; over shared memory a first turn arms its bell."""
        self._loop.add_reader(self._native.fileno(), self.ready)
        if self._shared:
            self._loop.call_soon(self.ready)

    def stop(self) -> None:
        """Stops watching, and hands over the last replies."""
        if not self.over:
            self._loop.remove_reader(self._native.fileno())
            self.over = True  # answers go through the handle from now on
            try:
                self._hand_over()
            except OSError as error:
                self._fail(error)

    def ready(self) -> None:
        """The reactor has something to do."""
        if self.over:
            return
        self._pumping = True
        try:
            self._pump()
        except OSError as error:
            self._fail(error)
        finally:
            self._pumping = False
            if self._replies:
                self._finish_soon()
        if self.on_turn is not None:
            self.on_turn()

    def _pump(self) -> None:
        native = self._native
        turn, handle = native.turn, self._request
        linger, handled = self._shared, 0
        for _ in range(_MOST_TURNS):
            ready, self._replies = self._replies, []
            requests = turn(ready, linger)
            if not requests:
                return
            replies, early = self._replies, _FIRST_REPLIES
            for ticket, number, payload in requests:
                try:
                    handle(ticket, number, payload)
                except BaseException as error:
                    replies.append((ticket, self._failure(error, self._routes[number])))
                if len(replies) >= early:
                    self._hand_over()
                    replies = self._replies
                    early *= 2
            handled += len(requests)
            linger = not self.tasks and native.lingers()
            if not linger or handled >= _MOST_REQUESTS:
                break
        if self._replies:
            self._hand_over()
        if self._shared:
            self._loop.call_soon(self.ready)

    def _hand_over(self) -> None:
        """Gives the reactor the replies so far, to be sent at once."""
        replies, self._replies = self._replies, []
        self._native.finish(replies)

    def _request(self, ticket: int, number: int, payload: bytes) -> None:
        """Handles one request, or begins to; what it raises is the answer."""
        route = self._routes[number]
        try:
            request = route.decode(payload)
        except UNREADABLE as error:
            self._replies.append((ticket, f"{route.method.name}: {error}"))
            return
        if not route.plain:
            self._special(route, ticket, request)
            return
        try:
            value = self._first_step(route.handler(request))
            if type(value) is not StandIn:
                self._replies.append((ticket, route.encode(value)))
                return
        except BaseException as error:
            self._replies.append((ticket, self._failure(error, route)))
            return
        task = self._resume(route, value)
        task.add_done_callback(partial(self._finished, route, ticket))

    def _special(self, route: Route, ticket: int, request: Message) -> None:
        """Handles a request on a thread, or with a responder, or both."""
        if route.runs is Runs.THREAD:
            self._threads.run(partial(copy_context().run, self._on_thread, route, ticket, request))
        else:
            self._with_responder(route, ticket, request)

    def _with_responder(self, route: Route, ticket: int, request: Message) -> None:
        responder: Responder[Any] = Responder(self.answer, ticket, route.method.name, route.encode)
        try:
            value = self._first_step(route.handler(request, responder))
        except BaseException as error:
            self._left(responder, error, route)
            return
        if type(value) is StandIn:
            task = self._resume(route, value)
            task.add_done_callback(partial(self._left_later, responder, route))

    def _resume(self, route: Route, stand_in: StandIn) -> asyncio.Task[Any]:
        task = stand_in.resume(f"rpc {route.method.name}")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def _finished(self, route: Route, ticket: int, task: asyncio.Task[Any]) -> None:
        """A handler's Task is done."""
        try:
            reply: bytes | str = route.encode(task.result())
        except BaseException as error:
            reply = self._failure(error, route)
        self.answer(ticket, reply)

    def _on_thread(self, route: Route, ticket: int, request: Message) -> None:
        """Handles one request on a thread."""
        if route.responds:
            responder: Responder[Any] = Responder(self.answer, ticket, route.method.name, route.encode)
            try:
                route.handler(request, responder)
            except BaseException as error:
                self._left(responder, error, route)
            return
        try:
            reply: bytes | str = route.encode(route.handler(request))
        except BaseException as error:
            reply = self._failure(error, route)
        self._handle.complete(ticket, reply)

    def answer(self, ticket: int, reply: bytes | str) -> None:
        """Answers a request from any thread; on the loop's own, with all other answers of this turn of the loop."""
        if threading.get_ident() != self._thread or self.over:
            self._handle.complete(ticket, reply)
            return
        self._replies.append((ticket, reply))
        if not self._pumping:
            self._finish_soon()

    def _finish_soon(self) -> None:
        if not self._finishing:
            self._finishing = True
            self._loop.call_soon(self._finish)

    def _finish(self) -> None:
        """Hands over answers that came outside a turn."""
        self._finishing = False
        if self.over:
            return
        try:
            self._hand_over()
        except OSError as error:
            self._fail(error)
        if self.on_turn is not None:
            self.on_turn()

    def _fail(self, error: OSError) -> None:
        """The system took away what the reactor needs: nothing can be answered any more."""
        _log.error("the server's reactor failed", exc_info=error)
        self.failure = error
        self.over = True
        self._loop.remove_reader(self._native.fileno())
        self._native.abort()

    def _failure(self, error: BaseException, route: Route) -> str:
        """What is answered for an error, which is not swallowed if it asks the process to end."""
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            self._loop.call_soon_threadsafe(_raise, error)
        return error_text(error, route.method.name)

    def _left(self, responder: Responder[Any], error: BaseException, route: Route) -> None:
        """A handler with a responder raised: its error is the answer, if there is none yet."""
        text = self._failure(error, route)
        with suppress(AlreadyAnswered):  # by itself, or by another thread just now
            responder.error(text)

    def _left_later(self, responder: Responder[Any], route: Route, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self._left(responder, asyncio.CancelledError(), route)
        elif (error := task.exception()) is not None:
            self._left(responder, error, route)


def _raise(error: BaseException) -> None:
    raise error

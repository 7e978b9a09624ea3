"""The client of an event loop: calls go out together, replies come in together, each to the future that waits for it.

Rules:

1. The loop's own thread turns the connection when its descriptor is readable; no other thread takes part.
2. A call on an idle connection is sent at once; while others are in flight, or after replies that came together, those made in one turn
   of the loop leave together. No reply is looked for in the turn that sends, so that every call lets the loop go on.
3. A caller that is cancelled, or whose deadline passes, drops its future and never the read: its late reply is thrown away.
4. When the connection is over, every call in flight and everybody who waits for a turn fails at once.
5. The loop spins while calls are in flight and the spin pays, one spin per turn of the loop.

Invariants: a call's number is in `_pending` from its submission until its reply, its deadline, its cancellation or the end;
at most `limits.max_in_flight` are; a caller waits in the turnstile only while something is in flight.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias, TypeVar

from proofplane import _native
from proofplane.base.errors import ProofplaneError
from proofplane.rpc.codec import Codec
from proofplane.rpc.errors import NATIVE, Closed, DeadlinePassed, typed
from proofplane.rpc.forks import Forks, refuse_fork
from proofplane.rpc.options import ClientOptions, seconds
from proofplane.rpc.turnstile import Turnstile
from proofplane.wire import Message, Request

R = TypeVar("R", bound=Message)

_Begun: TypeAlias = tuple[int, "asyncio.Future[tuple[str, bytes]]"]
"""A call's number, and its reply once it is there."""

_RING_RETRY = 0.001
"""Seconds until a full ring of a foreign server is tried again: such a server rings nobody when it makes room."""


class Client:
    """A connected client; get one from `connect`. To be used on the loop that it was connected on."""

    def __init__(self, connection: _native.Connection, codec: Codec, options: ClientOptions, address: str) -> None:
        self.address = address
        """Where the server listens."""
        self.ids = False
        """Whether requests carry ids, so that replies come as soon as they are done."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._codec = codec
        self._made_at = Forks.count
        self._pending: dict[int, asyncio.Future[tuple[str, bytes]]] = {}
        self._most = options.limits.max_in_flight
        self._turnstile = Turnstile(self._loop)
        self._over: ProofplaneError | None = None
        self._shared = address.endswith(".shm")
        self._sending = False
        self._together = False
        self._spinning = False
        self._writing = False
        self._retry: asyncio.TimerHandle | None = None
        self._loop.add_reader(connection.fileno(), self._ready)

    async def call(self, request: Request[R], *, timeout: float | None = None) -> R:
        """Sends a request and returns its reply.

        Args:
            request: Of a class of the contract that this client was connected with, or packed as one of those.
            timeout: Seconds, waiting for a turn included; None waits as long as the connection lives.

        Raises:
            CallFailed: The server answered with an error.
            DeadlinePassed: No reply came in time.
            Ended, ConnectionBroken: The connection is over.
            Closed, ForkedClient, UnknownRequest, BadRequest, BadOptions, FrameTooLarge: The caller's mistake; nothing was sent.
            BadReply: The reply is not what the contract promises.
        """
        exchange, payload = self._codec.pack(request)
        if timeout is not None:
            timeout = seconds(timeout)
        begun = self._begin(exchange.name, payload)
        if begun is None or timeout is not None:
            reply = await self._finish(exchange.name, payload, begun, timeout)
        else:
            call, future = begun
            try:
                reply = await future
            except BaseException:  # cancelled, failed, or this coroutine closed
                self._drop(call)
                raise
        response: R = self._codec.response(exchange, *reply)
        return response

    async def call_raw(self, name: str, payload: bytes, *, timeout: float | None = None) -> tuple[str, bytes]:
        """Sends packed fields under a request's name; returns the reply's name and packed fields, an error's too.

        Raises what `call` raises, but `CallFailed`, `UnknownRequest`, `BadRequest` and `BadReply`.
        """
        if timeout is not None:
            timeout = seconds(timeout)
        return await self._finish(name, payload, self._begin(name, payload), timeout)

    def _begin(self, name: str, payload: bytes) -> _Begun | None:
        """Submits a request; None if the connection carries as much as it may."""
        if self._over is not None or Forks.count != self._made_at:
            self._refuse()
        pending = self._pending
        if len(pending) >= self._most or self._turnstile:
            return None
        try:
            call = self._connection.submit(name, payload)
        except NATIVE as error:
            raise self._failed(error) from None
        return None if call is None else self._launch(call)

    def _launch(self, call: int) -> _Begun:
        """Gives a submitted call its future, and sees to it that its request is sent."""
        together = self._together or bool(self._pending)
        future = self._pending[call] = self._loop.create_future()
        if not together:
            self._send()
        elif not self._sending:
            self._sending = True
            self._loop.call_soon(self._send)
        return call, future

    async def _finish(self, name: str, payload: bytes, begun: _Begun | None, timeout: float | None) -> tuple[str, bytes]:
        """The reply of a call that has begun, or has to wait for its turn."""
        if begun is None:
            number, timeout = await self._wait_for_room(name, payload, timeout)
            begun = self._launch(number)
        call, future = begun
        alarm = None if timeout is None else self._loop.call_later(timeout, self._expire, call, name)
        try:
            return await future
        finally:
            if alarm is not None:
                alarm.cancel()
            self._drop(call)

    async def _wait_for_room(self, name: str, payload: bytes, timeout: float | None) -> tuple[int, float | None]:
        """Submits when it is this caller's turn; returns the call and what is left of `timeout`."""
        deadline = None if timeout is None else self._loop.time() + timeout
        first = False
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    await self._turnstile.wait(first=first)
                    if self._over is not None:
                        self._refuse()
                    call = self._connection.submit(name, payload)
                    if call is not None:
                        return call, None if deadline is None else deadline - self._loop.time()
                    first = True
        except NATIVE as error:
            raise self._failed(error) from None
        except TimeoutError:
            raise DeadlinePassed(f"{name} waited {timeout} s for its turn: the connection carries as much as it may") from None

    def _refuse(self) -> None:
        refuse_fork(self._made_at)
        assert self._over is not None
        raise type(self._over)(*self._over.args)

    def _failed(self, error: Exception) -> ProofplaneError:
        """The error of a submission; one that ends the connection ends it for all."""
        ours = typed(error)
        if not isinstance(error, _native.FrameTooLarge):
            self._lose(ours)
        return ours

    def _drop(self, call: int) -> None:
        """Forgets a call that nobody waits for; one that was answered is forgotten already."""
        if self._pending.pop(call, None) is not None:
            self._turnstile.admit(self._most - len(self._pending))

    def _expire(self, call: int, name: str) -> None:
        future = self._pending.get(call)
        if future is not None and not future.done():
            future.set_exception(DeadlinePassed(f"{name} was not answered in time by {self.address}"))

    def _send(self) -> None:
        self._sending = False
        if self._over is not None:
            return
        try:
            sent = self._connection.flush()
            if not self._spinning:
                self._await_reply()
        except NATIVE as error:
            self._lose(typed(error))
            return
        if sent is self._writing:
            self._watch_writing(not sent)

    def _await_reply(self) -> None:
        """In the next turn of the loop: spins, if that pays; otherwise, over shared memory, arms the bell."""
        if self._connection.spins():
            self._spinning = True
            self._loop.call_soon(self._spin)
        elif self._shared:
            self._loop.call_soon(self._ready)

    def _watch_writing(self, wanted: bool) -> None:
        """What could not be sent is tried again: a socket when it takes more, a ring when its server rings, or soon."""
        if self._shared:
            if wanted and self._retry is None:
                self._retry = self._loop.call_later(_RING_RETRY, self._retry_ring)
        elif wanted:
            self._loop.add_writer(self._connection.fileno(), self._send)
        else:
            self._loop.remove_writer(self._connection.fileno())
        self._writing = wanted

    def _retry_ring(self) -> None:
        self._retry = None
        self._ready()

    def _ready(self) -> None:
        """The descriptor is readable: takes what has come. Over shared memory until nothing comes, which arms the bell."""
        while self._over is None and self._turn(False) and self._shared:
            pass

    def _spin(self) -> None:
        self._spinning = False
        if self._over is not None:
            return
        if not self._pending:
            self._ready()
        elif self._turn(True) and self._over is None and self._pending:
            self._await_reply()

    def _turn(self, spin: bool) -> int:
        """One turn of the connection; returns how many replies came."""
        try:
            replies = self._connection.turn(spin)
        except NATIVE as error:
            self._lose(typed(error))
            return 0
        # Callers that are answered together will mostly ask again together.
        self._together = len(replies) > 1
        pop = self._pending.pop
        for call, name, payload in replies:
            future = pop(call, None)
            if future is not None and not future.done():
                future.set_result((name, payload))
        if self._turnstile:
            self._turnstile.admit(self._most - len(self._pending))
        if self._writing or (self._shared and self._connection.wants_write()):
            self._watch_writing(self._connection.wants_write())
        return len(replies)

    def _lose(self, error: ProofplaneError) -> None:
        if self._over is not None:
            return
        self._over = error
        if Forks.count == self._made_at:
            fd = self._connection.fileno()
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
            self._connection.close()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(type(error)(*error.args))
        self._pending.clear()
        self._turnstile.fail(error)

    @property
    def in_use(self) -> bool:
        """Whether somebody waits for a reply, or for a turn to ask."""
        return bool(self._pending or self._turnstile)

    def close(self) -> None:
        """Closes at once: calls in flight fail with `Closed`. Idempotent."""
        self._lose(Closed(f"the client of {self.address} was closed"))

    def __repr__(self) -> str:
        state: Any = "open" if self._over is None else self._over
        return f"<rpc client of {self.address}: {state}, {len(self._pending)} in flight>"

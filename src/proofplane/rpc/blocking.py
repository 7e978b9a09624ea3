"""The client of scripts and threads: one call, or many at once, at a time; others wait for the lock.

Rules:

1. A lock is held from a call's submission to its reply, so threads that share a client take turns; one connection per thread is faster.
2. The GIL is free while a call waits, and a signal's handler runs: KeyboardInterrupt leaves the call, whose late reply is thrown away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, TypeVar

from proofplane import _native
from proofplane.base.errors import ProofplaneError
from proofplane.rpc.codec import Codec
from proofplane.rpc.errors import NATIVE, Closed, DeadlinePassed, typed
from proofplane.rpc.forks import Forks, refuse_fork
from proofplane.rpc.options import ClientOptions, seconds
from proofplane.wire import Message, Request

R = TypeVar("R", bound=Message)

_CLOSE_PATIENCE = 1.0
"""Seconds that `close` waits for another thread's call; that thread closes the connection if it goes on longer."""


class BlockingClient:
    """A connected client; get one from `connect_blocking`. Safe to share between threads."""

    def __init__(self, connection: _native.Connection, codec: Codec, options: ClientOptions, address: str) -> None:
        self.address = address
        """Where the server listens."""
        self.ids = False
        """Whether requests carry ids."""
        self._connection = connection
        self._codec = codec
        self._made_at = Forks.count
        self._most = options.limits.max_in_flight
        self._lock = threading.Lock()
        self._over: ProofplaneError | None = None

    def call(self, request: Request[R], *, timeout: float | None = None) -> R:
        """Sends a request and returns its reply; raises what `Client.call` raises.

        Args:
            request: Of a class of the contract that this client was connected with, or packed as one of those.
            timeout: Seconds, waiting for other threads' calls included; None waits as long as the connection lives.
        """
        exchange, payload = self._codec.pack(request)
        response: R = self._codec.response(exchange, *self.call_raw(exchange.name, payload, timeout=timeout))
        return response

    def call_raw(self, name: str, payload: bytes, *, timeout: float | None = None) -> tuple[str, bytes]:
        """Sends packed fields under a request's name; returns the reply's name and packed fields, an error's too."""
        deadline = None if timeout is None else time.monotonic() + seconds(timeout)
        self._take(name, timeout)
        try:
            reply = self._connection.exchange(name, payload, None if deadline is None else deadline - time.monotonic())
        except NATIVE as error:
            raise self._failed(error) from None
        finally:
            self._release()
        if reply is None:
            raise DeadlinePassed(f"{name} was not answered in time by {self.address}")
        return reply

    def call_many(self, requests: Sequence[Request[R]], *, timeout: float | None = None) -> list[R]:
        """Sends all requests without waiting between them; returns the replies in the requests' order.

        Raises what `call` raises, for the first request whose reply is an error, once all replies are there. A request that is too large
        (`FrameTooLarge`) is found only when its turn comes: those before it reach the server, and their replies are thrown away.
        """
        packed = [self._codec.pack(request) for request in requests]
        if not packed:
            return []
        deadline = None if timeout is None else time.monotonic() + seconds(timeout)
        self._take(packed[0][0].name, timeout)
        try:
            replies = self._exchange([(exchange.name, payload) for exchange, payload in packed], deadline)
        except NATIVE as error:
            raise self._failed(error) from None
        finally:
            self._release()
        return [self._codec.response(exchange, *reply) for (exchange, _), reply in zip(packed, replies, strict=True)]

    def close(self) -> None:
        """Closes, at once or within a second; a call that another thread is in closes when it ends. Idempotent."""
        if Forks.count != self._made_at:
            return
        self._over = self._over or Closed(f"the client of {self.address} was closed")
        if self._lock.acquire(timeout=_CLOSE_PATIENCE):
            self._release()

    def _take(self, name: str, timeout: float | None) -> None:
        """Takes the lock of a usable connection."""
        if Forks.count != self._made_at:
            refuse_fork(self._made_at)
        if not self._lock.acquire(blocking=False) and not self._lock.acquire(timeout=-1 if timeout is None else seconds(timeout)):
            raise DeadlinePassed(f"{name} waited {timeout} s for another thread's call on this client")
        if self._over is not None:
            self._release()
            raise type(self._over)(*self._over.args)

    def _release(self) -> None:
        """Gives the lock back; a connection that is over is closed by whoever had it last."""
        if self._over is not None:
            self._connection.close()
        self._lock.release()

    def _failed(self, error: Exception) -> ProofplaneError:
        """The error of a call; one that ends the connection ends it for all."""
        ours = typed(error)
        if not isinstance(error, _native.FrameTooLarge):
            self._over = self._over or ours
            return type(self._over)(*self._over.args)
        return ours

    def _exchange(self, requests: list[tuple[str, bytes]], deadline: float | None) -> list[tuple[str, bytes]]:
        """Submits as many as go, waits for replies, submits more, until all are answered."""
        connection = self._connection
        replies: list[Any] = [None] * len(requests)
        places: dict[int, int] = {}
        submitted = 0
        while True:
            while submitted < len(requests) and len(places) < self._most:
                call = connection.submit(*requests[submitted])
                if call is None:
                    break
                places[call] = submitted
                submitted += 1
            for call, name, payload in connection.wait(None if deadline is None else deadline - time.monotonic()):
                place = places.pop(call, None)
                if place is not None:
                    replies[place] = (name, payload)
            if submitted == len(requests) and not places:
                return replies
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlinePassed(f"{requests[0][0]} was not answered in time by {self.address}")

"""Values of the rpc package: what a handler is, and a server's counters."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeAlias, TypeVar

from proofplane.rpc.responder import Responder
from proofplane.wire import Message

R = TypeVar("R", bound=Message)


class NativeEcho:
    """Stands for a handler in native code that answers a request with its own fields: see `native_echo`."""

    __slots__ = ()


native_echo = NativeEcho()
"""Given instead of a handler: requests are answered with their own fields without entering Python. For methods whose response has the
fields of its request, and for measuring."""

Handler: TypeAlias = (
    Callable[[Any], Coroutine[Any, Any, R]]
    | Callable[[Any], R]
    | Callable[[Any, Responder[R]], Coroutine[Any, Any, None]]
    | Callable[[Any, Responder[R]], None]
)
"""`async def` runs on the loop; `def`, which may not return an awaitable instead, on a thread.

With a second parameter a handler gets a responder instead of returning the response."""


class Stats(NamedTuple):
    """A server's counters since its start, and gauges."""

    accepted: int
    """Connections accepted."""
    open: int
    """Connections open now."""
    requests: int
    """Requests handed out."""
    replies: int
    """Replies sent or queued, errors included."""
    refused: int
    """Of these, errors made by the reactor: unreadable, unknown, over a limit."""
    orphaned: int
    """Replies whose client was gone."""
    in_flight: int
    """Requests accepted and not answered now."""

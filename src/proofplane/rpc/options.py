"""How a server or a client is set up: every knob with its default and its reason."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from proofplane import _native
from proofplane.base.cores import usable_cores
from proofplane.rpc.errors import BadOptions

START_TIMEOUT = 10.0
"""Seconds that one's own child may take until it can be connected to; a Python server with its imports takes tens of milliseconds,
fifty started at once a second."""

HELLO_TIMEOUT = 30.0
"""Seconds for the answer to `Hello`; a foreign server that works off a long command first (a key computation: 7 s) answers late."""

SPIN_US = 50
"""Most microseconds of one spin before sleeping; whether it pays is learned. Both ends together take so long for a message of 64 KiB, and
waking another processor there and back costs as much."""

GRACE = 5.0
"""Seconds that a server which is left waits for handlers to finish; then they are cancelled and their requests answered with an error."""


LEAST_FRAME = 512
"""Bytes of the smallest `max_frame`: an error reply always fits."""

LEAST_RING = 4096
"""Bytes of the smallest ring: a page, since less saves nothing."""

MOST_SLOTS = 1024
"""Client slots of a server over shared memory: each is two rings, a FIFO and a word to look at on every wake."""

_LONGEST = 1e9
"""Seconds of the longest wait, 31 years: clocks and locks refuse or wrap what is much more."""

_MOST_U32 = 2**32 - 1

_CORE = _native.Limits()


def _within(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Raises `BadOptions` unless `value` is a number from `least` to `most`."""
    if not least <= value <= most:
        raise BadOptions(f"{name} is {value}: it must be {f'at least {least}' if most == math.inf else f'{least} to {most}'}")


def seconds(timeout: float) -> float:
    """A caller's timeout as every clock takes it: 0 for what is negative, `_LONGEST` for what is more.

    Raises:
        BadOptions: It is no number of seconds.
    """
    if timeout != timeout:  # of an integer that no float can hold, `math.isnan` says nothing
        raise BadOptions("a timeout is a number of seconds, not nan")
    return min(max(timeout, 0.0), _LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one server (per connection unless said) or one client; the defaults are the reactor's.

    Raises:
        BadOptions: A bound with which nothing could be served.
    """

    max_frame: int = _CORE.max_frame
    """Largest frame body accepted or sent, bytes."""

    max_in_flight: int = _CORE.max_in_flight
    """Requests accepted and not yet answered; beyond it a server does not read the connection, and a client's caller waits."""

    max_queued: int = _CORE.max_queued
    """Bytes queued for one connection; beyond it a server does not read it, and a client's caller waits."""

    max_connections: int = _CORE.max_connections
    """Connections served at once; further ones wait in the backlog."""

    max_waiting: int = _CORE.max_waiting
    """Requests accepted and not yet answered, of the whole server; beyond it nothing is read."""

    def __post_init__(self) -> None:
        _within("max_frame", self.max_frame, LEAST_FRAME, _MOST_U32)
        for name in ("max_in_flight", "max_queued", "max_connections", "max_waiting"):
            _within(name, getattr(self, name), 1, _MOST_U32)

    def native(self) -> _native.Limits:
        """The same for the reactor."""
        return _native.Limits(
            max_frame=self.max_frame,
            max_in_flight=self.max_in_flight,
            max_queued=self.max_queued,
            max_connections=self.max_connections,
            max_waiting=self.max_waiting,
        )


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is set up.

    Raises:
        BadOptions: A size, a number or a time with which nothing could be served.
    """

    limits: Limits = field(default_factory=Limits)
    """Bounds of frames, queues, connections and requests in flight."""

    threads: int = field(default_factory=usable_cores)
    """Most threads for `def` handlers."""

    grace: float = GRACE
    """Seconds to drain when the server is left."""

    slots: int = 8
    """Shared memory: client slots."""

    request_ring: int = 1 << 20
    """Shared memory: bytes of each client's request ring; a message may have half of it."""

    response_ring: int = 1 << 20
    """Shared memory: bytes of each client's reply ring."""

    spin_us: int = SPIN_US
    """Most microseconds of one spin for more work before sleeping."""

    peers: Sequence[int] = ()
    """User ids that may connect besides our own and root."""

    def __post_init__(self) -> None:
        _within("threads", self.threads, 1)
        _within("grace", self.grace, 0)
        _within("slots", self.slots, 1, MOST_SLOTS)
        _within("request_ring", self.request_ring, LEAST_RING, _MOST_U32)
        _within("response_ring", self.response_ring, LEAST_RING, _MOST_U32)
        _within("spin_us", self.spin_us, 0, _MOST_U32)
        for peer in self.peers:
            _within("a user id of peers", peer, 0, _MOST_U32)


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client is set up; what each means is told by `connect`."""

    limits: Limits = field(default_factory=Limits)
    slot: int | None = None
    child: int | None = None
    start_timeout: float = START_TIMEOUT
    ids: bool | None = None
    spin_us: int = SPIN_US

    def __post_init__(self) -> None:
        if self.slot is not None:
            _within("slot", self.slot, 0, MOST_SLOTS - 1)
        if self.child is not None:
            _within("child", self.child, 1, _MOST_U32)
        _within("start_timeout", self.start_timeout, 0)

"""How a server or a client is set up: every knob with its default and its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from proofplane._native import Limits
from proofplane.base.cores import usable_cores

START_TIMEOUT = 10.0
"""Seconds that one's own child may take until it can be connected to; a Python server with its imports takes tens of milliseconds,
fifty started at once a second."""

HELLO_TIMEOUT = 30.0
"""Seconds for the answer to `Hello`; a foreign server that works off a long command first (a key computation: 7 s) answers late."""

SPIN_US = 20
"""Most microseconds of one spin over shared memory; whether it pays is learned. Waking an idle other core costs about 25 us, so a longer
spin rarely pays."""

GRACE = 5.0
"""Seconds that a server which is left waits for handlers to finish; then they are cancelled and their requests answered with an error."""


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is set up."""

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
    """Shared memory: most microseconds of one spin for more work before sleeping."""

    peers: Sequence[int] = ()
    """User ids that may connect besides our own and root."""


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client is set up; what each means is told by `connect`."""

    limits: Limits = field(default_factory=Limits)
    slot: int | None = None
    child: int | None = None
    start_timeout: float = START_TIMEOUT
    ids: bool | None = None
    spin_us: int = SPIN_US

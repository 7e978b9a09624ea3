"""Values of the pool: what a worker is, a pool's bounds, and a pool's counters."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NewType

from proofplane import rpc
from proofplane.pool.errors import BadPool
from proofplane.pool.exits import Recycle
from proofplane.wire import Contract

WorkerId = NewType("WorkerId", int)
"""Number of a worker within its pool, from 1, never used again; a process id may be."""


@dataclass(frozen=True, slots=True)
class WorkerSpec:
    """What a worker is: any process that listens on the address that it is given and serves our rpc, or plain requests in order."""

    name: str
    """For messages and logs."""

    command: Callable[[str], Sequence[str]]
    """The command line for an rpc address, a Unix socket's path that ends in `.sock`."""

    contract: Contract | None = None
    """Of the service, for typed calls."""

    plain: bool = False
    """Whether it is known to know no `Hello`, as `bb`: then it is not asked, which saves a fresh `bb` 0.7 ms (its first exception)."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables besides ours, or in their place."""

    batch: bool = False
    """Whether a request is milliseconds of computing, so that the system may schedule it as such (`SCHED_BATCH`).

    Its share of the processors is the same, but it takes none from anybody by waking up. Otherwise the process that was just handed a
    request displaces ours, which then hands the next one to another process milliseconds late, while a core stands idle."""

    greet: Callable[[rpc.Client], Awaitable[object]] | None = None
    """Asked of every fresh worker before it is lent.

    If it raises, the worker is not used; whether another one is tried depends on the error's family, as everywhere."""

    probe: Callable[[rpc.Client], Awaitable[object]] | None = None
    """Asked of a worker that has been idle for `PoolOptions.probe_after`; one that raises or does not answer is replaced."""

    limits: rpc.Limits | None = None
    """Bounds of the connection; None: the reactor's, and one request in flight (further ones of a lease wait for it)."""

    start_timeout: float = 30.0
    """Seconds from the process's start until it has answered and was greeted; waited for only while it lives.

    A native worker needs 3 ms, a Python service half a second, on a loaded machine ten times that; what takes longer is wedged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOptions:
    """The bounds of a pool, each with its reason.

    Raises:
        BadPool: A bound with which nothing could be served.
    """

    max_waiting: int = 1024
    """Leases that may wait; a further one is refused with `QueueFull`. At 5 ms a call and 2 workers the last one waits 2.5 s."""

    max_leases: int | None = None
    """A worker is replaced after so many leases."""

    max_age: float | None = None
    """Seconds since it was ready after which a worker that has served is replaced, when it is handed back or would be lent."""

    max_memory: int | None = None
    """Resident bytes above which a worker that is handed back is replaced; a large proof leaves most of its memory behind."""

    probe_after: float = 30.0
    """Seconds idle after which a worker is asked `WorkerSpec.probe` before it is lent; a question costs some 30 microseconds."""

    probe_timeout: float = 2.0
    """Seconds for the answer: an idle process answers in microseconds, so this only has to outlast a loaded machine."""

    start_retries: int = 5
    """Rounds of starts after the first that failed; when these fail too and no worker lives, all who wait are told."""

    first_backoff: float = 0.1
    """Seconds between the first two rounds; doubled each time: 3 s until waiting leases are told."""

    max_backoff: float = 5.0
    """Seconds between two rounds at most, while other workers serve."""

    drain_timeout: float = 60.0
    """Seconds that `drain` waits for leases; what is still out after it is killed."""

    stop_timeout: float = 1.0
    """Seconds from SIGTERM to SIGKILL for an idle worker, which has nothing to finish."""

    kill_timeout: float = 5.0
    """Seconds from SIGKILL until the process must be gone; one that is not hangs in the system, and is reported as `DisposalFailed`."""

    fresh_at_once: int | None = None
    """Processes at once of a pool that takes a fresh one for each lease; None: as many as there are usable cores."""

    def __post_init__(self) -> None:
        for name in ("max_waiting", "max_leases", "max_memory", "fresh_at_once"):
            _at_least(name, getattr(self, name), 1)
        for name in ("max_age", "probe_after", "probe_timeout", "start_retries", "first_backoff", "max_backoff"):
            _at_least(name, getattr(self, name), 0)
        for name in ("drain_timeout", "stop_timeout", "kill_timeout"):
            _at_least(name, getattr(self, name), 0)


def _at_least(name: str, value: float | None, least: int) -> None:
    if value is not None and not least <= value <= math.inf:
        raise BadPool(f"{name} is {value}: it must be at least {least}")


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool's counters since its start, and gauges."""

    size: int
    """Processes at most."""
    generation: int
    """Of workers that are started now; `expire` adds 1."""
    starting: int
    """Processes that are not ready yet."""
    idle: int
    """Workers that wait for a lease, those that are being probed included."""
    borrowed: int
    """Workers on lease."""
    ending: int
    """Processes that were told to end and are not reaped yet."""
    waiting: int
    """Leases that wait for a worker."""
    leases: int
    """Leases given."""
    refused: int
    """Leases refused with `QueueFull`."""
    spawned: int
    """Processes begun to be started."""
    ready: int
    """Of these, those that became ready."""
    failed_starts: int
    """Of these, those that did not."""
    retried: int
    """Calls run again because their worker had died under them."""
    recycled: Mapping[Recycle, int]
    """Ended workers by cause; causes that did not occur are left out."""
    disposal_failures: int
    """Errors while ending workers."""

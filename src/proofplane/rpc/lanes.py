"""Order among requests that share state: per key, reads together, a write alone, in order of arrival.

Rules:

1. Each key is its own lane; lanes never hold each other up.
2. A committed read looks at a snapshot: it runs at once, beside everything, and holds up nobody.
3. A read runs beside other reads of its lane, but behind a write that runs there or waits there.
4. A write waits for everything that runs in its lane, runs alone, and only then is anything behind it released.
5. Whoever waits is released in the order of arrival; a read does not overtake a waiting write, so neither kind starves.
6. Whoever gives up while it waits leaves no hole: what waited only for it is released at once.
7. Waiting is bounded, per lane and in all; over a bound `LaneBusy` is raised and nothing has changed. What need not wait is never refused.
8. A lane exists while somebody runs or waits in it.

A lane is thus a sequence of batches of reads, parted by writes:

    empty --read--> reading(n) --read--> reading(n+1) ... --leave--> empty
    empty --write-> writing --leave--> empty
    reading(n) or writing, somebody waits --last leave--> writing, or reading(m) with all m reads up to the next waiting write

Invariants: never a write beside anything; if somebody waits, somebody runs; the first waiter of a reading lane is a write.

`LaneOrder` is the decision, a plain state machine; `Lanes` is the asyncio shell.
Not given: order between lanes, and detection of a task that waits for itself (a write inside a read of the same key never begins).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from proofplane.base.errors import CallerMistake, TryAgain

K = TypeVar("K", bound=Hashable)

MAX_WAITING_IN_LANE = 1024
"""Requests that wait in one lane: as many as one connection may have in flight, so that one client alone never meets it."""

MAX_WAITING = 4096
"""Requests that wait in all lanes together: as many as a server accepts for its workers."""


class Access(Enum):
    """How a request touches the state behind its key."""

    COMMITTED_READ = "committed read"
    READ = "read"
    WRITE = "write"


class LaneBusy(TryAgain):
    """Too many requests wait already, in this lane or in all."""

    def __init__(self, waiting: int, where: str) -> None:
        """`waiting` requests wait `where`."""
        super().__init__(f"{waiting} requests wait {where} already: ask again when some have been answered")
        self.waiting = waiting


class LeftTwice(CallerMistake):
    """A ticket that is not in its lane left it: it had left before, or belongs to another `LaneOrder`."""


@dataclass(frozen=True, slots=True)
class Ticket(Generic[K]):
    """One request's place; never used again."""

    number: int
    key: K
    access: Access


@dataclass(slots=True)
class _Lane(Generic[K]):
    running: set[Ticket[K]] = field(default_factory=set)
    """One write, or any number of reads."""
    waiting: OrderedDict[Ticket[K], None] = field(default_factory=OrderedDict)
    """In order of arrival; ordered by key so that giving up costs the same anywhere."""


class LaneOrder(Generic[K]):
    """Who may run now: pure decisions, no clock and no I/O; not for several threads at once."""

    __slots__ = ("_lanes", "_limit", "_limit_in_lane", "_next", "_waiting")

    def __init__(self, limit_in_lane: int = MAX_WAITING_IN_LANE, limit: int = MAX_WAITING) -> None:
        """At most `limit_in_lane` wait in one lane, `limit` in all."""
        self._lanes: dict[K, _Lane[K]] = {}
        self._limit_in_lane = limit_in_lane
        self._limit = limit
        self._next = 0
        self._waiting = 0

    @property
    def lanes(self) -> int:
        """Lanes in which somebody runs or waits."""
        return len(self._lanes)

    @property
    def waiting(self) -> int:
        """Requests that wait, in all lanes."""
        return self._waiting

    def submit(self, key: K, access: Access) -> tuple[Ticket[K], bool]:
        """Takes a place for a request; returns its ticket and whether it runs at once.

        Raises:
            LaneBusy: It would have to wait, and too many do; nothing has changed.
        """
        ticket = Ticket(self._next, key, access)
        lane = self._lanes.get(key)
        runs = access is Access.COMMITTED_READ or lane is None or (not lane.waiting and _admits(lane, access))
        if not runs and lane is not None:
            self._check_bounds(lane)
            lane.waiting[ticket] = None
            self._waiting += 1
        elif access is not Access.COMMITTED_READ:
            self._lanes.setdefault(key, _Lane()).running.add(ticket)
        self._next += 1
        return ticket, runs

    def leave(self, ticket: Ticket[K]) -> tuple[Ticket[K], ...]:
        """Ends a request's stay, whether it ran or still waited; returns those that run from now on, in order of arrival.

        Raises:
            LeftTwice: It was not there.
        """
        if ticket.access is Access.COMMITTED_READ:
            return ()
        lane = self._lanes.get(ticket.key)
        if lane is None or (ticket not in lane.running and ticket not in lane.waiting):
            raise LeftTwice(f"a {ticket.access.value} that is not in the lane of {ticket.key!r} cannot leave it")
        if ticket in lane.running:
            lane.running.remove(ticket)
        else:
            del lane.waiting[ticket]
            self._waiting -= 1
        released = self._release(lane)
        if not lane.running:
            del self._lanes[ticket.key]  # nobody runs, so nobody waits
        return released

    def _release(self, lane: _Lane[K]) -> tuple[Ticket[K], ...]:
        released = []
        while lane.waiting:
            first = next(iter(lane.waiting))
            if not _admits(lane, first.access):
                break
            del lane.waiting[first]
            self._waiting -= 1
            lane.running.add(first)
            released.append(first)
        return tuple(released)

    def _check_bounds(self, lane: _Lane[K]) -> None:
        if len(lane.waiting) >= self._limit_in_lane:
            raise LaneBusy(len(lane.waiting), "in this lane")
        if self._waiting >= self._limit:
            raise LaneBusy(self._waiting, "in all lanes")


def _admits(lane: _Lane[K], access: Access) -> bool:
    """Whether a request may run beside those that run: nobody, or reads beside a read; one of them tells the kind of all."""
    return not lane.running or (access is Access.READ and next(iter(lane.running)).access is Access.READ)


class Lanes(Generic[K]):
    """The lanes of one event loop: `async with lanes.write(key): ...` runs its body when it is its turn.

    Cancelled while it waits, a request gives up its place; cancelled in its body, it leaves as usual.
    All requests must come from the same event loop.
    """

    __slots__ = ("_futures", "_order")

    def __init__(self, limit_in_lane: int = MAX_WAITING_IN_LANE, limit: int = MAX_WAITING) -> None:
        """At most `limit_in_lane` wait in one lane, `limit` in all."""
        self._order: LaneOrder[K] = LaneOrder(limit_in_lane, limit)
        self._futures: dict[Ticket[K], asyncio.Future[None]] = {}

    @property
    def lanes(self) -> int:
        """Lanes in which somebody runs or waits."""
        return self._order.lanes

    @property
    def waiting(self) -> int:
        """Requests that wait, in all lanes."""
        return self._order.waiting

    def read(self, key: K) -> Turn[K]:
        """For a read that must see what was written before it; entering raises `LaneBusy`."""
        return Turn(self, key, Access.READ)

    def write(self, key: K) -> Turn[K]:
        """For a write; entering raises `LaneBusy`."""
        return Turn(self, key, Access.WRITE)

    def enter(self, key: K, access: Access) -> Turn[K]:
        """For a request whose access is known only when it comes; entering raises `LaneBusy`, but not for a committed read."""
        return Turn(self, key, access)

    async def _take(self, key: K, access: Access) -> Ticket[K]:
        ticket, runs = self._order.submit(key, access)
        if not runs:
            future = self._futures[ticket] = asyncio.get_running_loop().create_future()
            try:
                await future
            except BaseException:  # cancelled, or its coroutine closed; it may have been released in the meantime
                self._leave(ticket)
                raise
        return ticket

    def _leave(self, ticket: Ticket[K]) -> None:
        self._futures.pop(ticket, None)
        for released in self._order.leave(ticket):
            future = self._futures.pop(released)
            if not future.done():  # done: cancelled, and its waiter is about to leave
                future.set_result(None)


class Turn(Generic[K]):
    """One request's stay in a lane, an async context manager for one use."""

    __slots__ = ("_access", "_key", "_lanes", "_ticket")

    def __init__(self, lanes: Lanes[K], key: K, access: Access) -> None:
        """Made by `Lanes`; nothing happens before it is entered."""
        self._lanes = lanes
        self._key = key
        self._access = access
        self._ticket: Ticket[K] | None = None

    async def __aenter__(self) -> None:
        if self._ticket is not None:
            raise LeftTwice("a turn is taken once: ask the lanes for another")
        self._ticket = await self._lanes._take(self._key, self._access)  # same module: the two are one mechanism

    async def __aexit__(self, *_: object) -> None:
        assert self._ticket is not None
        self._lanes._leave(self._ticket)

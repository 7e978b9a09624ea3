"""Which of many tickets passes its deadline first."""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from itertools import count

from proofplane.barretenberg.service.tickets import Ticket

_SLACK = 64
"""Removed tickets that may stay in the heap besides as many as are held: then it is built anew, so it stays in proportion."""


class Deadlines:
    """A set of tickets; those without a deadline are no part of it."""

    def __init__(self) -> None:
        self._held: set[Ticket] = set()
        self._heap: list[tuple[float, int, Ticket]] = []
        """All that are held, and some that were removed; the number keeps tickets from being compared."""
        self._numbers = count()

    def add(self, ticket: Ticket) -> None:
        """Idempotent."""
        if ticket.deadline < math.inf and ticket not in self._held:
            self._held.add(ticket)
            heappush(self._heap, (ticket.deadline, next(self._numbers), ticket))

    def remove(self, ticket: Ticket) -> None:
        """Idempotent."""
        self._held.discard(ticket)
        if len(self._heap) > 2 * len(self._held) + _SLACK:
            kept = {ticket: entry for entry in self._heap if (ticket := entry[2]) in self._held}
            self._heap = list(kept.values())
            heapify(self._heap)

    def passed(self, now: float) -> list[Ticket]:
        """Removes and returns those whose deadline is not later than now, the earliest first."""
        found = []
        while self.earliest <= now:
            ticket = heappop(self._heap)[2]
            self._held.remove(ticket)
            found.append(ticket)
        return found

    @property
    def earliest(self) -> float:
        """The next deadline; infinite if there is none."""
        while self._heap and self._heap[0][2] not in self._held:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

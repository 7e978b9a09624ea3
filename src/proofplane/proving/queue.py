"""The ordered window of planned work in memory: ready, parked under a missing prerequisite, or held back until an instant.

Rules:

1. Work is taken in key order: height, step before recursive, full key. An id is held at most once.
2. Parked work costs nothing until its prerequisite is stored (`wake`); delayed work until its instant (`release`).
3. Of each kind at most `WINDOW` ids are held, the lowest ones; the table has all. Beyond the window an id is left in the table,
   and `wanted` says from which key on the table has to be read again. The kinds have a window each, because recursive proofs wait
   for each other while steps run ahead: parked recursive work must not keep steps out.

Invariants: every PLANNED row that is not in the caller's hands is held, or its key is at or above its kind's `missing_from`.
Not guaranteed: delays of ids that fall out of the window; they come back ready.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

from proofplane.base.proof_id import ProofKind
from proofplane.proving.types import Planned, ProofKey

WINDOW = 4096
"""Held ids per kind: many times what may be in flight, under 4 MB."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stretch of the table to read: PLANNED rows of `kind` from key `start` on, at most `limit`, in key order."""

    kind: ProofKind
    start: ProofKey
    limit: int


class WorkQueue:
    """See the rules at the top of the file."""

    def __init__(self, window: int = WINDOW) -> None:
        """An empty queue that expects to be filled from the table."""
        self._window = window
        self._held: dict[ProofKey, Planned] = {}
        self._ready: set[ProofKey] = set()
        self._heap: list[ProofKey] = []
        self._under: dict[ProofKey, ProofKey] = {}
        self._waiting: dict[ProofKey, list[ProofKey]] = {}
        self._due: dict[ProofKey, float] = {}
        self._timers: list[tuple[float, ProofKey]] = []
        self._count = dict.fromkeys(ProofKind, 0)
        self._missing_from: dict[ProofKind, ProofKey | None] = dict.fromkeys(ProofKind, ProofKey(b""))

    def add(self, planned: Planned) -> None:
        """Makes `planned` ready, unless it is held already or lies beyond the window."""
        if self._hold(planned):
            self._make_ready(planned.key)

    def take(self) -> Planned | None:
        """Removes and returns the lowest ready one; the caller hands it over, parks it, delays it or drops it."""
        while self._heap:
            key = heapq.heappop(self._heap)
            if key in self._ready:
                planned = self._held[key]
                self.discard(key)
                return planned
        return None

    def park(self, planned: Planned, under: ProofKey) -> None:
        """Lets a taken one sleep until `wake(under)`."""
        if self._hold(planned):
            self._under[planned.key] = under
            self._waiting.setdefault(under, []).append(planned.key)

    def wake(self, prerequisite: ProofKey) -> None:
        """Makes ready whatever is parked under `prerequisite`."""
        for key in self._waiting.pop(prerequisite, ()):
            if self._under.pop(key, None) is not None:
                self._make_ready(key)

    def delay(self, planned: Planned, due: float) -> None:
        """Holds a taken or new one back until `release(now)` with `now >= due`."""
        if self._hold(planned):
            self._due[planned.key] = due
            heapq.heappush(self._timers, (due, planned.key))

    def release(self, now: float) -> None:
        """Makes ready what was delayed until `now` or before."""
        while self._timers and self._timers[0][0] <= now:
            due, key = heapq.heappop(self._timers)
            if self._due.get(key) == due:
                del self._due[key]
                self._make_ready(key)

    def discard(self, key: ProofKey) -> None:
        """Forgets `key`, if held."""
        planned = self._held.pop(key, None)
        if planned is None:
            return
        self._count[planned.proof_id.kind] -= 1
        self._ready.discard(key)
        self._due.pop(key, None)
        under = self._under.pop(key, None)
        if under is not None and (asleep := self._waiting.get(under)) is not None:
            asleep.remove(key)
            if not asleep:
                del self._waiting[under]

    def wanted(self) -> list[Wanted]:
        """What to read from the table: kinds of which at most half a window is held while the table has more."""
        found = []
        for kind in ProofKind:
            start = self._missing_from[kind]
            if start is not None and self._count[kind] <= self._window // 2:
                found.append(Wanted(kind, start, self._window - self._count[kind]))
        return found

    def refill(self, wanted: Wanted, rows: Iterable[Planned]) -> None:
        """Takes what the table answered to `wanted`."""
        rows = list(rows)
        more = len(rows) == wanted.limit
        self._missing_from[wanted.kind] = ProofKey(rows[-1].key + b"\x00") if more else None
        for planned in rows:
            self.add(planned)

    def holds(self, key: ProofKey) -> bool:
        """Whether `key` is ready, parked or delayed here."""
        return key in self._held

    @property
    def ready(self) -> int:
        """Ids that could be taken now."""
        return len(self._ready)

    @property
    def parked(self) -> int:
        """Ids that wait for a prerequisite."""
        return len(self._under)

    @property
    def delayed(self) -> int:
        """Ids that wait for an instant."""
        return len(self._due)

    def __len__(self) -> int:
        """Ids held."""
        return len(self._held)

    def _make_ready(self, key: ProofKey) -> None:
        self._ready.add(key)
        heapq.heappush(self._heap, key)

    def _hold(self, planned: Planned) -> bool:
        key = planned.key
        kind = planned.proof_id.kind
        if key in self._held:
            return False
        missing_from = self._missing_from[kind]
        if missing_from is not None and key >= missing_from:
            return False
        if self._count[kind] >= self._window:
            highest = max(held for held, one in self._held.items() if one.proof_id.kind is kind)
            if key > highest:
                self._missing_from[kind] = key
                return False
            self.discard(highest)
            self._missing_from[kind] = highest
        self._held[key] = planned
        self._count[kind] += 1
        return True

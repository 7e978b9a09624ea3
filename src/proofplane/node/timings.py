"""How long proofs took: a bounded record and what it comes to."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

_KEPT = 16_384
"""The last proofs that the percentiles are of: four hours of proving at one a second."""


@dataclass(frozen=True, slots=True)
class ProofTimes:
    """Seconds that each proof took: computing its witness, proving, and verifying what was proved; without waiting for another proof."""

    proofs: int
    min: float
    p50: float
    """The median of the last 16,384."""
    max: float

    def __str__(self) -> str:
        return f"{self.proofs:,} proofs, seconds each: p50 {self.p50:.2f}, min {self.min:.2f}, max {self.max:.2f}"


class Timings:
    """Collects them."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=_KEPT)
        self._count = 0
        self._min = self._max = 0.0

    def add(self, seconds: float) -> None:
        """One more proof, which took so long."""
        self._min = min(self._min, seconds) if self._count else seconds
        self._max = max(self._max, seconds)
        self._count += 1
        self._last.append(seconds)

    def times(self) -> ProofTimes | None:
        """What it comes to so far; None before the first proof."""
        if not self._count:
            return None
        return ProofTimes(self._count, *(round(one, 3) for one in (self._min, statistics.median(self._last), self._max)))

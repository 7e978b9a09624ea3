"""Adds up how long the steps of imports took: an observer for whoever wants a table at the end."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.chain.types import ImportedBlock, Step, StepTimings
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import Root

_MILLISECOND = 1_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """One step over all deliveries that came to it; milliseconds."""

    step: Step
    count: int
    total: float
    longest: float

    @property
    def mean(self) -> float:
        """Milliseconds."""
        return self.total / self.count


class StepTimes:
    """Implements `ports.Observer`."""

    def __init__(self) -> None:
        self._spans: dict[Step, list[int]] = {}
        self.signatures = 0
        """Signatures of proofs that held."""

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        """Adds a block's steps."""
        self._add(timings)

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        """Adds the steps that a refused block came to."""
        self._add(timings)

    def store_changed(self, store: Store) -> None:
        """Nothing to add."""

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        """Nothing to add: a block's signatures are in its timings."""

    def table(self) -> list[StepTime]:
        """Every step that ever ran, in the order of an import."""
        found = []
        for step in Step:
            if spans := self._spans.get(step):
                count, total, longest = spans
                found.append(StepTime(step, count, total / _MILLISECOND, longest / _MILLISECOND))
        return found

    def _add(self, timings: StepTimings) -> None:
        self.signatures += timings.signatures
        for step, span in timings.steps.items():
            count, total, longest = self._spans.get(step, (0, 0, 0))
            took = span.end - span.start
            self._spans[step] = [count + 1, total + took, max(longest, took)]

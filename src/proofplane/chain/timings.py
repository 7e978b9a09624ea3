"""A stopwatch for one delivery: when each step ran, by the monotonic clock that the native threads use too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns

from proofplane.chain.types import Step, StepTimings
from proofplane.crypto.xmss import Span

LOOP_THREAD = 0
"""`Span.thread` of a step: which thread it ran on follows from the step."""


class Stopwatch:
    """Collects the spans of one delivery; each step is written by whoever runs it, before the barrier lets anybody read."""

    def __init__(self) -> None:
        self._steps: dict[Step, Span] = {}
        self.verifiers: tuple[Span, ...] = ()
        """As in `StepTimings`, likewise the numbers below."""
        self.signatures = 0
        self.attestations = 0
        self.slots = 0

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Times the body as `step`, also if it raises."""
        start = perf_counter_ns()
        try:
            yield
        finally:
            self._steps[step] = Span(LOOP_THREAD, start, perf_counter_ns())

    def add(self, step: Step, span: Span | None) -> None:
        """Notes when a step ran; nothing if it did not."""
        if span is not None:
            self._steps[step] = span

    def add_barrier(self) -> None:
        """Notes what the slower task made the faster one wait; nothing if there was only one, or one ran after the other."""
        a, b = self._steps.get(Step.SIGNATURES), self._steps.get(Step.TRANSITION)
        if a is not None and b is not None and a.start < b.end and b.start < a.end:
            self._steps[Step.BARRIER] = Span(LOOP_THREAD, min(a.end, b.end), max(a.end, b.end))

    def timings(self) -> StepTimings:
        """What is known so far."""
        return StepTimings(dict(self._steps), self.verifiers, self.signatures, self.attestations, self.slots)

"""The stopwatch: every step has a span, and the barrier is what lies between the two ends."""

from __future__ import annotations

import pytest

from proofplane.chain.timings import Stopwatch
from proofplane.chain.types import Step
from proofplane.crypto.xmss import Span


def test_a_step_that_raises_is_timed_too() -> None:
    watch = Stopwatch()
    with pytest.raises(ValueError, match="no"), watch.step(Step.GUARDS):
        raise ValueError("no")
    span = watch.timings().steps[Step.GUARDS]
    assert span.end >= span.start


@pytest.mark.parametrize(("a", "b"), [((0, 10), (2, 5)), ((2, 5), (0, 10)), ((0, 5), (2, 10))])
def test_the_barrier_is_from_the_first_end_to_the_last(a: tuple[int, int], b: tuple[int, int]) -> None:
    watch = Stopwatch()
    watch.add(Step.SIGNATURES, Span(0, *a))
    watch.add(Step.TRANSITION, Span(0, *b))
    watch.add_barrier()
    assert watch.timings().steps[Step.BARRIER] == Span(0, min(a[1], b[1]), max(a[1], b[1]))


def test_one_task_alone_or_one_after_the_other_has_no_barrier() -> None:
    watch = Stopwatch()
    watch.add(Step.SIGNATURES, Span(0, 0, 5))
    watch.add(Step.TRANSITION, None)
    watch.add_barrier()
    watch.add(Step.TRANSITION, Span(0, 5, 8))
    watch.add_barrier()
    assert set(watch.timings().steps) == {Step.SIGNATURES, Step.TRANSITION}

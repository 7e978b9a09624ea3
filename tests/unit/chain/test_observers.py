"""Several observers, one that fails, and the stopwatch whose spans they see."""

from __future__ import annotations

import logging

import pytest

from kit.lean_branches import Branches
from kit.lean_imports import Notes
from proofplane.chain.observers import Observers
from proofplane.chain.timings import Stopwatch
from proofplane.chain.types import ImportedBlock, Step
from proofplane.crypto.xmss import Span
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import ZERO_ROOT, Checkpoint, Slot


class Failing(Notes):
    def store_changed(self, store: Store) -> None:
        raise OSError("disk full")


def test_all_are_told_everything_in_order_and_a_failing_one_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    first, broken, last = Notes(), Failing(), Notes()
    told = Observers(first, broken, last)
    nowhere = Checkpoint(ZERO_ROOT, Slot(0))
    block = ImportedBlock(Slot(1), ZERO_ROOT, ZERO_ROOT, ZERO_ROOT, Slot(1), nowhere, nowhere)
    store, timings = Branches(1).store(), Stopwatch().timings()
    with caplog.at_level(logging.ERROR):
        told.store_changed(store)
    told.imported(block, timings)
    told.rejected(None, Reason.DECODE_ERROR, timings)
    told.votes_checked("block", 3, 0)
    assert first == last
    assert (last.blocks, last.refusals, last.stores) == ([(block, timings)], [(None, Reason.DECODE_ERROR)], [store])
    assert broken.votes == [("block", 3, 0)]
    assert "disk full" in caplog.text


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

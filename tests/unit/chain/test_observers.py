"""Several observers as one, and one that fails."""

from __future__ import annotations

import logging

import pytest

from kit.lean_branches import Branches
from kit.lean_imports import Notes
from proofplane.chain.observers import Observers
from proofplane.chain.timings import Stopwatch
from proofplane.chain.types import ImportedBlock
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

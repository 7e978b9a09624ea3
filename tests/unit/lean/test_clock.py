"""Tests of the slot clock."""

import pytest

from proofplane.lean.clock import current_interval, current_slot, first_interval, proposer_of, total_intervals
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import Slot

GENESIS = 1_700_000_000


@pytest.mark.parametrize(
    ("after_ms", "slot", "interval", "total"),
    [(-5000, 0, 0, 0), (0, 0, 0, 0), (799, 0, 0, 0), (800, 0, 1, 1), (3999, 0, 4, 4), (4000, 1, 0, 5), (14_400, 3, 3, 18)],
)
def test_slots_and_intervals_begin_on_time_and_nothing_happens_before_genesis(after_ms: int, slot: int, interval: int, total: int) -> None:
    now = GENESIS * 1000 + after_ms
    assert current_slot(GENESIS, now) == slot
    assert current_interval(GENESIS, now) == interval
    assert total_intervals(GENESIS, now) == total
    assert first_interval(Slot(slot)) + interval == total


def test_validators_propose_in_turn_and_without_any_nobody_does() -> None:
    assert [proposer_of(Slot(slot), 3) for slot in range(5)] == [0, 1, 2, 0, 1]
    with pytest.raises(Rejected) as refused:
        proposer_of(Slot(1), 0)
    assert refused.value.reason is Reason.EMPTY_VALIDATOR_REGISTRY

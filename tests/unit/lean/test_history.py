"""Tests of a chain's block roots by slot."""

import pytest

from proofplane.crypto.ssz import codec_of
from proofplane.lean import history
from proofplane.lean.ssz import HistoricalBlockHashes
from proofplane.lean.types import ZERO_ROOT, Checkpoint, Root, Slot

CODEC = codec_of(HistoricalBlockHashes)
ROOTS = (Root(b"a" * 32), ZERO_ROOT, Root(b"c" * 32))


@pytest.mark.parametrize("empty_slots", [0, 1, 300])
def test_a_longer_history_is_that_of_its_roots_and_the_shorter_one_stays(empty_slots: int) -> None:
    past = CODEC.tree(ROOTS)
    longer = history.extended(past, Root(b"d" * 32), empty_slots)
    assert CODEC.untree(longer) == (*ROOTS, b"d" * 32, *[ZERO_ROOT] * empty_slots)
    assert longer.merkle_root() == CODEC.root(CODEC.untree(longer))
    assert CODEC.untree(past) == ROOTS


@pytest.mark.parametrize(
    ("root", "slot", "expected"),
    [
        (ROOTS[0], 0, True),
        (ROOTS[2], 2, True),
        (ROOTS[2], 0, False),
        (ZERO_ROOT, 1, False),
        (ZERO_ROOT, 3, False),
        (ROOTS[0], 2**18, False),
        (ROOTS[0], 2**64 - 1, False),
    ],
)
def test_a_block_is_on_the_chain_at_its_own_slot_only_and_nothing_is_beyond_the_end(root: Root, slot: int, expected: bool) -> None:
    assert history.contains(CODEC.tree(ROOTS), Checkpoint(root, Slot(slot))) is expected


def test_the_roots_between_two_slots_include_both() -> None:
    assert history.roots_between(CODEC.tree(ROOTS), Slot(1), Slot(2)) == {ZERO_ROOT, ROOTS[2]}

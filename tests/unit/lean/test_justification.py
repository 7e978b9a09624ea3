"""Tests of which slots may be justified."""

from proofplane.lean.justification import any_justifiable_between, is_justifiable
from proofplane.lean.types import Slot


def test_near_slots_squares_and_pronic_distances_are_justifiable_and_no_others() -> None:
    numbers = range(60)
    expected = {*range(6), *(x * x for x in numbers), *(x * (x + 1) for x in numbers)}
    for finalized in (0, 17, 2**63):
        found = {distance for distance in range(3000) if is_justifiable(Slot(finalized + distance), Slot(finalized))}
        assert found == {distance for distance in expected if distance < 3000}


def test_large_distances_are_told_apart_exactly() -> None:
    root = 2**31 + 7
    assert is_justifiable(Slot(root * root), Slot(0))
    assert is_justifiable(Slot(root * (root + 1)), Slot(0))
    assert not is_justifiable(Slot(root * root + 1), Slot(0))
    assert not is_justifiable(Slot(root * root - 1), Slot(0))


def test_a_slot_before_the_finalized_one_is_not_justifiable() -> None:
    assert not is_justifiable(Slot(3), Slot(4))


def test_what_lies_strictly_between_two_slots_is_looked_at() -> None:
    assert not any_justifiable_between(Slot(6), Slot(9), Slot(0))
    assert any_justifiable_between(Slot(6), Slot(10), Slot(0))
    assert any_justifiable_between(Slot(5), Slot(9), Slot(0))
    assert not any_justifiable_between(Slot(9), Slot(9), Slot(0))

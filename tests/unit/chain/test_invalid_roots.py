"""The memory of blocks that the transition refused: what it gives back, and its bound."""

from __future__ import annotations

import pytest

from proofplane.chain.invalid_roots import InvalidRoots
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import Root


def root(number: int) -> Root:
    return Root(number.to_bytes(32, "big"))


def test_a_remembered_root_gives_the_same_reason_and_detail() -> None:
    invalid = InvalidRoots()
    invalid.remember(root(1), Rejected(Reason.WRONG_PROPOSER, "validator 3"))
    found = invalid.refusal(root(1))
    assert found is not None
    assert (found.reason, found.detail) == (Reason.WRONG_PROPOSER, "validator 3")
    assert root(1) in invalid
    assert root(2) not in invalid
    assert invalid.refusal(root(2)) is None


def test_beyond_the_bound_the_oldest_root_is_forgotten() -> None:
    invalid = InvalidRoots(most=2)
    for number in (1, 2, 3):
        invalid.remember(root(number), Rejected(Reason.WRONG_PROPOSER))
    assert [number for number in (1, 2, 3) if root(number) in invalid] == [2, 3]
    assert len(invalid) == 2


def test_a_root_that_is_remembered_again_is_the_youngest() -> None:
    invalid = InvalidRoots(most=2)
    for number in (1, 2, 1, 3):
        invalid.remember(root(number), Rejected(Reason.WRONG_PROPOSER))
    assert [number for number in (1, 2, 3) if root(number) in invalid] == [1, 3]


def test_no_traceback_is_kept_which_would_keep_states_alive() -> None:
    invalid = InvalidRoots()
    with pytest.raises(Rejected) as caught:
        raise Rejected(Reason.STATE_ROOT_MISMATCH)
    invalid.remember(root(1), caught.value)
    found = invalid.refusal(root(1))
    assert found is not None
    assert found.__traceback__ is None

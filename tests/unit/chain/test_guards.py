"""The cheap guards: their order, their limits, and that they leave anything else to those who check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.lean_branches import Branches
from proofplane.chain.guards import is_news
from proofplane.lean.codec import make_block
from proofplane.lean.config import INTERVALS_PER_SLOT, MAX_SLOT_GAP
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.lean.types import ZERO_ROOT, AggregatedAttestation, Block, Participants, Root, Slot, ValidatorIndex

UNKNOWN = Root(bytes([9]) * 32)
LATE = 5 * (MAX_SLOT_GAP + 10)


@pytest.fixture(scope="module")
def branches() -> Branches:
    return Branches()


@pytest.fixture
def store(branches: Branches) -> Store:
    return replace(branches.store(), time=INTERVALS_PER_SLOT * 10)


def block(branches: Branches, parent: Root, slot: int, *, duplicate: bool = False) -> Block:
    vote = AggregatedAttestation(Participants(1, 4), branches.vote(branches.anchor.root))
    return make_block(Slot(slot), ValidatorIndex(0), parent, ZERO_ROOT, (vote, vote) if duplicate else (vote,))


def refusal(store: Store, block: Block) -> Reason:
    with pytest.raises(Rejected) as caught:
        is_news(store, block)
    return caught.value.reason


def test_a_new_block_on_a_known_parent_is_news(branches: Branches, store: Store) -> None:
    assert is_news(store, block(branches, branches.anchor.root, 3))


def test_an_imported_block_is_no_news(branches: Branches, store: Store) -> None:
    assert not is_news(store, branches.anchor)


def test_an_imported_block_is_no_news_even_if_its_slot_has_not_come(branches: Branches, store: Store) -> None:
    early = branches.child(branches.anchor.root, 90)
    assert not is_news(replace(branches.accept(store, early), time=0), early.block)


def test_an_unknown_parent_comes_before_duplicates_and_far_slots(branches: Branches, store: Store) -> None:
    assert refusal(store, block(branches, UNKNOWN, 2**63, duplicate=True)) is Reason.UNKNOWN_PARENT_BLOCK


def test_duplicates_come_before_the_gap(branches: Branches, store: Store) -> None:
    assert refusal(store, block(branches, branches.anchor.root, 2**63, duplicate=True)) is Reason.DUPLICATE_ATTESTATION_DATA


def test_the_gap_comes_before_the_clock(branches: Branches, store: Store) -> None:
    assert refusal(store, block(branches, branches.anchor.root, 2**64 - 1)) is Reason.BLOCK_SLOT_GAP_TOO_LARGE


def test_the_largest_gap_is_a_whole_history(branches: Branches, store: Store) -> None:
    late = replace(store, time=LATE)
    assert is_news(late, block(branches, branches.anchor.root, MAX_SLOT_GAP))
    assert refusal(late, block(branches, branches.anchor.root, MAX_SLOT_GAP + 1)) is Reason.BLOCK_SLOT_GAP_TOO_LARGE


@pytest.mark.parametrize("interval", range(INTERVALS_PER_SLOT))
def test_the_next_slot_may_come_early_and_no_later_one(branches: Branches, store: Store, interval: int) -> None:
    now = replace(store, time=INTERVALS_PER_SLOT * 10 + interval)
    assert is_news(now, block(branches, branches.anchor.root, 11))
    assert refusal(now, block(branches, branches.anchor.root, 12)) is Reason.BLOCK_SLOT_IN_FUTURE


def test_a_slot_that_is_not_after_the_parents_is_left_to_the_transition(branches: Branches, store: Store) -> None:
    assert is_news(store, block(branches, branches.anchor.root, 0))

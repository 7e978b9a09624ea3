"""What each interval of a slot does, and that catching up is the same as having been there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from kit.fork_choice import LabelBackend, Tree, proof_of, root_of
from proofplane.lean.aggregation import aggregate
from proofplane.lean.store import Store
from proofplane.lean.ticks import on_tick, tick_interval
from proofplane.lean.types import ValidatorIndex


@pytest.fixture
def tree() -> Tree:
    """a - b in slots 0 and 1, with a fork a - x; a pending vote of all for whichever of the two is not the head."""
    tree = Tree()
    tree.grow("b", "a", 1)
    tree.grow("x", "a", 1)
    other = "b" if tree.store.head == root_of("x") else "x"
    tree.vote(tree.data(other), range(6), known=False)
    return tree


def untouched(store: Store) -> Store:
    raise AssertionError("no aggregation in this interval")


def rounds(seen: list[int]) -> Callable[[Store], Store]:
    """Notes when an aggregation round takes place."""
    return lambda store: seen.append(store.time) or store


@pytest.mark.parametrize(("interval", "proposal", "accepts"), [(0, True, True), (0, False, False), (1, True, False), (4, False, True)])
def test_votes_are_accepted_in_interval_4_and_with_a_proposal_in_interval_0(
    tree: Tree, interval: int, proposal: bool, accepts: bool
) -> None:
    store = tick_interval(replace(tree.store, time=interval + 4), proposal, True, untouched)
    assert (store.head != tree.store.head) is accepts
    assert (store.new_payloads == {}) is accepts
    assert (store.known_payloads == tree.store.new_payloads) is accepts


def test_the_safe_target_moves_in_interval_3_by_votes_that_do_not_count_yet(tree: Tree) -> None:
    store = tick_interval(replace(tree.store, time=7), True, True, untouched)
    assert store.safe_target == next(iter(store.new_payloads)).head.root
    assert store.head == tree.store.head


def test_only_an_aggregator_aggregates_and_only_in_interval_2(tree: Tree) -> None:
    seen: list[int] = []
    on_tick(tree.store, 12, True, True, rounds(seen))
    assert seen == [2, 7, 12]
    on_tick(tree.store, 12, True, False, untouched)


def test_a_proposal_lands_in_the_last_interval_only(tree: Tree) -> None:
    data = next(iter(tree.store.new_payloads))
    tree.store = replace(tree.store, time=4)
    assert on_tick(tree.store, 5, True, False, untouched).head == data.head.root
    assert on_tick(tree.store, 6, True, False, untouched).head != data.head.root


def test_a_target_in_the_past_changes_nothing(tree: Tree) -> None:
    store = replace(tree.store, time=7)
    assert on_tick(store, 7, True, True, untouched) is store
    assert on_tick(store, 3, True, True, untouched) is store


@pytest.mark.parametrize("target", range(40))
@pytest.mark.parametrize("proposal", [True, False])
def test_catching_up_is_the_same_as_interval_by_interval(tree: Tree, target: int, proposal: bool) -> None:
    tree.store = replace(tree.store, attestation_signatures={tree.data("b"): frozenset({(ValidatorIndex(1), b"s")})})
    round_ = partial(aggregate, backend=LabelBackend(), registry=tree.registry)
    expected = tree.store
    while expected.time < target:
        expected = tick_interval(expected, proposal and expected.time + 1 == target, True, round_)
    assert on_tick(tree.store, target, proposal, True, round_) == expected


def test_catching_up_after_years_takes_a_few_slots_of_work(tree: Tree) -> None:
    seen: list[int] = []
    store = on_tick(tree.store, 10**9 + 3, False, True, rounds(seen))
    assert store.time == 10**9 + 3
    assert len(seen) < 10


def test_known_data_keeps_its_place_when_new_proofs_join(tree: Tree) -> None:
    first, second, third = tree.data("b"), tree.data("x"), tree.data("b", slot=2)
    tree.store = replace(tree.store, new_payloads={})
    for data, known in ((first, True), (second, True), (third, False), (first, False)):
        tree.vote(data, [0] if known else [1], known)
    store = on_tick(tree.store, 4, False, False, untouched)
    assert list(store.known_payloads.items()) == [
        (first, {proof_of([0]), proof_of([1])}),
        (second, {proof_of([0])}),
        (third, {proof_of([1])}),
    ]

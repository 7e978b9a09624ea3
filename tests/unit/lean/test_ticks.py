"""What each interval of a slot does, and that catching up is the same as having been there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    assert on_tick(tree.store, target, proposal, True, round_) == walked(tree.store, target, proposal, True, round_)


def test_catching_up_after_years_takes_a_few_slots_of_work(tree: Tree) -> None:
    seen: list[int] = []
    store = on_tick(tree.store, 10**9 + 3, False, True, rounds(seen))
    assert store.time == 10**9 + 3
    assert len(seen) < 10


def swinging() -> Tree:
    """A head whose finality lets other votes count, which choose another head, whose finality does not: x, y, x, y, ... without end."""
    tree = Tree(validators=3)
    tree.chain("bcd")
    tree.grow("x", "d", 4, justified="d", finalized="c")
    tree.grow("y", "d", 4, justified="d", finalized="a")
    for head, slot, voters in (("y", 10, [0, 2]), ("x", 10, [1]), ("c", 20, [0, 2])):
        tree.vote(tree.data(head, slot=slot), voters)
    return tree


def walked(store: Store, target: int, proposal: bool, aggregator: bool, round_: Callable[[Store], Store]) -> Store:
    """Every interval up to `target`."""
    while store.time < target:
        store = tick_interval(store, proposal and store.time + 1 == target, aggregator, round_)
    return store


def test_head_and_finality_that_swing_for_ever_are_where_walking_leads() -> None:
    store, heads = swinging().store, set()
    for target in range(4, 300, 5):
        slow = walked(store, target, False, False, untouched)
        assert on_tick(store, target, False, False, untouched) == slow
        heads.add((slow.head, slow.latest_finalized.slot))
    assert heads == {(root_of("x"), 2), (root_of("y"), 0)}


def test_catching_up_on_a_swinging_store_takes_a_few_slots_of_work() -> None:
    left = iter(range(20))

    def round_(store: Store) -> Store:
        next(left)  # raises beyond twenty rounds
        return store

    assert on_tick(swinging().store, 10**9 + 3, False, True, round_).time == 10**9 + 3


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**32))
def test_catching_up_on_any_store_is_the_same_as_interval_by_interval(seed: int) -> None:
    """Late votes for blocks that only some leaves finalize make one store in six swing."""
    choose, tree = Random(seed), Tree(validators=4)
    tree.chain("bcde")
    for slot, name in enumerate("uvwxyz", 5):
        tree.grow(name, choose.choice("de"), slot, "d", choose.choice("abcd"))
    for slot in range(10, 17):
        data = tree.data(choose.choice("uvwxyz" if slot < 14 else "bcd"), slot=slot)
        tree.vote(data, [index for index in range(4) if choose.random() < 0.5], known=choose.random() < 0.8)
        if choose.random() < 0.2:
            votes = {data: frozenset({(ValidatorIndex(choose.randrange(4)), b"s")})}
            tree.store = replace(tree.store, attestation_signatures={**tree.store.attestation_signatures, **votes})
    store = replace(tree.store, time=150 + choose.randrange(5))
    target, proposal, aggregator = store.time + choose.randrange(200), choose.random() < 0.5, choose.random() < 0.5
    round_ = partial(aggregate, backend=LabelBackend(), registry=tree.registry)
    fast, slow = (go(store, target, proposal, aggregator, round_) for go in (on_tick, walked))
    assert fast == slow
    for pool in ("new_payloads", "known_payloads", "attestation_signatures"):
        assert list(getattr(fast, pool)) == list(getattr(slow, pool))


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

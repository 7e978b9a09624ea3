"""Head, safe target and finality: ties, thresholds, reorgs, and what they cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.fork_choice import CountedBlocks, Tree, anchor_node, block_of, root_of, store_of
from proofplane.lean.blocks import accept_block
from proofplane.lean.fork_choice import (
    attestation_target,
    block_weights,
    latest_votes,
    update_head,
    update_safe_target,
    vote_source,
)
from proofplane.lean.store import BlockNode
from proofplane.lean.types import ZERO_ROOT, Checkpoint, Slot


@pytest.fixture
def fork() -> Tree:
    """a, with the children x and y in slot 1; "low" and "high" name the two by the order of their roots."""
    tree = Tree()
    tree.grow("x", "a", 1)
    tree.grow("y", "a", 1)
    return tree


LOW, HIGH = sorted("xy", key=root_of)


def test_without_votes_the_larger_root_wins(fork: Tree) -> None:
    assert fork.store.head == root_of(HIGH)


def test_one_vote_beats_the_larger_root_and_a_tie_of_votes_does_not(fork: Tree) -> None:
    fork.vote(fork.data(LOW), [0])
    assert update_head(fork.store).head == root_of(LOW)
    fork.vote(fork.data(HIGH), [1])
    assert update_head(fork.store).head == root_of(HIGH)


def test_weight_beats_depth(fork: Tree) -> None:
    fork.grow("long", HIGH, 2)
    fork.grow("longer", "long", 3)
    fork.vote(fork.data(LOW), [0])
    assert update_head(fork.store).head == root_of(LOW)


def test_the_later_vote_of_a_validator_counts_and_of_equal_ones_the_first_inserted(fork: Tree) -> None:
    early, late, rival = fork.data(LOW, slot=1), fork.data(HIGH, slot=2), fork.data(LOW, slot=2)
    fork.vote(early, [0, 1])
    fork.vote(late, [0])
    fork.vote(rival, [0, 2])
    found = {votes.data: votes.voters for votes in latest_votes(fork.store.known_payloads, None)}
    assert found == {late: 0b001, rival: 0b100, early: 0b010}


def test_votes_for_heads_that_are_not_above_finality_do_not_count(fork: Tree) -> None:
    fork.vote(fork.data(LOW), [0])
    assert latest_votes(fork.store.known_payloads, Slot(0)) == latest_votes(fork.store.known_payloads, None)
    assert latest_votes(fork.store.known_payloads, Slot(1)) == []


def test_weights_add_up_towards_the_root_and_stop_above_the_finalized_block() -> None:
    tree = Tree()
    tree.chain("bcd")
    tree.grow("x", "b", 2)
    tree.vote(tree.data("d"), [0, 1])
    tree.vote(tree.data("c", slot=4), [2])
    tree.vote(tree.data("x"), [3])
    expected = {root_of("b"): 4, root_of("c"): 3, root_of("d"): 2, root_of("x"): 1}
    assert list(block_weights(tree.store).items()) == sorted(expected.items())
    del expected[root_of("b")]
    assert block_weights(replace(tree.store, latest_finalized=tree.at("b"))) == expected


def test_block_weights_list_blocks_that_nobody_stands_behind(fork: Tree) -> None:
    assert block_weights(fork.store) == {root_of("x"): 0, root_of("y"): 0}


@pytest.mark.parametrize(("validators", "voters", "safe"), [(6, 3, False), (6, 4, True), (7, 4, False), (7, 5, True), (1, 1, True)])
def test_the_safe_target_needs_two_thirds_rounded_up_of_pending_votes(validators: int, voters: int, safe: bool) -> None:
    tree = Tree(validators)
    tree.chain("bc")
    tree.vote(tree.data("b"), range(voters), known=False)
    assert update_safe_target(tree.store).safe_target == root_of("b" if safe else "a")
    tree.store = replace(tree.store, new_payloads={}, known_payloads=tree.store.new_payloads)
    assert update_safe_target(tree.store).safe_target == root_of("a")


def test_finality_follows_the_head_down_and_up_again() -> None:
    tree = Tree()
    tree.chain("bc")
    tree.grow("d", "c", 3, justified="b", finalized="b")
    assert tree.store.latest_finalized == tree.at("b")
    tree.grow("e", "c", 3, justified="a", finalized="a")
    tree.vote(tree.data("e"), [0])
    down = update_head(tree.store)
    assert (down.head, down.latest_finalized, down.latest_justified) == (root_of("e"), tree.at("a"), tree.at("b"))
    tree.vote(tree.data("d"), [1, 2])
    assert update_head(tree.store).latest_finalized == tree.at("b")


def test_finality_stays_if_the_heads_state_finalized_something_before_the_anchor() -> None:
    anchor = Checkpoint(root_of("anchor"), Slot(9))
    store = store_of(anchor.root, anchor_node(9, 6))
    old = Checkpoint(root_of("before"), Slot(4))
    node = BlockNode(Slot(10), anchor.root, old, old, 6)
    store = accept_block(store, block_of(root_of("b"), node), node)
    assert (store.head, store.latest_justified, store.latest_finalized) == (root_of("b"), anchor, anchor)


def test_a_vote_targets_three_blocks_behind_the_head_at_most_and_a_justifiable_slot() -> None:
    tree = Tree()
    tree.chain("bcdefghijk")
    assert tree.at("k").slot == 10
    assert attestation_target(tree.store) == tree.at("g"), "7 is three behind 10 but not justifiable, 6 is"
    tree.store = replace(tree.store, safe_target=root_of("j"))
    assert attestation_target(tree.store) == tree.at("j"), "9 is the safe target's slot and a square"


def test_a_votes_source_is_what_the_heads_state_justified_and_the_head_itself_at_genesis() -> None:
    tree = Tree()
    assert tree.store.blocks[tree.store.head].justified.root == ZERO_ROOT
    assert vote_source(tree.store) == tree.at("a")
    tree.chain("b")
    tree.grow("c", "b", 2, justified="b")
    assert vote_source(tree.store) == tree.at("b")


def long_chain(finalized: int, unfinalized: int) -> Tree:
    """A chain whose first part is final, with votes of everybody for its last block."""
    tree = Tree(validators=4096)
    names = ["a", *(str(slot) for slot in range(1, finalized + unfinalized + 1))]
    for slot, parent in enumerate(names[:-1], 1):
        final = names[min(slot - 1, finalized)]
        tree.grow(names[slot], parent, slot, final, final)
    tree.vote(tree.data(str(finalized + unfinalized), slot=99_999), range(4096))
    return tree


def import_lookups(tree: Tree, parent: str) -> int:
    """How many blocks are looked up to import one more."""
    counted = CountedBlocks(tree.store.blocks)
    node = BlockNode(Slot(100_000), root_of(parent), *[tree.store.blocks[root_of(parent)].finalized] * 2, 4096)
    accept_block(replace(tree.store, blocks=counted), block_of(root_of("new"), node), node)
    return counted.lookups


def test_an_import_does_not_look_at_what_finality_has_passed() -> None:
    assert import_lookups(long_chain(20, 10), "30") == import_lookups(long_chain(900, 10), "910")


def test_many_heads_on_a_deep_tree_cost_one_visit_a_block() -> None:
    deep = 600
    tree = long_chain(0, deep)
    for slot in range(1, deep):
        tree.vote(tree.data(str(slot), slot=100_000 + slot), range(slot * 5, slot * 5 + 5))
    assert import_lookups(tree, str(deep)) < 6 * deep

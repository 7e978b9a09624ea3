"""How blocks get into the store: the anchor, justified and finalized checkpoints, the place of a body's votes, pruning."""

from __future__ import annotations

import pytest

from kit.fork_choice import Tree, block_of, proof_of, registry_of_size, root_of
from proofplane.lean.blocks import accept_block, node_of, store_from_anchor
from proofplane.lean.codec import make_block
from proofplane.lean.errors import Rejected
from proofplane.lean.genesis import genesis_block, genesis_state
from proofplane.lean.store import BlockNode
from proofplane.lean.types import ZERO_ROOT, Checkpoint, Slot


def test_the_anchor_is_head_safe_justified_and_final_whatever_its_state_says() -> None:
    state = genesis_state(77, registry_of_size(3).validators)
    block = genesis_block(state)
    store = store_from_anchor(state, block)
    at = Checkpoint(block.root, Slot(0))
    assert (store.head, store.safe_target, store.latest_justified, store.latest_finalized) == (block.root, block.root, at, at)
    assert (store.time, store.genesis_time) == (0, 77)
    assert dict(store.blocks) == {block.root: node_of(block, state)}
    assert node_of(block, state) == BlockNode(Slot(0), ZERO_ROOT, Checkpoint(ZERO_ROOT, Slot(0)), Checkpoint(ZERO_ROOT, Slot(0)), 3)
    assert (store.attestation_signatures, store.new_payloads, store.known_payloads) == ({}, {}, {})


def test_an_anchor_that_names_another_state_is_refused() -> None:
    state = genesis_state(77, registry_of_size(3).validators)
    good = genesis_block(state)
    bad = make_block(good.slot, good.proposer_index, good.parent_root, root_of("another state"), ())
    with pytest.raises(Rejected, match="ANCHOR_STATE_ROOT_MISMATCH"):
        store_from_anchor(state, bad)


def test_a_known_block_changes_nothing_even_with_another_node() -> None:
    tree = Tree()
    tree.chain("b")
    node = BlockNode(Slot(9), root_of("a"), tree.at("b"), tree.at("b"), 6)
    assert accept_block(tree.store, block_of(root_of("b"), node), node) is tree.store


def test_a_block_whose_parent_has_gone_is_refused() -> None:
    tree = Tree()
    node = BlockNode(Slot(9), root_of("nowhere"), tree.at("a"), tree.at("a"), 6)
    with pytest.raises(Rejected, match="UNKNOWN_PARENT_BLOCK"):
        accept_block(tree.store, block_of(root_of("b"), node), node)


def test_children_are_listed_in_order_of_import() -> None:
    tree = Tree()
    for name in "xbyc":
        tree.grow(name, "a", 1)
    assert tree.store.children[root_of("a")] == tuple(root_of(name) for name in "xbyc")


def test_only_a_strictly_higher_justified_checkpoint_is_taken() -> None:
    tree = Tree()
    tree.grow("b", "a", 1)
    tree.grow("x", "a", 1)
    tree.grow("c", "b", 2, justified="b")
    tree.grow("y", "x", 2, justified="x")
    assert tree.store.latest_justified == tree.at("b")
    tree.grow("z", "y", 3, justified="y")
    assert tree.store.latest_justified == tree.at("y")
    tree.grow("d", "c", 4, justified="b")
    assert tree.store.latest_justified == tree.at("y")


def test_data_of_a_body_moves_to_the_front_and_keeps_the_proofs_it_has() -> None:
    tree = Tree()
    tree.chain("bc")
    first, second, fresh = tree.data("b"), tree.data("c"), tree.data("c", slot=3)
    tree.vote(first, [0])
    tree.vote(second, [1])
    tree.grow("d", "c", 3, body=[fresh, second])
    assert list(tree.store.known_payloads.items()) == [(fresh, frozenset()), (second, {proof_of([1])}), (first, {proof_of([0])})]


def test_votes_in_a_body_carry_no_weight() -> None:
    tree = Tree()
    tree.grow("x", "a", 1)
    tree.grow("y", "a", 1)
    low, high = sorted("xy", key=root_of)
    tree.grow("child", low, 2, body=[tree.data(low)])
    assert tree.store.head == root_of(high)


def test_pools_are_pruned_when_finality_rises_and_only_then() -> None:
    tree = Tree()
    tree.chain("bcd")
    tree.vote(tree.data("b"), [0])
    tree.vote(tree.data("d"), [1], known=False)
    tree.grow("e", "d", 4)
    assert list(tree.store.known_payloads) == [tree.data("b")]
    tree.grow("f", "e", 5, justified="c", finalized="b")
    assert list(tree.store.known_payloads) == []
    assert list(tree.store.new_payloads) == [tree.data("d")]

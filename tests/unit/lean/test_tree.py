"""Walks on the block tree: who descends from whom, with gaps, forks and the end of what is known."""

from __future__ import annotations

import pytest

from kit.fork_choice import Tree, root_of
from proofplane.lean.tree import ancestor_at, is_ancestor, subtree
from proofplane.lean.types import Checkpoint, Slot


@pytest.fixture
def tree() -> Tree:
    """a - b - c - d in slots 0, 1, 2, 5, with a fork b - x - y in slots 3 and 4."""
    tree = Tree()
    for name, parent, slot in (("b", "a", 1), ("c", "b", 2), ("d", "c", 5), ("x", "b", 3), ("y", "x", 4)):
        tree.grow(name, parent, slot)
    return tree


@pytest.mark.parametrize(
    ("ancestor", "descendant", "expected"),
    [("a", "d", True), ("b", "y", True), ("d", "d", True), ("c", "y", False), ("d", "c", False), ("x", "d", False)],
)
def test_a_block_is_an_ancestor_of_its_branch_and_of_itself(tree: Tree, ancestor: str, descendant: str, expected: bool) -> None:
    assert is_ancestor(tree.store, tree.at(ancestor), tree.at(descendant)) is expected


def test_a_checkpoint_with_a_slot_above_the_descendants_is_no_ancestor_though_the_block_is(tree: Tree) -> None:
    assert not is_ancestor(tree.store, Checkpoint(root_of("d"), Slot(5)), Checkpoint(root_of("d"), Slot(4)))


def test_nothing_is_an_ancestor_in_an_empty_slot_or_before_the_anchor(tree: Tree) -> None:
    assert ancestor_at(tree.store, root_of("d"), Slot(3)) is None
    tree.store = Tree().store
    assert ancestor_at(tree.store, root_of("unknown"), Slot(0)) is None


def test_a_subtree_is_the_block_and_everything_behind_it(tree: Tree) -> None:
    assert subtree(tree.store, root_of("b")) == {root_of(name) for name in "bcdxy"}
    assert subtree(tree.store, root_of("x")) == {root_of("x"), root_of("y")}

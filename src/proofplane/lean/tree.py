"""Walks on the block tree of a store: towards the root by parents, away from it by children.

A block's slot is higher than its parent's (the transition refuses anything else), so every walk ends.
"""

from __future__ import annotations

from proofplane.lean.store import Store
from proofplane.lean.types import Checkpoint, Root, Slot


def is_ancestor(store: Store, ancestor: Checkpoint, descendant: Checkpoint) -> bool:
    """Whether `ancestor` lies on the branch that ends in `descendant`, which counts as its own ancestor.

    Costs a step for each block between the two, however old they are: a branch has at most `HISTORICAL_ROOTS_LIMIT` blocks.
    """
    if ancestor.slot > descendant.slot:
        return False
    return ancestor_at(store, descendant.root, ancestor.slot) == ancestor.root


def ancestor_at(store: Store, root: Root, slot: Slot) -> Root | None:
    """The block at exactly `slot` on the branch that ends in `root`; None if there is none, or if the known tree ends before it."""
    blocks = store.blocks
    node = blocks.get(root)
    while node is not None and node.slot > slot:
        root = node.parent_root
        node = blocks.get(root)
    return root if node is not None and node.slot == slot else None


def subtree(store: Store, root: Root) -> set[Root]:
    """A block and all its known descendants."""
    found, open_ends = {root}, [root]
    while open_ends:
        children = store.children.get(open_ends.pop(), ())
        found.update(children)
        open_ends.extend(children)
    return found

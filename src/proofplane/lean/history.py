"""The block roots of a chain by slot, in the tree of a state: `historical_block_hashes`. Zero stands for a slot without a block."""

from __future__ import annotations

from remerkleable.tree import Node, RootNode

from proofplane.crypto.ssz_tree import depth_of, list_length, list_tree, subtree, subtrees, with_subtree
from proofplane.lean.config import HISTORICAL_ROOTS_LIMIT
from proofplane.lean.types import Checkpoint, Root, Slot

_DEPTH = depth_of(HISTORICAL_ROOTS_LIMIT)


def contains(history: Node, block: Checkpoint) -> bool:
    """Whether the block is on this chain at that slot; false for the zero root and for any slot that the history does not reach."""
    if not any(block.root) or block.slot >= list_length(history):
        return False
    return bool(subtree(history.get_left(), block.slot, _DEPTH).merkle_root() == block.root)


def roots_between(history: Node, first: Slot, last: Slot) -> set[Root]:
    """The roots at slots from `first` up to and with `last`, which the history reaches."""
    return {Root(leaf.merkle_root()) for leaf in subtrees(history.get_left(), _DEPTH, first, last + 1)}


def extended(history: Node, root: Root, empty_slots: int) -> Node:
    """The history with one more block and so many slots without one, which must fit.

    Empty slots cost nothing: what lies behind the end of a list is zero already.
    """
    length = list_length(history)
    return list_tree(with_subtree(history.get_left(), length, _DEPTH, RootNode(root)), length + 1 + empty_slots)

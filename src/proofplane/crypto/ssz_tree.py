"""Merkle trees of SSZ: roots of chunks, and trees of `remerkleable` nodes that share what did not change.

A tree has `2 ** depth` leaves; leaf `i` is found by the bits of `i`, the highest first. What lies behind the last leaf that is in use
is a tree of zeros. There is one tree of zeros for each depth, shared by all, so that a zero costs nothing and can still be replaced.

`remerkleable` cuts a tree of zeros off to one node; such trees are read here, and what is written here can be read there.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from remerkleable.tree import Node, PairNode, RootNode

from proofplane.base.errors import Broken, CallerMistake
from proofplane.base.ids import Hash32

CHUNK = 32
"""Bytes of a leaf."""

_DEEPEST = 64
"""Depth of the largest tree of zeros: no list has more than 2^64 elements."""

_ZERO_ROOTS = [bytes(CHUNK)]
_ZERO_TREES: list[Node] = [RootNode(bytes(CHUNK))]
for _ in range(_DEEPEST):
    _ZERO_ROOTS.append(sha256(_ZERO_ROOTS[-1] * 2).digest())
    _ZERO_TREES.append(PairNode(_ZERO_TREES[-1], _ZERO_TREES[-1]))
_ZERO_TREES[-1].merkle_root()


def depth_of(chunks: int) -> int:
    """Depth of the smallest tree that has so many leaves."""
    return (chunks - 1).bit_length()


def chunked(packed: bytes) -> list[bytes]:
    """`packed` in leaves of 32 bytes, the last one filled up with zeros."""
    whole = packed + bytes(-len(packed) % CHUNK)
    return [whole[i : i + CHUNK] for i in range(0, len(whole), CHUNK)]


def merkle_root(chunks: Sequence[bytes], depth: int) -> Hash32:
    """Root of a tree of `2 ** depth` leaves of 32 bytes that begins with `chunks` and goes on with zeros."""
    if not chunks:
        return Hash32(_ZERO_ROOTS[depth])
    level = chunks
    for zero in _ZERO_ROOTS[:depth]:
        if len(level) % 2:
            level = [*level, zero]
        level = [sha256(level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return Hash32(level[0])


def with_length(root: bytes, length: int) -> Hash32:
    """The root of a list from that of its contents."""
    return Hash32(sha256(root + length.to_bytes(CHUNK, "little")).digest())


class TooMany(CallerMistake):
    """More than the tree has room for."""


def tree_of(nodes: Sequence[Node], depth: int) -> Node:
    """A tree of `2 ** depth` nodes that begins with `nodes` and goes on with zero leaves.

    The nodes may be trees, as a container's fields are: SSZ fills up with zero leaves whatever their depth.

    Raises:
        TooMany: The nodes do not fit.
    """
    if len(nodes) > 1 << depth:
        raise TooMany(f"{len(nodes)} nodes in a tree of depth {depth}, which holds {1 << depth}")
    if not nodes:
        return _ZERO_TREES[depth]
    level = nodes
    for zero in _ZERO_TREES[:depth]:
        if len(level) % 2:
            level = [*level, zero]
        level = [PairNode(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def packed_tree(packed: bytes, depth: int) -> Node:
    """A tree of `2 ** depth` leaves that begins with these bytes; raises `TooMany` if they do not fit."""
    return tree_of([RootNode(chunk) for chunk in chunked(packed)], depth)


def list_tree(contents: Node, length: int) -> Node:
    """The tree of a list, which is its contents beside its length."""
    return PairNode(contents, RootNode(length.to_bytes(CHUNK, "little")))


def list_length(node: Node) -> int:
    """How long the list is whose tree this is."""
    return int.from_bytes(node.get_right().merkle_root(), "little")


def subtree(node: Node, index: int, depth: int) -> Node:
    """The `index`-th of the `2 ** depth` subtrees."""
    for level in range(depth, 0, -1):
        node = _halves(node, level)[index >> (level - 1) & 1]
    return node


def subtrees(node: Node, depth: int, start: int, stop: int) -> list[Node]:
    """The subtrees from `start` to just before `stop` of the `2 ** depth` that there are."""
    if start >= stop:
        return []
    found = [node]
    for level in range(depth - 1, -1, -1):
        found = [half for node in found for half in _halves(node, level + 1)]
        first = start >> (level + 1) << 1  # the number, within its level, of the first one found
        found = found[(start >> level) - first : ((stop - 1) >> level) - first + 1]
    return found


def packed_bytes(node: Node, depth: int, size: int) -> bytes:
    """The first `size` bytes of a tree of `2 ** depth` leaves."""
    return b"".join([leaf.merkle_root() for leaf in subtrees(node, depth, 0, -(-size // CHUNK))])[:size]


def with_subtree(node: Node, index: int, depth: int, new: Node) -> Node:
    """The tree with another `index`-th of its `2 ** depth` subtrees; everything beside the path to it is shared."""
    if depth == 0:
        return new
    left, right = _halves(node, depth)
    if index >> (depth - 1) & 1:
        return PairNode(left, with_subtree(right, index, depth - 1, new))
    return PairNode(with_subtree(left, index, depth - 1, new), right)


def repacked(node: Node, depth: int, before: bytes, after: bytes) -> Node:
    """The tree of `2 ** depth` leaves of `after` from the tree of `before`, sharing every subtree that stays the same.

    Bytes that are missing at the end count as zeros.
    """
    if before == after:
        return node
    if not before or not after:
        return packed_tree(after, depth)
    if depth == 0:
        return RootNode(after.ljust(CHUNK, b"\0"))
    half = CHUNK << (depth - 1)
    left, right = _halves(node, depth)
    return PairNode(
        repacked(left, depth - 1, before[:half], after[:half]),
        repacked(right, depth - 1, before[half:], after[half:]),
    )


def _halves(node: Node, depth: int) -> tuple[Node, Node]:
    """Both halves of a tree of `2 ** depth` subtrees, also if it is one of zeros that was cut off."""
    if type(node) is PairNode:
        return node.left, node.right
    if node.merkle_root() != _ZERO_ROOTS[depth]:
        raise Broken("a part of an SSZ tree is missing: only its root is there")
    return _ZERO_TREES[depth - 1], _ZERO_TREES[depth - 1]

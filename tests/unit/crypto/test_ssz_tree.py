"""Tests of the trees below SSZ values: reading, replacing and sharing parts of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from remerkleable.tree import Node, PairNode, RootNode, zero_node

from proofplane.base.errors import Broken
from proofplane.crypto.ssz_tree import (
    CHUNK,
    TooMany,
    chunked,
    list_length,
    list_tree,
    merkle_root,
    packed_bytes,
    packed_tree,
    repacked,
    subtree,
    subtrees,
    tree_of,
    with_subtree,
)

DEPTH = 4
LEAVES = st.lists(st.binary(min_size=32, max_size=32), max_size=1 << DEPTH)


def leaves(node: Node) -> list[bytes]:
    """Every leaf of a tree of `DEPTH`."""
    return [leaf.merkle_root() for leaf in subtrees(node, DEPTH, 0, 1 << DEPTH)]


def tree(chunks: list[bytes]) -> Node:
    """The tree that begins with these leaves."""
    return tree_of([RootNode(chunk) for chunk in chunks], DEPTH)


@given(chunks=LEAVES, bounds=st.tuples(st.integers(0, 16), st.integers(0, 16)))
def test_subtrees_are_found_one_by_one_and_in_ranges(chunks: list[bytes], bounds: tuple[int, int]) -> None:
    node, whole = tree(chunks), chunks + [bytes(32)] * (16 - len(chunks))
    assert node.merkle_root() == merkle_root(chunks, DEPTH)
    assert [subtree(node, place, DEPTH).merkle_root() for place in range(16)] == whole
    assert [leaf.merkle_root() for leaf in subtrees(node, DEPTH, *bounds)] == whole[slice(*bounds)]


@given(chunks=LEAVES, place=st.integers(0, 15), new=st.binary(min_size=32, max_size=32))
def test_one_subtree_is_replaced_and_the_rest_is_shared(chunks: list[bytes], place: int, new: bytes) -> None:
    node = tree(chunks)
    changed = with_subtree(node, place, DEPTH, RootNode(new))
    expected = leaves(node)
    expected[place] = new
    assert leaves(changed) == expected
    assert changed.merkle_root() == merkle_root(expected, DEPTH)
    assert subtree(changed, (place >> 3) ^ 1, 1) is subtree(node, (place >> 3) ^ 1, 1)


@settings(max_examples=100)
@given(before=st.binary(max_size=512), data=st.data())
def test_a_tree_made_of_another_one_holds_the_new_bytes(before: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(before)))
    after = data.draw(st.sampled_from([before[:cut], before[:cut] + b"\1" + before[cut + 1 :], before + b"\2\0", b"\3" + before]))[:512]
    node = repacked(packed_tree(before, DEPTH), DEPTH, before, after)
    assert node.merkle_root() == merkle_root(chunked(after), DEPTH)
    assert packed_bytes(node, DEPTH, len(after)) == after


def test_bytes_that_change_at_the_end_leave_the_first_half_the_same_tree() -> None:
    node = packed_tree(bytes(range(200)) * 2, DEPTH)
    changed = repacked(node, DEPTH, bytes(range(200)) * 2, bytes(range(200)) * 2 + b"x")
    assert subtree(changed, 0, 1) is subtree(node, 0, 1)
    assert subtree(changed, 1, 1) is not subtree(node, 1, 1)


def test_zeros_that_remerkleable_cut_off_are_read_and_replaced_like_any_others() -> None:
    cut = PairNode(RootNode(b"a" * 32), RootNode(b"b" * 32))
    node = PairNode(PairNode(cut, zero_node(1)), zero_node(2))
    deep = PairNode(node, zero_node(3))
    assert leaves(deep) == [b"a" * 32, b"b" * 32] + [bytes(32)] * 14
    assert subtree(with_subtree(deep, 13, DEPTH, RootNode(b"c" * 32)), 13, DEPTH).merkle_root() == b"c" * 32


def test_a_part_of_which_only_the_root_is_there_is_not_taken_for_zeros() -> None:
    with pytest.raises(Broken):
        subtree(RootNode(b"r" * 32), 0, 1)


def test_nodes_that_do_not_fit_are_refused_and_not_dropped() -> None:
    whole = bytes(CHUNK << DEPTH)
    packed_tree(whole, DEPTH)
    with pytest.raises(TooMany, match=f"{(1 << DEPTH) + 1} nodes"):
        packed_tree(whole + b"\1", DEPTH)
    with pytest.raises(TooMany):
        tree_of([RootNode(bytes(CHUNK))] * 2, 0)


def test_a_list_knows_its_length() -> None:
    assert list_length(list_tree(tree([]), 7)) == 7

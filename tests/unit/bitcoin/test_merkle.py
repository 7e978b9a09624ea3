"""Unit tests of `proofplane.bitcoin.merkle` against a naive recursive tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.errors import CallerMistake
from proofplane.base.ids import Hash32
from proofplane.bitcoin.merkle import fold_tree, root_from_first_branch
from proofplane.crypto.hashes import sha256d


def leaf(number: int) -> Hash32:
    return Hash32(number.to_bytes(32, "big"))


def naive_root(leaves: list[Hash32]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    padded = leaves + leaves[-1:] * (len(leaves) % 2)
    return naive_root([Hash32(sha256d(padded[at] + padded[at + 1])) for at in range(0, len(padded), 2)])


@given(st.lists(st.integers(0, 2**32).map(leaf), min_size=1, max_size=40))
def test_the_root_is_that_of_the_naive_tree_and_the_branch_leads_to_it(leaves: list[Hash32]) -> None:
    tree = fold_tree(leaves)
    assert tree.root == naive_root(leaves)
    assert root_from_first_branch(leaves[0], tree.first_branch) == tree.root


@pytest.mark.parametrize(("leaves", "depth"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (2500, 12)])
def test_the_branch_has_a_sibling_for_each_level(leaves: int, depth: int) -> None:
    assert len(fold_tree([leaf(n) for n in range(leaves)]).first_branch) == depth


@pytest.mark.parametrize("count", range(1, 20))
def test_distinct_leaves_are_not_taken_for_mutated(count: int) -> None:
    assert not fold_tree([leaf(n) for n in range(count)]).mutated


@pytest.mark.parametrize(("count", "repeated"), [(1, 1), (3, 1), (5, 1), (6, 2), (10, 2), (12, 4), (11, 1)])
def test_a_list_that_repeats_its_last_leaves_has_the_same_root_and_is_mutated(count: int, repeated: int) -> None:
    leaves = [leaf(n) for n in range(count)]
    original, repeating = fold_tree(leaves), fold_tree(leaves + leaves[-repeated:])
    assert (original.mutated, repeating.mutated) == (False, True)
    assert (repeating.root == original.root) is (count > 1)


def test_no_leaves_have_no_root() -> None:
    with pytest.raises(CallerMistake):
        fold_tree([])

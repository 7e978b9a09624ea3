"""Unit tests of `proofplane.crypto.merkle` against a naive tree."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.crypto.merkle import InvalidMerkleProof, branch_root, verify_branch

LEAVES = [bytes([i]) * 32 for i in range(4)]


def levels(leaves: list[bytes]) -> list[list[bytes]]:
    """All levels of the tree over 2^n leaves, leaves first."""
    rows = [leaves]
    while len(rows[-1]) > 1:
        row = rows[-1]
        rows.append([sha256(row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)])
    return rows


def branch(leaves: list[bytes], index: int) -> list[bytes]:
    return [row[index >> level ^ 1] for level, row in enumerate(levels(leaves)[:-1])]


@given(st.integers(0, 5), st.data())
def test_every_leaf_of_a_tree_leads_to_its_root(depth: int, data: st.DataObject) -> None:
    leaves = [sha256(bytes([i])).digest() for i in range(1 << depth)]
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = levels(leaves)[-1][0]
    assert branch_root(leaves[index], index, branch(leaves, index)) == root
    verify_branch(leaves[index], index, branch(leaves, index), root)


def test_leaf_index_siblings_and_root_all_count() -> None:
    root, siblings = levels(LEAVES)[-1][0], branch(LEAVES, 1)
    verify_branch(LEAVES[1], 1, siblings, root)
    for wrong in (
        (LEAVES[2], 1, siblings, root),
        (LEAVES[1], 0, siblings, root),
        (LEAVES[1], 1, siblings[::-1], root),
        (LEAVES[1], 1, siblings, bytes(32)),
        (LEAVES[1], 1, siblings[:1], root),
    ):
        with pytest.raises(InvalidMerkleProof):
            verify_branch(*wrong)


@pytest.mark.parametrize("index", [-1, 4, 5])
def test_an_index_that_the_depth_does_not_have_is_refused(index: int) -> None:
    with pytest.raises(InvalidMerkleProof, match="depth 2"):
        branch_root(LEAVES[1], index, branch(LEAVES, 1))


def test_nodes_cut_elsewhere_are_refused_though_their_hashes_agree() -> None:
    left, right = LEAVES[:2]
    root = sha256(left + right).digest()
    with pytest.raises(InvalidMerkleProof, match="32 bytes"):
        verify_branch(left + right[:1], 0, [right[1:]], root)

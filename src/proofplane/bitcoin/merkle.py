"""Bitcoin's Merkle tree over transaction ids: root, and the branch of the first leaf.

A level of odd length pairs its last node with itself. So different lists can have one root (CVE-2012-2459):
a list that repeats its last leaves folds to the same root as the list without the repetition.
Such lists are told by two equal nodes side by side; `FoldedTree.mutated` says so, and whoever compares roots must refuse then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofplane.base.errors import CallerMistake
from proofplane.base.ids import Hash32
from proofplane.crypto.hashes import sha256d


@dataclass(frozen=True, slots=True)
class FoldedTree:
    """What a list of leaves folds to."""

    root: Hash32
    first_branch: tuple[Hash32, ...]
    """The siblings on the way from leaf 0 to the root, lowest first."""
    mutated: bool
    """Whether a shorter list of leaves has the same root."""


def fold_tree(leaves: Sequence[Hash32]) -> FoldedTree:
    """Folds `leaves`, at least one; raises `CallerMistake` for none, which have no root."""
    if not leaves:
        raise CallerMistake("a Merkle tree has at least one leaf")
    level = list(leaves)
    branch = []
    mutated = False
    while len(level) > 1:
        # Before the padding: a node that is paired with itself is not a repetition.
        mutated = mutated or any(left == right for left, right in zip(level[::2], level[1::2], strict=False))
        if len(level) % 2:
            level.append(level[-1])
        branch.append(level[1])
        level = [Hash32(sha256d(left + right)) for left, right in zip(level[::2], level[1::2], strict=True)]
    return FoldedTree(level[0], tuple(branch), mutated)


def root_from_first_branch(leaf: Hash32, branch: Sequence[Hash32]) -> Hash32:
    """The root that leaf 0 and its siblings, lowest first, lead to."""
    for sibling in branch:
        leaf = Hash32(sha256d(leaf + sibling))
    return leaf

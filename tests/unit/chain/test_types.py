"""The stages of an import: what was checked about one block never goes with another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kit.lean_branches import Branches
from kit.lean_imports import GOOD
from proofplane.chain.errors import PartsOfDifferentBlocks
from proofplane.chain.types import GuardedBlock, ImportableBlock, PostState, SignaturesVerified
from proofplane.lean.registry import registry_of
from proofplane.lean.types import SignedBlock

BRANCHES = Branches()


def parts(signed: SignedBlock) -> tuple[GuardedBlock, SignaturesVerified, PostState]:
    root = signed.block.root
    guarded = GuardedBlock(signed, registry_of(BRANCHES.anchor_state), BRANCHES.anchor_state)
    return guarded, SignaturesVerified(root, None), PostState(root, BRANCHES.states[root])


def test_parts_of_one_block_make_it_importable_whatever_its_proof() -> None:
    signed = BRANCHES.child(BRANCHES.anchor.root, 1)
    for one in (signed, replace(signed, proof=GOOD)):
        assert ImportableBlock(*parts(one)).guarded.signed == one


@pytest.mark.parametrize("place", range(3))
def test_a_part_of_another_block_is_refused(place: int) -> None:
    own, other = (parts(BRANCHES.child(BRANCHES.anchor.root, slot)) for slot in (1, 2))
    mixed = [other[n] if n == place else own[n] for n in range(3)]

    with pytest.raises(PartsOfDifferentBlocks, match="came with the signatures of"):
        ImportableBlock(*mixed)

"""The chain in memory: it takes one anchor, and no block without its state."""

from __future__ import annotations

import pytest

from kit.lean_branches import Branches
from proofplane.base.errors import Broken
from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.memory import MemoryChainStorage
from proofplane.lean.types import SignedBlock


async def test_a_second_anchor_is_refused_and_the_first_stays() -> None:
    branches, storage = Branches(), MemoryChainStorage()
    assert storage.load() is None
    await storage.begin(branches.anchor_state, branches.anchor, branches.store())

    with pytest.raises(BadChainDirectory, match="holds a chain already"):
        await storage.begin(branches.anchor_state, branches.anchor, branches.store())
    assert storage.load() == branches.store()
    assert storage.block(branches.anchor.root) == SignedBlock(branches.anchor, b"")


@pytest.mark.parametrize("what", ["no state", "not in its store"])
async def test_a_block_without_its_state_or_its_place_changes_nothing(what: str) -> None:
    branches, storage = Branches(), MemoryChainStorage()
    before = branches.store()
    await storage.begin(branches.anchor_state, branches.anchor, before)
    signed = branches.child(branches.anchor.root, 1)
    state = branches.states[signed.block.root]
    after = branches.accept(before, signed)

    with pytest.raises(Broken, match=signed.block.root.hex()):
        await storage.commit(before, *((after, signed, None) if what == "no state" else (before, signed, state)))
    assert storage.load() is before
    assert storage.state(signed.block.root) is storage.state_at_hand(signed.block.root) is None

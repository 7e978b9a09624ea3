"""States made again from stored blocks: where that begins, and what it says when something on the way is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.lean_branches import Branches
from proofplane.chain import replay
from proofplane.chain.errors import MissingState
from proofplane.chain.replay import StateReader
from proofplane.chain.snapshots import write_snapshot
from proofplane.chain.storage import CHAIN_SCHEMA
from proofplane.chain.store_rows import write_block
from proofplane.lean.blocks import node_of
from proofplane.lean.codec import encode_state, make_block
from proofplane.lean.types import Block, Root, SignedBlock
from proofplane.storage.database import DATABASE_NAME, Database, Transaction


class Shelf:
    """Blocks put into a database one by one, as whoever damages it might: nothing looks whether they belong together."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.branches = Branches()
        self.line = [signed.block for signed in self.branches.line(self.branches.anchor.root, 1, 4)]
        self.reader = StateReader(database)

    async def put(self, block: Block, *, snapshot: bool = False) -> None:
        state = self.branches.states.get(block.root, self.branches.anchor_state)

        def body(tx: Transaction) -> None:
            write_block(tx, SignedBlock(block, b""), node_of(block, state))
            if snapshot:
                write_snapshot(tx, block.root, 0, state)

        await self.database.write("test", body)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    database = Database(tmp_path / DATABASE_NAME, [CHAIN_SCHEMA])
    yield Shelf(database)
    database.close()


async def test_a_state_is_made_from_the_nearest_snapshot(shelf: Shelf) -> None:
    await shelf.put(shelf.branches.anchor, snapshot=True)
    for block in shelf.line:
        await shelf.put(block)

    state = shelf.reader.read(shelf.line[-1].root)

    assert state is not None
    assert encode_state(state) == encode_state(shelf.branches.states[shelf.line[-1].root])


async def test_a_block_that_is_not_imported_has_no_state(shelf: Shelf) -> None:
    await shelf.put(shelf.branches.anchor, snapshot=True)

    assert shelf.reader.read(shelf.line[0].root) is None


async def test_a_parent_that_is_not_stored_is_named(shelf: Shelf) -> None:
    await shelf.put(shelf.line[1])

    with pytest.raises(MissingState, match=f"block {shelf.line[0].root.hex()} is not stored, though a child of it is"):
        shelf.reader.read(shelf.line[1].root)


async def test_nobody_looks_further_back_than_snapshots_can_be(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "SPARSE_GRID", 3)
    for block in shelf.line:
        await shelf.put(block)

    with pytest.raises(MissingState, match=f"no snapshot in 3 blocks before {shelf.line[3].root.hex()}"):
        shelf.reader.read(shelf.line[3].root)


async def test_a_stored_block_that_does_not_apply_is_damage_and_no_refusal(shelf: Shelf) -> None:
    good = shelf.line[0]
    bad = make_block(good.slot, good.proposer_index, good.parent_root, Root(bytes([7]) * 32), good.attestations)
    await shelf.put(shelf.branches.anchor, snapshot=True)
    await shelf.put(bad)

    with pytest.raises(MissingState, match=r"does not apply to its parent's state.*STATE_ROOT_MISMATCH"):
        shelf.reader.read(bad.root)

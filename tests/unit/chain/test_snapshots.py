"""Snapshots and replay: which states are kept, that every other one can be made, and how much is written."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.lean_branches import Branches
from proofplane.chain import replay
from proofplane.chain.snapshots import SNAPSHOT_EVERY, SPARSE_GRID, RegistryTree, read_snapshot, write_snapshot
from proofplane.chain.storage import CHAIN_SCHEMA, RECENT_STATES, REPLAYED_STATES, SqliteChainStorage
from proofplane.lean.codec import encode_state, state_root
from proofplane.lean.ssz import State
from proofplane.lean.state_fields import StateFields
from proofplane.lean.store import Store
from proofplane.lean.transition import transition
from proofplane.lean.types import Block, Root
from proofplane.storage.database import DATABASE_NAME, Database, Transaction

LENGTH = 2 * SPARSE_GRID + 3 * SNAPSHOT_EVERY + 5
"""Blocks of the long chain's finalizing branch."""

DEAD = SNAPSHOT_EVERY + 3
"""Blocks of a branch that nobody votes for, from the anchor on."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / DATABASE_NAME, [CHAIN_SCHEMA])
    yield opened
    opened.close()


class Long:
    """A long chain with a dead branch, imported once, and what is stored of it."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / DATABASE_NAME, [CHAIN_SCHEMA])
        self.branches = Branches()
        self.store = asyncio.run(self._import())
        self.storage = SqliteChainStorage(self.database)
        assert self.storage.load() == self.store

    async def _import(self) -> Store:
        branches, store = self.branches, self.branches.store()
        storage = SqliteChainStorage(self.database)
        await storage.begin(branches.anchor_state, branches.anchor, store)
        self.dead = branches.line(branches.anchor.root, 2, DEAD, voters=0)
        self.line = branches.line(branches.anchor.root, 1, LENGTH)
        for signed in (*self.dead, *self.line):
            after = branches.accept(store, signed)
            await storage.commit(store, after, signed, branches.states[signed.block.root])
            store = after
        return store

    def heights(self) -> dict[Root, int]:
        return {Root(root): height for root, height in self.database.rows("SELECT root, height FROM chain_snapshots")}


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Long]:
    made = Long(tmp_path_factory.mktemp("long"))
    yield made
    made.database.close()


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> list[Root]:
    """The blocks whose transition was run, in order."""
    seen: list[Root] = []

    def counted(state: State, block: Block) -> State:
        seen.append(block.root)
        return transition(state, block)

    monkeypatch.setattr(replay, "transition", counted)
    return seen


def test_below_finality_only_the_sparse_grid_stays_and_above_it_every_snapshot(long: Long) -> None:
    finalized = long.store.latest_finalized
    assert LENGTH - 3 <= finalized.slot < LENGTH
    nearest = finalized.slot // SNAPSHOT_EVERY * SNAPSHOT_EVERY
    above = range(nearest, LENGTH + 1, SNAPSHOT_EVERY)
    expected = {long.line[height - 1].block.root: height for height in (SPARSE_GRID, 2 * SPARSE_GRID, *above)}
    assert long.heights() == {long.branches.anchor.root: 0, **expected}


def test_every_state_of_every_branch_can_be_made_again(long: Long) -> None:
    chosen = [*long.dead[::7], *long.line[::41], long.line[-1]]
    for signed in chosen:
        state = long.storage.state(signed.block.root)
        assert state is not None
        assert encode_state(state) == encode_state(long.branches.states[signed.block.root])


def test_the_head_after_a_restart_takes_fewer_transitions_than_a_snapshot_interval(long: Long, replayed: list[Root]) -> None:
    storage = SqliteChainStorage(long.database)
    assert storage.state(long.line[-1].block.root) is not None
    assert replayed == [signed.block.root for signed in long.line[LENGTH - LENGTH % SNAPSHOT_EVERY :]]


def test_a_state_is_at_hand_after_a_restart_only_once_it_was_made_again(long: Long, replayed: list[Root]) -> None:
    storage, root = SqliteChainStorage(long.database), long.line[-1].block.root
    storage.load()
    assert storage.state_at_hand(root) is None
    assert replayed == []
    made = storage.state(root)
    assert made is not None
    assert storage.state_at_hand(root) is made


def test_the_furthest_state_below_finality_takes_one_grid_interval_and_only_once(long: Long, replayed: list[Root]) -> None:
    storage = SqliteChainStorage(long.database)
    furthest = long.line[2 * SPARSE_GRID - 2].block.root
    state = storage.state(furthest)
    assert len(replayed) == SPARSE_GRID - 1
    assert storage.state(furthest) is state
    assert storage.state(long.line[2 * SPARSE_GRID - 1].block.root) is not None
    assert len(replayed) == SPARSE_GRID - 1
    below = storage.state(long.line[2 * SPARSE_GRID - 3].block.root)
    assert below is not None
    assert len(replayed) == 2 * SPARSE_GRID - 3


def test_replay_begins_at_a_state_in_memory_if_one_is_nearer(long: Long, replayed: list[Root]) -> None:
    storage = SqliteChainStorage(long.database)
    assert storage.state(long.dead[20].block.root) is not None
    replayed.clear()
    assert storage.state(long.dead[22].block.root) is not None
    assert replayed == [signed.block.root for signed in long.dead[21:23]]


def test_states_in_memory_are_bounded(long: Long) -> None:
    storage = SqliteChainStorage(long.database)
    for signed in long.dead:
        assert storage.state(signed.block.root) is not None
    states = {id(storage.state(signed.block.root)) for signed in long.dead[-REPLAYED_STATES:]}
    assert len(states) == REPLAYED_STATES
    assert len(storage._replayed._states) == REPLAYED_STATES < RECENT_STATES


async def test_a_child_of_a_block_far_below_finality_is_stored_and_its_state_stays_makeable(long: Long, tmp_path: Path) -> None:
    shutil.copytree(long.database.path.parent, tmp_path / "copy")
    database = Database(tmp_path / "copy" / DATABASE_NAME, [CHAIN_SCHEMA])
    storage = SqliteChainStorage(database)
    store = storage.load()
    assert store == long.store
    old = long.line[SPARSE_GRID // 2].block
    for signed in long.branches.line(old.root, LENGTH + 10, SNAPSHOT_EVERY, voters=0):
        after = long.branches.accept(store, signed)
        await storage.commit(store, after, signed, long.branches.states[signed.block.root])
        store = after
    fresh = SqliteChainStorage(database)
    assert fresh.load() == store
    state = fresh.state(signed.block.root)
    assert state is not None
    assert state_root(state) == signed.block.state_root
    database.close()


@pytest.mark.parametrize("slots", [0, 1, 255, 256, 257, 1000])
async def test_a_snapshot_gives_back_a_state_of_any_history(database: Database, slots: int) -> None:
    fields = StateFields(Branches(validators=40).anchor_state)
    fields.put("historical_block_hashes", tuple(number.to_bytes(32, "big") for number in range(slots)))
    fields.put("justified_slots", (1 << slots >> 1, slots))
    state = fields.state()
    await database.write("snapshot", lambda tx: write_snapshot(tx, Root(b"r" * 32), 0, state))
    found = read_snapshot(database, Root(b"r" * 32))
    assert found is not None
    assert encode_state(found[0]) == encode_state(state)
    assert state_root(found[0]) == state_root(state)


async def test_a_snapshot_of_4096_validators_writes_the_registry_once_and_each_run_of_history_once(database: Database) -> None:
    fields = StateFields(Branches(validators=4096).anchor_state)
    fields.put("historical_block_hashes", tuple(number.to_bytes(32, "big") for number in range(600)))
    state = fields.state()

    def three(tx: Transaction) -> None:
        for number in range(3):
            write_snapshot(tx, Root(bytes([number]) * 32), number, state)

    await database.write("snapshot", three)
    sizes = sorted(size for (size,) in database.rows("SELECT length(content) FROM chain_parts"))
    assert sizes == [256 * 32, 256 * 32, 4096 * 112]
    assert database.rows("SELECT DISTINCT length(rest), length(runs) FROM chain_snapshots") == [(228 + 88 * 32 + 2, 2 * 32)]


async def test_a_registry_in_memory_is_shared_and_not_read_again(database: Database) -> None:
    state = Branches(validators=40).anchor_state
    await database.write("snapshot", lambda tx: write_snapshot(tx, Root(b"r" * 32), 0, state))
    first = read_snapshot(database, Root(b"r" * 32))
    assert first is not None
    known: RegistryTree = first[1]
    await database.write("damage", lambda tx: tx.execute("DELETE FROM chain_parts"))
    again = read_snapshot(database, Root(b"r" * 32), known)
    assert again is not None
    assert again[1] is known
    assert state_root(again[0]) == state_root(state)

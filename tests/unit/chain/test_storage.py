"""The chain in SQLite: what a restart gives back, and what failures leave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lean_branches import Branches
from proofplane.base.errors import Broken
from proofplane.chain.storage import ANCHOR_SITE, BLOCK_SITE, CHAIN_SCHEMA, TICK_SITE, VOTE_SITE, SqliteChainStorage
from proofplane.chain.store_rows import anchor_block, read_block, read_store
from proofplane.lean.codec import state_root
from proofplane.lean.store import Store
from proofplane.lean.ticks import accept_new_votes
from proofplane.lean.types import AggregateProof, Participants, SignedBlock, ValidatorIndex
from proofplane.storage.database import DATABASE_NAME, Database, ReadOnlyDatabase
from proofplane.storage.errors import StorageFull


class Sites:
    """A write observer that notes the sites and, if told so, lets a commit fail or wait."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.fail = False
        self.hold: threading.Event | None = None

    def before_commit(self, site: str) -> None:
        if self.hold is not None:
            self.hold.wait()
        if self.fail:
            raise Broken("as told")

    def after_commit(self, site: str) -> None:
        self.passed.append(site)


class Rig:
    """A storage with an anchor, the store that it holds, and blocks to put into it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / DATABASE_NAME
        self.sites = Sites()
        self.branches = Branches()
        self.store = self.branches.store()
        self.open()

    def open(self) -> None:
        self.database = Database(self.path, [CHAIN_SCHEMA], self.sites)
        self.storage = SqliteChainStorage(self.database)

    async def begin(self) -> None:
        await self.storage.begin(self.branches.anchor_state, self.branches.anchor, self.store)

    async def add(self, signed: SignedBlock) -> None:
        after = self.branches.accept(self.store, signed)
        await self.storage.commit(self.store, after, signed, self.branches.states[signed.block.root])
        self.store = after

    async def put(self, after: Store) -> None:
        await self.storage.commit(self.store, after)
        self.store = after

    def restart(self) -> None:
        """Opens the files anew and expects the very same store, order included."""
        self.database.close()
        self.open()
        same(self.storage.load(), self.store)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        tables = [name for (name,) in self.database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'chain%'")]
        return {table: self.database.rows(f"SELECT * FROM {table}") for table in tables}


def same(found: Store | None, expected: Store) -> None:
    assert found == expected
    for pool in ("attestation_signatures", "new_payloads", "known_payloads"):
        assert list(getattr(found, pool)) == list(getattr(expected, pool))


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.database.close()


STEPS = st.lists(
    st.tuples(st.sampled_from(["block", "tick", "signature", "pending", "accept", "prune", "restart"]), st.integers(0, 2**16)), max_size=14
)


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_after_any_history_a_restart_gives_the_same_store_states_and_pool_order(steps: list[tuple[str, int]]) -> None:
    async def run(folder: Path) -> None:
        rig = Rig(folder)
        await rig.begin()
        for number, (kind, choice) in enumerate(steps):
            await _step(rig, number, kind, choice)
        rig.restart()
        for root, block in rig.branches.blocks.items():
            state = rig.storage.state(root)
            assert state is not None
            assert state_root(state) == block.state_root
        rig.database.close()

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def _step(rig: Rig, number: int, kind: str, choice: int) -> None:
    store, roots = rig.store, sorted(rig.branches.blocks)
    root = roots[choice % len(roots)]
    data = rig.branches.vote(root, choice % 5)
    proof = AggregateProof(Participants.of((choice % 4,), 4), bytes([choice % 3]) * 100)
    match kind:
        case "block":
            slot = rig.branches.blocks[root].slot + 1 + number  # distinct, so that no block is made twice
            await rig.add(rig.branches.child(root, slot, voters=choice % 5))
        case "tick":
            await rig.put(replace(store, time=store.time + 1 + choice))
        case "signature":
            votes = store.attestation_signatures.get(data, frozenset()) | {(ValidatorIndex(choice % 4), bytes([choice % 7]) * 424)}
            await rig.put(replace(store, attestation_signatures={**store.attestation_signatures, data: votes}))
        case "pending":
            await rig.put(replace(store, new_payloads={**store.new_payloads, data: store.new_payloads.get(data, frozenset()) | {proof}}))
        case "accept":
            await rig.put(accept_new_votes(store))
        case "prune":
            await rig.put(replace(store, known_payloads={one: proofs for one, proofs in store.known_payloads.items() if one.slot % 2}))
        case _:
            rig.restart()


async def test_each_kind_of_change_has_its_site_and_no_change_is_not_written(rig: Rig) -> None:
    await rig.begin()
    await rig.add(rig.branches.child(rig.branches.anchor.root, 1))
    await rig.put(replace(rig.store, time=rig.store.time + 1))
    vote = rig.branches.vote(rig.branches.anchor.root)
    await rig.put(replace(rig.store, new_payloads={vote: frozenset()}))
    await rig.put(rig.store)
    assert rig.sites.passed == [ANCHOR_SITE, BLOCK_SITE, TICK_SITE, VOTE_SITE]


async def test_a_commit_that_fails_leaves_disk_and_memory_as_before_and_may_be_repeated(rig: Rig) -> None:
    await rig.begin()
    signed = rig.branches.child(rig.branches.anchor.root, 1)
    rows = rig.rows()
    rig.sites.fail = True
    with pytest.raises(Broken, match="as told"):
        await rig.add(signed)
    assert rig.rows() == rows
    assert rig.storage.state(signed.block.root) is None
    assert rig.storage.block(signed.block.root) is None
    rig.sites.fail = False
    await rig.add(signed)
    rig.restart()


async def test_a_full_disk_is_told_and_the_same_block_goes_in_once_there_is_room(rig: Rig) -> None:
    await rig.begin()
    signed = replace(rig.branches.child(rig.branches.anchor.root, 1), proof=b"p" * 2**19)
    rows = rig.rows()
    await rig.database.write("limit", lambda tx: tx.row("PRAGMA max_page_count = 50"))
    with pytest.raises(StorageFull):
        await rig.add(signed)
    assert rig.rows() == rows
    assert rig.storage.state(signed.block.root) is None
    await rig.database.write("limit", lambda tx: tx.row("PRAGMA max_page_count = 1000000"))
    await rig.add(signed)
    rig.restart()
    assert rig.storage.block(signed.block.root) == signed


async def test_a_cancelled_commit_ends_first_and_load_tells_that_it_was_done(rig: Rig) -> None:
    await rig.begin()
    signed = rig.branches.child(rig.branches.anchor.root, 1)
    after = rig.branches.accept(rig.store, signed)
    rig.sites.hold = threading.Event()
    commit = asyncio.create_task(rig.storage.commit(rig.store, after, signed, rig.branches.states[signed.block.root]))
    await asyncio.sleep(0)  # so that it has begun
    commit.cancel()
    await asyncio.sleep(0)
    assert not commit.done()
    rig.sites.hold.set()
    with pytest.raises(asyncio.CancelledError):
        await commit
    same(rig.storage.load(), after)
    rig.store = after
    await rig.add(rig.branches.child(signed.block.root, 2))
    rig.restart()


async def test_a_change_of_a_store_that_is_not_the_stored_one_is_refused(rig: Rig) -> None:
    await rig.begin()
    old = rig.store
    await rig.put(replace(old, time=7))
    rows = rig.rows()
    with pytest.raises(Broken, match="not the stored one"):
        await rig.storage.commit(old, replace(old, time=9))
    assert rig.rows() == rows
    await rig.put(replace(rig.store, time=8))


async def test_a_directory_in_use_is_read_without_being_written(rig: Rig) -> None:
    await rig.begin()
    signed = rig.branches.child(rig.branches.anchor.root, 1)
    await rig.add(signed)
    looking = ReadOnlyDatabase(rig.path, [CHAIN_SCHEMA])
    same(read_store(looking), rig.store)
    assert anchor_block(looking) == rig.branches.anchor
    assert read_block(looking, signed.block.root) == signed
    looking.close()
    assert rig.sites.passed == [ANCHOR_SITE, BLOCK_SITE]

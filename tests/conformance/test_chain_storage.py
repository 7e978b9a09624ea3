"""What every implementation of `ports.ChainStorage` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.lean_branches import Branches
from proofplane.base.errors import Broken
from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.memory import MemoryChainStorage
from proofplane.chain.ports import ChainStorage
from proofplane.chain.storage import CHAIN_SCHEMA, SqliteChainStorage
from proofplane.lean.codec import state_root
from proofplane.lean.types import Root, SignedBlock
from proofplane.storage.database import DATABASE_NAME, Database

Storage = MemoryChainStorage | SqliteChainStorage
Make = Callable[[], Storage]


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "memory":
        yield MemoryChainStorage()
        return
    database = Database(tmp_path / DATABASE_NAME, [CHAIN_SCHEMA])
    yield SqliteChainStorage(database)
    database.close()


@pytest.fixture
def branches() -> Branches:
    return Branches()


async def test_it_begins_empty_and_takes_one_anchor(storage: Storage, branches: Branches) -> None:
    assert storage.load() is None
    assert storage.state(branches.anchor.root) is None
    assert storage.block(branches.anchor.root) is None
    store = branches.store()
    await storage.begin(branches.anchor_state, branches.anchor, store)
    assert storage.load() == store
    assert storage.block(branches.anchor.root) == SignedBlock(branches.anchor, b"")
    with pytest.raises(BadChainDirectory, match="already"):
        await storage.begin(branches.anchor_state, branches.anchor, store)
    assert storage.load() == store


async def test_it_gives_back_every_block_state_and_the_last_store(storage: Storage, branches: Branches) -> None:
    port: ChainStorage = storage
    store = branches.store()
    await storage.begin(branches.anchor_state, branches.anchor, store)
    line = branches.line(branches.anchor.root, 1, 4)
    sibling = branches.child(line[0].block.root, 3, voters=1)
    for signed in (*line, sibling):
        after = branches.accept(store, signed)
        await port.commit(store, after, signed, branches.states[signed.block.root])
        store = after
    assert storage.load() == store
    for signed in (*line, sibling):
        state = port.state(signed.block.root)
        assert state is not None
        assert state_root(state) == signed.block.state_root
        assert storage.block(signed.block.root) == signed
    assert port.state(Root(b"?" * 32)) is None
    assert storage.block(Root(b"?" * 32)) is None


async def test_a_block_without_its_state_or_outside_its_store_is_not_taken(storage: Storage, branches: Branches) -> None:
    store = branches.store()
    await storage.begin(branches.anchor_state, branches.anchor, store)
    signed = branches.child(branches.anchor.root, 1)
    for after, state in ((branches.accept(store, signed), None), (store, branches.states[signed.block.root])):
        with pytest.raises(Broken):
            await storage.commit(store, after, signed, state)
    assert storage.load() == store
    assert storage.block(signed.block.root) is None

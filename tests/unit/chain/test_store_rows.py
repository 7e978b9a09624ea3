"""Rows of the store at their limits: every u64 comes back, and what is not the store's is not read as it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from immutables import Map

from kit.lean_branches import Branches
from proofplane.chain.storage import CHAIN_SCHEMA
from proofplane.chain.store_rows import anchor_block, read_block, read_store, write_block, write_fields
from proofplane.lean.store import BlockNode, Store
from proofplane.lean.types import Checkpoint, Root, SignedBlock, Slot
from proofplane.storage.database import DATABASE_NAME, Database, Transaction

LARGEST = 2**64 - 1


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / DATABASE_NAME, [CHAIN_SCHEMA])
    yield opened
    opened.close()


async def test_the_largest_numbers_come_back(database: Database) -> None:
    branches = Branches()
    root = branches.anchor.root
    far = Checkpoint(Root(bytes([255]) * 32), Slot(LARGEST))
    node = BlockNode(Slot(LARGEST), Root(bytes([254]) * 32), far, far, 4096)
    last = Checkpoint(root, Slot(LARGEST))
    store = Store(LARGEST, LARGEST, root, root, last, last, Map({root: node}), Map(), {}, {}, {})

    def body(tx: Transaction) -> None:
        write_block(tx, SignedBlock(branches.anchor, b""), node)
        write_fields(tx, None, store)

    await database.write("test", body)

    assert read_store(database) == store


async def test_fields_are_written_only_if_they_differ(database: Database) -> None:
    store = Branches().store()
    await database.write("first", lambda tx: write_fields(tx, None, store))
    await database.write("clear", lambda tx: tx.execute("DELETE FROM chain_store"))
    await database.write("again", lambda tx: write_fields(tx, store, store))

    assert database.row("SELECT fields FROM chain_store") is None


def test_an_empty_database_has_no_store_no_anchor_and_no_block(database: Database) -> None:
    assert read_store(database) is None
    assert anchor_block(database) is None
    assert read_block(database, Root(bytes(32))) is None

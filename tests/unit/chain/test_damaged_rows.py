"""Rows that a failing disk or somebody's hand has changed: an error that says so, never a traceback or another chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kit.lean_branches import Branches
from proofplane.base.errors import Broken
from proofplane.chain.errors import MissingState
from proofplane.chain.storage import CHAIN_SCHEMA, SqliteChainStorage
from proofplane.lean.types import AggregateProof, Participants, ValidatorIndex
from proofplane.storage.database import DATABASE_NAME, Database

STORE_DAMAGE = {
    "fields cut": "UPDATE chain_store SET fields = substr(fields, 2)",
    "head unknown": "UPDATE chain_store SET fields = CAST(substr(fields, 1, 16) || zeroblob(32) || substr(fields, 49) AS BLOB)",
    "a node cut": "UPDATE chain_nodes SET node = x'00' WHERE seq = 2",
    "a node gone": "DELETE FROM chain_nodes WHERE seq = 2",
    "all nodes gone": "DELETE FROM chain_nodes",
    "a vote cut": "UPDATE chain_pools SET data = x'01' WHERE pool = 2",
    "a raw vote cut": "UPDATE chain_pools SET data = x'01' WHERE pool = 0",
    "a pool that does not exist": "UPDATE chain_pools SET pool = 7 WHERE pool = 2",
    "a proof gone": "DELETE FROM chain_proofs",
    "a proof changed": "UPDATE chain_proofs SET proof = x'00'",
    "participants no bitlist": "UPDATE chain_proofs SET participants = x'00'",
    "a snapshot of no block": "UPDATE chain_snapshots SET root = zeroblob(32)",
}

STATE_DAMAGE = {
    "a block cut": "UPDATE chain_blocks SET block = substr(block, 2) WHERE seq = 2",
    "another block": "UPDATE chain_blocks SET block = (SELECT block FROM chain_blocks WHERE seq = 3) WHERE seq = 2",
    "a block gone": "DELETE FROM chain_blocks WHERE seq = 2",
    "no snapshot": "DELETE FROM chain_snapshots",
    "a snapshot cut": "UPDATE chain_snapshots SET rest = substr(rest, 1, 100)",
    "a snapshot changed": "UPDATE chain_snapshots SET rest = CAST(x'ff' || substr(rest, 2) AS BLOB)",
    "a registry gone": "DELETE FROM chain_parts",
    "a registry cut": "UPDATE chain_parts SET content = substr(content, 2)",
    "a registry changed": "UPDATE chain_parts SET content = CAST(x'ff' || substr(content, 2) AS BLOB)",
    "runs that are not there": "UPDATE chain_snapshots SET runs = zeroblob(40)",
}


async def damaged(folder: Path, sql: str) -> tuple[Database, Branches]:
    database = Database(folder / DATABASE_NAME, [CHAIN_SCHEMA])
    branches = Branches()
    storage, store = SqliteChainStorage(database), branches.store()
    await storage.begin(branches.anchor_state, branches.anchor, store)
    for signed in branches.line(branches.anchor.root, 1, 3):
        after = branches.accept(store, signed)
        await storage.commit(store, after, signed, branches.states[signed.block.root])
        store = after
    data = branches.vote(signed.block.root)
    proofs = {data: frozenset({AggregateProof(Participants.of((1,), 4), b"proof")})}
    after = replace(store, known_payloads=proofs, attestation_signatures={data: frozenset({(ValidatorIndex(0), b"s")})})
    await storage.commit(store, after)
    assert storage.load() == after
    await database.write("damage", lambda tx: tx.execute(sql))
    return database, branches


@pytest.mark.parametrize("kind", STORE_DAMAGE)
async def test_a_damaged_store_is_not_loaded(tmp_path: Path, kind: str) -> None:
    database, _ = await damaged(tmp_path, STORE_DAMAGE[kind])
    with pytest.raises(MissingState) as caught:
        SqliteChainStorage(database).load()
    assert isinstance(caught.value, Broken)
    database.close()


@pytest.mark.parametrize("kind", STATE_DAMAGE)
async def test_a_state_is_not_made_from_damaged_rows(tmp_path: Path, kind: str) -> None:
    database, branches = await damaged(tmp_path, STATE_DAMAGE[kind])
    last = max(branches.blocks.values(), key=lambda block: block.slot)
    with pytest.raises(MissingState):
        SqliteChainStorage(database).state(last.root)
    database.close()


@pytest.mark.parametrize("kind", ["a snapshot changed", "a registry changed"])
async def test_a_snapshot_that_reads_as_another_state_is_not_handed_out(tmp_path: Path, kind: str) -> None:
    database, branches = await damaged(tmp_path, STATE_DAMAGE[kind])
    with pytest.raises(MissingState, match="not the state that the block names"):
        SqliteChainStorage(database).state(branches.anchor.root)
    database.close()

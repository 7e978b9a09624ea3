"""The history MMR as rows, against a model that keeps every leaf and folds it anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofplane.anchor.errors import ManifestHashNotFound, MmrProofFailed
from proofplane.anchor.leaf_table import LEAF_STATEMENTS, prove_leaf, read_leaf, write_leaf
from proofplane.anchor.types import SENTINEL
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height
from proofplane.crypto.mmr import Mmr
from proofplane.storage.database import Database, Row, Schema, Transaction

_SCHEMA = Schema("leaves", 1, LEAF_STATEMENTS)


def _block(height: int) -> BlockCommitment:
    return BlockCommitment(Height(height), BlockId(height.to_bytes(32, "big")))


def _leaf(number: int) -> Hash32:
    return Hash32(number.to_bytes(32, "big"))


def _write(database: Database, anchor: int, blocks: list[tuple[int, Hash32]]) -> None:
    def body(tx: Transaction) -> None:
        for height, leaf in blocks:
            write_leaf(tx, Height(anchor), _block(height), leaf)

    asyncio.run(database.write("test", body))


@given(anchor=st.integers(0, 20), forks=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_every_leaf_is_provable_at_every_snapshot_of_the_current_branch_after_reorgs(
    tmp_path_factory: pytest.TempPathFactory, anchor: int, forks: list[tuple[int, int]]
) -> None:
    database = Database(tmp_path_factory.mktemp("mmr") / "db", [_SCHEMA])
    leaves = [SENTINEL] * (anchor + 1)
    number = 1
    for fork, length in forks:
        kept = max(anchor + 1, len(leaves) - fork)
        added = [_leaf(number + at) for at in range(length)]
        number += length
        leaves = leaves[:kept] + added
        _write(database, anchor, [(kept + at, leaf) for at, leaf in enumerate(added)])
    tip = len(leaves) - 1
    for count in {len(leaves), max(1, len(leaves) // 2), anchor + 1}:
        snapshot = Mmr.from_leaves(leaves[:count])
        for index in range(count):
            proof = prove_leaf(database, Height(anchor), Height(tip), Height(index), count)
            assert proof.manifest_hash == leaves[index]
            snapshot.verify(proof.manifest_hash, proof.height, proof.siblings)
    database.close()


@pytest.mark.checklist(30)
def test_a_stale_leaf_above_the_tip_is_readable_but_not_provable(tmp_path: Path) -> None:
    database = Database(tmp_path / "db", [_SCHEMA])
    _write(database, 3, [(4, _leaf(1)), (5, _leaf(2)), (6, _leaf(3))])
    _write(database, 3, [(4, _leaf(9))])
    anchor, tip = Height(3), Height(4)
    assert read_leaf(database, anchor, Height(6)) == _leaf(3)
    assert read_leaf(database, anchor, Height(3)) == SENTINEL
    with pytest.raises(MmrProofFailed, match="not among the 5 leaves"):
        prove_leaf(database, anchor, tip, Height(6), 5)
    with pytest.raises(MmrProofFailed, match="above the tip"):
        prove_leaf(database, anchor, tip, Height(6), 7)
    with pytest.raises(ManifestHashNotFound):
        read_leaf(database, anchor, Height(7))
    database.close()


def test_a_leaf_and_its_siblings_come_from_one_query_and_so_from_one_snapshot(tmp_path: Path) -> None:
    class Counting(Database):
        queries = 0

        def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
            self.queries += 1
            return super().row(sql, parameters)

        def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
            self.queries += 1
            return super().rows(sql, parameters)

    database = Counting(tmp_path / "db", [_SCHEMA])
    _write(database, 3, [(4, _leaf(1)), (5, _leaf(2)), (6, _leaf(3))])
    assert prove_leaf(database, Height(3), Height(6), Height(5), 7).manifest_hash == _leaf(2)
    assert prove_leaf(database, Height(3), Height(6), Height(2), 7).manifest_hash == SENTINEL
    assert database.queries == 2
    asyncio.run(database.write("test", lambda tx: tx.execute("DELETE FROM leaves WHERE height = 6")))
    with pytest.raises(ManifestHashNotFound):
        prove_leaf(database, Height(3), Height(6), Height(6), 7)
    database.close()

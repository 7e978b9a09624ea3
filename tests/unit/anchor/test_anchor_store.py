"""What the anchor store keeps of a block, and the current branch read from it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kit.anchor_node import anchor_node, params_at
from proofplane.anchor.anchor_store import canonical_blocks, canonical_rows
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import manifest_export_transaction
from proofplane.anchor.transition import inclusion_proof
from proofplane.anchor.types import AnchorParams, Manifest, Mode
from proofplane.base.ids import Hash32, Height
from proofplane.bitcoin.sps50 import TEST_MAGIC


@pytest.fixture
def chain() -> RegtestChain:
    return RegtestChain(b"asm")


@pytest.fixture
def params(chain: RegtestChain) -> AnchorParams:
    return params_at(chain, chain.genesis)


async def test_a_headers_only_instance_stores_the_header_as_its_payload(tmp_path: Path) -> None:
    chain = RegtestChain(b"headers", Mode.HEADERS_ONLY)
    blocks = chain.mine_many(chain.genesis, 2)
    async with anchor_node(tmp_path, params_at(chain, chain.genesis, Mode.HEADERS_ONLY), chain) as node:
        await node.handle.submit(blocks[-1].block_id)
        row = node.anchors.row(blocks[-1])
        assert row is not None
        assert row.payload == row.header == chain.header(blocks[-1]).encode()
        assert row.inclusion_proof is None
        assert Manifest.decode(row.manifest) == Manifest(blocks[-1].height, blocks[-1].block_id, Hash32(bytes(32)))


async def test_a_blocks_inclusion_proof_is_stored_with_it(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    alone = chain.mine(chain.genesis)
    block = chain.mine(alone, [manifest_export_transaction(TEST_MAGIC, 1, Height(1), bytes([salt])) for salt in range(2)])
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(block.block_id)
        rows = list(canonical_rows(node.database))
    made = [inclusion_proof(Mode.FULL_BLOCK, row.payload) for row in rows]
    assert [row.inclusion_proof for row in rows] == [proof.encode() for proof in made if proof is not None]
    assert [len(row.inclusion_proof or b"") for row in rows] == [0, 64]


async def test_the_current_branch_is_read_page_by_page_between_the_heights_asked_for(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proofplane.anchor.anchor_store._PAGE_BLOCKS", 3)
    blocks = chain.mine_many(chain.genesis, 9)
    orphans = chain.mine_many(blocks[3], 7)
    async with anchor_node(tmp_path, params, chain) as node:
        assert list(canonical_blocks(node.database)) == []
        await node.handle.submit(orphans[-1].block_id)
        await node.handle.submit(blocks[7].block_id)
        assert list(canonical_blocks(node.database)) == blocks[:8]
        assert list(canonical_blocks(node.database, 3)) == blocks[2:8]
        assert list(canonical_blocks(node.database, 3, 5)) == blocks[2:5]
        assert list(canonical_blocks(node.database, 1, 99)) == blocks[:8]
        assert [row.block for row in canonical_rows(node.database, 2, 4)] == blocks[1:4]


async def test_a_walk_holds_no_snapshot_and_ends_where_the_tip_was(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 300)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(blocks[-2].block_id)
        walk = canonical_rows(node.database)
        first = next(walk)
        await node.handle.submit(blocks[-1].block_id)

        # Then another connection can write the whole log back and empty it, which a reader in the middle of it would forbid
        with closing(sqlite3.connect(node.database.path)) as connection:
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        assert [first.block, *[row.block for row in walk]] == blocks[:-1]

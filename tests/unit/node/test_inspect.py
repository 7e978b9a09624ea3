"""What is read from a data directory's rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli_node import Branches
from proofplane.base.ids import BlockId, MalformedId
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.node.data_dir import TrustRoot
from proofplane.node.inspect import NoSuchProof, UnknownBlock, find_block, find_proof, is_canonical, read_status, stored_proofs
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase, Rows


@pytest.fixture
def rows(finished: Path) -> Iterator[Rows]:
    database = ReadOnlyDatabase(finished / DATABASE_NAME)
    yield database
    database.close()


def test_the_status_of_a_finished_chain(rows: Rows, finished: Path, chain: Branches) -> None:
    trust = TrustRoot.read(finished)

    status = read_status(rows, trust)

    tip = str(chain.second[-1])
    assert (status.tip, status.moho_tip, status.last_proven) == (tip, tip, tip)
    assert status.blocks == 8
    assert status.step_proofs >= 8
    assert status.recursive_proofs >= 8
    assert (status.planned, status.in_flight, status.failed, status.failures) == (0, 0, 0, ())
    assert status.identity == trust.identity().hex()
    assert set(status.to_json()) >= {"chain", "tip", "failures"}


def test_blocks_of_the_branch_that_was_left_are_not_canonical(rows: Rows, chain: Branches) -> None:
    assert all(is_canonical(rows, block) for block in (*chain.first[:3], *chain.second))
    assert not any(is_canonical(rows, block) for block in chain.first[3:])


def test_stored_proofs_come_in_order_and_orphans_only_when_wanted(rows: Rows, chain: Branches) -> None:
    everything = list(stored_proofs(rows, 0, canonical_only=False))
    ours = list(stored_proofs(rows, 0, canonical_only=True))

    canonical = [*chain.first[:3], *chain.second]
    assert [(one.kind, one.block) for one in ours] == [(kind, block) for block in canonical for kind in ("step", "recursive")]
    assert [one for one in everything if one.canonical] == ours
    assert [one.proof_id.key() for one in everything] == sorted(one.proof_id.key() for one in everything)
    assert {one.block for one in everything} - set(canonical) <= set(chain.first[3:])
    assert [one.block.height for one in stored_proofs(rows, 8, canonical_only=True)] == [8, 8]


def test_a_block_is_found_by_height_on_the_chain_and_by_hash_on_any_branch(rows: Rows, chain: Branches) -> None:
    assert find_block(rows, "5") == chain.second[1]
    assert find_block(rows, "0") == chain.chain.genesis
    assert find_block(rows, chain.first[4].block_id.display()) == chain.first[4]


@pytest.mark.parametrize("text", ["9", "4294967295", "4294967296", "9999999999", BlockId(bytes(32)).display()])
def test_a_block_that_was_not_processed_is_unknown(text: str, rows: Rows) -> None:
    with pytest.raises(UnknownBlock, match=text):
        find_block(rows, text)


@pytest.mark.parametrize("text", ["", "tip", "-1", "1.5", "0x10", "\u0663", "\u00b2"])
def test_what_is_neither_height_nor_hash_is_malformed(text: str, rows: Rows) -> None:
    with pytest.raises(MalformedId):
        find_block(rows, text)


def test_a_proof_is_found_by_kind_and_block(rows: Rows, chain: Branches) -> None:
    block = chain.second[0]

    step, recursive = find_proof(rows, "step", block), find_proof(rows, "recursive", block)

    assert (step.proof_id, recursive.proof_id) == (StepId.of(block), RecursiveId(block))
    assert step.canonical
    with pytest.raises(NoSuchProof, match=str(chain.chain.genesis)):
        find_proof(rows, "step", chain.chain.genesis)

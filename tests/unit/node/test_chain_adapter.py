"""The anchor's stores as proving sees them: prerequisites, inputs that programs accept, and claims that the stored proofs state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.cli_chains import copy_of
from kit.cli_node import Branches
from proofplane.anchor.anchor_store import AnchorStore
from proofplane.anchor.moho_store import MohoStore
from proofplane.anchor.programs import RECURSIVE_PROGRAM_ID, STEP_PROGRAM_ID, run_recursive, run_step
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.node.chain_adapter import ChainAdapter
from proofplane.node.data_dir import TrustRoot
from proofplane.node.inspect import SCHEMAS, find_proof
from proofplane.storage.database import DATABASE_NAME, Database

UNKNOWN = BlockCommitment(Height(4), BlockId(b"\x07" * 32))


@pytest.fixture
def database(finished: Path, tmp_path: Path) -> Iterator[Database]:
    opened = Database(copy_of(finished, tmp_path / "data") / DATABASE_NAME, SCHEMAS)
    yield opened
    opened.close()


@pytest.fixture
def adapter(database: Database, finished: Path) -> ChainAdapter:
    return ChainAdapter(AnchorStore(database), MohoStore(database), TrustRoot.read(finished))


def test_it_follows_the_moho_log_and_tip(adapter: ChainAdapter, chain: Branches) -> None:
    logged = [block for _, block in adapter.since(0, 100)]

    assert logged == [*chain.first, *chain.second]
    assert adapter.since(6, 1) == [(7, chain.second[0])]
    assert adapter.tip() == chain.second[-1]


def test_parents_are_real_ones_on_both_branches(adapter: ChainAdapter, chain: Branches) -> None:
    assert adapter.parent(chain.second[0]) == adapter.parent(chain.first[3]) == chain.first[2]
    assert adapter.parent(chain.first[0]) == chain.chain.genesis
    assert adapter.parent(chain.chain.genesis) is None
    assert adapter.parent(UNKNOWN) is None


def test_only_the_current_branch_is_canonical(adapter: ChainAdapter, chain: Branches) -> None:
    assert adapter.is_canonical(chain.second[0])
    assert not adapter.is_canonical(chain.first[3])


@pytest.mark.checklist(53)
def test_a_step_needs_nothing_and_the_first_recursive_proof_only_its_step(adapter: ChainAdapter, chain: Branches) -> None:
    first, second = chain.first[:2]

    assert adapter.prerequisites(StepId.of(second)) == ()
    assert adapter.prerequisites(RecursiveId(first)) == (StepId.of(first),)
    assert adapter.prerequisites(RecursiveId(second)) == (StepId.of(second), RecursiveId(first))
    assert adapter.prerequisites(RecursiveId(chain.second[0])) == (StepId.of(chain.second[0]), RecursiveId(chain.first[2]))


def test_the_programs_accept_its_inputs_and_state_what_it_expects(adapter: ChainAdapter, database: Database, chain: Branches) -> None:
    for block in (chain.first[0], chain.second[0], chain.second[-1]):
        step, recursive = StepId.of(block), RecursiveId(block)
        step_input, recursive_input = adapter.body(step), adapter.body(recursive)
        wanted_step, wanted_recursive = adapter.expected(step), adapter.expected(recursive)
        assert step_input is not None
        assert recursive_input is not None
        assert wanted_step is not None
        assert wanted_recursive is not None
        assert (wanted_step.program_id, wanted_recursive.program_id) == (STEP_PROGRAM_ID, RECURSIVE_PROGRAM_ID)

        prerequisites = [
            find_proof(database, "step" if isinstance(one, StepId) else "recursive", one.end if isinstance(one, StepId) else one.block)
            for one in adapter.prerequisites(recursive)
        ]
        assert run_step(step_input, []) == wanted_step.public_values
        assert run_recursive(recursive_input, [one.receipt for one in prerequisites]) == wanted_recursive.public_values
        assert find_proof(database, "step", block).receipt.public_values == wanted_step.public_values


@pytest.mark.parametrize("block", [UNKNOWN, BlockCommitment(Height(0), BlockId(b"\x08" * 32))])
def test_of_a_block_that_was_not_processed_there_is_neither_input_nor_claim(block: BlockCommitment, adapter: ChainAdapter) -> None:
    for proof_id in (StepId.of(block), RecursiveId(block)):
        assert adapter.body(proof_id) is None
        assert adapter.expected(proof_id) is None

"""A session from start to last proof, and what ends one early."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from kit.cli_node import SETTINGS, Branches, opened, run_over
from proofplane.anchor.errors import MissingL1Block
from proofplane.base.ids import BlockId
from proofplane.node.errors import ProofsMissing, StoppedEarly
from proofplane.node.node import Node
from proofplane.node.session import run_session
from proofplane.service.clock import SystemClock
from proofplane.service.supervisor import TaskFailed


async def test_a_session_proves_everything_and_says_so(chain: Branches, tmp_path: Path) -> None:
    with opened(tmp_path, chain.chain) as directory:
        summary = await run_over(directory, chain.chain, chain.first[-1])

    assert (summary.network, summary.mode, summary.anchor) == ("regtest", "full-block", str(chain.chain.genesis))
    assert (summary.blocks, summary.step_proofs, summary.recursive_proofs) == (6, 6, 6)
    assert (summary.tip, summary.reorgs, summary.failed) == (str(chain.first[-1]), 0, 0)


async def test_a_second_session_goes_on_where_the_first_ended(chain: Branches, tmp_path: Path) -> None:
    with opened(tmp_path, chain.chain) as directory:
        await run_over(directory, chain.chain, chain.first[2])
        summary = await run_over(directory, chain.chain, chain.first[-1])
        again = await run_over(directory, chain.chain, chain.first[-1])

    assert (summary.blocks, summary.step_proofs) == (6, 6)
    assert (again.blocks, again.step_proofs, again.tip) == (6, 6, summary.tip)


async def test_a_reorg_keeps_the_orphans_proofs_and_ends_at_the_other_tip(chain: Branches, tmp_path: Path) -> None:
    with opened(tmp_path, chain.chain) as directory:
        summary = await run_over(directory, chain.chain, chain.first[-1], chain.second[-1], chain.first[-1], chain.second[-1])

    assert (summary.tip, summary.blocks, summary.reorgs) == (str(chain.second[-1]), 8, 3)
    # Proofs of blocks that were left before their turn came are not made.
    assert 8 <= summary.step_proofs <= 11
    assert 8 <= summary.recursive_proofs <= 11


async def test_nothing_to_do_is_a_session_too(chain: Branches, tmp_path: Path) -> None:
    with opened(tmp_path, chain.chain) as directory:
        summary = await run_over(directory, chain.chain)

    assert (summary.blocks, summary.tip) == (0, str(chain.chain.genesis))


async def test_a_block_that_the_source_does_not_have_ends_it_with_the_sources_error(chain: Branches, tmp_path: Path) -> None:
    async def submit(node: Node) -> None:
        await node.asm.submit(BlockId(b"\x07" * 32))

    with opened(tmp_path, chain.chain) as directory, pytest.raises((MissingL1Block, TaskFailed)):
        await run_session(directory, chain.chain, submit, SETTINGS, SystemClock(), lambda node: nullcontext())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("target", [6, None], ids=["with an end", "without end"])
async def test_a_signal_stops_it_and_the_next_session_goes_on(
    target: int | None, number: signal.Signals, chain: Branches, tmp_path: Path
) -> None:
    """It ends a source without end well, and one that had more to give early."""

    async def submit(node: Node) -> None:
        await node.asm.submit(chain.first[3].block_id)
        os.kill(os.getpid(), number)
        while True:  # until it is cancelled
            await node.asm.monitor.changed()

    with opened(tmp_path, chain.chain) as directory:
        stopped = run_session(directory, chain.chain, submit, SETTINGS, SystemClock(), lambda node: nullcontext(), target)
        if target is None:
            assert (await stopped).blocks == 4
        else:
            with pytest.raises(StoppedEarly):
                await stopped
        summary = await run_over(directory, chain.chain, chain.first[-1])

    assert (summary.blocks, summary.recursive_proofs) == (6, 6)


async def test_a_stored_proof_that_was_lost_is_noticed_by_the_next_run(chain: Branches, tmp_path: Path) -> None:
    with opened(tmp_path, chain.chain) as directory:
        await run_over(directory, chain.chain, chain.first[-1])
        with closing(sqlite3.connect(directory.database, isolation_level=None)) as rows:
            rows.execute("DELETE FROM proofs WHERE kind = 0 AND key IN (SELECT min(key) FROM proofs)")
        with pytest.raises(ProofsMissing, match="verify-chain"):
            await run_over(directory, chain.chain, chain.first[-1])

"""The demo's Lean chain: made, imported, made again; and nobody else's files are touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.types import Outcome
from proofplane.node.chain_demo import PLAN, ChainDemo
from proofplane.node.chain_progress import ChainProgress
from proofplane.service.clock import SystemClock


async def test_the_demos_chain_forks_misses_a_slot_and_can_be_made_again(tmp_path: Path) -> None:
    for _ in range(2):
        demo = ChainDemo(tmp_path / "lean", None, SystemClock())
        assert demo.progress() == ChainProgress("keys", 0, PLAN.validators)
        await demo.work()

        done = demo.imported
        assert done is not None
        assert (done.count(Outcome.IMPORTED), done.count(None), done.reorgs) == (23, 0, 1)
        assert [one.difference for one in done.deliveries] == [""] * 23
        assert demo.progress().head_slot == PLAN.slots


async def test_the_demo_removes_no_file_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "lean" / "blocks").mkdir(parents=True)
    foreign = tmp_path / "lean" / "blocks" / "letter.txt"
    foreign.write_text("dear")

    with pytest.raises(BadChainDirectory, match="cannot be made anew"):
        await ChainDemo(tmp_path / "lean", None, SystemClock()).work()
    assert foreign.read_text() == "dear"

"""The demo's chain: the same blocks each time, with its events where the plan puts them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from kit.cli_node import SETTINGS
from proofplane.base.ids import BlockId
from proofplane.base.predicate import Predicate
from proofplane.node.data_dir import DataDirectory
from proofplane.node.demo import ABANDONED, MIN_BLOCKS, DemoChain, DemoPlan, demo_params
from proofplane.node.session import Summary, run_session
from proofplane.service.clock import SystemClock
from proofplane.storage.database import ReadOnlyDatabase


async def run_demo(path: Path, plan: DemoPlan) -> tuple[Summary, Predicate]:
    with DataDirectory(path, demo_params()) as directory:
        upgraded = directory.add_key("step-2")
        chain = DemoChain(plan, upgraded)
        return await run_session(directory, chain.source, chain.run, SETTINGS, SystemClock(), lambda node: nullcontext()), upgraded


def test_the_parameters_are_the_same_each_time_and_anchor_at_genesis() -> None:
    params = demo_params()

    assert params == demo_params()
    assert params.block.height == 0
    assert params.block.block_id == BlockId.from_display("0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206")
    assert params.exports
    assert params.upgrade is not None
    assert (len(params.upgrade.keys), params.upgrade.threshold) == (3, 2)


@pytest.mark.parametrize("blocks", [MIN_BLOCKS, MIN_BLOCKS + 1, 33])
async def test_the_shortest_demos_have_every_event(blocks: int, tmp_path: Path) -> None:
    plan = DemoPlan(blocks)

    summary, upgraded = await run_demo(tmp_path, plan)

    assert (summary.blocks, summary.reorgs) == (blocks, 1)
    assert blocks <= summary.recursive_proofs <= blocks + ABANDONED
    database = ReadOnlyDatabase(tmp_path / "proofplane.db")
    try:
        predicates = {}
        for (key,) in database.rows("SELECT key FROM leaves ORDER BY height"):
            height = int.from_bytes(key[:4], "big")
            found = database.row("SELECT predicate FROM moho WHERE key = ?", (key,))
            assert found is not None
            predicates[height] = found[0]
        (entries,) = database.row("SELECT count(*) FROM moho_exports") or (0,)
    finally:
        database.close()
    assert {height for height, predicate in predicates.items() if predicate == upgraded.encode()} == set(range(plan.upgrade_at, blocks + 1))
    assert entries >= blocks // 3 - 3


async def test_a_second_run_finds_everything_processed(tmp_path: Path) -> None:
    plan = DemoPlan(MIN_BLOCKS)
    first, _ = await run_demo(tmp_path, plan)
    second, _ = await run_demo(tmp_path, plan)

    assert (second.tip, second.blocks) == (first.tip, first.blocks)

"""The recorded chains of signed blocks import to the recorded heads, with the recorded verdict at every step."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofplane.chain.delivery import Comparison
from proofplane.chain.directory import read_chain
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import Outcome
from proofplane.node.chain_runs import ChainImported, ChainRun
from proofplane.node.chain_session import ChainSession
from proofplane.service.clock import SystemClock

pytestmark = pytest.mark.data

CHAINS = ["test-8", "prod-8"]


async def import_recorded(place: Path, options: ImportOptions, data_dir: Path | None = None) -> ChainImported:
    chain = read_chain(place)
    assert chain.scheme is not None
    return await ChainRun(SystemClock()).import_directory(chain, chain.scheme, data_dir, options)


@pytest.mark.parametrize("parallel", [True, False], ids=["parallel", "sequential"])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("name", CHAINS)
async def test_every_verdict_and_every_head_is_the_recorded_one(data_dir: Path, name: str, threads: int, parallel: bool) -> None:
    options = ImportOptions(parallel=parallel, threads=threads, waiting_blocks=0)
    done = await import_recorded(data_dir / "lean" / "chains" / name, options)

    assert [(one.step.path.name, one.difference) for one in done.deliveries if one.difference] == []
    assert done.count(Comparison.AS_RECORDED) == 18
    assert (done.count(Outcome.IMPORTED), done.count(Outcome.ALREADY_KNOWN), done.count(None)) == (12, 1, 5)
    assert done.reorgs == 2


@pytest.mark.parametrize("name", CHAINS)
async def test_a_restart_finds_the_same_store_and_takes_nothing_twice(data_dir: Path, name: str, tmp_path: Path) -> None:
    place, options = data_dir / "lean" / "chains" / name, ImportOptions(waiting_blocks=0)
    first = await import_recorded(place, options, tmp_path / "data")

    again = await import_recorded(place, options, tmp_path / "data")
    async with ChainSession(tmp_path / "data", None) as session:
        assert session.found == first.store
        assert session.scheme.name == name.partition("-")[0]

    assert again.store == first.store
    assert (again.count(Outcome.IMPORTED), again.count(Comparison.NOT_AS_RECORDED), len(again.deliveries)) == (0, 0, 18)

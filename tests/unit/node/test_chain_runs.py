"""Making and importing a chain, with progress; cancelled, nothing is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from kit.lean_directories import SMALL, STEPS, small
from proofplane.chain.delivery import Comparison
from proofplane.chain.directory import read_chain
from proofplane.chain.types import Outcome, Step
from proofplane.crypto.xmss import TEST
from proofplane.node.chain_progress import ChainProgress
from proofplane.node.chain_runs import ChainRun
from proofplane.service.clock import SystemClock


def names(place: Path) -> list[str]:
    return [file.name for file in place.iterdir()]


async def test_a_chain_is_made_and_imported_with_progress(tmp_path: Path) -> None:
    run = ChainRun(SystemClock())

    assert await run.generate(SMALL, tmp_path / "chain") == STEPS
    assert replace(run.progress(), rate=0.0) == ChainProgress("slots", 9, 9)
    done = await run.import_directory(read_chain(tmp_path / "chain"), TEST)

    finalized = done.store.latest_finalized.slot
    assert replace(run.progress(), rate=0.0) == ChainProgress("blocks", STEPS, STEPS, head_slot=9, finalized_slot=finalized, refused=5)
    signatures = 1 + 7 * 6 + 6  # the first block has no votes; the bad state root is validly signed
    assert (done.count(Outcome.IMPORTED), done.signatures) == (8, signatures)
    times = {time.step: time for time in done.steps}
    assert times[Step.COMMIT].count == 8
    assert times[Step.SIGNATURES].longest >= times[Step.SIGNATURES].mean > 0


class Steps:
    """A clock on which every look takes a quarter of a second; long before that it stood still."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        self.time += 0.25
        return self.time

    async def sleep_until(self, instant: float) -> None:
        raise AssertionError("nobody waits here")


async def test_the_rate_of_an_import_counts_from_its_own_begin(tmp_path: Path) -> None:
    chain, clock = read_chain(small(tmp_path / "chain")), Steps()
    run = ChainRun(clock)
    for _ in range(2):
        clock.time += 1000.0
        await run.import_directory(chain, TEST)
        # Two looks a block, one of them for the metrics; the last block's second look comes after its progress.
        assert run.progress().rate == pytest.approx(STEPS / (0.25 * (2 * STEPS - 1)))
        clock.time += 1000.0
        assert run.progress().rate > 1.0


async def test_the_size_of_an_import_is_known_before_its_directory_is_open(tmp_path: Path) -> None:
    chain = read_chain(small(tmp_path / "chain"))
    run = ChainRun(SystemClock())
    work = asyncio.create_task(run.import_directory(chain, TEST, tmp_path / "data"))
    await asyncio.sleep(0)  # it has begun

    assert run.progress().total == STEPS
    await work


async def test_a_cancelled_generation_ends_soon_and_leaves_nothing(tmp_path: Path) -> None:
    run = ChainRun(SystemClock())
    work = asyncio.create_task(
        run.generate(replace(SMALL, validators=64, slots=200, missed=frozenset(), forks=frozenset()), tmp_path / "chain")
    )
    await asyncio.sleep(0)  # it has begun

    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work

    assert run.progress().stage == "keys"
    assert names(tmp_path) == []


async def test_an_interrupted_import_goes_on_where_it_was(tmp_path: Path) -> None:
    chain = read_chain(small(tmp_path / "chain"))
    whole = await ChainRun(SystemClock()).import_directory(chain, TEST)
    first = replace(chain, steps=chain.steps[:10])
    await ChainRun(SystemClock()).import_directory(first, TEST, tmp_path / "data")

    rest = await ChainRun(SystemClock()).import_directory(chain, TEST, tmp_path / "data")

    assert (rest.count(Outcome.IMPORTED), rest.count(Comparison.NOT_AS_RECORDED)) == (4, 0)
    assert rest.store == whole.store

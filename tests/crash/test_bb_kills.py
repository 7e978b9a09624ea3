"""What a node outlives with every header proved: kill -9, `bb` killed or hung while it proves, points that go away or are damaged."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from kit.cli_chains import rows_of
from kit.cli_node import SETTINGS
from kit.cli_run import Running, here, proofplane
from kit.honk_node import FIRST_HEIGHT, HEADERS, PATIENCE, Marked, environment, proving
from proofplane.anchor.headers_file import HeadersFile
from proofplane.anchor.types import AnchorParams, Mode
from proofplane.barretenberg.crs import POINTS_FILE
from proofplane.base.ids import Height
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.node.circuit_backend import CircuitBackend
from proofplane.node.data_dir import DataDirectory
from proofplane.node.node import Node
from proofplane.node.session import run_session
from proofplane.proving.types import JobStatus
from proofplane.service.clock import SystemClock

pytestmark = [pytest.mark.data, pytest.mark.slow]

START, UNTIL = 45_000, 45_004


def proofs_in(data: Path) -> dict[bytes, bytes]:
    """The stored receipts by proof key; none while there is no database."""
    if here("status", "--data-dir", data).code:
        return {}
    with rows_of(data) as rows:
        return dict(rows.execute("SELECT key, receipt FROM proofs").fetchall())


def until(node: Running, condition: Callable[[], bool]) -> None:
    """Looks until the condition holds; fails if the node ends before, or gets nowhere."""
    patience = monotonic() + PATIENCE
    while not condition():
        assert node.runs(), node.end()
        assert monotonic() < patience, node.err_so_far()


def proving_bb(marked: Marked) -> set[int]:
    """The `bb` that proves: one that only verifies computes for milliseconds."""
    return {pid for pid, seconds in marked.bb().items() if seconds > 0.2}


def verified(data: Path, env: dict[str, str]) -> None:
    report = proofplane("verify-chain", "--json", "--data-dir", data, env=env).json()
    assert (report["step_proofs"], report["recursive_proofs"]) == ({"ultra_honk": UNTIL - START}, {"native": UNTIL - START})


def test_a_node_killed_between_step_proofs_goes_on_from_there_and_leaves_no_bb_behind(data_dir: Path, tmp_path: Path) -> None:
    env, marked, data = environment(data_dir), Marked(), tmp_path / "data"
    with Running(*proving(data_dir, data, START, UNTIL), env=marked.over(env)) as node:
        until(node, lambda: len(proofs_in(data)) >= 2)
        assert marked.bb()
        node.signal(signal.SIGKILL)
        node.end()
    before = proofs_in(data)
    assert 2 <= len(before) < 2 * (UNTIL - START)
    marked.wait_until_gone()

    summary = proofplane(*proving(data_dir, data, START, UNTIL), env=env).json()

    assert summary["step_proofs"] == summary["recursive_proofs"] == UNTIL - START
    assert summary["step_seconds"]["proofs"] == UNTIL - START - sum(len(one) > 1_000 for one in before.values())
    after = proofs_in(data)
    assert {key: after[key] for key in before} == before, "what was proved is not proved again"
    verified(data, env)


def test_bb_killed_while_it_proves_is_replaced_and_every_header_is_proved(data_dir: Path, tmp_path: Path) -> None:
    env, marked, data = environment(data_dir), Marked(), tmp_path / "data"
    killed: set[int] = set()
    with Running(*proving(data_dir, data, START, UNTIL), env=marked.over(env)) as node:
        for stored in (0, 2):
            until(node, lambda stored=stored: len(proofs_in(data)) >= stored and proving_bb(marked) - killed)
            for pid in proving_bb(marked) - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        summary = node.end().json()

    assert len(killed) >= 2
    assert (summary["failed"], summary["step_proofs"], summary["recursive_proofs"]) == (0, UNTIL - START, UNTIL - START)
    marked.wait_until_gone()
    verified(data, env)


def blames_the_points(data: Path) -> bool:
    """Whether an attempt at a proof has failed with the advice to look after the files of `bb`."""
    with rows_of(data) as rows:
        failed = rows.execute("SELECT reason FROM jobs WHERE status = ?", (JobStatus.FAILED,)).fetchall()
    return any("proofplane bb" in reason for (reason,) in failed)


@contextmanager
def removed(points: Path) -> Iterator[None]:
    """The points are away for a while."""
    away = points.rename(points.with_suffix(".away"))
    yield
    away.rename(points)


@contextmanager
def damaged(points: Path) -> Iterator[None]:
    """One point, which a proof uses, is no point for a while."""
    with points.open("r+b") as file:
        file.seek(64 * 20_000)
        good = file.read(64)
        for content in (bytes(range(64)), good):
            file.seek(64 * 20_000)
            file.write(content)
            file.flush()
            if content != good:
                yield


@pytest.mark.parametrize("broken", [removed, damaged])
def test_points_that_are_gone_or_damaged_for_a_while_cost_no_proof(
    broken: Callable[[Path], AbstractContextManager[None]], data_dir: Path, tmp_path: Path
) -> None:
    env, marked, data, crs = environment(data_dir), Marked(), tmp_path / "data", tmp_path / "crs"
    shutil.copytree(env["CRS_PATH"], crs)
    env["CRS_PATH"] = str(crs)
    with Running(*proving(data_dir, data, START, UNTIL), env=marked.over(env)) as node:
        until(node, lambda: len(proofs_in(data)) >= 2 and bool(proving_bb(marked)))
        with broken(crs / POINTS_FILE):
            for pid in proving_bb(marked):
                os.kill(pid, signal.SIGKILL)
            until(node, lambda: blames_the_points(data))
            node.signal(signal.SIGINT)
            node.end()
    marked.wait_until_gone()
    assert len(proofs_in(data)) < 2 * (UNTIL - START), "there is something left to prove"

    summary = proofplane(*proving(data_dir, data, START, UNTIL), env=env).json()

    assert (summary["failed"], summary["step_proofs"], summary["recursive_proofs"]) == (0, UNTIL - START, UNTIL - START)
    verified(data, env)


async def test_bb_that_hangs_while_it_proves_is_replaced_and_every_header_is_proved(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marked = Marked()
    for name, value in marked.over(environment(data_dir)).items():
        monkeypatch.setenv(name, value)
    hung: set[int] = set()

    def hang_one() -> None:
        patience = monotonic() + PATIENCE
        while not (found := proving_bb(marked)):
            assert monotonic() < patience
        for pid in found:
            os.kill(pid, signal.SIGSTOP)
            hung.add(pid)

    with HeadersFile(data_dir / HEADERS, Network.MAINNET, Height(FIRST_HEIGHT)) as file:
        point = file.anchor(Height(START), None)
        params = AnchorParams(point.network, Mode.HEADERS_ONLY, TEST_MAGIC, point.block, point.next_bits, point.epoch_start)
        backend = replace(CircuitBackend.found(params, os.environ), step_seconds=10.0)

        async def drive(node: Node) -> None:
            await asyncio.gather(file.run(node.asm, node.tip, Height(UNTIL)), asyncio.to_thread(hang_one))

        with DataDirectory(tmp_path / "data", params, step_predicate=backend.step_predicate) as directory:
            async with asyncio.timeout(2 * PATIENCE):
                summary = await run_session(
                    directory, file, drive, SETTINGS, SystemClock(), lambda node: nullcontext(), UNTIL - START, backend=backend
                )

    assert hung
    assert not hung & marked.alive().keys()
    assert (summary.failed, summary.step_proofs, summary.recursive_proofs) == (0, UNTIL - START, UNTIL - START)
    verified(tmp_path / "data", environment(data_dir))

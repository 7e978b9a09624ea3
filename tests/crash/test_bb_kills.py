"""kill -9 of the node between step proofs, and of `bb` while it proves: nothing is lost, nothing is left behind, everything is proved."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from kit.cli_chains import rows_of
from kit.cli_run import Running, here, proofplane
from kit.honk_node import PATIENCE, Marked, environment, proving

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

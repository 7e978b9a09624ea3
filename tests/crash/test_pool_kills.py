"""A process with a pool is killed: its workers end with it, computing, starting or idle, and no socket stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit import bbjs
from kit.pool_bb import ended
from kit.pool_traces import carriers, eventually, sockets
from kit.rpc_service import PATIENCE

_PARENT = Path(__file__).resolve().parents[1] / "kit" / "pool_parent.py"


@contextmanager
def parent(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, list[int]]]:
    """The process, its mark, and its workers."""
    with subprocess.Popen([sys.executable, _PARENT, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            mark, *pids = process.stdout.readline().split()
            yield process, mark, [int(pid) for pid in pids]
        finally:
            process.kill()


def nothing_left(mark: str) -> bool:
    return not carriers(mark) and not sockets(mark)


@pytest.mark.parametrize("manner", ["busy", "python"])
def test_a_killed_parent_leaves_no_worker_and_no_socket(manner: str) -> None:
    bbjs.binary("bb")
    with parent(manner) as (process, mark, pids):
        assert len(pids) == 2
        assert sorted(carriers(mark)) == sorted(pids)
        process.kill()
        process.wait(PATIENCE)
        eventually(lambda: nothing_left(mark) and all(map(ended, pids)), "the workers' end")


@pytest.mark.parametrize("microseconds", [2000, *(pytest.param(other, marks=pytest.mark.slow) for other in (0, 1000, 4000))])
def test_a_parent_killed_while_workers_start_leaves_none_of_them(microseconds: int) -> None:
    bbjs.binary("bb")
    with parent("starting", str(microseconds)) as (process, mark, _):
        process.wait(PATIENCE)
        eventually(lambda: nothing_left(mark), "the workers' end")

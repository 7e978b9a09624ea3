"""One child process: its end, its last words, its disposal."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.pool_bb import gone, kill, until
from kit.pool_traces import no_traces, traces
from kit.rpc_service import PATIENCE
from proofplane.pool.errors import DisposalFailed
from proofplane.pool.process import Process


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


async def launch(script: str, address: str = "/tmp/proofplane-no-such.sock") -> Process:
    return await Process.launch(["/bin/sh", "-c", script], {}, address)


async def end(process: Process, *, gentle: bool = False, stop_timeout: float = PATIENCE) -> list[Exception]:
    return await process.end(gentle=gentle, stop_timeout=stop_timeout, kill_timeout=PATIENCE)


async def test_the_end_of_a_process_is_told_at_once_with_its_code_and_its_last_words() -> None:
    process = await launch("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; printf half; exit 7")
    told = asyncio.Event()
    process.on_exit = told.set
    async with asyncio.timeout(PATIENCE):
        await told.wait()
    assert process.returncode == 7
    assert not process.lives()
    assert await end(process) == []
    assert process.log == (*(f"line {number}" for number in range(3, 13)), "half")


async def test_a_death_is_known_before_the_loop_has_been_told() -> None:
    process = await launch("exec sleep 60")
    assert process.lives()
    kill(process.pid)
    assert not process.lives()
    assert process.returncode is None
    assert await end(process) == []


async def test_a_gentle_end_gives_it_time_and_another_does_not() -> None:
    script = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"
    for gentle, code in ((True, 5), (False, -signal.SIGKILL)):
        process = await launch(script)
        await until(lambda: "ready" in process.log)  # noqa: B023 - asked in this turn only
        assert await end(process, gentle=gentle) == []
        assert process.returncode == code


async def test_one_that_does_not_heed_the_gentle_end_is_killed() -> None:
    process = await launch("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    await until(lambda: "ready" in process.log)
    assert await end(process, gentle=True, stop_timeout=0.02) == []
    assert process.returncode == -signal.SIGKILL
    assert gone(process.pid)


async def test_what_cannot_be_removed_is_reported_and_the_rest_is_done() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        path = Path(place) / "s.sock"
        path.mkdir()
        process = await launch("exec sleep 60", str(path))
        (error,) = await end(process)
        assert isinstance(error, DisposalFailed)
        assert "cannot be removed" in str(error)
    assert gone(process.pid)


async def test_a_start_that_is_cancelled_leaves_no_process() -> None:
    for turns in range(4):
        starting = asyncio.ensure_future(launch("exec sleep 60"))
        for _ in range(turns):
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait([starting])
        if not starting.cancelled():
            await end(starting.result())
    await until(lambda: not traces().children)


async def test_an_end_that_is_cancelled_kills_and_reaps_all_the_same() -> None:
    process = await launch("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    await until(lambda: "ready" in process.log)
    ending = asyncio.ensure_future(end(process, gentle=True))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    assert ending.cancelled()
    assert gone(process.pid)


async def test_memory_is_that_of_the_process_and_of_no_other_after_its_end() -> None:
    process = await launch("exec sleep 60")
    await until(lambda: 0 < process.resident() < 100_000_000)
    process.signal(signal.SIGKILL)
    assert await process.exited(PATIENCE)
    assert process.resident() == 0
    process.signal(signal.SIGKILL)  # finds nobody
    assert await end(process) == []


async def test_waiting_for_an_end_is_bounded() -> None:
    process = await launch("exec sleep 60")
    assert not await process.exited(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert await process.exited(PATIENCE)
    assert await end(process) == []


async def test_an_end_that_is_cancelled_is_cancelled_also_if_the_process_does_not_go(monkeypatch: pytest.MonkeyPatch) -> None:
    process = await launch("exec sleep 60")

    def hang(timeout: float | None = None) -> int:
        raise subprocess.TimeoutExpired("sleep", timeout or 0.0)

    monkeypatch.setattr(process._popen, "wait", hang)
    ending = asyncio.ensure_future(end(process))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending])
    monkeypatch.undo()
    assert ending.cancelled()
    assert process._popen.wait(PATIENCE) == -signal.SIGKILL


async def test_after_some_words_nothing_wakes_us_for_a_while_and_the_next_are_heard_when_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proofplane.pool.process._LULL", PATIENCE)
    process = await launch("trap 'echo second' USR1; echo first; while :; do sleep 0.01; done")
    await until(lambda: process._lull is not None)
    process.signal(signal.SIGUSR1)
    await until(lambda: process.log == ("first", "second"))
    lull = process._lull
    assert lull is not None
    assert await end(process) == []
    assert lull.cancelled()


async def test_one_that_fills_the_pipe_in_a_lull_is_not_kept_waiting_again(monkeypatch: pytest.MonkeyPatch) -> None:
    process = await launch("head -c 1000000 /dev/zero; echo; echo done")
    await until(lambda: process._talkative)
    monkeypatch.setattr("proofplane.pool.process._LULL", PATIENCE)
    assert await process.exited(PATIENCE / 2)
    assert await end(process) == []
    assert process.log[-1] == "done"

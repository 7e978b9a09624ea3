"""The real `bb` as a worker of a pool, without ceremony points: what can be asked of it, quick and slow, and when it is computing."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit import bbjs
from kit.rpc_service import PATIENCE
from proofplane.barretenberg.generated.barretenberg import CONTRACT, Blake2s, Blake2sResponse, PedersenHashBuffer
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import WorkerSpec

LONG = PedersenHashBuffer(input=bytes(3_000_000), hash_index=0)
"""Computes for seconds."""

MEDIUM = PedersenHashBuffer(input=bytes(400_000), hash_index=0)
"""Computes for most of a second."""

FAILING = PedersenHashBuffer(input=b"", hash_index=0)
"""Answered with an error."""


def spec(**changed: Any) -> WorkerSpec:
    """The real `bb`; skips the test if it is not installed."""
    path = str(bbjs.binary("bb"))
    plain = WorkerSpec(
        name="bb",
        command=lambda address: (path, "msgpack", "run", "--input", address),
        contract=CONTRACT,
        plain=True,
        environment={"HARDWARE_CONCURRENCY": "1"},
    )
    return replace(plain, **changed)


def dying(address: str) -> tuple[str, ...]:
    """The command line of a worker that ends with code 3 and some last words."""
    return ("/bin/sh", "-c", "echo first words; echo this worker does not want to live >&2; exit 3")


def hanging(address: str) -> tuple[str, ...]:
    """The command line of a worker that never listens."""
    return ("/bin/sh", "-c", "exec sleep 3600")


def quick(number: int) -> Blake2s:
    """A request whose answer tells it from all others."""
    return Blake2s(data=str(number).encode())


def answer(number: int) -> Blake2sResponse:
    """What `quick` must be answered with."""
    return Blake2sResponse(hash=hashlib.blake2s(str(number).encode()).digest())


async def works(pool: WorkerPool, number: int = 1) -> bool:
    """Whether the pool answers, and rightly."""
    return await pool.call(quick(number), timeout=PATIENCE) == answer(number)


async def computing(pid: int) -> None:
    """Returns when a process has computed on what it was asked last, for some milliseconds; nothing else tells it from one that waits."""
    before = used(pid)
    await until(lambda: used(pid) >= before + 10_000_000)


async def until(condition: Callable[[], bool]) -> None:
    """Returns when something has come true of which no event tells; raises `TimeoutError` if it does not."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.002)


def used(pid: int) -> int:
    """Processor time of all threads of a process, in nanoseconds.

    Not from its `stat`: that counts in steps of 10 ms, and on a busy machine goes by who happens to run at the step.
    """
    spent = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(FileNotFoundError):  # it has ended
            spent += int(thread.read_text().split()[0])
    return spent


def kill(pid: int) -> None:
    """Kills a process and blocks until it is dead, so that the loop has had no turn to notice."""
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(PATIENCE * 1000)
    os.close(descriptor)


def killed_in_its_next_second(pid: int) -> None:
    """Has the kernel kill a process within its next second of computing, however busy the machine is, and never while it waits."""
    limit = used(pid) // 10**9 + 1
    resource.prlimit(pid, resource.RLIMIT_CPU, (limit, limit))


def gone(pid: int) -> bool:
    """Whether there is no such process, not even one to be reaped."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def ended(pid: int) -> bool:
    """Whether a process runs no longer; an orphan may wait for long until the system's first process reaps it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True

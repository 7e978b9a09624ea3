"""Many leases with faults at random: every caller gets its own answer or a reason, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from enum import Enum, auto

import pytest

from kit import pool_bb
from kit.pool_bb import FAILING, LONG, answer, quick
from kit.pool_traces import no_traces
from kit.rpc_service import PATIENCE
from proofplane import rpc
from proofplane.pool.errors import WorkerDied, WorkerWedged
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions
from proofplane.pool.worker import Worker


class Fault(Enum):
    """What happens to a lease."""

    NOTHING = auto()
    KILLED_BEFORE = auto()
    KILLED_DURING = auto()
    KILLED_AFTER = auto()
    STOPPED = auto()
    CANCELLED = auto()
    CANCELLED_WAITING = auto()
    REFUSED = auto()
    RAISED = auto()
    CONDEMNED = auto()
    EXPIRED = auto()


WEIGHTS = [80, *[2] * (len(Fault) - 1)]

BRIEF = 0.05
"""Seconds for a call that cannot be answered."""


class Oops(Exception):
    """Of a lessee."""


class Callers:
    """Lease after lease, each with its fault, over one pool."""

    def __init__(self, pool: WorkerPool, leases: int, seed: int) -> None:
        self.pool = pool
        self.numbers = iter(range(leases))
        self.chance = random.Random(seed)
        self.ends: Counter[str] = Counter()

    async def run(self) -> None:
        """One of several callers."""
        for number in self.numbers:
            (fault,) = self.chance.choices(list(Fault), WEIGHTS)
            task = asyncio.ensure_future(self.one(number, fault))
            if fault in (Fault.CANCELLED, Fault.CANCELLED_WAITING):
                await asyncio.sleep(BRIEF / 10 if fault is Fault.CANCELLED else 0)
                task.cancel()
            await asyncio.wait([task])
            self.ends[self.end(task, fault)] += 1

    def end(self, task: asyncio.Task[None], fault: Fault) -> str:
        """How a lease ended, which must be one of the ways that its fault allows."""
        if task.cancelled():
            assert fault in (Fault.CANCELLED, Fault.CANCELLED_WAITING)
            return "cancelled"
        error = task.exception()
        if error is None:
            return "answered"
        assert isinstance(error, _ALLOWED.get(fault, ())), f"{fault} ended with {error!r}"
        return type(error).__name__

    async def one(self, number: int, fault: Fault) -> None:
        """One lease."""
        if fault is Fault.NOTHING:
            assert await self.pool.call(quick(number), timeout=PATIENCE) == answer(number)
            return
        async with self.pool.lease(PATIENCE) as worker:
            await self.suffer(worker, number, fault)

    async def suffer(self, worker: Worker, number: int, fault: Fault) -> None:
        match fault:
            case Fault.KILLED_BEFORE:
                os.kill(worker.pid, signal.SIGKILL)
            case Fault.KILLED_DURING:
                asyncio.get_running_loop().call_later(BRIEF / 10, os.kill, worker.pid, signal.SIGKILL)
                await worker.call(LONG)
            case Fault.STOPPED:
                os.kill(worker.pid, signal.SIGSTOP)
                await worker.call(quick(number), timeout=BRIEF)
            case Fault.CANCELLED | Fault.CANCELLED_WAITING:
                await worker.call(LONG)
            case Fault.REFUSED:
                await worker.call(FAILING)
        assert await worker.call(quick(number)) == answer(number)
        match fault:
            case Fault.KILLED_AFTER:
                pool_bb.kill(worker.pid)
            case Fault.RAISED:
                raise Oops
            case Fault.CONDEMNED:
                worker.condemn()
            case Fault.EXPIRED:
                self.pool.expire()


_ALLOWED: dict[Fault, type[Exception]] = {
    Fault.KILLED_BEFORE: WorkerDied,
    Fault.KILLED_DURING: WorkerDied,
    Fault.STOPPED: WorkerWedged,
    Fault.REFUSED: rpc.CallFailed,
    Fault.RAISED: Oops,
}


@pytest.mark.parametrize("leases", [300, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_leases_with_faults_at_random_leave_nothing_behind(leases: int) -> None:
    with no_traces():
        async with WorkerPool(pool_bb.spec(), 4, PoolOptions(max_leases=20)) as pool:
            callers = Callers(pool, leases, seed=leases)
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(callers.run())
            stats = pool.stats
        assert callers.ends.total() == leases
        assert callers.ends["answered"] > leases * 0.75
        assert stats.spawned > leases / 20
        assert (stats.borrowed, stats.waiting, stats.failed_starts, stats.disposal_failures) == (0, 0, 0, 0)

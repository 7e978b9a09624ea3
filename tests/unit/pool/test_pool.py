"""The pool's effects: recycling, pauses, probes, logs, counters; faults have their own files in tests/conformance and tests/crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from kit import pool_bb
from kit.clock import ManualClock, settle
from kit.pool_bb import answer, quick, until, works
from kit.pool_traces import no_traces
from kit.rpc_service import PATIENCE
from proofplane import rpc
from proofplane.pool.errors import BadPool, LeaseTimeout, PoolClosed, WorkerUnusable
from proofplane.pool.exits import Recycle
from proofplane.pool.life import Life
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


async def test_nothing_is_started_before_it_is_needed_and_then_only_as_many() -> None:
    async with WorkerPool(pool_bb.spec(), 4) as pool:
        assert pool.stats.spawned == 0
        for number in range(5):
            assert await works(pool, number)
        assert (pool.stats.spawned, pool.stats.idle, len(pool.pids)) == (1, 1, 1)


async def test_start_makes_all_ready() -> None:
    async with WorkerPool(pool_bb.spec(), 3) as pool:
        await pool.start()
        await pool.start()
        assert (pool.stats.spawned, pool.stats.idle) == (3, 3)


async def test_start_says_when_it_cannot() -> None:
    async with WorkerPool(pool_bb.spec(command=lambda address: ("/nothing/here",)), 3) as pool:
        with pytest.raises(WorkerUnusable):
            await pool.start()
        assert (pool.stats.idle, pool.stats.starting, pool.stats.ending) == (0, 0, 0)


async def test_a_pause_after_a_failed_start_is_the_clocks_and_then_the_start_is_tried_again() -> None:
    clock = ManualClock()
    failing = [True]
    spec = pool_bb.spec()

    def command(address: str) -> tuple[str, ...]:
        return pool_bb.dying(address) if failing else tuple(spec.command(address))

    async with WorkerPool(pool_bb.spec(command=command), 1, PoolOptions(first_backoff=10.0, max_backoff=100.0), clock) as pool:
        asking = asyncio.ensure_future(pool.call(quick(1), timeout=PATIENCE))
        await until(lambda: clock.sleepers() == 1)
        clock.advance(9.9)
        await settle()
        assert pool.stats.spawned == 1
        failing.clear()
        clock.advance(0.2)
        assert await asking == answer(1)
        assert pool.stats.spawned == 2


async def test_a_worker_is_replaced_by_age_by_memory_and_by_leases() -> None:
    clock = ManualClock()
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(max_age=60.0), clock) as pool:
        assert await works(pool)
        clock.advance(61.0)
        assert await works(pool)
        assert pool.stats.recycled == {Recycle.AGE: 1}
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(max_memory=1)) as pool:
        assert await works(pool)
        assert pool.stats.recycled == {Recycle.MEMORY: 1}
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(max_leases=2)) as pool:
        for number in range(5):
            assert await works(pool, number)
        assert (pool.stats.recycled, pool.stats.spawned) == ({Recycle.LEASES: 2}, 3)


async def test_expiry_replaces_idle_workers_at_once_and_borrowed_ones_afterwards() -> None:
    async with WorkerPool(pool_bb.spec(), 2) as pool:
        await pool.start()
        async with pool.lease(PATIENCE) as old:
            pool.expire()
            assert await old.call(quick(1)) == answer(1)
            async with pool.lease(PATIENCE) as new:
                assert (old.generation, new.generation) == (1, 2)
        assert pool.stats.recycled == {Recycle.EXPIRED: 2}
        assert pool.stats.generation == 2


async def test_idle_workers_are_probed_only_after_their_time() -> None:
    clock = ManualClock()
    asked: list[int] = []

    async def probe(client: rpc.Client) -> None:
        asked.append(1)
        await client.call(quick(0))

    async with WorkerPool(pool_bb.spec(probe=probe), 1, PoolOptions(probe_after=30.0), clock) as pool:
        assert await works(pool)
        clock.advance(29.0)
        assert await works(pool)
        assert not asked
        clock.advance(31.0)
        assert await works(pool)
        assert asked == [1]


async def test_a_lease_that_gives_up_is_no_longer_waited_for() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        async with pool.lease(PATIENCE):
            with pytest.raises(LeaseTimeout, match="1 of 1 on lease"):
                await pool.call(quick(1), timeout=0.01)
            assert pool.stats.waiting == 0
        assert await works(pool)


async def test_the_log_tells_of_starts_ends_and_deaths(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "proofplane.pool"):
        async with WorkerPool(pool_bb.spec(), 1) as pool:
            assert await works(pool)
            first = pool.pids[0]
            pool_bb.kill(first)
            assert await works(pool)
            second = pool.pids[0]
    assert caplog.messages == [
        f"bb 1 (process {first}) is ready",
        f"bb 1 (process {first}) is ended: its process ended by itself",
        f"bb 2 (process {second}) is ready",
        f"bb 2 (process {second}) is ended: the pool was closed",
    ]


async def test_a_pool_is_entered_once() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        with pytest.raises(BadPool):
            await pool.__aenter__()


async def test_a_pool_can_be_closed_while_a_start_that_failed_is_looked_into() -> None:
    failed = asyncio.Event()

    async def greet(client: rpc.Client) -> None:
        failed.set()
        raise rpc.Ended("the server closed the connection")

    async with asyncio.timeout(PATIENCE), WorkerPool(pool_bb.spec(greet=greet), 2) as pool:
        asking = [asyncio.ensure_future(pool.call(quick(number), timeout=PATIENCE)) for number in range(2)]
        await failed.wait()
        await asyncio.sleep(0)
        await pool.close()
        for one in asking:
            with pytest.raises(PoolClosed):
                await one


async def test_what_cannot_be_done_is_reported_and_the_other_decisions_are_carried_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "proofplane.pool")  # a record would keep the error, and with it the worker's connection

    def end(self: Life, recycled: Recycle) -> None:
        if self.number == 1:
            monkeypatch.undo()
            real(self, recycled)
            raise OSError("refused by the system")
        real(self, recycled)

    real = Life.end
    pool = await WorkerPool(pool_bb.spec(), 3).__aenter__()
    await pool.start()
    monkeypatch.setattr(Life, "end", end)
    with pytest.raises(ExceptionGroup) as caught:
        await pool.close()
    assert [str(error) for error in caught.value.exceptions] == ["refused by the system"]
    assert pool.stats.recycled == {Recycle.CLOSED: 3}


async def test_a_worker_that_is_too_old_as_soon_as_it_is_ready_serves_once_and_no_other_is_started_for_that() -> None:
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(max_age=0.0)) as pool:
        for number in range(3):
            assert await works(pool, number)
        assert pool.stats.spawned == 3


async def test_nobody_waits_for_a_probe_without_an_answer_while_another_worker_is_free() -> None:
    async def probe(client: rpc.Client) -> None:
        probed.set()
        await client.call(pool_bb.LONG)
        probed.clear()

    clock, probed = ManualClock(), asyncio.Event()
    async with WorkerPool(pool_bb.spec(probe=probe), 2, PoolOptions(probe_after=30.0, probe_timeout=PATIENCE), clock) as pool:
        await pool.start()
        async with pool.lease(PATIENCE):
            clock.advance(31.0)
            asking = asyncio.ensure_future(pool.call(quick(1), timeout=PATIENCE))
            await probed.wait()
        assert await asking == answer(1)
        assert probed.is_set()
        assert pool.stats.recycled == {}

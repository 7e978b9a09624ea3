"""What a lessee can do with a worker, and what it costs the worker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from kit import pool_bb
from kit.pool_bb import FAILING, LONG, answer, gone, kill, quick, until, works
from kit.pool_traces import no_traces
from kit.rpc_service import PATIENCE, Echo
from proofplane import rpc
from proofplane.pool.errors import LeaseOver, WorkerDied, WorkerWedged
from proofplane.pool.exits import Recycle
from proofplane.pool.pool import WorkerPool
from proofplane.pool.process import Process


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(pool_bb.spec(), 1) as made:
        yield made


async def test_a_lease_may_make_many_calls_one_after_the_other_or_at_once(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        assert await worker.call(quick(1)) == answer(1)
        assert await asyncio.gather(*(worker.call(quick(number)) for number in range(9))) == [answer(number) for number in range(9)]
    assert (pool.stats.leases, pool.stats.spawned) == (1, 1)


async def test_one_request_is_in_flight_and_a_second_one_waits_with_us(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        long = asyncio.ensure_future(worker.call(LONG))
        await asyncio.sleep(0)
        with pytest.raises(WorkerWedged) as caught:
            await worker.call(quick(1), timeout=0.02)
        assert "waited 0.02 s for its turn" in str(caught.value.__cause__)
        long.cancel()


async def test_an_error_of_the_worker_that_its_lessee_catches_or_lets_out_does_not_cost_it(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        with pytest.raises(rpc.CallFailed):
            await worker.call(FAILING)
        assert await worker.call(quick(1)) == answer(1)
    with pytest.raises(rpc.CallFailed):
        async with pool.lease(PATIENCE) as worker:
            await worker.call(FAILING)
    assert pool.stats.recycled == {}


async def test_a_request_that_was_not_sent_does_not_cost_the_worker(pool: WorkerPool) -> None:
    with pytest.raises(rpc.UnknownRequest):
        await pool.call(Echo(b""), timeout=PATIENCE)
    assert await works(pool)
    assert pool.stats.spawned == 1


async def test_an_error_of_the_lessee_costs_the_worker(pool: WorkerPool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with pool.lease(PATIENCE):
            1 / 0  # noqa: B018 - the lessee's error
    assert pool.stats.recycled == {Recycle.FAILED: 1}


async def test_a_lessee_that_is_cancelled_between_two_calls_costs_the_worker(pool: WorkerPool) -> None:
    async def hold() -> None:
        async with pool.lease(PATIENCE) as worker:
            await worker.call(quick(1))
            answered.set()
            await asyncio.Event().wait()

    answered = asyncio.Event()
    holding = asyncio.ensure_future(hold())
    await answered.wait()
    holding.cancel()
    await asyncio.wait([holding])
    assert pool.stats.recycled == {Recycle.CANCELLED: 1}


async def test_a_broken_worker_does_not_go_back_although_its_lessee_says_nothing(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        with pytest.raises(WorkerWedged):
            await worker.call(LONG, timeout=0.02)
        victim = worker.pid
    await until(lambda: gone(victim))
    assert pool.stats.recycled == {Recycle.TIMED_OUT: 1}


async def test_a_condemned_worker_is_replaced_after_the_lease(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        worker.condemn()
        assert await worker.call(quick(1)) == answer(1)
    assert await works(pool)
    assert pool.stats.recycled == {Recycle.CONDEMNED: 1}


async def test_a_worse_end_than_condemnation_is_the_one_that_counts(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        worker.condemn()
        kill(worker.pid)
        with pytest.raises(WorkerDied):
            await worker.call(quick(1))
    assert pool.stats.recycled == {Recycle.DIED: 1}


async def test_a_call_is_bounded_by_the_lease_whatever_it_asks_for(pool: WorkerPool) -> None:
    assert await works(pool)
    with pytest.raises(WorkerWedged) as caught:
        async with pool.lease(0.05) as worker:
            await worker.call(LONG, timeout=PATIENCE)
    assert caught.value.pid == worker.pid


async def test_the_client_itself_ends_its_worker_when_it_fails(pool: WorkerPool) -> None:
    with pytest.raises(rpc.DeadlinePassed):
        async with pool.lease(PATIENCE) as worker:
            await worker.client.call(LONG, timeout=0.02)
    assert await works(pool)
    assert pool.stats.recycled == {Recycle.FAILED: 1}


async def test_after_the_lease_it_is_another_ones(pool: WorkerPool) -> None:
    async with pool.lease(PATIENCE) as worker:
        pass
    with pytest.raises(LeaseOver):
        await worker.call(quick(1))
    assert await works(pool)


@pytest.mark.parametrize("calls", [1, 2])
async def test_a_call_that_is_still_out_when_the_lease_ends_costs_the_worker(pool: WorkerPool, calls: int) -> None:
    async with pool.lease(PATIENCE) as worker:
        strays = [asyncio.ensure_future(worker.call(LONG)) for _ in range(calls)]
        await asyncio.sleep(0)
    assert await works(pool)
    assert pool.stats.recycled == {Recycle.FAILED: 1}
    for stray in strays:
        with pytest.raises(WorkerDied):
            await stray


async def test_a_lease_is_entered_once(pool: WorkerPool) -> None:
    lease = pool.lease(PATIENCE)
    async with lease as worker:
        with pytest.raises(LeaseOver, match="entered once"):
            await lease.__aenter__()
        assert await worker.call(quick(1)) == answer(1)


async def test_a_call_whose_worker_does_not_go_when_it_is_killed_fails_at_the_leases_deadline(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await works(pool)
    with monkeypatch.context() as patch:
        patch.setattr(Process, "signal", lambda self, number: None)  # as with one that hangs in the system
        with pytest.raises(WorkerWedged, match="not answered within"):
            await pool.call(LONG, timeout=0.05)
    kill(worker_of(pool))
    await until(lambda: not pool.stats.ending)
    assert pool.stats.recycled == {Recycle.OVERDUE: 1}


def worker_of(pool: WorkerPool) -> int:
    """The process id of the one worker, one that is told to end included."""
    (life,) = pool._lives.values()
    return life.pid


async def test_the_next_lessee_asks_before_the_last_one_goes_on(pool: WorkerPool) -> None:
    events: list[str] = []

    async def call(name: str) -> None:
        async with pool.lease(PATIENCE) as worker:
            events.append(f"{name} asks")
            assert await worker.call(quick(1)) == answer(1)
        events.append(f"{name} goes on")

    await works(pool)
    await asyncio.gather(call("first"), call("second"))
    assert events == ["first asks", "second asks", "first goes on", "second goes on"]


async def test_a_worker_that_computes_is_scheduled_as_a_batch_and_another_is_not() -> None:
    for batch, policy in ((True, os.SCHED_BATCH), (False, os.SCHED_OTHER)):
        async with WorkerPool(pool_bb.spec(batch=batch), 1) as pool:
            await pool.start()
            assert os.sched_getscheduler(pool.pids[0]) == policy

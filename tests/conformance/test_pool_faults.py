"""What may go wrong with a worker, and what its pool makes of it: the right answer, or a clear error, and a worker for the next."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from kit import pool_bb, pool_service
from kit.pool_bb import FAILING, LONG, MEDIUM, answer, computing, gone, kill, killed_in_its_next_second, quick, until, works
from kit.pool_traces import no_traces, traces
from kit.rpc_service import PATIENCE, Data, Echo, Hold
from proofplane import rpc
from proofplane.pool.errors import LeaseTimeout, PoolClosed, WorkerDied, WorkerUnusable, WorkerWedged
from proofplane.pool.exits import ExitCause, Recycle
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


async def test_a_worker_killed_while_it_computes_costs_the_caller_nothing_but_time() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        right = await pool.call(MEDIUM, timeout=PATIENCE)
        victim = pool.pids[0]
        killed_in_its_next_second(victim)
        while victim in pool.pids:  # once, unless this machine computes much faster
            assert await pool.call(MEDIUM, timeout=PATIENCE) == right
        assert (pool.stats.retried, pool.stats.spawned, pool.stats.recycled) == (1, 2, {Recycle.DIED: 1})
        assert gone(victim)


async def test_a_call_that_must_not_run_twice_fails_with_the_cause_and_the_last_lines() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        assert await works(pool)
        victim = pool.pids[0]
        asking = asyncio.ensure_future(pool.call(LONG, timeout=PATIENCE, retry=False))
        await computing(victim)
        kill(victim)
        with pytest.raises(WorkerDied, match="was killed by SIGKILL during PedersenHashBuffer") as caught:
            await asking
        assert caught.value.cause == ExitCause(None, signal.SIGKILL)
        assert caught.value.pid == victim
        assert "IPC server ready" in caught.value.log
        assert (pool.stats.retried, pool.stats.leases) == (0, 2)
        assert await works(pool)


async def test_a_request_that_kills_every_worker_is_run_on_two_of_them_and_no_more() -> None:
    async def murder(pool: WorkerPool) -> None:
        seen: set[int] = set()
        while True:
            await until(lambda: bool(set(pool.pids) - seen))
            victim = (set(pool.pids) - seen).pop()
            seen.add(victim)
            await computing(victim)
            kill(victim)

    async with WorkerPool(pool_bb.spec(), 1) as pool:
        killing = asyncio.ensure_future(murder(pool))
        with pytest.raises(WorkerDied):
            await pool.call(LONG, timeout=PATIENCE)
        killing.cancel()
        assert (pool.stats.spawned, pool.stats.retried) == (2, 1)


async def test_whoever_is_killed_each_of_many_calls_gets_its_own_answer_once() -> None:
    async with WorkerPool(pool_bb.spec(), 4) as pool:
        await pool.start()
        victims = pool.pids
        asking = [asyncio.ensure_future(pool.call(quick(number), timeout=PATIENCE)) for number in range(200)]
        for number, victim in enumerate(victims):
            await asyncio.wait([asking[number * 20]])
            kill(victim)
        assert await asyncio.gather(*asking) == [answer(number) for number in range(200)]
        assert pool.stats.spawned >= 8
        assert not set(victims) & set(pool.pids)


async def test_a_worker_that_is_stopped_during_a_call_is_killed_at_the_calls_deadline() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        assert await works(pool)
        victim = pool.pids[0]
        os.kill(victim, signal.SIGSTOP)
        with pytest.raises(WorkerWedged, match="not answered within"):
            await pool.call(quick(2), timeout=0.1)
        await until(lambda: gone(victim))
        assert await works(pool)
        assert pool.stats.retried == 0


async def test_a_worker_that_was_stopped_while_idle_is_found_by_its_probe_and_replaced_before_the_call() -> None:
    async def probe(client: rpc.Client) -> None:
        await client.call(quick(0))

    options = PoolOptions(probe_after=0.0, probe_timeout=0.1)
    async with WorkerPool(pool_bb.spec(probe=probe), 1, options) as pool:
        assert await works(pool)
        assert await works(pool)  # the probe was answered
        assert pool.stats.spawned == 1
        os.kill(pool.pids[0], signal.SIGSTOP)
        assert await works(pool)
        assert pool.stats.recycled == {Recycle.PROBE: 1}


async def test_a_lease_that_is_not_over_at_its_deadline_loses_its_worker() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        async with pool.lease(0.05) as worker:
            await until(lambda: gone(worker.pid))
            with pytest.raises(WorkerWedged):
                await worker.call(quick(1))
        assert pool.stats.recycled == {Recycle.OVERDUE: 1}
        assert await works(pool)


async def test_a_cancelled_callers_worker_is_gone_at_once_although_it_computes() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        assert await works(pool)
        victim = pool.pids[0]
        asking = asyncio.ensure_future(pool.call(LONG, timeout=PATIENCE))
        await computing(victim)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await works(pool)
        assert gone(victim)  # its place was taken by another, so it was reaped
        assert pool.stats.recycled == {Recycle.CANCELLED: 1}


async def test_a_caller_that_gives_up_during_a_start_leaves_the_worker_to_the_next() -> None:
    async with WorkerPool(pool_service.spec(), 1) as pool:
        asking = asyncio.ensure_future(pool.call(Echo(b"1"), timeout=PATIENCE))
        await until(lambda: pool.stats.starting == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await pool.call(Echo(b"2"), timeout=PATIENCE) == Data(b"2")
        assert pool.stats.spawned == 1


async def test_a_worker_that_fails_its_greeting_is_never_lent() -> None:
    async def greet(client: rpc.Client) -> None:
        await client.call(FAILING)

    async with WorkerPool(pool_bb.spec(greet=greet), 2) as pool:
        with pytest.raises(WorkerUnusable, match="empty input") as caught:
            await pool.call(quick(1), timeout=PATIENCE)
        assert isinstance(caught.value.__cause__, rpc.CallFailed)
        assert (pool.stats.leases, pool.stats.ready) == (0, 0)


async def test_a_worker_that_dies_during_its_greeting_is_replaced() -> None:
    async def greet(client: rpc.Client) -> None:
        if pool.stats.failed_starts == 0:
            kill(next(iter(traces().children)))
        await client.call(quick(0))

    async with WorkerPool(pool_bb.spec(greet=greet), 1, PoolOptions(first_backoff=0.0)) as pool:
        assert await works(pool)
        assert (pool.stats.failed_starts, pool.stats.ready) == (1, 1)


async def test_a_service_in_python_is_pooled_like_any_other() -> None:
    spec = pool_service.spec(greet=pool_service.echoed, probe=pool_service.echoed)
    async with WorkerPool(spec, 2, PoolOptions(probe_after=0.0)) as pool:
        await pool.start()
        replies = await asyncio.gather(*(pool.call(Echo(b"%d" % number), timeout=PATIENCE) for number in range(50)))
        assert replies == [Data(b"%d" % number) for number in range(50)]
        async with pool.lease(PATIENCE) as worker:
            assert worker.client.ids
            victim = worker.pid
            holding = asyncio.ensure_future(worker.call(Hold(1)))
            await until(lambda: any("held 1" in life.process.log for life in pool._lives.values() if life.process is not None))
            kill(victim)
            with pytest.raises(WorkerDied):
                await holding
        assert await pool.call(Echo(b"x"), timeout=PATIENCE) == Data(b"x")
        assert pool.stats.recycled == {Recycle.DIED: 1}


async def test_a_worker_that_does_not_heed_the_polite_signal_is_killed() -> None:
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(stop_timeout=0.05)) as pool:
        assert await works(pool)
        os.kill(pool.pids[0], signal.SIGSTOP)  # which no polite signal wakes
    assert pool.stats.recycled == {Recycle.CLOSED: 1}


async def test_a_worker_that_talks_without_end_is_listened_to_within_bounds() -> None:
    def chatty(address: str) -> tuple[str, ...]:
        return (
            "/bin/sh",
            "-c",
            'head -c 3000000 /dev/zero | tr "\\0" x; yes | head -n 100000; exec "$@"',
            "sh",
            *pool_bb.spec().command(address),
        )

    async with WorkerPool(pool_bb.spec(command=chatty), 1) as pool:
        assert await works(pool)
        (life,) = pool._lives.values()
        assert life.process is not None
        assert sum(map(len, life.process.log)) <= 10 * 300


async def test_a_lease_that_finds_no_worker_in_time_says_why() -> None:
    async with WorkerPool(pool_bb.spec(command=pool_bb.dying), 1, PoolOptions(first_backoff=PATIENCE, max_backoff=PATIENCE)) as pool:
        waiting = asyncio.ensure_future(pool.call(quick(1), timeout=PATIENCE))
        await until(lambda: pool.stats.failed_starts == 1)
        with pytest.raises(LeaseTimeout, match=r"the last start failed.*does not want to live"):
            await pool.call(quick(2), timeout=0.01)
        waiting.cancel()


async def test_a_pool_that_is_closed_tells_those_who_wait_and_refuses_new_ones() -> None:
    pool = WorkerPool(pool_bb.spec(), 1)
    with pytest.raises(PoolClosed, match="not entered"):
        await pool.call(quick(1), timeout=PATIENCE)
    async with pool:
        async with pool.lease(PATIENCE):
            waiting = asyncio.ensure_future(pool.call(quick(1), timeout=PATIENCE))
            await asyncio.sleep(0)
            await pool.close()
            with pytest.raises(PoolClosed):
                await waiting
        with pytest.raises(PoolClosed):
            await pool.call(quick(1), timeout=PATIENCE)


async def test_those_who_wait_when_the_pool_is_left_are_still_served() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        asking = [asyncio.ensure_future(pool.call(quick(number), timeout=PATIENCE)) for number in range(20)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*asking) == [answer(number) for number in range(20)]


def test_a_loop_that_ends_without_leaving_the_pool_takes_the_workers_with_it() -> None:
    kept: list[object] = []

    async def insist(pool: WorkerPool) -> None:
        try:
            await pool.call(LONG, timeout=PATIENCE)
        except asyncio.CancelledError:
            with pytest.raises(PoolClosed):
                await pool.call(quick(1), timeout=PATIENCE)
            kept.append("refused")
            raise

    async def forget() -> None:
        pool = await WorkerPool(pool_bb.spec(), 2).__aenter__()
        kept.extend(asyncio.ensure_future(insist(pool)) for _ in range(4))
        await until(lambda: pool.stats.borrowed == 2)
        assert len(traces().children) == 2

    asyncio.run(forget())
    assert not traces().children
    assert kept.count("refused") == 4

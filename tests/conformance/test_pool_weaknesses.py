"""What went wrong with earlier pools of `bb` processes, each as a test: none of it may happen with this one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit import pool_bb, pool_service
from kit.pool_bb import FAILING, LONG, answer, kill, quick, until, works
from kit.pool_traces import no_traces
from kit.rpc_service import PATIENCE, Data, Echo
from proofplane import rpc
from proofplane.barretenberg.generated.barretenberg import Blake2sResponse
from proofplane.pool.errors import (
    DisposalFailed,
    LeaseOver,
    LeaseTimeout,
    PoolClosed,
    QueueFull,
    WorkerNotStarted,
    WorkerUnusable,
    WorkerWedged,
)
from proofplane.pool.exits import Recycle
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import PoolOptions


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


async def test_a_dead_process_is_not_handed_back_into_the_pool() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        async with pool.lease(PATIENCE) as worker:
            dead = worker.pid
            kill(dead)
        async with pool.lease(PATIENCE) as worker:
            assert worker.pid != dead
            assert await worker.call(quick(1)) == answer(1)


async def test_a_process_that_dies_while_idle_is_not_lent() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        assert await works(pool)
        kill(pool.pids[0])  # and the loop has had no turn to notice
        assert await pool.call(quick(2), timeout=PATIENCE, retry=False) == answer(2)
        assert pool.stats.recycled == {Recycle.DIED: 1}


async def test_a_failed_start_does_not_poison_the_pool(tmp_path: Path) -> None:
    program = tmp_path / "bb"
    spec = pool_bb.spec()
    real = spec.command("")[0]
    broken = pool_bb.spec(command=lambda address: (str(program), *spec.command(address)[1:]))
    async with WorkerPool(broken, 2) as pool:
        with pytest.raises(WorkerUnusable, match="cannot be run"):
            await pool.call(quick(1), timeout=PATIENCE)
        program.symlink_to(real)
        assert await works(pool)
        assert pool.stats.failed_starts == 1


async def test_starts_that_fail_again_and_again_are_told_with_the_last_words_and_the_pool_goes_on_trying() -> None:
    options = PoolOptions(start_retries=1, first_backoff=0.0)
    async with WorkerPool(pool_bb.spec(command=pool_bb.dying), 1, options) as pool:
        for _ in range(2):
            with pytest.raises(WorkerNotStarted, match="does not want to live") as caught:
                await pool.call(quick(1), timeout=PATIENCE)
            assert caught.value.cause is not None
            assert caught.value.cause.code == 3
            assert "first words" in caught.value.log
        assert pool.stats.failed_starts == 4


async def test_a_start_that_fails_takes_its_siblings_with_it_and_is_tried_again(tmp_path: Path) -> None:
    spec = pool_bb.spec()
    first = tmp_path / "first"

    def command(address: str) -> tuple[str, ...]:
        if not first.exists():
            first.touch()
            return ("/bin/sh", "-c", "exit 7")
        return tuple(spec.command(address))

    async with WorkerPool(pool_bb.spec(command=command), 4, PoolOptions(first_backoff=0.0)) as pool:
        await pool.start()
        stats = pool.stats
        assert (stats.idle, stats.spawned, stats.failed_starts, stats.recycled) == (4, 8, 1, {Recycle.START: 1, Recycle.SIBLING: 3})


async def test_the_queue_is_bounded_and_a_full_one_says_when_to_come_back() -> None:
    async with WorkerPool(pool_bb.spec(), 1, PoolOptions(max_waiting=3)) as pool:
        async with pool.lease(PATIENCE):
            waiting = [asyncio.ensure_future(pool.call(quick(number), timeout=PATIENCE)) for number in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(QueueFull) as caught:
                await pool.call(quick(9), timeout=PATIENCE)
            assert caught.value.retry_after > 0
        assert await asyncio.gather(*waiting) == [answer(number) for number in range(3)]
        assert pool.stats.refused == 1


async def test_a_lease_that_waits_can_be_cancelled_and_those_behind_it_are_served_in_order() -> None:
    served: list[int] = []

    async def ask(number: int) -> None:
        async with pool.lease(PATIENCE):
            served.append(number)

    async with WorkerPool(pool_bb.spec(), 1) as pool:
        async with pool.lease(PATIENCE):
            asking = [asyncio.ensure_future(ask(number)) for number in range(4)]
            await asyncio.sleep(0)
            asking[1].cancel()
        await asyncio.wait(asking)
        assert served == [0, 2, 3]
        assert asking[1].cancelled()
        assert pool.stats.waiting == 0
        assert pool.stats.spawned == 1


async def test_a_call_can_be_cancelled_and_costs_only_its_worker() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        asking = asyncio.ensure_future(pool.call(LONG, timeout=PATIENCE))
        await works_on(pool)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await works(pool)
        assert pool.stats.recycled == {Recycle.CANCELLED: 1}


async def test_leaving_the_pool_waits_for_borrowed_workers() -> None:
    async def borrow() -> Blake2sResponse:
        async with pool.lease(PATIENCE) as worker:
            lent.set()
            await leaving.wait()
            return await worker.call(quick(1))

    pool = WorkerPool(pool_bb.spec(), 1)
    lent, leaving = asyncio.Event(), asyncio.Event()
    async with pool:
        borrowing = asyncio.ensure_future(borrow())
        await lent.wait()
        leaving.set()
    assert borrowing.done()
    assert borrowing.result() == answer(1)


async def test_a_borrowed_worker_that_is_not_handed_back_is_ended_all_the_same() -> None:
    pool = WorkerPool(pool_bb.spec(), 1, PoolOptions(drain_timeout=0.05))
    async with pool:
        borrowing = asyncio.ensure_future(pool.call(LONG, timeout=PATIENCE))
        await works_on(pool)
    with pytest.raises(PoolClosed, match="the pool was closed during PedersenHashBuffer"):
        await borrowing
    assert pool.stats.recycled == {Recycle.CUT_OFF: 1}


async def test_errors_of_all_disposals_surface_together() -> None:
    pool = WorkerPool(pool_service.spec("occupy"), 2)
    await pool.__aenter__()
    await pool.start()
    addresses = [life.process.address for life in pool._lives.values() if life.process is not None]
    async with pool.lease(PATIENCE) as one, pool.lease(PATIENCE) as other:
        assert await one.call(Echo(b"1")) == Data(b"1")
        assert await other.call(Echo(b"2")) == Data(b"2")
    await until(lambda: all(map(os.path.isdir, addresses)))
    with pytest.raises(ExceptionGroup) as caught:
        await pool.__aexit__(None, None, None)
    assert [type(error) for error in caught.value.exceptions] == [DisposalFailed, DisposalFailed]
    assert pool.stats.disposal_failures == 2
    for address in addresses:
        os.rmdir(address)


async def test_connecting_has_its_own_time_and_a_slow_start_is_waited_for_while_the_process_lives() -> None:
    def slowly(address: str) -> tuple[str, ...]:
        return ("/bin/sh", "-c", 'sleep 0.15; exec "$@"', "sh", *pool_bb.spec().command(address))

    async with WorkerPool(pool_bb.spec(command=slowly), 1) as pool:
        with pytest.raises(LeaseTimeout):
            await pool.call(quick(1), timeout=0.05)
        assert pool.stats.starting == 1  # a caller's patience is not the worker's
        assert await works(pool)
        assert (pool.stats.spawned, pool.stats.failed_starts) == (1, 0)


async def test_a_start_that_hangs_is_not_waited_for_for_ever_and_is_not_final(tmp_path: Path) -> None:
    hung = tmp_path / "hung"

    def command(address: str) -> tuple[str, ...]:
        if not hung.exists():
            hung.touch()
            return pool_bb.hanging(address)
        return tuple(pool_bb.spec().command(address))

    async with WorkerPool(pool_bb.spec(command=command, start_timeout=0.3), 1, PoolOptions(first_backoff=0.0)) as pool:
        assert await works(pool)
        assert pool.stats.failed_starts == 1


async def test_no_reply_is_delivered_to_another_caller() -> None:
    async def ask(number: int) -> None:
        assert await pool.call(quick(number), timeout=PATIENCE) == answer(number)

    async with WorkerPool(pool_bb.spec(), 2) as pool:
        for number in range(0, 120, 4):
            asking = [asyncio.ensure_future(ask(number + more)) for more in range(4)]
            for _ in range(number % 7):
                await asyncio.sleep(0)
            asking[number % 3].cancel()
            done, _ = await asyncio.wait(asking)
            for task in done:
                assert task.cancelled() or task.exception() is None


async def test_a_late_reply_is_not_the_next_ones() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        with pytest.raises(WorkerWedged):
            async with pool.lease(PATIENCE) as worker:
                await worker.call(LONG, timeout=0.05)
        assert await works(pool)
        assert pool.stats.recycled == {Recycle.TIMED_OUT: 1}


async def test_a_worker_cannot_be_used_after_its_lease() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        async with pool.lease(PATIENCE) as worker:
            pass
        with pytest.raises(LeaseOver):
            await worker.call(quick(1))
        assert pool.stats.recycled == {}


async def test_an_error_that_the_worker_answers_does_not_cost_it() -> None:
    async with WorkerPool(pool_bb.spec(), 1) as pool:
        for _ in range(3):
            with pytest.raises(rpc.CallFailed, match="empty input"):
                await pool.call(FAILING, timeout=PATIENCE)
        assert await works(pool)
        assert (pool.stats.spawned, pool.stats.recycled) == (1, {})


async def test_600_different_calls_by_8_workers_are_8_spawns() -> None:
    await ask_all(8, calls=600, spawns=8)


@pytest.mark.parametrize("calls", [40, pytest.param(600, marks=pytest.mark.slow)])
async def test_without_a_size_every_call_is_a_spawn(calls: int) -> None:
    await ask_all(None, calls=calls, spawns=calls)


async def ask_all(size: int | None, calls: int, spawns: int) -> None:
    async with WorkerPool(pool_bb.spec(), size) as pool:
        replies = await asyncio.gather(*(pool.call(quick(number), timeout=60.0) for number in range(calls)))
        assert replies == [answer(number) for number in range(calls)]
        assert (pool.stats.spawned, pool.stats.leases) == (spawns, calls)


async def works_on(pool: WorkerPool) -> None:
    """Returns when the pool's one worker computes."""
    await until(lambda: bool(pool.pids))
    await pool_bb.computing(pool.pids[0])

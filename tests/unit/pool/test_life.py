"""A worker's life without a pool: its socket's name goes as soon as it is connected, and an end interrupts a start."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from kit import pool_bb
from kit.pool_bb import until
from kit.pool_traces import no_traces, sockets
from kit.rpc_service import PATIENCE
from proofplane import rpc
from proofplane.base.errors import NeverAgain
from proofplane.pool.errors import WorkerNotStarted, WorkerUnusable
from proofplane.pool.exits import Recycle
from proofplane.pool.life import Life
from proofplane.pool.spawner import spawner
from proofplane.pool.types import PoolOptions, WorkerId, WorkerSpec


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with no_traces():
        yield


def life(spec: WorkerSpec) -> Life:
    return Life(WorkerId(1), 1, spec, PoolOptions())


async def test_a_connected_worker_has_no_name_in_the_file_system() -> None:
    one = life(pool_bb.spec())
    await one.start()
    assert sockets(spawner().mark) == []
    assert one.lives()
    one.end(Recycle.CLOSED)
    assert await one.dispose() == []
    assert not one.lives()


@pytest.mark.parametrize("recycled", [Recycle.SIBLING, Recycle.CUT_OFF])
async def test_an_end_interrupts_a_start_that_hangs(recycled: Recycle) -> None:
    one = life(pool_bb.spec(command=pool_bb.hanging))
    starting = asyncio.ensure_future(one.start())
    await until(lambda: one.process is not None)
    one.end(recycled)
    one.end(Recycle.LEASES)  # too late
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(WorkerNotStarted):
            await starting
        await one.over()
    assert await one.dispose() == []
    assert one.exit_cause.recycled is recycled


async def test_an_end_before_there_is_a_process_interrupts_the_start_too() -> None:
    one = life(pool_bb.spec(command=pool_bb.hanging))
    starting = asyncio.ensure_future(one.start())
    await asyncio.sleep(0)
    one.end(Recycle.CUT_OFF)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(WorkerNotStarted):
            await starting
    assert await one.dispose() == []


async def test_an_end_interrupts_a_greeting_whatever_it_waits_for() -> None:
    greeted = asyncio.Event()

    async def greet(client: rpc.Client) -> None:
        greeted.set()
        await asyncio.Event().wait()

    one = life(pool_bb.spec(greet=greet))
    starting = asyncio.ensure_future(one.start())
    async with asyncio.timeout(PATIENCE):
        await greeted.wait()
        one.end(Recycle.CUT_OFF)
        with pytest.raises(WorkerNotStarted):
            await starting
    assert await one.dispose() == []


async def test_a_death_at_start_is_told_with_the_exit_code_and_what_the_process_said() -> None:
    one = life(pool_bb.spec(command=pool_bb.dying))
    with pytest.raises(WorkerNotStarted, match="it ended with exit code 3") as caught:
        await one.start()
    assert caught.value.log == ("first words", "this worker does not want to live")
    assert await one.dispose() == []


async def test_an_error_of_the_command_is_the_starts_own() -> None:
    def command(address: str) -> tuple[str, ...]:
        raise NeverAgain("no points")

    one = life(pool_bb.spec(command=command))
    with pytest.raises(NeverAgain, match="no points"):
        await one.start()
    assert await one.dispose() == []


async def test_a_program_without_permission_cannot_be_used() -> None:
    one = life(pool_bb.spec(command=lambda address: (os.path.dirname(__file__),)))
    with pytest.raises(WorkerUnusable, match="cannot be run"):
        await one.start()
    assert await one.dispose() == []


async def test_an_end_while_a_failed_start_is_looked_into_changes_nothing_of_it() -> None:
    """The process lives although its connection has ended, so that its end is waited for, when the worker is told to end."""
    failed = asyncio.Event()

    async def greet(client: rpc.Client) -> None:
        failed.set()
        raise rpc.Ended("the server closed the connection")

    one = life(pool_bb.spec(greet=greet))
    starting = asyncio.ensure_future(one.start())
    async with asyncio.timeout(PATIENCE):
        await failed.wait()
        await asyncio.sleep(0)
        assert not starting.done()
        one.end(Recycle.CUT_OFF)
        with pytest.raises(WorkerNotStarted):
            await starting
        await one.over()
    assert await one.dispose() == []

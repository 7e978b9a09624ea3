"""Command channels: every call is answered once, back-pressure, the end of the service."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import dataclass

import pytest

from kit.clock import settle
from proofplane.base.errors import NeverAgain
from proofplane.service.commands import (
    COMMAND_CAPACITY,
    ChannelEnded,
    CommandChannel,
    Completion,
    WorkerExited,
    WorkerExitedWithoutResponse,
)


@dataclass(frozen=True, slots=True)
class Double:
    """Ask for twice the number."""

    number: int
    done: Completion[int]


def doubling(channel: CommandChannel[Double], number: int) -> asyncio.Task[int]:
    return asyncio.create_task(channel.handle().call(lambda done: Double(number, done)))


@pytest.mark.checklist(17)
async def test_send_and_wait_returns_the_value() -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 21)
    command = await channel.recv()
    command.done.succeed(2 * command.number)
    assert await call == 42


@pytest.mark.checklist(17)
@pytest.mark.parametrize("taken", [False, True], ids=["queued", "in the worker's hands"])
async def test_a_worker_that_dies_before_replying_gives_worker_exited_without_response_and_afterwards_worker_exited(taken: bool) -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 1)
    await settle()
    command = await channel.recv() if taken else None
    channel.close()
    with pytest.raises(WorkerExitedWithoutResponse):
        await call
    with pytest.raises(WorkerExited):
        await doubling(channel, 2)
    with pytest.raises(WorkerExited):
        await channel.handle().send(Double(3, command.done if command else Completion.__new__(Completion)))


async def test_a_command_that_a_living_worker_drops_is_answered_all_the_same() -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 1)
    command: Double | None = await channel.recv()
    await settle()
    assert not call.done()
    assert command is not None
    del command
    gc.collect()
    with pytest.raises(WorkerExitedWithoutResponse):
        await call


async def test_fail_raises_its_error_in_the_caller() -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 1)
    (await channel.recv()).done.fail(NeverAgain("no"))
    with pytest.raises(NeverAgain, match="no"):
        await call


async def test_a_completion_may_be_answered_from_another_thread() -> None:
    asyncio.get_running_loop().set_debug(True)  # refuses what is not safe between threads
    channel = CommandChannel[Double]()
    call = doubling(channel, 4)
    command = await channel.recv()
    thread = threading.Thread(target=command.done.succeed, args=(8,))
    thread.start()
    thread.join()
    async with asyncio.timeout(10):
        assert await call == 8


@pytest.mark.checklist(18)
async def test_pending_counts_queued_commands_and_back_pressure_holds_senders_at_capacity_64() -> None:
    channel = CommandChannel[int]()
    handle = channel.handle()
    assert COMMAND_CAPACITY == 64
    for number in range(64):
        await handle.send(number)
        assert handle.pending() == number + 1
    held = [asyncio.create_task(handle.send(number)) for number in (64, 65)]
    await settle()
    assert [task.done() for task in held] == [False, False]
    assert handle.pending() == 64
    assert await channel.recv() == 0
    await settle()
    assert [task.done() for task in held] == [True, False]
    assert [await channel.recv() for _ in range(65)] == list(range(1, 66))
    await asyncio.gather(*held)
    assert handle.pending() == 0


async def test_closing_wakes_every_held_sender_with_worker_exited() -> None:
    channel = CommandChannel[int](capacity=1)
    handle = channel.handle()
    await handle.send(0)
    held = [asyncio.create_task(handle.send(number)) for number in range(3)]
    await settle()
    channel.close()
    results = await asyncio.gather(*held, return_exceptions=True)
    assert [type(result) for result in results] == [WorkerExited] * 3
    assert handle.pending() == 0


async def test_a_cancelled_sender_gives_its_place_to_the_next() -> None:
    channel = CommandChannel[int](capacity=1)
    handle = channel.handle()
    await handle.send(0)
    first, second = asyncio.create_task(handle.send(1)), asyncio.create_task(handle.send(2))
    await settle()
    first.cancel()
    assert await channel.recv() == 0
    await second
    assert await channel.recv() == 2


async def test_finish_delivers_what_is_queued_and_then_ends() -> None:
    channel = CommandChannel[int]()
    await channel.handle().send(1)
    channel.finish()
    assert await channel.recv() == 1
    for _ in range(2):
        with pytest.raises(ChannelEnded):
            await channel.recv()
    with pytest.raises(WorkerExited):
        await channel.handle().send(2)


async def test_finish_ends_a_waiting_recv() -> None:
    channel = CommandChannel[int]()
    waiting = asyncio.create_task(channel.recv())
    await settle()
    channel.finish()
    with pytest.raises(ChannelEnded):
        await waiting


@pytest.mark.checklist(19)
@pytest.mark.parametrize("second", ["succeed", "fail"])
async def test_completing_twice_is_ignored_with_a_warning(second: str, caplog: pytest.LogCaptureFixture) -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 1)
    command = await channel.recv()
    command.done.succeed(2)
    assert not caplog.records
    if second == "succeed":
        command.done.succeed(3)
    else:
        command.done.fail(NeverAgain("late"))
    assert [(record.levelname, "answered twice" in record.message) for record in caplog.records] == [("WARNING", True)]
    assert await call == 2


async def test_an_answer_to_a_caller_that_has_gone_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    channel = CommandChannel[Double]()
    call = doubling(channel, 1)
    command = await channel.recv()
    call.cancel()
    await settle()
    command.done.succeed(2)
    channel.close()
    assert not caplog.records


async def test_a_refused_call_leaves_no_error_that_nobody_retrieves(caplog: pytest.LogCaptureFixture) -> None:
    channel = CommandChannel[Double]()
    channel.close()
    with pytest.raises(WorkerExited):
        await doubling(channel, 1)
    await settle()
    gc.collect()
    assert not caplog.records

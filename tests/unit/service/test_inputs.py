"""Inputs: ended stays ended, cancellation loses nothing, ticks, turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TypeVar

import pytest

from kit.clock import ManualClock, settle
from proofplane.base.errors import CallerMistake
from proofplane.service.commands import CommandChannel, WorkerExited
from proofplane.service.inputs import TICK, ChannelInput, Input, IteratorInput, StreamInput, TickingInput, close_input, select
from proofplane.service.subscriptions import Subscribers

T = TypeVar("T")


class Endless:
    """An input without messages."""

    async def recv_next(self) -> int | None:
        await asyncio.Event().wait()
        return None


async def cancelled(task: asyncio.Task[T]) -> None:
    """Cancels a task that waits and awaits it."""
    await settle()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_stream_input_gives_the_items_then_none_for_ever() -> None:
    producer = Subscribers[int]()
    source = StreamInput(producer.subscribe())
    producer.emit(1)
    producer.close()
    assert [await source.recv_next() for _ in range(3)] == [1, None, None]


async def test_closing_a_stream_input_closes_its_subscription() -> None:
    producer = Subscribers[int]()
    source = StreamInput(producer.subscribe())
    await close_input(source)
    assert len(producer) == 0
    assert await source.recv_next() is None


async def test_a_channel_input_gives_the_commands_then_none_for_ever() -> None:
    channel = CommandChannel[int]()
    source = ChannelInput(channel)
    await channel.handle().send(1)
    channel.finish()
    assert [await source.recv_next() for _ in range(3)] == [1, None, None]


async def test_closing_a_channel_input_tells_its_callers() -> None:
    channel = CommandChannel[int]()
    source = ChannelInput(channel)
    await close_input(source)
    with pytest.raises(WorkerExited):
        await channel.handle().send(1)


async def test_an_iterator_input_gives_the_elements_then_none_for_ever() -> None:
    source = IteratorInput([1, 2])
    assert [await source.recv_next() for _ in range(4)] == [1, 2, None, None]
    await close_input(source)


@pytest.mark.checklist(20)
async def test_ticks_the_first_comes_at_once_then_one_each_interval() -> None:
    clock = ManualClock(1000.0)
    producer = Subscribers[int]()
    source = TickingInput(StreamInput(producer.subscribe()), 2.0, clock)
    assert await source.recv_next() == TICK
    for _ in range(3):
        waiting = asyncio.create_task(source.recv_next())
        await settle()
        clock.advance(1.5)
        await settle()
        assert not waiting.done()
        clock.advance(0.5)
        assert await waiting == TICK
    await source.aclose()
    assert clock.sleepers() == 0


@pytest.mark.checklist(20)
async def test_ticks_do_not_burst_after_a_stall() -> None:
    clock = ManualClock()
    producer = Subscribers[int]()
    source = TickingInput(StreamInput(producer.subscribe()), 1.0, clock)
    assert await source.recv_next() == TICK
    producer.emit(7)
    assert await source.recv_next() == 7
    clock.advance(10.5)  # the message took that long
    assert await source.recv_next() == TICK
    waiting = asyncio.create_task(source.recv_next())
    await settle()
    assert not waiting.done()
    clock.advance(0.5)  # back on the whole multiples: 11
    assert await waiting == TICK
    await source.aclose()


@pytest.mark.checklist(20)
@pytest.mark.parametrize("waits", [True, False], ids=["while it waits", "before it is asked"])
async def test_a_tick_comes_before_a_message_when_both_are_ready(waits: bool) -> None:
    clock = ManualClock()
    producer = Subscribers[int]()
    source = TickingInput(StreamInput(producer.subscribe()), 1.0, clock)
    assert await source.recv_next() == TICK
    producer.emit(0)
    assert await source.recv_next() == 0
    if waits:
        waiting = asyncio.create_task(source.recv_next())
        await settle()
        producer.emit(7)
        clock.advance(1.0)
        assert await waiting == TICK
    else:
        producer.emit(7)
        clock.advance(1.0)
        assert await source.recv_next() == TICK
    assert await source.recv_next() == 7
    await source.aclose()


@pytest.mark.checklist(20)
async def test_the_inner_none_ends_a_ticking_input() -> None:
    clock = ManualClock()
    source = TickingInput(IteratorInput([1]), 1.0, clock)
    assert [await source.recv_next() for _ in range(3)] == [TICK, 1, None]
    clock.advance(5.0)
    assert await source.recv_next() is None
    await source.aclose()


async def test_messages_get_through_although_every_tick_takes_longer_than_the_interval() -> None:
    clock = ManualClock()
    source = TickingInput(IteratorInput([1, 2, 3]), 1.0, clock)
    got: list[object] = []
    while (message := await source.recv_next()) is not None:
        got.append(message)
        clock.advance(1.5)  # working it off
    assert [message for message in got if message != TICK] == [1, 2, 3]
    assert got.count(TICK) >= 3
    await source.aclose()


async def test_no_tick_is_given_twice_although_multiples_of_the_interval_are_not_exact() -> None:
    clock = ManualClock(0.7)
    source = TickingInput(Endless(), 0.1, clock)
    assert await source.recv_next() == TICK
    for number in range(1, 50):
        waiting = asyncio.create_task(source.recv_next())
        await settle(10)
        assert not waiting.done(), f"tick {number} came twice"
        clock.advance_to(0.7 + number * 0.1)
        assert await waiting == TICK
    await source.aclose()


async def test_closing_a_ticking_input_while_it_waits_stops_its_timer_and_closes_the_inner_input() -> None:
    clock = ManualClock()
    producer = Subscribers[int]()
    source = TickingInput(StreamInput(producer.subscribe()), 1.0, clock)
    assert await source.recv_next() == TICK
    await cancelled(asyncio.create_task(source.recv_next()))
    assert clock.sleepers() == 1
    await source.aclose()
    assert clock.sleepers() == 0
    assert len(producer) == 0
    assert await source.recv_next() is None


async def test_closing_a_select_closes_both_inputs() -> None:
    producers = [Subscribers[int](), Subscribers[int]()]
    source = select(*(StreamInput(producer.subscribe()) for producer in producers))
    await cancelled(asyncio.create_task(source.recv_next()))
    await source.aclose()
    assert [len(producer) for producer in producers] == [0, 0]
    assert await source.recv_next() is None


@pytest.mark.parametrize("interval", [0.0, -1.0])
def test_an_interval_that_is_not_positive_is_the_callers_mistake(interval: float) -> None:
    with pytest.raises(CallerMistake, match="positive"):
        TickingInput(IteratorInput([1]), interval, ManualClock())


@pytest.mark.parametrize("adapter", ["stream", "channel", "ticking", "select"])
@pytest.mark.parametrize("when", ["sent before the cancellation", "sent after it"])
async def test_a_cancelled_recv_next_loses_no_message(adapter: str, when: str) -> None:
    producer = Subscribers[int]()
    channel = CommandChannel[int]()
    stream = StreamInput(producer.subscribe())
    clock = ManualClock()
    source: Input[object] = {
        "stream": stream,
        "channel": ChannelInput(channel),
        "ticking": TickingInput(stream, 1.0, clock),
        "select": select(ChannelInput(channel), stream),
    }[adapter]
    if adapter == "ticking":
        assert await source.recv_next() == TICK
    waiting = asyncio.ensure_future(source.recv_next())
    await settle()
    if when == "sent before the cancellation":
        producer.emit(1)
        await channel.handle().send(2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if when == "sent after it":
        producer.emit(1)
        await channel.handle().send(2)
    expected = {"stream": {1}, "channel": {2}, "ticking": {1}, "select": {1, 2}}[adapter]
    assert {await source.recv_next() for _ in expected} == expected
    await close_input(source)


async def test_an_item_that_an_input_received_while_its_reader_was_cancelled_is_kept() -> None:
    producer = Subscribers[int]()
    channel = CommandChannel[int]()
    source = select(ChannelInput(channel), StreamInput(producer.subscribe()))
    await cancelled(asyncio.create_task(source.recv_next()))
    producer.emit(1)
    await settle()  # the receive in flight takes it now, with nobody waiting
    assert await source.recv_next() == 1
    await source.aclose()


@pytest.mark.checklist(21)
@pytest.mark.parametrize("side", [0, 1])
async def test_select_closes_when_either_side_closes(side: int) -> None:
    producers = [Subscribers[int](), Subscribers[int]()]
    inputs = [StreamInput(producer.subscribe()) for producer in producers]
    source = select(inputs[0], inputs[1])
    waiting = asyncio.create_task(source.recv_next())
    await settle()
    producers[side].close()
    assert await waiting is None
    producers[1 - side].emit(1)
    assert await source.recv_next() is None
    await source.aclose()


async def test_select_delivers_what_it_has_received_before_it_ends() -> None:
    one, other = Subscribers[int](), Subscribers[int]()
    source = select(StreamInput(one.subscribe()), StreamInput(other.subscribe()))
    waiting = asyncio.create_task(source.recv_next())
    await settle()
    one.close()
    other.emit(1)
    assert await waiting == 1
    assert await source.recv_next() is None
    await source.aclose()


async def test_select_takes_turns_when_both_sides_have_messages() -> None:
    source = select(IteratorInput(["a", "b", "c", "d"]), IteratorInput([1, 2, 3, 4]))
    got = [await source.recv_next() for _ in range(8)]
    assert {tuple(sorted(map(str, got[at : at + 2]))) for at in range(0, 8, 2)} == {("1", "a"), ("2", "b"), ("3", "c"), ("4", "d")}
    assert await source.recv_next() is None
    await source.aclose()


class SlowInput:
    """Needs several turns of the loop for a message, and forgets its progress when cancelled."""

    def __init__(self) -> None:
        self.begun = 0

    async def recv_next(self) -> str:
        self.begun += 1
        await settle(20)
        return "slow"


async def test_a_busy_side_does_not_starve_one_that_takes_long() -> None:
    slow = SlowInput()
    source = select(IteratorInput(range(1, 1000)), slow)
    got = [await source.recv_next() for _ in range(100)]
    assert got.count("slow") >= 4
    assert slow.begun <= got.count("slow") + 1
    await source.aclose()


async def test_an_error_of_an_inner_input_is_raised_and_the_other_sides_message_kept() -> None:
    def failing() -> Iterator[int]:
        yield from ()
        raise OSError("gone")

    producer = Subscribers[int]()
    source = select(IteratorInput(failing()), StreamInput(producer.subscribe()))
    producer.emit(1)
    with pytest.raises(OSError, match="gone"):
        await source.recv_next()
    assert await source.recv_next() == 1
    await source.aclose()

"""Monitors: the newest status, merged changes, the end."""

from __future__ import annotations

import asyncio

import pytest

from kit.clock import settle
from proofplane.service.monitor import LISTENER_CAPACITY, StatusCell
from proofplane.service.subscriptions import SubscriptionEnded


async def test_current_is_the_newest_status_and_stays_after_the_end() -> None:
    cell = StatusCell(0)
    monitor = cell.monitor()
    assert monitor.current() == 0
    cell.publish(1)
    cell.close()
    assert monitor.current() == 1


async def test_changed_waits_for_the_next_status_and_merges_intermediate_ones() -> None:
    cell = StatusCell(0)
    monitor = cell.monitor()
    waiting = asyncio.create_task(monitor.changed())
    await settle()
    assert not waiting.done()
    cell.publish(1)
    assert await waiting == 1
    cell.publish(2)
    cell.publish(3)
    assert await monitor.changed() == 3


async def test_changed_ends_with_the_service_after_its_last_status() -> None:
    cell = StatusCell(0)
    monitor = cell.monitor()
    cell.publish(1)
    cell.close()
    assert await monitor.changed() == 1
    with pytest.raises(SubscriptionEnded):
        await monitor.changed()


async def test_each_reader_has_its_own_monitor() -> None:
    cell = StatusCell(0)
    first = cell.monitor()
    cell.publish(1)
    second = first.fresh()
    cell.publish(2)
    assert (await first.changed(), await second.changed()) == (2, 2)


async def test_a_listener_gets_every_status_up_to_its_capacity_and_the_newest_beyond_it() -> None:
    cell = StatusCell(0)
    listener = cell.monitor().listen()
    for status in range(1, LISTENER_CAPACITY + 1):
        cell.publish(status)
    assert [await listener.recv_next() for _ in range(LISTENER_CAPACITY)] == list(range(1, LISTENER_CAPACITY + 1))
    for status in range(LISTENER_CAPACITY + 1):
        cell.publish(status)
    cell.close()
    assert [await listener.recv_next() for _ in range(2)] == [LISTENER_CAPACITY, None]

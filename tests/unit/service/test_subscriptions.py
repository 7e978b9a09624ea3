"""Commit subscriptions: order, bounds, no replay, pruning, end of stream, threads."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading

import pytest

from kit.clock import settle
from proofplane.base.errors import CallerMistake
from proofplane.service.subscriptions import (
    DEFAULT_CAPACITY,
    AlreadyReceiving,
    NoItem,
    ProducerClosed,
    Subscribers,
    Subscription,
    SubscriptionEnded,
)


def drain(subscription: Subscription[int]) -> list[int]:
    items = []
    while not isinstance(item := subscription.try_recv(), NoItem):
        items.append(item)
    return items


@pytest.mark.checklist(1)
def test_emit_reaches_every_live_subscriber_in_emit_order() -> None:
    producer = Subscribers[int]()
    first, second = producer.subscribe(), producer.subscribe()
    for item in range(100):
        producer.emit(item)
    assert drain(first) == list(range(100))
    assert drain(second) == list(range(100))


async def test_items_are_received_in_the_order_of_the_emit_calls_whichever_clone_emits() -> None:
    producer = Subscribers[int]()
    clone = producer.clone()
    subscription = producer.subscribe()
    received = []

    async def consume() -> None:
        async for item in subscription:
            received.append(item)

    consumer = asyncio.create_task(consume())
    for item in range(0, 20, 2):
        producer.emit(item)
        await asyncio.sleep(0)
        clone.emit(item + 1)
    producer.close()
    clone.close()
    await consumer
    assert received == list(range(20))


@pytest.mark.checklist(2)
def test_backlog_counts_the_undelivered_and_returns_to_0_after_draining() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    assert subscription.backlog() == 0
    for item in range(7):
        producer.emit(item)
    assert subscription.backlog() == 7
    assert subscription.try_recv() == 0
    assert subscription.backlog() == 6
    drain(subscription)
    assert subscription.backlog() == 0


@pytest.mark.checklist(3)
def test_100000_emits_to_a_subscriber_that_never_reads_do_not_block_and_its_backlog_stays_bounded() -> None:
    producer = Subscribers[int]()
    idle = producer.subscribe()
    longest = 0
    for item in range(100_000):
        producer.emit(item)
        longest = max(longest, idle.backlog())
    assert longest == DEFAULT_CAPACITY
    assert idle.lagged + idle.backlog() == 100_000
    assert drain(idle)[-1] == 99_999


def test_a_subscriber_that_falls_behind_its_capacity_keeps_only_the_newest_item() -> None:
    producer = Subscribers[int]()
    slow, quick = producer.subscribe(capacity=3), producer.subscribe()
    for item in range(4):
        producer.emit(item)
    assert slow.lagged == 3
    assert drain(slow) == [3]
    assert (quick.lagged, drain(quick)) == (0, [0, 1, 2, 3])


def test_a_capacity_below_1_is_the_callers_mistake() -> None:
    with pytest.raises(CallerMistake, match="at least 1"):
        Subscribers[int]().subscribe(capacity=0)


@pytest.mark.checklist(4)
def test_nothing_emitted_before_subscribe_is_seen() -> None:
    producer = Subscribers[int]()
    producer.emit(1)
    late = producer.subscribe()
    producer.emit(2)
    assert drain(late) == [2]


@pytest.mark.checklist(5)
@pytest.mark.parametrize("how", ["dropped", "closed"])
def test_a_dropped_subscriber_is_pruned_at_the_next_emit_and_others_are_unaffected(how: str) -> None:
    producer = Subscribers[int]()
    kept, gone = producer.subscribe(), producer.subscribe()
    producer.emit(1)
    if how == "closed":
        gone.close()
    else:
        del gone
        gc.collect()
    assert (len(producer), producer.registered()) == (1, 2)
    producer.emit(2)
    assert (len(producer), producer.registered()) == (1, 1)
    assert drain(kept) == [1, 2]


@pytest.mark.checklist(6)
def test_try_recv_gives_items_then_empty_while_a_producer_lives_and_disconnected_only_after_the_backlog() -> None:
    producer = Subscribers[int]()
    clone = producer.clone()
    subscription = producer.subscribe()
    assert subscription.try_recv() is NoItem.EMPTY
    producer.emit(1)
    producer.close()
    assert subscription.try_recv() == 1
    assert subscription.try_recv() is NoItem.EMPTY
    clone.emit(2)
    del clone
    gc.collect()
    assert subscription.try_recv() == 2
    assert subscription.try_recv() is NoItem.DISCONNECTED
    assert subscription.try_recv() is NoItem.DISCONNECTED


@pytest.mark.checklist(7)
@pytest.mark.parametrize("how", ["closed", "dropped"])
async def test_recv_ends_only_after_all_producers_are_gone(how: str) -> None:
    producer = Subscribers[int]()
    clone = producer.clone()
    subscription = producer.subscribe()
    receiver = asyncio.create_task(subscription.recv())
    producer.close()
    await settle()
    assert not receiver.done()
    if how == "closed":
        clone.close()
    del clone
    gc.collect()
    with pytest.raises(SubscriptionEnded):
        await receiver
    with pytest.raises(SubscriptionEnded):
        await subscription.recv()


async def test_a_producers_with_block_ends_its_stream_after_the_backlog() -> None:
    with Subscribers[int]() as producer:
        subscription = producer.subscribe()
        producer.emit(1)
    assert [item async for item in subscription] == [1]


def test_a_feed_subscribes_but_keeps_no_stream_open() -> None:
    producer = Subscribers[int]()
    feed = producer.feed()
    early = feed.subscribe()
    producer.emit(1)
    producer.close()
    assert drain(early) == [1]
    assert early.try_recv() is NoItem.DISCONNECTED
    assert feed.subscribe().try_recv() is NoItem.DISCONNECTED
    assert producer.registered() == 1


def test_a_closed_producer_refuses_to_emit_and_to_clone() -> None:
    producer = Subscribers[int]()
    producer.close()
    producer.close()
    with pytest.raises(ProducerClosed):
        producer.emit(1)
    with pytest.raises(ProducerClosed):
        producer.clone()


@pytest.mark.checklist(8)
def test_subscribing_from_another_thread_during_emission_loses_nothing_emitted_after_subscribe_returned() -> None:
    producer = Subscribers[int]()
    began = -1  # the last item whose emission has begun
    enough = threading.Event()

    def produce() -> None:
        nonlocal began
        while not enough.is_set():
            began += 1
            producer.emit(began)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that the threads interleave within an emission
    emitter = threading.Thread(target=produce)
    emitter.start()
    subscribed = []
    try:
        for _ in range(50):
            subscription = producer.subscribe(capacity=10_000_000)
            subscribed.append((began, subscription))
            while began < subscribed[-1][0] + 5:
                pass  # the emitter goes on meanwhile
    finally:
        enough.set()
        emitter.join()
        sys.setswitchinterval(interval)
    for began_then, subscription in subscribed:
        items = drain(subscription)
        assert items == list(range(began + 1 - len(items), began + 1))
        assert len(items) >= began - began_then


async def test_a_receiver_on_an_idle_loop_is_woken_by_another_threads_emissions() -> None:
    asyncio.get_running_loop().set_debug(True)  # refuses what is not safe between threads
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    received = threading.Semaphore(0)

    def produce() -> None:
        for item in range(100):
            producer.emit(item)
            assert received.acquire(timeout=10)
        producer.close()

    emitter = threading.Thread(target=produce)
    async with asyncio.timeout(10):
        asyncio.get_running_loop().call_soon(emitter.start)
        expected = iter(range(100))
        async for item in subscription:
            assert item == next(expected)
            received.release()
    assert next(expected, None) is None
    emitter.join()


async def test_everything_that_another_thread_emits_is_received_in_order() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe(capacity=5_000)

    def produce() -> None:
        for item in range(5_000):
            producer.emit(item)
        producer.close()

    receiver = asyncio.create_task(collect(subscription))
    await settle()
    emitter = threading.Thread(target=produce)
    emitter.start()
    async with asyncio.timeout(10):
        assert await receiver == list(range(5_000))
    emitter.join()


async def test_after_a_cancelled_recv_the_next_one_waits_and_is_woken() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    for item in range(3):
        first = asyncio.create_task(subscription.recv())
        await settle()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(subscription.recv())
        await settle()
        producer.emit(item)
        assert await second == item


async def collect(subscription: Subscription[int]) -> list[int]:
    return [item async for item in subscription]


@pytest.mark.parametrize("emitted_first", [True, False])
async def test_a_cancelled_recv_loses_no_item(emitted_first: bool) -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    receiver = asyncio.create_task(subscription.recv())
    await settle()
    if emitted_first:
        producer.emit(1)  # the receiver is woken but has not run yet
    receiver.cancel()
    if not emitted_first:
        producer.emit(1)
    with pytest.raises(asyncio.CancelledError):
        await receiver
    assert await subscription.recv() == 1


async def test_a_second_concurrent_recv_is_refused_and_the_first_goes_on() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    receiver = asyncio.create_task(subscription.recv())
    await settle()
    with pytest.raises(AlreadyReceiving):
        await subscription.recv()
    producer.emit(1)
    assert await receiver == 1


async def test_closing_a_subscription_drops_its_backlog() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    producer.emit(1)
    subscription.close()
    assert subscription.backlog() == 0
    with pytest.raises(SubscriptionEnded):
        await subscription.recv()


async def test_closing_a_subscription_ends_a_waiting_recv_for_good() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    receiver = asyncio.create_task(subscription.recv())
    await settle()
    subscription.close()
    with pytest.raises(SubscriptionEnded):
        await receiver
    producer.emit(1)
    assert subscription.backlog() == 0
    assert subscription.try_recv() is NoItem.DISCONNECTED


def test_emit_survives_a_receiver_whose_loop_is_closed() -> None:
    producer = Subscribers[int]()
    subscription = producer.subscribe()
    loop = asyncio.new_event_loop()
    receiver = loop.create_task(subscription.recv())
    loop.run_until_complete(settle())
    loop.close()
    producer.emit(1)
    assert subscription.try_recv() == 1
    assert not receiver.done()

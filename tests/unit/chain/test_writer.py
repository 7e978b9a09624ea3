"""The one writer: what a change shows and when, and that nothing is half done whatever the storage or a cancellation does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from kit.clock import settle
from kit.lean_branches import Branches
from kit.lean_imports import FaultyStorage, Notes
from proofplane.chain.writer import StoreWriter
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.store import Store
from proofplane.storage.errors import StorageBroken, StorageBusy, StorageFull


def later(store: Store) -> Store:
    return replace(store, time=store.time + 1)


class Desk:
    """A writer, and what was told."""

    def __init__(self) -> None:
        self.storage, self.notes, self.told = FaultyStorage(), Notes(), list[int]()
        self.writer = StoreWriter(self.storage, Branches(1).store(), self.notes)

    def change(self, decide: Callable[[Store], Store] = later) -> asyncio.Task[bool]:
        return asyncio.ensure_future(self.writer.change(decide, committed=lambda store: self.told.append(store.time)))

    def consistent(self, time: int) -> bool:
        """Whether store, storage, observers and callback all stand at this time."""
        stored = self.storage.load()
        shown = [store.time for store in self.notes.stores]
        return self.writer.store.time == (stored.time if stored else 0) == time and self.told == shown == list(range(1, time + 1))


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_change_is_durable_before_it_is_shown(desk: Desk) -> None:
    desk.storage.gate = asyncio.Event()
    change = desk.change()
    await desk.storage.began.wait()
    await settle()
    assert desk.consistent(0)
    desk.storage.gate.set()
    assert await change
    assert desk.consistent(1)


async def test_what_changes_nothing_is_not_committed(desk: Desk) -> None:
    assert not await desk.change(lambda store: store)
    assert desk.storage.commits == 0
    assert desk.consistent(0)


async def test_a_refusing_decision_changes_nothing_and_the_next_one_goes_on(desk: Desk) -> None:
    def refuse(store: Store) -> Store:
        raise Rejected(Reason.UNKNOWN_PARENT_BLOCK)

    with pytest.raises(Rejected):
        await desk.change(refuse)
    assert desk.consistent(0)
    await desk.change()
    assert desk.consistent(1)


async def test_changes_that_come_at_once_are_made_one_after_the_other(desk: Desk) -> None:
    await asyncio.gather(*(desk.change() for _ in range(10)))
    assert desk.consistent(10)


@pytest.mark.parametrize("failure", [StorageFull("full"), StorageBusy("busy")])
async def test_after_a_failure_that_wrote_nothing_the_next_change_is_tried(desk: Desk, failure: Exception) -> None:
    desk.storage.failure = failure
    with pytest.raises(type(failure)):
        await desk.change()
    assert desk.consistent(0)
    desk.storage.failure = None
    await desk.change()
    assert desk.consistent(1)


@pytest.mark.parametrize("failure", [StorageBroken("I/O"), MemoryError(), asyncio.CancelledError()])
async def test_after_a_commit_of_unknown_outcome_nothing_is_changed_any_more(
    desk: Desk, failure: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    desk.storage.failure = failure
    with caplog.at_level(logging.CRITICAL):
        with pytest.raises(StorageBroken):
            await desk.change()
        desk.storage.failure = None
        with pytest.raises(StorageBroken, match="restart"):
            await desk.change()
    assert desk.storage.commits == 0
    assert desk.consistent(0)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_change_that_is_cancelled_in_its_commit_is_shown_once_it_is_durable(desk: Desk, times: int) -> None:
    desk.storage.gate = asyncio.Event()
    change = desk.change()
    await desk.storage.began.wait()
    for _ in range(times):
        change.cancel()
        await settle()
    assert not change.done()
    desk.storage.gate.set()
    await asyncio.wait([change])
    assert change.cancelled()
    assert desk.consistent(1)


async def test_a_change_that_is_cancelled_in_a_failing_commit_changes_nothing(desk: Desk) -> None:
    desk.storage.gate, desk.storage.failure = asyncio.Event(), StorageFull("full")
    change = desk.change()
    await desk.storage.began.wait()
    change.cancel()
    desk.storage.gate.set()
    await asyncio.wait([change])
    assert change.cancelled()
    assert desk.consistent(0)


async def test_a_change_that_is_cancelled_while_it_waits_its_turn_changes_nothing(desk: Desk) -> None:
    desk.storage.gate = asyncio.Event()
    first, second = desk.change(), desk.change()
    await desk.storage.began.wait()
    second.cancel()
    await asyncio.wait([second])
    desk.storage.gate.set()
    await first
    assert desk.consistent(1)

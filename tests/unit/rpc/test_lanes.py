"""Lanes: the decision against a naive model, the shell with cancellation at every point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from proofplane.base.errors import TryAgain
from proofplane.rpc.lanes import Access, LaneBusy, LaneOrder, Lanes, LeftTwice, Ticket

READ, WRITE, COMMITTED = Access.READ, Access.WRITE, Access.COMMITTED_READ
IN_LANE, IN_ALL = 4, 6
"""Small bounds, so that the model meets them."""


class LaneModel(RuleBasedStateMachine):
    """The naive model: one list of arrivals per key; who may run is worked out anew from the whole list each time."""

    def __init__(self) -> None:
        super().__init__()
        self.order: LaneOrder[int] = LaneOrder(IN_LANE, IN_ALL)
        self.arrived: dict[int, list[Ticket[int]]] = {}
        self.running: set[Ticket[int]] = set()

    def may_run(self, key: int) -> set[Ticket[int]]:
        """Reads that no write precedes, or else the first if it is a write."""
        stay = self.arrived.get(key, [])
        reads: list[Ticket[int]] = []
        for ticket in stay:
            if ticket.access is WRITE:
                break
            reads.append(ticket)
        return set(reads or stay[:1])

    def waits(self) -> int:
        return sum(len(stay) for stay in self.arrived.values()) - len(self.running)

    tickets = Bundle("tickets")

    @rule(target=tickets, key=st.integers(0, 2), access=st.sampled_from(Access))
    def submit(self, key: int, access: Access) -> Ticket[int] | None:
        lane = self.arrived.get(key, [])
        waiting = [ticket for ticket in lane if ticket not in self.running]
        must_wait = access is not COMMITTED and bool(lane) and (access is WRITE or any(ticket.access is WRITE for ticket in lane))
        full = len(waiting) >= IN_LANE or self.waits() >= IN_ALL
        if must_wait and full:
            with pytest.raises(LaneBusy):
                self.order.submit(key, access)
            return None
        ticket, runs = self.order.submit(key, access)
        assert runs is not must_wait
        if access is not COMMITTED:
            self.arrived.setdefault(key, []).append(ticket)
            if runs:
                self.running.add(ticket)
        return ticket

    @rule(ticket=consumes(tickets))
    def leave(self, ticket: Ticket[int] | None) -> None:
        if ticket is None:
            return
        released = self.order.leave(ticket)
        if ticket.access is COMMITTED:
            assert not released
            return
        self.arrived[ticket.key].remove(ticket)
        self.running.discard(ticket)
        expected = [other for other in self.arrived[ticket.key] if other in self.may_run(ticket.key) and other not in self.running]
        assert list(released) == expected
        self.running.update(released)
        if not self.arrived[ticket.key]:
            del self.arrived[ticket.key]

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def leaving_twice_is_refused(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.arrived)))
        with pytest.raises(LeftTwice):
            self.order.leave(Ticket(-1, key, READ))

    @invariant()
    def those_run_who_may_and_lanes_are_there_while_somebody_is(self) -> None:
        assert self.running == {ticket for key in self.arrived for ticket in self.may_run(key)}
        assert self.order.lanes == len(self.arrived)
        assert self.order.waiting == self.waits()


TestLaneModel = LaneModel.TestCase


def test_a_read_behind_a_waiting_write_does_not_overtake_it() -> None:
    order: LaneOrder[str] = LaneOrder()
    first, _ = order.submit("fork", READ)
    write, write_runs = order.submit("fork", WRITE)
    late, late_runs = order.submit("fork", READ)
    assert (write_runs, late_runs) == (False, False)
    assert list(order.leave(first)) == [write]
    assert list(order.leave(write)) == [late]


def test_a_committed_read_runs_beside_a_write_and_holds_up_nobody() -> None:
    order: LaneOrder[str] = LaneOrder()
    order.submit("fork", WRITE)
    committed, runs = order.submit("fork", COMMITTED)
    assert runs
    assert order.leave(committed) == ()
    assert order.lanes == 1


def test_writers_do_not_starve_readers_nor_readers_writers() -> None:
    order: LaneOrder[str] = LaneOrder()
    running = [order.submit("fork", READ)[0]]
    for access in (WRITE, READ, READ, WRITE, READ):
        order.submit("fork", access)
    batches: list[list[Access]] = []
    while running:
        released = [ticket for done in running for ticket in order.leave(done)]
        batches.append([ticket.access for ticket in released])
        running = released
    assert batches == [[WRITE], [READ, READ], [WRITE], [READ], []]


def test_both_bounds_are_told_and_change_nothing() -> None:
    order: LaneOrder[int] = LaneOrder(limit_in_lane=1, limit=2)
    holders = [order.submit(key, WRITE)[0] for key in range(3)]
    order.submit(0, WRITE)
    with pytest.raises(LaneBusy, match="1 requests wait in this lane"):
        order.submit(0, READ)
    order.submit(1, READ)
    with pytest.raises(LaneBusy, match="2 requests wait in all lanes") as caught:
        order.submit(2, READ)
    assert isinstance(caught.value, TryAgain)
    assert (order.waiting, order.lanes) == (2, 3)
    assert order.submit(3, WRITE)[1], "who need not wait is never refused"
    assert order.leave(holders[2]) == ()


class Log:
    """What happened, in order; bodies end when they are told to."""

    def __init__(self) -> None:
        self.lanes: Lanes[str] = Lanes()
        self.events: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    async def request(self, name: str, access: Access, key: str = "fork") -> None:
        end = self.ends.setdefault(name, asyncio.Event())
        async with self.lanes.enter(key, access):
            self.events.append(f"{name} begins")
            await end.wait()
            self.events.append(f"{name} ends")

    def start(self, name: str, access: Access, key: str = "fork") -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(self.request(name, access, key), name=name)

    def end(self, *names: str) -> None:
        for name in names:
            self.ends.setdefault(name, asyncio.Event()).set()


async def settle() -> None:
    """Lets every task run until it waits; ten turns of the loop are more than any chain here needs."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_bodies_run_in_their_turn() -> None:
    log = Log()
    tasks = [log.start(name, access) for name, access in (("r1", READ), ("r2", READ), ("w", WRITE), ("r3", READ), ("c", COMMITTED))]
    await settle()
    assert log.events == ["r1 begins", "r2 begins", "c begins"]
    assert log.lanes.waiting == 2
    log.end("r1", "r2")
    await settle()
    assert log.events[3:] == ["r1 ends", "r2 ends", "w begins"]
    log.end("w", "r3", "c")
    await asyncio.gather(*tasks)
    assert log.events[6:8] in (["c ends", "w ends"], ["w ends", "c ends"])
    assert log.events[8:] == ["r3 begins", "r3 ends"]
    assert (log.lanes.lanes, log.lanes.waiting) == (0, 0)


async def test_lanes_do_not_hold_each_other_up() -> None:
    log = Log()
    tasks = [log.start("a", WRITE, "one"), log.start("b", WRITE, "two")]
    await settle()
    assert log.events == ["a begins", "b begins"]
    log.end("a", "b")
    await asyncio.gather(*tasks)


SCENARIO = (("r1", READ), ("w1", WRITE), ("r2", READ), ("r3", READ), ("w2", WRITE), ("r4", READ))


@asynccontextmanager
async def running_scenario() -> AsyncIterator[tuple[Log, dict[str, asyncio.Task[None]]]]:
    log = Log()
    tasks = {name: log.start(name, access) for name, access in SCENARIO}
    await settle()
    yield log, tasks
    log.end(*tasks)
    await asyncio.wait_for(asyncio.gather(*tasks.values(), return_exceptions=True), timeout=60)  # a hole would wait for ever
    assert (log.lanes.lanes, log.lanes.waiting) == (0, 0)


@pytest.mark.parametrize("ended", range(len(SCENARIO)))
@pytest.mark.parametrize("victim", [name for name, _ in SCENARIO])
async def test_whoever_is_cancelled_at_whatever_point_leaves_no_hole(victim: str, ended: int) -> None:
    """The first `ended` requests are let through one by one, then the victim is cancelled: running, waiting, or done."""
    async with running_scenario() as (log, tasks):
        for name, _ in SCENARIO[:ended]:
            log.end(name)
            await settle()
        tasks[victim].cancel()
        await settle()
        assert tasks[victim].done()
        others = [name for name, _ in SCENARIO if name != victim]
    assert [event for event in log.events if event.endswith("ends") and not event.startswith(victim)] == [f"{name} ends" for name in others]


@pytest.mark.parametrize("victim", ["w1", "r2"])
async def test_whoever_is_cancelled_in_the_instant_of_its_release_passes_its_turn_on(victim: str) -> None:
    async with running_scenario() as (log, tasks):
        if victim == "r2":
            log.end("r1")
            await settle()
        log.end("r1" if victim == "w1" else "w1")
        waiting = log.lanes.waiting
        while log.lanes.waiting == waiting:  # noqa: ASYNC110 the release itself is what is looked for, between two turns of the loop
            await asyncio.sleep(0)
        tasks[victim].cancel()  # released, but its task has not run since
        await settle()
        assert f"{victim} begins" not in log.events
        assert "r3 begins" in log.events


async def test_cancelling_all_at_once_empties_the_lanes() -> None:
    async with running_scenario() as (log, tasks):
        for task in tasks.values():
            task.cancel()
        await settle()
        assert (log.lanes.lanes, log.lanes.waiting) == (0, 0)


async def test_a_body_that_raises_leaves_its_lane() -> None:
    lanes: Lanes[str] = Lanes()
    with pytest.raises(ValueError, match="inside"):
        async with lanes.write("fork"):
            raise ValueError("inside")
    async with lanes.read("fork"):
        assert lanes.lanes == 1
    assert lanes.lanes == 0


async def test_a_coroutine_that_is_closed_while_it_waits_leaves_its_lane() -> None:
    lanes: Lanes[str] = Lanes()
    async with lanes.write("fork"):
        waiter = lanes.read("fork").__aenter__()
        waiter.send(None)
        assert lanes.waiting == 1
        waiter.close()
        assert lanes.waiting == 0
    assert lanes.lanes == 0


async def test_over_the_bound_entering_is_refused_and_nothing_waits() -> None:
    lanes: Lanes[str] = Lanes(limit_in_lane=0)
    async with lanes.read("fork"), lanes.read("fork"):
        with pytest.raises(LaneBusy):
            async with lanes.write("fork"):
                pytest.fail("entered")
    assert (lanes.lanes, lanes.waiting) == (0, 0)


async def test_a_turn_is_taken_once() -> None:
    turn = Lanes[str]().write("fork")
    async with turn:
        with pytest.raises(LeftTwice):
            await turn.__aenter__()

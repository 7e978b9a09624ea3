"""The pool's decisions, one rule at a time; no loop, no process, no clock."""

from __future__ import annotations

import pytest

from proofplane.base.errors import Broken, NeverAgain, ProofplaneError, TryAgain
from proofplane.pool.decisions import Decision, End, Fail, Lend, Probe, Start
from proofplane.pool.errors import PoolClosed, QueueFull
from proofplane.pool.exits import Recycle
from proofplane.pool.state import PoolState
from proofplane.pool.types import PoolOptions, WorkerId


def ready(size: int, options: PoolOptions | None = None, probes: bool = False) -> PoolState:
    """A pool whose workers have all started, at time 0."""
    state = PoolState(size, options or PoolOptions(), probes)
    for worker in state.fill():
        state.started(worker, 0.0)
    state.decide(0.0)
    return state


def lent(state: PoolState, now: float = 0.0) -> WorkerId:
    """Asks, and is lent a worker at once."""
    ticket = state.ask()
    (made,) = state.decide(now)
    assert isinstance(made, Lend)
    assert made.ticket == ticket
    return made.worker


def fail(state: PoolState, now: float, error: ProofplaneError) -> list[Decision]:
    """Every start that is under way fails."""
    for slot in list(state.slots.values()):
        state.start_failed(slot.number, now, error)
    made = state.decide(now)
    for slot in list(state.slots.values()):
        state.gone(slot.number)
    return made


def starts(made: list[Decision]) -> int:
    return sum(isinstance(one, Start) for one in made)


def test_leases_are_served_in_the_order_in_which_they_came() -> None:
    state = PoolState(1, PoolOptions())
    tickets = [state.ask() for _ in range(3)]
    (start,) = state.decide(0.0)
    assert isinstance(start, Start)
    state.started(start.worker, 0.0)
    for ticket in tickets:
        assert state.decide(0.0) == [Lend(ticket, start.worker)]
        state.handed_back(start.worker, 0.0, None)


def test_as_many_workers_are_started_as_wait_and_no_more_than_there_is_room_for() -> None:
    state = PoolState(3, PoolOptions())
    state.ask()
    assert starts(state.decide(0.0)) == 1
    assert starts(state.decide(0.0)) == 0
    for _ in range(5):
        state.ask()
    assert starts(state.decide(0.0)) == 2


def test_the_worker_used_last_is_lent_first() -> None:
    state = ready(3)
    first, second = lent(state), lent(state)
    state.handed_back(first, 1.0, None)
    state.handed_back(second, 2.0, None)
    assert lent(state) == second


def test_an_ended_worker_keeps_its_place_until_its_process_is_gone() -> None:
    state = ready(1)
    worker = lent(state)
    state.ask()
    state.handed_back(worker, 0.0, Recycle.FAILED)
    assert state.decide(0.0) == [End(worker, Recycle.FAILED)]
    state.gone(worker)
    assert starts(state.decide(0.0)) == 1


def test_a_worker_found_dead_when_it_would_be_lent_is_ended_and_the_next_is_lent() -> None:
    state = ready(2)
    ticket = state.ask()
    assert state.decide(0.0, lambda worker: worker == 1) == [End(WorkerId(2), Recycle.DIED), Lend(ticket, WorkerId(1))]


@pytest.mark.parametrize(
    ("options", "leases", "age", "resident", "recycled"),
    [
        (PoolOptions(max_leases=3), 3, 0.0, 0, Recycle.LEASES),
        (PoolOptions(max_age=10.0), 1, 10.0, 0, Recycle.AGE),
        (PoolOptions(max_memory=1000), 1, 0.0, 1001, Recycle.MEMORY),
        (PoolOptions(max_leases=3, max_age=10.0, max_memory=1000), 2, 9.9, 1000, None),
    ],
)
def test_a_worker_is_replaced_by_its_leases_its_age_or_its_memory(
    options: PoolOptions, leases: int, age: float, resident: int, recycled: Recycle | None
) -> None:
    state = ready(1, options)
    for _ in range(leases):
        assert not state.stats().recycled
        worker = lent(state)
        state.handed_back(worker, age, None, resident)
    assert state.decide(age) == ([] if recycled is None else [End(worker, recycled)])


def test_a_worker_that_grew_too_old_while_idle_is_not_lent_again() -> None:
    state = ready(1, PoolOptions(max_age=10.0))
    state.handed_back(lent(state), 9.0, None)
    state.ask()
    assert state.decide(10.0) == [End(WorkerId(1), Recycle.AGE)]


def test_age_counts_from_when_a_worker_was_ready_and_never_replaces_one_that_has_not_served() -> None:
    state = PoolState(1, PoolOptions(max_age=10.0))
    (worker,) = state.fill()
    state.decide(0.0)
    state.started(worker, 30.0)
    assert lent(state, 100.0) == worker
    state.not_taken(worker, 200.0)
    assert lent(state, 200.0) == worker
    state.handed_back(worker, 200.0, None)
    assert state.decide(200.0) == [End(worker, Recycle.AGE)]


def test_a_worker_that_needed_long_to_start_serves_until_it_is_old() -> None:
    state = PoolState(1, PoolOptions(max_age=10.0))
    (worker,) = state.fill()
    state.decide(0.0)
    state.started(worker, 30.0)
    assert lent(state, 31.0) == worker
    state.handed_back(worker, 39.0, None)
    assert state.decide(39.0) == []


def test_expiry_ends_idle_workers_now_and_others_when_they_are_ready_or_handed_back() -> None:
    state = ready(2)
    borrowed = lent(state)
    idle = WorkerId(3 - borrowed)
    state.expire()
    assert state.decide(0.0) == [End(idle, Recycle.EXPIRED)]
    state.gone(idle)
    state.ask()
    (start,) = state.decide(0.0)
    assert isinstance(start, Start)
    state.expire()
    state.started(start.worker, 0.0)
    assert End(start.worker, Recycle.EXPIRED) in state.decide(0.0)
    state.handed_back(borrowed, 0.0, None)
    assert End(borrowed, Recycle.EXPIRED) in state.decide(0.0)


def test_a_worker_that_was_idle_for_long_is_asked_first_and_then_lent() -> None:
    state = ready(1, PoolOptions(probe_after=5.0), probes=True)
    assert lent(state, 4.9) == WorkerId(1)
    state.handed_back(WorkerId(1), 5.0, None)
    ticket = state.ask()
    assert state.decide(10.0) == [Probe(WorkerId(1))]
    assert state.decide(10.1) == []
    state.probed(WorkerId(1), 10.2)
    assert state.decide(10.3) == [Lend(ticket, WorkerId(1))]


def test_the_answer_to_a_probe_does_not_count_for_a_later_lease() -> None:
    state = ready(1, PoolOptions(probe_after=5.0), probes=True)
    ticket = state.ask()
    state.decide(5.0)
    state.withdraw(ticket)
    state.probed(WorkerId(1), 5.0)
    assert state.decide(5.0) == []
    state.ask()
    assert state.decide(10.0) == [Probe(WorkerId(1))]


def test_nobody_waits_for_a_probe_when_another_worker_needs_none() -> None:
    state = ready(2, PoolOptions(probe_after=5.0), probes=True)
    busy = lent(state)
    ticket = state.ask()
    assert state.decide(9.0) == [Probe(WorkerId(3 - busy))]
    state.handed_back(busy, 9.0, None)
    assert state.decide(9.0) == [Lend(ticket, busy)]
    state.probed(WorkerId(3 - busy), 9.1)
    assert state.decide(9.1) == []
    assert state.stats().idle == 1


def test_a_worker_whose_generation_expired_during_its_probe_is_not_lent() -> None:
    state = ready(1, PoolOptions(probe_after=0.0), probes=True)
    state.ask()
    state.decide(1.0)
    state.expire()
    state.probed(WorkerId(1), 1.0)
    assert state.decide(1.0) == [End(WorkerId(1), Recycle.EXPIRED)]


def test_a_worker_that_fails_its_probe_is_replaced() -> None:
    state = ready(1, PoolOptions(probe_after=0.0), probes=True)
    state.ask()
    state.decide(1.0)
    state.end(WorkerId(1), Recycle.PROBE)
    assert state.decide(1.0) == [End(WorkerId(1), Recycle.PROBE)]
    state.gone(WorkerId(1))
    assert starts(state.decide(1.0)) == 1


def test_a_full_queue_refuses_with_the_time_that_it_will_take() -> None:
    state = ready(2, PoolOptions(max_waiting=4))
    for _ in range(30):
        state.handed_back(lent(state), 3.0, None)
    lent(state), lent(state)
    for _ in range(4):
        state.ask()
    with pytest.raises(QueueFull) as caught:
        state.ask()
    assert caught.value.retry_after == pytest.approx(3.0 * 5 / 2)
    assert state.stats().refused == 1


def test_starts_that_fail_side_by_side_count_once_and_the_next_comes_after_a_pause_alone() -> None:
    state = PoolState(4, PoolOptions(first_backoff=1.0, max_backoff=3.0, start_retries=9))
    for _ in range(4):
        state.ask()
    assert starts(state.decide(0.0)) == 4
    now = 0.0
    for pause in (1.0, 2.0, 3.0, 3.0):
        assert starts(fail(state, now, TryAgain())) == 0
        assert state.decide(now) == []
        assert state.wake_at == now + pause
        now += pause
        assert starts(state.decide(now)) == 1
        assert state.wake_at is None


def test_a_start_that_succeeds_ends_the_pauses() -> None:
    state = PoolState(2, PoolOptions(first_backoff=1.0))
    state.ask(), state.ask()
    state.decide(0.0)
    fail(state, 0.0, TryAgain())
    (start,) = state.decide(1.0)
    assert isinstance(start, Start)
    state.started(start.worker, 1.0)
    assert starts(state.decide(1.0)) == 1


def test_when_the_retries_are_used_up_all_who_wait_are_told_and_the_next_tries_anew() -> None:
    state = PoolState(2, PoolOptions(first_backoff=1.0, start_retries=1))
    tickets = [state.ask(), state.ask()]
    state.decide(0.0)
    fail(state, 0.0, TryAgain("first"))
    state.decide(1.0)
    made = [one for one in fail(state, 1.0, TryAgain("second")) if isinstance(one, Fail)]
    assert [one.ticket for one in made] == tickets
    assert [str(one.error) for one in made] == ["second", "second"]
    assert made[0].error is not made[1].error
    state.ask()
    assert starts(state.decide(1.0)) == 1


@pytest.mark.parametrize("family", [Broken, NeverAgain])
def test_an_error_that_will_come_again_is_told_at_once(family: type[ProofplaneError]) -> None:
    state = PoolState(1, PoolOptions())
    state.ask()
    state.decide(0.0)
    made = fail(state, 0.0, family("useless"))
    assert [str(one.error) for one in made if isinstance(one, Fail)] == ["useless"]


def test_nobody_is_told_of_failed_starts_while_a_worker_serves() -> None:
    state = PoolState(2, PoolOptions(start_retries=0))
    state.ask()
    (start,) = state.decide(0.0)
    assert isinstance(start, Start)
    state.started(start.worker, 0.0)
    state.decide(0.0)
    ticket = state.ask()
    (second,) = state.decide(0.0)
    assert isinstance(second, Start)
    state.start_failed(second.worker, 0.0, Broken("useless"))
    assert state.decide(0.0) == [End(second.worker, Recycle.START)]
    state.handed_back(start.worker, 1.0, None)
    assert state.decide(1.0) == [Lend(ticket, start.worker)]


def test_a_start_that_was_told_to_end_is_no_failure() -> None:
    state = PoolState(1, PoolOptions())
    (worker,) = state.fill()
    state.end(worker, Recycle.SIBLING)
    state.start_failed(worker, 0.0, Broken())
    assert state.stats().failed_starts == 0
    assert state.starts.last_failure is None


def test_a_worker_that_was_lent_but_not_taken_goes_to_the_next_as_if_it_had_not_been() -> None:
    state = ready(1, PoolOptions(max_leases=1))
    worker = lent(state)
    ticket = state.ask()
    state.not_taken(worker, 0.0)
    assert state.decide(0.0) == [Lend(ticket, worker)]
    assert state.stats().leases == 1


def test_draining_serves_those_who_wait_refuses_others_and_ends_what_is_idle_then() -> None:
    state = ready(2)
    worker, other = lent(state), lent(state)
    ticket = state.ask()
    state.drain()
    with pytest.raises(PoolClosed):
        state.ask()
    state.handed_back(worker, 0.0, None)
    assert state.decide(0.0) == [Lend(ticket, worker)]
    assert not state.quiet
    state.handed_back(other, 0.0, None)
    assert state.decide(0.0) == [End(other, Recycle.CLOSED)]
    state.handed_back(worker, 0.0, None)
    assert state.decide(0.0) == [End(worker, Recycle.CLOSED)]
    assert state.quiet


def test_closing_ends_everything_and_tells_those_who_wait() -> None:
    state = ready(2)
    worker = lent(state)
    idle = WorkerId(3 - worker)
    state.expire()
    state.decide(0.0)
    waiting = state.ask()
    state.close()
    made = state.decide(0.0)
    assert made[0] == End(worker, Recycle.CUT_OFF)
    assert isinstance(made[1], Fail)
    assert made[1].ticket == waiting
    assert isinstance(made[1].error, PoolClosed)
    for number in (worker, idle):
        state.gone(number)
    assert state.decide(99.0) == []
    assert not state.slots


def test_a_lease_that_outlives_its_worker_changes_nothing_when_it_ends() -> None:
    state = ready(1)
    worker = lent(state)
    state.end(worker, Recycle.OVERDUE)
    state.gone(worker)
    state.handed_back(worker, 0.0, Recycle.FAILED)
    state.not_taken(worker, 0.0)
    state.probed(worker, 0.0)
    state.end(worker, Recycle.DIED)
    assert state.decide(0.0) == [End(worker, Recycle.OVERDUE)]
    assert state.stats().recycled == {Recycle.OVERDUE: 1}

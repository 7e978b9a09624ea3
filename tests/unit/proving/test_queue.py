"""The work queue is ordered, holds each id once, wakes what waits, and stays within its window."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.base.proof_id import RecursiveId, StepId
from proofplane.proving.queue import Wanted, WorkQueue
from proofplane.proving.types import Planned, ProofKey


def block(height: int, branch: int = 0) -> BlockCommitment:
    return BlockCommitment(Height(height), BlockId(bytes([branch]) * 32))


def step(height: int, branch: int = 0) -> Planned:
    return Planned.of(StepId.of(block(height, branch)))


def recursive(height: int, branch: int = 0) -> Planned:
    return Planned.of(RecursiveId(block(height, branch)))


def filled(window: int, rows: Iterable[Planned]) -> WorkQueue:
    """A queue of which the table had exactly `rows`, fewer than a window."""
    queue = WorkQueue(window)
    ordered = sorted(rows, key=lambda one: one.key)
    for wanted in queue.wanted():
        queue.refill(wanted, [one for one in ordered if one.proof_id.kind is wanted.kind])
    return queue


def drained(queue: WorkQueue) -> list[Planned]:
    found = []
    while (one := queue.take()) is not None:
        found.append(one)
    return found


@pytest.mark.checklist(49)
def test_work_comes_by_height_then_step_before_recursive_and_each_id_once() -> None:
    queue = filled(100, [])
    for one in (recursive(2), step(2), recursive(1), step(3), step(1), step(2, 1), recursive(2), step(1)):
        queue.add(one)
    assert drained(queue) == [step(1), recursive(1), step(2), step(2, 1), recursive(2), step(3)]


@pytest.mark.checklist(49)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 2))))
def test_any_order_of_arrival_gives_the_order_of_proof_ids(arrivals: list[tuple[int, bool, int]]) -> None:
    queue = filled(100, [])
    wanted = [step(height, branch) if is_step else recursive(height, branch) for height, is_step, branch in arrivals]
    for one in wanted:
        queue.add(one)
    assert [one.proof_id for one in drained(queue)] == sorted({one.proof_id for one in wanted})


def test_parked_work_is_not_taken_until_its_prerequisite_wakes_it() -> None:
    queue = filled(100, [recursive(1), recursive(2)])
    first, second = drained(queue)
    queue.park(first, step(1).key)
    queue.park(second, step(2).key)
    assert queue.take() is None
    assert queue.parked == 2
    queue.wake(step(2).key)
    queue.wake(step(7).key)
    assert drained(queue) == [second]
    assert queue.parked == 1


def test_delayed_work_is_not_taken_before_its_instant() -> None:
    queue = filled(100, [])
    queue.delay(step(1), 10.0)
    queue.delay(step(2), 5.0)
    queue.release(4.9)
    assert queue.take() is None
    queue.release(5.0)
    assert drained(queue) == [step(2)]
    queue.release(10.0)
    assert drained(queue) == [step(1)]


def test_discarded_work_comes_from_no_side_again() -> None:
    queue = filled(100, [step(1), recursive(1), step(2)])
    taken = queue.take()
    assert taken == step(1)
    queue.delay(step(1), 1.0)
    parked = queue.take()
    assert parked == recursive(1)
    queue.park(recursive(1), step(1).key)
    for one in (step(1), recursive(1), step(2)):
        queue.discard(one.key)
    queue.wake(step(1).key)
    queue.release(2.0)
    assert drained(queue) == []
    assert len(queue) == queue.ready == queue.parked == queue.delayed == 0


def test_parked_recursive_work_does_not_keep_steps_out_of_the_window() -> None:
    queue = filled(4, [])
    for height in range(1, 9):
        queue.add(recursive(height))
    for one in drained(queue):
        queue.park(one, step(99).key)
    for height in range(1, 4):
        queue.add(step(height))
    assert drained(queue) == [step(1), step(2), step(3)]
    assert queue.parked == 4


def test_a_lower_id_displaces_the_highest_which_is_read_from_the_table_again() -> None:
    queue = filled(2, [])
    queue.add(step(5))
    queue.add(step(6))
    queue.add(step(1))
    assert queue.wanted() == []
    assert drained(queue) == [step(1), step(5)]
    assert queue.wanted() == [Wanted(0, step(6).key, 2)]


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "refill", "park", "wake"]), st.integers(0, 15), st.booleans()), max_size=60))
def test_with_the_table_behind_it_no_planned_id_is_ever_lost(script: list[tuple[str, int, bool]]) -> None:
    """Model: the table holds what was added and not finally taken; after waking everything, the queue yields exactly that."""
    queue = WorkQueue(4)
    table: dict[ProofKey, Planned] = {}

    def refill() -> None:
        for wanted in queue.wanted():
            of_kind = [one for one in table.values() if one.proof_id.kind is wanted.kind]
            rows = sorted((one for one in of_kind if one.key >= wanted.start), key=lambda one: one.key)
            queue.refill(wanted, rows[: wanted.limit])

    for act, height, is_step in script:
        one = step(height) if is_step else recursive(height)
        if act == "add":
            table[one.key] = one
            queue.add(one)
        elif act == "take" and (taken := queue.take()) is not None:
            del table[taken.key]
        elif act == "park" and (taken := queue.take()) is not None:
            queue.park(taken, ProofKey(b"under"))
        elif act == "wake":
            queue.wake(ProofKey(b"under"))
        elif act == "refill":
            refill()
        assert len(queue) <= 8
    queue.wake(ProofKey(b"under"))
    got = []
    for _ in range(64):
        refill()
        if (taken := queue.take()) is None:
            break
        got.append(taken.key)
        del table[taken.key]
    assert table == {}
    assert len(set(got)) == len(got)

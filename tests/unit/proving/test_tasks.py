"""Tests of the prover that runs coroutines: order, bounds, what each error becomes, and the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

import proofplane.proving.tasks as tasks_module
from kit.native_programs import PREDICATE
from kit.submissions import key, submission
from kit.task_programs import Gate
from proofplane.base.errors import Broken, CallerMistake, NeverAgain, Refused, TryAgain
from proofplane.base.ids import Hash32
from proofplane.base.receipt import Receipt
from proofplane.proving.errors import NotReady
from proofplane.proving.tasks import NotPipelined, ProverClosed, ProverFull, TaskProver
from proofplane.proving.types import Failed, FailureReason, RemoteId, RemotePhase, RemoteStatus, Submission


@pytest.fixture
def gate() -> Gate:
    """Jobs in the test's hand."""
    return Gate()


@pytest.fixture
async def prover(gate: Gate) -> AsyncIterator[TaskProver]:
    """Runs two of them at a time."""
    made = TaskProver("tasks", gate.run, 2)
    yield made
    await made.close()


def job(number: int) -> Submission:
    return submission(number, Hash32(bytes(32)), PREDICATE, b"%d" % number)


def remote(number: int) -> RemoteId:
    return RemoteId(key(number))


async def statuses(prover: TaskProver, *numbers: int) -> list[RemoteStatus | Exception]:
    return list(await prover.status([remote(number) for number in numbers]))


async def ended(prover: TaskProver, number: int) -> RemoteStatus | Exception:
    """How a job has ended, once it has."""
    while True:
        (status,) = await statuses(prover, number)
        if isinstance(status, Failed) or status is RemotePhase.COMPLETED:
            return status
        await prover.completions.recv()


async def test_so_many_run_as_may_and_the_others_begin_in_the_order_of_their_acceptance(prover: TaskProver, gate: Gate) -> None:
    await prover.start([job(number) for number in range(4)])
    await gate.until_begun(2)
    assert gate.begun == [b"0", b"1"]
    assert await statuses(prover, 0, 1, 2, 3) == [RemotePhase.IN_PROGRESS] * 2 + [RemotePhase.REQUESTED] * 2

    gate.end(b"1")
    await gate.until_begun(3)

    assert gate.begun == [b"0", b"1", b"2"]
    assert await statuses(prover, 1, 2, 3) == [RemotePhase.COMPLETED, RemotePhase.IN_PROGRESS, RemotePhase.REQUESTED]


FATES = [
    (CallerMistake("x"), FailureReason.UNEXECUTABLE),
    (Refused("x"), FailureReason.UNEXECUTABLE),
    (NeverAgain("x"), FailureReason.UNEXECUTABLE),
    (TryAgain("x"), FailureReason.UNFULFILLABLE),
    (Broken("x"), FailureReason.OTHER),
    (ValueError("x"), FailureReason.OTHER),
    (asyncio.CancelledError("x"), FailureReason.LOST),
]


@pytest.mark.parametrize(("error", "reason"), FATES, ids=[type(error).__name__ for error, _ in FATES])
async def test_an_error_ends_its_job_alone_with_the_reason_that_decides_about_the_next_attempt(
    prover: TaskProver, gate: Gate, error: BaseException, reason: FailureReason
) -> None:
    await prover.start([job(1), job(2)])
    await gate.until_begun(2)
    gate.end(b"1", error)
    gate.end(b"2")

    found = await ended(prover, 1)

    assert isinstance(found, Failed)
    assert found.reason is reason
    assert await ended(prover, 2) is RemotePhase.COMPLETED


async def test_a_job_that_builds_on_one_without_a_receipt_is_refused_alone(prover: TaskProver, gate: Gate) -> None:
    building = submission(2, Hash32(bytes(32)), PREDICATE, b"2", [key(1)])
    first, second, third = await prover.start([job(1), building, job(3)])
    assert (first, third) == (remote(1), remote(3))
    assert isinstance(second, NotPipelined)


async def test_too_many_unfinished_jobs_or_bytes_are_refused_until_some_have_ended(
    prover: TaskProver, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks_module, "MAX_UNFINISHED", 2)
    *_, refused = await prover.start([job(1), job(2), job(3)])
    assert isinstance(refused, ProverFull)
    assert await prover.start([job(2)]) == [remote(2)], "what is known takes no place"

    await gate.until_begun(2)
    gate.end(b"1")
    await ended(prover, 1)
    monkeypatch.setattr(tasks_module, "MAX_UNFINISHED_BYTES", 1)
    (refused,) = await prover.start([job(3)])
    assert isinstance(refused, ProverFull)
    gate.end(b"2")
    await ended(prover, 2)
    assert await prover.start([job(30)]) == [remote(30)], "one is always accepted"


async def test_the_bytes_of_what_has_ended_are_given_back(prover: TaskProver, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "MAX_UNFINISHED_BYTES", 3)
    for number in range(5):
        kept, passing, refused = await prover.start([job(9), job(number), job(10)])
        assert (kept, passing) == (remote(9), remote(number))
        assert isinstance(refused, ProverFull)
        await gate.until_begun(2 + number)
        gate.end(b"%d" % number)
        await ended(prover, number)


async def test_of_many_ended_jobs_the_oldest_are_dropped_and_lost(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "KEEP_UNREAD", 2)
    prover = TaskProver("tasks", gate.run, 1)
    await prover.start([job(number) for number in range(3)])
    for number in range(3):
        await gate.until_begun(number + 1)
        gate.end(b"%d" % number)
    await ended(prover, 2)

    lost, *there = await prover.fetch([remote(number) for number in range(3)])

    assert isinstance(lost, NotReady)
    assert all(isinstance(one, Receipt) for one in there)
    await prover.close()


async def test_closing_cancels_what_runs_drops_what_waits_and_ends_the_completions(gate: Gate) -> None:
    prover = TaskProver("tasks", gate.run, 1)
    await prover.start([job(1), job(2)])
    await gate.until_begun(1)

    await prover.close()
    await prover.close()

    assert gate.begun == gate.cancelled == [b"1"]
    assert [one async for one in prover.completions] == []
    for call in (prover.start([job(3)]), prover.status([]), prover.fetch([])):
        with pytest.raises(ProverClosed):
            await call


async def test_a_cancelled_task_frees_its_place(prover: TaskProver, gate: Gate) -> None:
    await prover.start([job(1), job(2), job(3)])
    await gate.until_begun(2)
    task = next(one for one in asyncio.all_tasks() if one.get_name().startswith("tasks: ") and one.cancel())
    with suppress(asyncio.CancelledError):
        await task

    await gate.until_begun(3)


def test_no_place_at_all_is_the_callers_mistake(gate: Gate) -> None:
    with pytest.raises(CallerMistake):
        TaskProver("tasks", gate.run, 0)

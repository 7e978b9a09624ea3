"""The barrier: the whole table of precedence, both ends always awaited, cancellation, refusal, the bound on waiting."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from itertools import product
from typing import Any, TypeVar

import pytest

from kit.clock import settle
from kit.lean_branches import Branches
from kit.lean_imports import HeldWorkers, NoWorkers
from proofplane.chain.barrier import run_all, verdict
from proofplane.chain.errors import CouldNotCheck, MissingState
from proofplane.chain.tasks import Failed, Passed, Task, Unknown
from proofplane.chain.types import PostState, SignaturesVerified
from proofplane.chain.workers import ThreadWorkers
from proofplane.lean.errors import Reason, Rejected
from proofplane.lean.types import ZERO_ROOT

T = TypeVar("T")

LONG = 3600.0
"""Seconds that no test waits."""

A_PASSED = Passed(SignaturesVerified(ZERO_ROOT, None))
B_PASSED = Passed(PostState(ZERO_ROOT, Branches(1).anchor_state))
A_ENDS = {"passed": A_PASSED, "refused": Failed(Rejected(Reason.INVALID_BLOCK_PROOF)), "no answer": Unknown("died", MemoryError())}
B_ENDS = {"passed": B_PASSED, "refused": Failed(Rejected(Reason.STATE_ROOT_MISMATCH)), "no answer": Unknown("died", MemoryError())}

VERDICTS = {
    ("passed", "passed"): "both",
    ("passed", "refused"): Reason.STATE_ROOT_MISMATCH,
    ("passed", "no answer"): CouldNotCheck,
    ("refused", "passed"): Reason.INVALID_BLOCK_PROOF,
    ("refused", "refused"): Reason.INVALID_BLOCK_PROOF,
    ("refused", "no answer"): Reason.INVALID_BLOCK_PROOF,
    ("no answer", "passed"): CouldNotCheck,
    ("no answer", "refused"): CouldNotCheck,
    ("no answer", "no answer"): CouldNotCheck,
}


@pytest.mark.parametrize(("a", "b"), list(product(A_ENDS, B_ENDS)))
def test_every_pair_of_ends_has_one_verdict(a: str, b: str) -> None:
    found: object
    try:
        found = "both" if verdict(A_ENDS[a], B_ENDS[b]) == (A_PASSED.value, B_PASSED.value) else None
    except Rejected as refusal:
        found = refusal.reason
    except CouldNotCheck as error:
        found = CouldNotCheck if isinstance(error.__cause__, MemoryError) else error
    assert found == VERDICTS[a, b]


def test_a_failing_storage_is_told_as_it_is() -> None:
    with pytest.raises(MissingState):
        verdict(A_PASSED, Unknown("failed", MissingState("gone")))


class Pair:
    """Two tasks that note their runs; A is refused if asked to be."""

    def __init__(self, a_fails: bool = False) -> None:
        self.ran: list[str] = []
        self.stop = threading.Event()

        def a() -> str:
            self.ran.append("a")
            if a_fails:
                raise Rejected(Reason.INVALID_BLOCK_PROOF)
            return "A"

        def b() -> str:
            self.ran.append("b")
            return "B"

        self.a = Task("a", a, self.stop, stops_others=True)
        self.b = Task("b", b, self.stop, stops_others=False)

    def start(self, workers: Any, *, parallel: bool = True, seconds: float = LONG) -> asyncio.Task[None]:
        return asyncio.ensure_future(run_all(workers, [self.a, self.b], self.stop, parallel=parallel, seconds=seconds))


@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_it_returns_when_the_last_has_ended_whatever_the_order(order: str) -> None:
    pair, workers = Pair(), HeldWorkers()
    running = pair.start(workers)
    await settle()
    workers.run(order[0])
    await settle()
    assert not running.done()
    workers.run(order[1])
    await running
    assert (pair.a.end(), pair.b.end()) == (Passed("A"), Passed("B"))


async def test_a_failing_a_keeps_b_from_beginning_and_is_not_returned_before_b_has_ended() -> None:
    pair, workers = Pair(a_fails=True), HeldWorkers()
    running = pair.start(workers)
    await settle()
    workers.run("a")
    await settle()
    assert not running.done()
    workers.run("b")
    await running
    assert pair.ran == ["a"]
    assert isinstance(pair.b.end(), Unknown)


async def test_one_after_the_other_is_one_job_in_the_order_given() -> None:
    pair, workers = Pair(), HeldWorkers()
    running = pair.start(workers, parallel=False)
    await settle()
    assert workers.names() == ["a and b"]
    workers.run_all()
    await running
    assert pair.ran == ["a", "b"]


@pytest.mark.parametrize(("refused", "ran"), [((), ["a", "b"]), (("a",), ["b", "a"]), (("b",), ["a", "b"])])
async def test_a_task_that_nobody_takes_runs_in_place_after_the_others_were_handed_over(refused: tuple[str, ...], ran: list[str]) -> None:
    pair = Pair()
    await pair.start(NoWorkers(*refused))
    assert pair.ran == ran
    assert (pair.a.end(), pair.b.end()) == (Passed("A"), Passed("B"))


class BrokenWorkers:
    """Fails in its own way when it is asked."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        raise self._error


@pytest.mark.parametrize("error", [BrokenExecutor(), MemoryError(), RuntimeError("can't start new thread")])
async def test_workers_that_fail_are_as_good_as_none(error: Exception) -> None:
    pair = Pair()
    await pair.start(BrokenWorkers(error))
    assert (pair.a.end(), pair.b.end()) == (Passed("A"), Passed("B"))


async def test_a_thread_that_dies_is_no_answer() -> None:
    pair, workers = Pair(), HeldWorkers()
    running = pair.start(workers)
    await settle()
    workers.die("b", BrokenExecutor("its thread died"))
    workers.run("a")
    await running
    assert isinstance(pair.b.end(), Unknown)
    assert pair.a.end() == Passed("A")


async def test_a_task_that_never_answers_is_given_up_at_the_bound(caplog: pytest.LogCaptureFixture) -> None:
    pair, workers = Pair(), HeldWorkers()
    with caplog.at_level(logging.CRITICAL):
        await pair.start(workers, seconds=0.01)
    assert (pair.a.end(), pair.b.end()) == (Unknown(pair.a.end().why), Unknown(pair.b.end().why))
    assert pair.stop.is_set()
    workers.run_all()
    assert pair.ran == []  # what begins after that does nothing


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_caller_stops_b_and_is_told_when_both_have_ended(times: int) -> None:
    pair, workers = Pair(), HeldWorkers()
    running = pair.start(workers)
    await settle()
    for _ in range(times):
        running.cancel()
        await settle()
    assert not running.done()
    assert pair.stop.is_set()
    workers.run("b")
    await settle()
    assert not running.done()
    workers.run("a")
    await asyncio.wait([running])
    assert running.cancelled()
    assert pair.ran == []


async def test_nothing_to_do_is_done_at_once() -> None:
    await run_all(HeldWorkers(), [], threading.Event(), parallel=True, seconds=LONG)


async def test_real_threads_run_both_at_once() -> None:
    meet, stop = threading.Barrier(2), threading.Event()

    def met() -> int:
        return meet.wait(30)

    tasks: Sequence[Task[int]] = [Task(name, met, stop, stops_others=False) for name in "ab"]
    with ThreadWorkers(2) as workers:
        await run_all(workers, tasks, stop, parallel=True, seconds=LONG)
    assert all(isinstance(task.end(), Passed) for task in tasks)

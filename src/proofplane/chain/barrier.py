"""A beside B and the barrier: both tasks of a block are started, both are waited for, and one verdict comes of the two ends.

Rules:
1. Both ends are awaited, always: also if one has failed, also if the caller is cancelled (once or more often; it is told when both have
   ended).
2. Precedence, whatever ended first:

   | A (signatures) | B (transition) | verdict |
   | --- | --- | --- |
   | refused | anything | A's reason |
   | no answer | anything | `CouldNotCheck`: the sequential order would not have come to B |
   | passed | refused | B's reason |
   | passed | no answer | `CouldNotCheck` |
   | passed | passed | both results |

3. A that does not pass, and a caller who is cancelled, set the stop flag: B ends at its next stage, or never begins. B never stops A.
4. A task that no worker takes runs in place, after the others were handed over, A before B.
5. Sequential order is one job that runs A, then B; all else is the same.
6. The wait is bounded by `seconds`. What has not answered by then is given up: it counts as no answer, is logged, and nobody awaits it
   any more.

Invariants: a verdict depends on the two ends only. The event loop is woken once for a block, by whichever job ends last.
Not guaranteed: that a task which was given up leaves its thread and memory; the workers then have one thread less and refuse sooner
(rule 4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from proofplane.base.errors import Broken
from proofplane.chain.errors import CouldNotCheck, WorkersUnavailable
from proofplane.chain.ports import Workers
from proofplane.chain.tasks import Failed, Passed, Task, Unknown
from proofplane.chain.types import PostState, SignaturesVerified

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def run_all(workers: Workers, tasks: Sequence[Task[Any]], stop: threading.Event, *, parallel: bool, seconds: float) -> None:
    """Runs the tasks beside each other, or one after the other, and returns when all have ended or were given up.

    Cancelled: sets `stop`, waits all the same, then raises.
    """
    # A comes first: it needs the interpreter for a moment and then leaves it for native work, while B keeps it to its end.
    futures: list[Future[None]] = []
    in_place: list[Callable[[], None]] = []
    for name, job in _jobs(tasks, parallel=parallel):
        try:
            futures.append(workers.submit(name, job))
        except Exception as error:  # whatever keeps workers from taking a job says nothing about the block
            if not isinstance(error, WorkersUnavailable):
                _log.warning("no worker took the task %s, it runs in place", name, exc_info=error)
            in_place.append(job)
    try:
        for job in in_place:
            job()
    finally:
        await _all_done(futures, stop, seconds)
    for future in futures:
        if not future.done():
            stop.set()
            _log.error("a task of an import gave no answer in %s s and is given up", seconds)
        elif future.cancelled() or future.exception() is not None:
            _log.error("a thread ended under a task of an import: %r", None if future.cancelled() else future.exception())


def verdict(
    a: Passed[SignaturesVerified] | Failed | Unknown, b: Passed[PostState] | Failed | Unknown
) -> tuple[SignaturesVerified, PostState]:
    """Returns both results, or raises by the precedence of rule 2.

    Raises:
        Rejected: The block is invalid.
        CouldNotCheck: Nobody can say; the block may be sent again.
        Broken: Nobody can say, because the storage failed.
    """
    return passed("the signatures of the block", a), passed("the transition of the block", b)


def passed(what: str, end: Passed[T] | Failed | Unknown) -> T:
    """Returns what a task that passed made.

    Raises:
        Rejected: It failed.
        Broken: What it relies on failed (the storage), so asking again is no use.
        CouldNotCheck: It gave no answer for any other reason.
    """
    if isinstance(end, Failed):
        raise end.refusal
    if isinstance(end, Unknown) and isinstance(end.cause, Broken):
        raise end.cause
    if isinstance(end, Unknown):
        raise CouldNotCheck(f"{what} could not be checked ({end.why}): send it again") from end.cause
    return end.value


def _jobs(tasks: Sequence[Task[Any]], *, parallel: bool) -> list[tuple[str, Callable[[], None]]]:
    if parallel:
        return [(task.name, task.run) for task in tasks]

    def one_after_the_other() -> None:
        for task in tasks:
            task.run()

    return [(" and ".join(task.name for task in tasks), one_after_the_other)] if tasks else []


async def _all_done(futures: Sequence[Future[None]], stop: threading.Event, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    expired = False

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    def expire() -> None:
        nonlocal expired
        expired = True
        wake()

    def ended(_: Future[None]) -> None:
        # Runs on the thread that ended a job. Whichever ends last finds all done; if two do at once, the second wake finds nothing to do.
        if all(future.done() for future in futures):
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(wake)

    for future in futures:
        future.add_done_callback(ended)
    timer = loop.call_later(seconds, expire)
    cancelled = False
    try:
        while not all(future.done() for future in futures) and not expired:
            try:
                await woken
            except asyncio.CancelledError:
                cancelled = True
                stop.set()
                woken = loop.create_future()
    finally:
        timer.cancel()
    if cancelled:
        raise asyncio.CancelledError

"""The threads of imports: one task each, refusal instead of a queue, exactly one answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest

from proofplane.chain.errors import WorkersUnavailable
from proofplane.chain.workers import ThreadWorkers

PATIENCE = 30.0


@pytest.fixture
def workers() -> Iterator[ThreadWorkers]:
    with ThreadWorkers(2) as made:
        yield made


def test_tasks_run_on_other_threads_and_beside_each_other(workers: ThreadWorkers) -> None:
    meet = threading.Barrier(2)

    def task() -> int:
        meet.wait(PATIENCE)
        return threading.get_ident()

    futures = [workers.submit("task", task) for _ in range(2)]
    found = {future.result(PATIENCE) for future in futures}
    assert len(found | {threading.get_ident()}) == 3


def test_a_task_too_many_is_refused_and_the_next_one_after_an_answer_is_taken(workers: ThreadWorkers) -> None:
    go = threading.Event()
    busy = [workers.submit("busy", lambda: go.wait(PATIENCE)) for _ in range(2)]
    with pytest.raises(WorkersUnavailable, match="all 2 are busy"):
        workers.submit("one more", lambda: None)
    go.set()
    assert busy[0].result(PATIENCE)
    assert workers.submit("next", lambda: 7).result(PATIENCE) == 7


def test_one_thread_serves_tasks_one_after_the_other(workers: ThreadWorkers) -> None:
    threads = {workers.submit("task", threading.get_ident).result(PATIENCE) for _ in range(20)}
    assert len(threads) == 1


class Unusual(BaseException):
    """No `Exception`, as a panic of the extension is none."""


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError(), SystemExit(3), Unusual()])
def test_any_error_is_the_answer_and_the_thread_goes_on(workers: ThreadWorkers, error: BaseException) -> None:
    def fail() -> None:
        raise error

    assert workers.submit("fail", fail).exception(PATIENCE) is error
    assert workers.submit("next", lambda: 7).result(PATIENCE) == 7


def test_if_no_thread_can_be_started_the_task_is_refused(workers: ThreadWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(WorkersUnavailable, match="can't start new thread"):
            workers.submit("task", lambda: None)
    assert workers.submit("task", lambda: 7).result(PATIENCE) == 7


class Handing(SimpleQueue[Any]):
    """A queue in which somebody wants to close the workers just before the first job is in it."""

    def __init__(self, workers: ThreadWorkers) -> None:
        self.workers = workers
        self.closing = threading.Thread(target=workers.close)

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is not None:
            self.closing.start()
            assert self.workers._lock.locked(), "nobody can close between taking the task and handing it over"
        super().put(item)


def test_a_task_that_was_taken_is_handed_over_before_anybody_can_close() -> None:
    workers = ThreadWorkers(1)
    workers._jobs = jobs = Handing(workers)
    assert workers.submit("task", lambda: 7).result(PATIENCE) == 7
    jobs.closing.join(PATIENCE)


def test_closed_workers_refuse_after_they_have_answered() -> None:
    workers = ThreadWorkers(1)
    future = workers.submit("task", lambda: 7)
    workers.close()
    workers.close()
    assert future.done()
    with pytest.raises(WorkersUnavailable, match="closed"):
        workers.submit("task", lambda: None)

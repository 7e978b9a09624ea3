"""A bounded set of threads for the tasks of imports: one task a thread, no queue.

Rules:
1. A task starts at once, on an idle thread or a new one, or it is refused; nothing waits in line, so a caller knows that both tasks of a
   block run.
2. Every task taken gets exactly one answer in its future: the result or the error, whatever kind it is.
3. A thread is idle before its task's answer is visible, so whoever has the answer can hand over the next task.

Invariant: idle threads + running tasks = threads started and not ended, at most `count`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from time import monotonic
from types import TracebackType
from typing import TypeVar

from proofplane.chain.errors import WorkersUnavailable
from proofplane.chain.options import BLOCKS_IN_FLIGHT

T = TypeVar("T")

WORKERS = 2 * BLOCKS_IN_FLIGHT
"""Two tasks for each block in flight. They sleep unless there is work, so more than cores cost nothing."""

CLOSE_SECONDS = 10.0
"""How long `close` waits for running tasks: many times what a task takes; a thread that goes on is a daemon and dies with the process."""

_log = logging.getLogger(__name__)


class ThreadWorkers:
    """Implements `ports.Workers`; threads start when they are first needed. A context manager that closes it."""

    def __init__(self, count: int = WORKERS) -> None:
        """At most `count` threads."""
        self._count = count
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, name: str, task: Callable[[], T]) -> Future[T]:
        """Starts `task`; may be called from any thread.

        Raises:
            WorkersUnavailable: All threads are busy, no further one can be started, or the workers are closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise WorkersUnavailable(f"no thread for {name}: the workers are closed")
            if self._idle:
                self._idle -= 1
            else:
                self._start(name)
            self._jobs.put(lambda: self._answer(future, task))  # under the lock: what came after `close` nobody would take
        return future

    def close(self) -> None:
        """Takes no further task, and waits for the running ones, `CLOSE_SECONDS` in all. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        deadline = monotonic() + CLOSE_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
            if thread.is_alive():
                _log.warning("%s still runs its task; nobody waits for it", thread.name)

    def __enter__(self) -> ThreadWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _start(self, name: str) -> None:
        if len(self._threads) >= self._count:
            raise WorkersUnavailable(f"no thread for {name}: all {self._count} are busy")
        thread = threading.Thread(target=self._work, name=f"import-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            raise WorkersUnavailable(f"no thread can be started for {name}: {error}") from error
        self._threads.append(thread)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # what it holds ends with it, not with the next

    def _answer(self, future: Future[T], task: Callable[[], T]) -> None:
        try:
            result = task()
        except BaseException as error:
            self._rest()
            future.set_exception(error)
        else:
            self._rest()
            future.set_result(result)

    def _rest(self) -> None:
        with self._lock:
            self._idle += 1

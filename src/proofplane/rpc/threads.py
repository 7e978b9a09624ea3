"""The bounded pool of threads on which `def` handlers run.

A job costs one hand-over through a C queue; the executors of the standard library add a future and a condition to each.
The queue's bound is the server's `limits.max_waiting`: beyond it the reactor reads nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from proofplane.base.errors import TryAgain

_log = logging.getLogger(__name__)


class NoThread(TryAgain):
    """The system gives no thread for a `def` handler, and there is none yet."""


class Threads:
    """Threads that are started when they are first needed, and run jobs in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def run(self, job: Callable[[], None]) -> None:
        """Queues a job; called by the loop's thread only.

        Raises:
            NoThread: No thread is there and none can be started; the job is not queued.
        """
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            self._start()
        self._jobs.put(job)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"rpc-handler-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if not self._threads:
                raise NoThread(f"no thread can be started for the handler: {error}") from error
            _log.warning("no further thread can be started, %d go on: %s", len(self._threads), error)
        else:
            self._threads.append(thread)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                _log.exception("a handler's thread could not answer")
            del job  # what it holds ends with it, not with the next
            self._idle.release()

    def end(self) -> None:
        """Forgets the jobs that no thread has begun, and lets each thread end after its own; no job may come any more."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        for _ in self._threads:
            self._jobs.put(None)

    def join(self, grace: float) -> None:
        """Waits for the threads after `end`, `grace` seconds in all. A handler that goes on is left to its daemon thread."""
        deadline = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _log.warning("%s still runs its handler; its request was answered with an error", thread.name)

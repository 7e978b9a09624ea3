"""The bounded pool of threads on which `def` handlers run.

A job costs one hand-over through a C queue; the executors of the standard library add a future and a condition to each.
The queue's bound is the server's `limits.max_waiting`: beyond it the reactor reads nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class Threads:
    """Threads that are started when they are first needed, and run jobs in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def run(self, job: Callable[[], None]) -> None:
        """Queues a job; called by the loop's thread only."""
        self._jobs.put(job)
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name=f"rpc-handler-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                _log.exception("a handler's thread could not answer")
            self._idle.release()

    def close(self, grace: float) -> None:
        """Lets the threads end and waits for them, `grace` seconds in all. A handler that goes on is left to its daemon thread."""
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                _log.warning("%s still runs its handler; its request was answered with an error", thread.name)

"""The one thread of this process that starts workers, and lives as long as the process does.

The system's parent-death signal follows the thread that started a child, not the process: of a child started by a thread that ends (an
executor's, a loop's that is not the main one), the worker would end with that thread. So all are started by this one.

Before the first worker it starts the guard, which ends the workers that a killed process of ours leaves behind.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from queue import SimpleQueue

from proofplane.pool import guard
from proofplane.pool.addresses import directories

log = logging.getLogger(__name__)


_NO_PRIORITY = os.sched_param(0)
"""The only one that schedules without real time have."""

_KILL_TIMEOUT = 1.0
"""Seconds that the one thread which starts processes waits for the end of one that it has killed."""


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that has just been started, and its descriptors, which whoever asked for it now owns."""

    popen: subprocess.Popen[bytes]
    pidfd: int
    """Readable once the process has ended."""
    output: int
    """The reading end of its standard output and standard error; does not block."""

    def discard(self) -> None:
        """Ends a process that nobody wants any more, and waits a while for its end, which a kill makes a matter of microseconds."""
        self.popen.kill()
        try:
            self.popen.wait(_KILL_TIMEOUT)
        except subprocess.TimeoutExpired:
            log.error("process %d is still there %g s after SIGKILL: it hangs in the system", self.popen.pid, _KILL_TIMEOUT)
        os.close(self.pidfd)
        os.close(self.output)


class Spawner:
    """Runs `Popen` for everybody, one after the other: each takes about 0.2 ms."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        """The process that this spawner's thread belongs to."""
        self.mark = f"{self.pid}-{secrets.token_hex(4)}"
        """Of all workers of this process, in their environment and their sockets' names; a process id alone may be used again."""
        self.guard: int | None = None
        """The guard's process id; None before it is started, or if it cannot be."""
        self._orders: SimpleQueue[tuple[Future[Spawned], Sequence[str], Mapping[str, str], bool]] = SimpleQueue()
        threading.Thread(target=self._work, name="pool-spawner", daemon=True).start()

    def spawn(self, argv: Sequence[str], environment: Mapping[str, str], *, batch: bool = False) -> Future[Spawned]:
        """Orders a process with these variables besides our own; the future raises `OSError` or `ValueError` if it cannot be started.

        `batch` has it scheduled as `WorkerSpec.batch` says, where the system lets us.
        """
        future: Future[Spawned] = Future()
        self._orders.put((future, argv, environment, batch))
        return future

    def _work(self) -> None:
        self._start_guard()  # before the first worker: there must be no moment in which a kill leaves one behind
        while True:
            future, argv, environment, batch = self._orders.get()
            if future.set_running_or_notify_cancel():
                try:
                    with _scheduled_as_batch() if batch else nullcontext():
                        spawned = _start(argv, {**os.environ, **environment, guard.VARIABLE: self.mark})
                except BaseException as error:
                    future.set_exception(error)
                else:
                    future.set_result(spawned)
                    del spawned
            del future, argv, environment  # what they hold ends with them, not with the next order

    def _start_guard(self) -> None:
        """Starts the guard; without it workers still ask for the signal of their parent's death, most of them."""
        arguments = [sys.executable, "-I", "-S", guard.__file__, str(self.pid), self.mark, str(os.getuid()), *directories()]
        streams = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
        try:
            # Not by `subprocess`: its end is ours, so nobody ever waits for it. No variables: it must not carry a mark itself.
            self.guard = os.posix_spawn(sys.executable, arguments, {}, file_actions=streams, setsid=True)
        except (OSError, ValueError) as error:
            log.warning("there is no guard: workers may stay behind if this process is killed: %s", error)


def _start(argv: Sequence[str], variables: Mapping[str, str]) -> Spawned:
    output, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        os.set_blocking(theirs, True)
        # A session of its own: Ctrl-C at the terminal reaches us, who drain; it must not end the workers under us.
        popen = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=variables, start_new_session=True, restore_signals=True
        )
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(theirs)
    try:
        return Spawned(popen, os.pidfd_open(popen.pid), output)
    except BaseException:
        popen.kill()
        popen.wait()
        os.close(output)
        raise


@contextmanager
def _scheduled_as_batch() -> Iterator[None]:
    """Of this thread, whose schedule a child inherits with all its threads. A schedule that somebody chose for us stays as it is."""
    changed = os.sched_getscheduler(0) == os.SCHED_OTHER
    with suppress(OSError):  # a sandbox may forbid it: then a worker only runs a little worse
        if changed:
            os.sched_setscheduler(0, os.SCHED_BATCH, _NO_PRIORITY)
    try:
        yield
    finally:
        with suppress(OSError):
            if changed:
                os.sched_setscheduler(0, os.SCHED_OTHER, _NO_PRIORITY)


_lock = threading.Lock()
_spawner: Spawner | None = None


def spawner() -> Spawner:
    """The spawner of this process; a forked child, which has no thread of its parent's, gets its own."""
    global _spawner
    with _lock:
        if _spawner is None or _spawner.pid != os.getpid():
            _spawner = Spawner()
        return _spawner

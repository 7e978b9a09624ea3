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
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from proofplane.pool import guard
from proofplane.pool.addresses import directories

log = logging.getLogger(__name__)


_LOOK = 0.0002
"""Seconds between two looks for a young process's socket; a loop's own timers round up to a millisecond, half of what `bb` needs."""

_YOUTH = 0.005
"""Seconds after which a process is handed over although it has no socket: `bb` needs 2 ms, what needs much longer loses nothing."""

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


@dataclass(frozen=True, slots=True)
class _Order:
    """A process that somebody wants."""

    future: Future[Spawned]
    argv: Sequence[str]
    environment: Mapping[str, str]
    address: str


@dataclass(frozen=True, slots=True)
class _Young:
    """A process that was started and is not handed over."""

    spawned: Spawned
    order: _Order
    until: float

    def handed_over(self) -> bool:
        """Hands it over if it is time; whether it was."""
        if time.monotonic() < self.until and not os.path.exists(self.order.address):
            return False
        self.order.future.set_result(self.spawned)
        return True


class Spawner:
    """Runs `Popen` for everybody, one after the other, each in about 0.2 ms, and hands processes over when they can be connected to."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        """The process that this spawner's thread belongs to."""
        self.mark = f"{self.pid}-{secrets.token_hex(4)}"
        """Of all workers of this process, in their environment and their sockets' names; a process id alone may be used again."""
        self.guard: int | None = None
        """The guard's process id; None before it is started, or if it cannot be."""
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        threading.Thread(target=self._work, name="pool-spawner", daemon=True).start()

    def spawn(self, argv: Sequence[str], environment: Mapping[str, str], address: str) -> Future[Spawned]:
        """Orders a process with these variables besides our own.

        The future has it when there is something at `address`, or 5 ms later; it raises `OSError` or `ValueError` if it cannot be started.
        """
        order = _Order(Future(), argv, environment, address)
        self._orders.put(order)
        return order.future

    def _work(self) -> None:
        self._start_guard()  # before the first worker: there must be no moment in which a kill leaves one behind
        young: list[_Young] = []
        while True:
            with suppress(Empty):
                young += _carried_out(self._orders.get(timeout=_LOOK if young else None), self.mark)
            young = [one for one in young if not one.handed_over()]

    def _start_guard(self) -> None:
        """Starts the guard; without it workers still ask for the signal of their parent's death, most of them."""
        arguments = [sys.executable, "-I", "-S", guard.__file__, str(self.pid), self.mark, str(os.getuid()), *directories()]
        streams = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in range(3)]
        try:
            # Not by `subprocess`: its end is ours, so nobody ever waits for it. No variables: it must not carry a mark itself.
            self.guard = os.posix_spawn(sys.executable, arguments, {}, file_actions=streams, setsid=True)
        except (OSError, ValueError) as error:
            log.warning("there is no guard: workers may stay behind if this process is killed: %s", error)


def _carried_out(order: _Order, mark: str) -> list[_Young]:
    if not order.future.set_running_or_notify_cancel():
        return []
    try:
        spawned = _start(order.argv, {**os.environ, **order.environment, guard.VARIABLE: mark})
    except BaseException as error:
        order.future.set_exception(error)
        return []
    return [_Young(spawned, order, time.monotonic() + _YOUTH)]


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


_lock = threading.Lock()
_spawner: Spawner | None = None


def spawner() -> Spawner:
    """The spawner of this process; a forked child, which has no thread of its parent's, gets its own."""
    global _spawner
    with _lock:
        if _spawner is None or _spawner.pid != os.getpid():
            _spawner = Spawner()
        return _spawner

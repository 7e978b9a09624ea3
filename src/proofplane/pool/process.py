"""One child process as the event loop sees it: started, read, signalled, reaped, and everything of it cleaned up."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress

from proofplane.pool.errors import DisposalFailed
from proofplane.pool.spawner import Spawned, spawner

log = logging.getLogger(__name__)

_KEPT_LINES = 10
"""Last lines of a worker's output that ride on errors about it: an assertion's text and what led to it."""

_KEPT_CHARACTERS = 300
"""Of each of them."""

_CHUNK = 65_536
"""Bytes read at once, which is what a pipe holds."""

_LULL = 0.1
"""Seconds for which nothing is read after something was.

`bb` says in several writes that a proof was verified, and each look costs 20 microseconds.
A process that fills the pipe meanwhile has to wait for us that long; from then on it is listened to without lulls."""


class Process:
    """A running child and its socket's path; made by `launch`, to be ended by `end` on every path."""

    def __init__(self, spawned: Spawned, address: str) -> None:
        """Use `launch`."""
        self.pid = spawned.popen.pid
        self.address = address
        self._popen = spawned.popen
        self._pidfd: int | None = spawned.pidfd
        self._output: int | None = spawned.output
        self._loop = asyncio.get_running_loop()
        self._poll = select.poll()
        self._poll.register(spawned.pidfd, select.POLLIN)
        self._lull: asyncio.TimerHandle | None = None
        self._talkative = False
        """Whether it says so much that the pipe may fill in a lull."""
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._partial = ""
        self._exited = asyncio.Event()
        self.on_exit: Callable[[], None] = _nothing
        """Called once, on the loop, as soon as the process has ended."""
        self._loop.add_reader(spawned.pidfd, self._exit)
        self._listen()

    @classmethod
    async def launch(cls, argv: Sequence[str], environment: Mapping[str, str], address: str, *, batch: bool = False) -> Process:
        """Starts `argv`, scheduled as `WorkerSpec.batch` says; raises `OSError` or `ValueError` if the system cannot."""
        future = spawner().spawn(argv, environment, batch=batch)
        try:
            return cls(await asyncio.wrap_future(future), address)
        except asyncio.CancelledError:
            future.add_done_callback(_discard)  # a start that nobody waits for any more would leave a process that nobody owns
            raise

    @property
    def returncode(self) -> int | None:
        """As `subprocess` has it; None while it is not reaped."""
        return self._popen.returncode

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of its output, up to this moment."""
        self._read()
        return (*self._lines, self._partial) if self._partial else tuple(self._lines)

    def lives(self) -> bool:
        """Asks the system, at once, so that a death is known before the loop has been told."""
        return self._pidfd is not None and not self._poll.poll(0)

    def resident(self) -> int:
        """Bytes of its resident memory; 0 if it has ended."""
        if self.returncode is not None:  # reaped: the number may be another process's
            return 0
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens if it has been reaped. Its process id cannot be somebody else's: only we reap it."""
        with suppress(ProcessLookupError):
            self._popen.send_signal(number)

    async def exited(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for its end; whether it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._exited.wait()
        return self._exited.is_set()

    async def end(self, *, gentle: bool, stop_timeout: float, kill_timeout: float) -> list[Exception]:
        """Ends it, reaps it, removes its socket and closes our descriptors, each whatever becomes of the others.

        Args:
            gentle: SIGTERM first, and SIGKILL only after `stop_timeout` seconds.
            stop_timeout: See `gentle`.
            kill_timeout: Seconds from SIGKILL until it must be gone.

        Returns:
            What went wrong.
        """
        errors: list[Exception] = []
        try:
            if gentle and not self._exited.is_set():
                self.signal(signal.SIGTERM)
                await self.exited(stop_timeout)
            if not self._exited.is_set():
                self.signal(signal.SIGKILL)
                if not await self.exited(kill_timeout):
                    errors.append(
                        DisposalFailed(f"process {self.pid} is still there {kill_timeout:g} s after SIGKILL: it hangs in the system")
                    )
        except asyncio.CancelledError:
            self.signal(signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(kill_timeout)  # blocks for microseconds; the loop is ending, and nobody else would reap it
            raise
        except OSError as error:
            errors.append(DisposalFailed(f"process {self.pid} cannot be signalled: {error}"))
        finally:
            errors += self._release()
        return errors

    def forget_address(self) -> OSError | None:
        """Removes its socket's name, which nobody needs once we are connected; returns the system's error."""
        try:
            os.unlink(self.address)
        except FileNotFoundError:
            pass
        except OSError as error:
            return error
        return None

    def _release(self) -> list[Exception]:
        errors: list[Exception] = []
        self._read()  # its last words
        if self._lull is not None:
            self._lull.cancel()
        for fd in (self._pidfd, self._output):
            if fd is not None:
                self._loop.remove_reader(fd)
                os.close(fd)
        self._pidfd = self._output = None
        if (error := self.forget_address()) is not None:
            errors.append(DisposalFailed(f"the socket of process {self.pid} cannot be removed: {error}"))
        return errors

    def _exit(self) -> None:
        if self._pidfd is None:
            return
        self._loop.remove_reader(self._pidfd)
        self._popen.poll()  # reaps it
        self._exited.set()
        self.on_exit()

    def _listen(self) -> None:
        self._lull = None
        if self._output is not None:
            self._loop.add_reader(self._output, self._hear)

    def _hear(self) -> None:
        """It has said something, or closed its output."""
        if self._output is None:
            return
        said = self._read()
        self._talkative = self._talkative or said == _CHUNK
        if said == 0 or not self._talkative:
            self._loop.remove_reader(self._output)
        if said > 0 and not self._talkative:
            self._lull = self._loop.call_later(_LULL, self._listen)

    def _read(self) -> int:
        """Takes what it has said, at most a pipe full; returns how many bytes."""
        if self._output is None:
            return 0
        try:
            said = os.read(self._output, _CHUNK)
        except BlockingIOError:
            return 0
        *lines, self._partial = (self._partial + said.decode(errors="replace")).split("\n")
        self._partial = self._partial[:_KEPT_CHARACTERS]
        self._lines.extend(line[:_KEPT_CHARACTERS] for line in lines[-_KEPT_LINES:])
        if log.isEnabledFor(logging.DEBUG):
            for line in lines:
                log.debug("process %d: %s", self.pid, line)
        return len(said)


def _nothing() -> None:
    """Nobody wants to know."""


def _discard(future: Future[Spawned]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().discard()

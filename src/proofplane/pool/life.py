"""One worker from the start of its process to its end: connected to, greeted, lent, ended, cleaned up after.

Rules:

1. One task of the pool goes through a life: `start`, then `over`, then `dispose`, on every path; nobody else waits for the process.
2. `end` decides at once and only asks: it interrupts a start, and kills a worker that must not finish what it does.
3. Nothing is waited for without a bound, and a start only while the process lives.
4. The socket's name is removed as soon as we are connected: then even a kill of both sides leaves nothing behind, and nobody else connects.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

from proofplane import rpc
from proofplane.base.errors import ProofplaneError, TryAgain
from proofplane.pool.addresses import new_address
from proofplane.pool.connection import connection
from proofplane.pool.errors import WorkerNotStarted, WorkerUnusable
from proofplane.pool.exits import ExitCause, Recycle
from proofplane.pool.process import Process
from proofplane.pool.spawner import spawner
from proofplane.pool.types import PoolOptions, WorkerId, WorkerSpec

_EXIT_PATIENCE = 0.2
"""Seconds between a connection's end and its process's until it is killed: a death shows on both within microseconds of each other."""

_WILL_NEVER_RUN = (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError, ValueError)
"""Why a command cannot be run now or later; any other error of the system (no memory, no process, no descriptor) may pass."""


class Life:
    """A worker's process and client, each None while there is none."""

    def __init__(self, number: WorkerId, generation: int, spec: WorkerSpec, options: PoolOptions) -> None:
        self.number = number
        self.generation = generation
        self.process: Process | None = None
        self.client: rpc.Client | None = None
        self.recycled: Recycle | None = None
        """Why it was ended."""
        self.outcome: asyncio.Future[ProofplaneError | None] = asyncio.get_running_loop().create_future()
        """Of the start: None if it became ready."""
        self._spec = spec
        self._options = options
        self._over = asyncio.Event()
        self._connection = AsyncExitStack()
        self._patience: asyncio.Timeout | None = None
        self.ready = False
        """Whether it has become ready, so that it can be asked to end."""

    @property
    def pid(self) -> int:
        """The process id; 0 before there is a process."""
        return 0 if self.process is None else self.process.pid

    async def start(self) -> None:
        """Starts the process, connects, greets.

        Raises:
            WorkerNotStarted: It died, hung, or the system was short of something.
            WorkerUnusable: It would be so again: the command cannot be run, or the greeting failed.
            Exception: Whatever the specification's `command` raises.
        """
        process = await self._launch()
        try:
            async with asyncio.timeout(self._spec.start_timeout) as patience:  # the clock starts with the process
                await self._become_ready(process, patience)
        except TimeoutError as error:
            message = f"{self._name} was not ready within {self._spec.start_timeout:g} s"
            raise WorkerNotStarted(message, process.pid, self.exit_cause, process.log) from error
        except TryAgain as error:
            raise await self._not_started(error) from error
        except Exception as error:
            raise self._unusable(error) from error

    async def _become_ready(self, process: Process, patience: asyncio.Timeout) -> None:
        if self.recycled is not None:
            patience.reschedule(0.0)
        self._patience = patience
        try:
            self.client = await self._connection.enter_async_context(connection(self._spec, process.address, process.pid))
            process.forget_address()  # what cannot be removed is tried again, and reported, when the worker ends
            if self._spec.greet is not None:
                await self._spec.greet(self.client)
            self.ready = True
        finally:
            self._patience = None  # before it is over: then it cannot be changed any more

    async def _launch(self) -> Process:
        address = new_address(spawner().mark)
        argv = self._spec.command(address)
        try:
            process = await Process.launch(argv, self._spec.environment, address, batch=self._spec.batch)
        except _WILL_NEVER_RUN as error:
            raise WorkerUnusable(f"{self._spec.name} cannot be run: {error}") from error
        except OSError as error:
            raise WorkerNotStarted(f"{self._spec.name} could not be started: {error}") from error
        self.process = process
        process.on_exit = self._over.set
        return process

    async def over(self) -> None:
        """Returns when the process has ended, or the worker is to be ended."""
        await self._over.wait()

    def end(self, recycled: Recycle) -> None:
        """Asks for the end; only the first call counts."""
        if self.recycled is not None:
            return
        self.recycled = recycled
        self._over.set()
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(0.0)
        if not self._gently and self.process is not None:
            self.process.signal(signal.SIGKILL)

    def lives(self) -> bool:
        """Whether the process lives; asks the system."""
        return self.process is not None and self.process.lives()

    async def last_words(self) -> tuple[str, ...]:
        """The last lines of a worker whose connection has ended; waits a moment for its process to end, so that its exit is known."""
        if self.process is None:
            return ()
        if not await self.process.exited(_EXIT_PATIENCE):
            self.process.signal(signal.SIGKILL)
        return self.process.log

    @property
    def exit_cause(self) -> ExitCause:
        """How its process ended."""
        return ExitCause.of(None if self.process is None else self.process.returncode, self.recycled)

    async def dispose(self) -> list[Exception]:
        """Ends what is left of it; returns what went wrong."""
        errors: list[Exception] = []
        gentle = self._gently
        try:
            if gentle:
                await self._disconnect(errors)  # it is idle; a server that waits for its clients' end need not wait
            if self.process is not None:
                errors += await self.process.end(
                    gentle=gentle, stop_timeout=self._options.stop_timeout, kill_timeout=self._options.kill_timeout
                )
        finally:
            await self._disconnect(errors)
        return errors

    async def _disconnect(self, errors: list[Exception]) -> None:
        try:
            await self._connection.aclose()
        except Exception as error:
            errors.append(error)

    @property
    def _gently(self) -> bool:
        return self.ready and self.recycled is not None and self.recycled.gentle

    @property
    def _name(self) -> str:
        return f"{self._spec.name} (process {self.pid})"

    async def _not_started(self, error: Exception) -> WorkerNotStarted:
        log = await self.last_words()
        cause = self.exit_cause
        how = cause if cause.code is not None or cause.signal is not None else error
        return WorkerNotStarted(f"{self._name} did not become ready: it {how}", self.pid, cause, log)

    def _unusable(self, error: Exception) -> WorkerUnusable:
        log = () if self.process is None else self.process.log
        text = str(error) if isinstance(error, ProofplaneError) else repr(error)
        return WorkerUnusable(f"{self._name} cannot be used: {text}", log)

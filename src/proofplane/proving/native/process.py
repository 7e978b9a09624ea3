"""One child process of the native prover, seen from the parent: started, spoken to, ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from proofplane.base.errors import Broken
from proofplane.proving.native.frames import HEADER_SIZE, MalformedFrame, Ready, Report, Results, Withdrawn, decode_report, length

log = logging.getLogger(__name__)

START_SECONDS = 30.0
"""A process that is not ready by then never will be: it takes well under a second on an idle machine, a few on an overloaded one."""

END_SECONDS = 2.0
"""Seconds from the end of its input to the kill: a process ends at once unless it hangs outside of the interpreter."""

READ_BUFFER = 1024 * 1024
"""Bytes buffered from a process before reading pauses; a chunk's results fit."""

LAST_WORDS = 2000
"""Bytes of a process's standard error that are kept for the message about its end."""


class WorkerNotStarted(Broken):
    """A prover process could not be started, or ended or hung before it was ready: the message has its last words."""


class WorkerEnded(Broken):
    """A prover process ended by itself or was killed."""


class WorkerProcess:
    """A running child process; made by `launch`, to be ended by `end` on every path."""

    def __init__(self, process: Process) -> None:
        """Use `launch`."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._requests = process.stdin
        self._reports = process.stdout
        self._errors = process.stderr
        self._last_words = b""
        self._listener = asyncio.create_task(self._listen(), name=f"stderr of prover process {process.pid}")
        self._why: str | None = None
        self.version = ""
        """What its receipts carry; known once it is ready."""

    @classmethod
    async def launch(cls, argv: Sequence[str], seconds: float = START_SECONDS) -> WorkerProcess:
        """Starts `argv` and waits, at most `seconds`, until it is ready; raises `WorkerNotStarted`."""
        # A session of its own: Ctrl-C at the terminal must not reach it, not even before it ignores SIGINT.
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=READ_BUFFER, start_new_session=True)
        )
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):
                await cls(await starting).end(grace=0)  # a start that is cut off would leave a process that nobody owns
            raise
        except OSError as error:
            raise WorkerNotStarted(f"the prover process {argv[0]} cannot be started: {error.strerror}") from error
        worker = cls(process)
        try:
            await worker._become_ready(seconds)
        except BaseException:
            await worker.end(grace=0)
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def takes_orders(self) -> bool:
        """Whether it may still be sent to; False from the moment on at which its end is noticed, before `receive` has told."""
        return not self._requests.is_closing()

    def send(self, frame: bytes) -> None:
        """Writes a frame without waiting, if it `takes_orders`; the caller bounds how many are unanswered."""
        self._requests.write(frame)

    async def receive(self) -> Results | Withdrawn:
        """Returns the next report; raises `WorkerEnded`, or `MalformedFrame` if the process says anything else."""
        report = await self._report()
        if isinstance(report, Ready):
            raise MalformedFrame(f"prover process {self.pid} said twice that it is ready")
        return report

    def kill(self, why: str) -> None:
        """Ends the process now; `receive` then raises `WorkerEnded` saying `why`."""
        self._why = why
        self._kill()

    async def end(self, grace: float = END_SECONDS) -> None:
        """Ends the input, waits up to `grace` seconds, kills; afterwards the process is gone and reaped. May be called again."""
        try:
            self._requests.close()
            async with asyncio.timeout(grace):
                await self._gone()
        except TimeoutError:
            self._kill()
            with contextlib.suppress(TimeoutError):  # a child of the child may hold the pipes; what was killed is dead all the same
                async with asyncio.timeout(END_SECONDS):
                    await self._gone()
        except BaseException:
            self._kill()
            raise
        finally:
            self._listener.cancel()

    async def _become_ready(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                report = await self._report()
        except TimeoutError:
            raise WorkerNotStarted(f"prover process {self.pid} was not ready within {seconds:g} s{self._quoted()}") from None
        except (WorkerEnded, MalformedFrame) as error:
            raise WorkerNotStarted(f"the native prover does not start: {error}") from error
        if not isinstance(report, Ready):
            raise WorkerNotStarted(f"prover process {self.pid} reported before it was ready")
        self.version = report.version

    async def _report(self) -> Report:
        try:
            size = length(await self._reports.readexactly(HEADER_SIZE))
            return decode_report(await self._reports.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            raise WorkerEnded(await self._obituary()) from None

    async def _obituary(self) -> str:
        await self.end()
        code = self._process.returncode
        how = f"was killed by {_signal_name(-code)}" if code is not None and code < 0 else f"ended with exit code {code}"
        return f"prover process {self.pid} {self._why or how}{self._quoted()}"

    def _quoted(self) -> str:
        lines = self._last_words.decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""

    async def _gone(self) -> None:
        """Returns when the process has been reaped and has let go of its pipes (until then their transports stay open)."""
        await self._process.wait()
        with contextlib.suppress(OSError):
            while await self._reports.read(READ_BUFFER):
                pass
        await asyncio.wait([self._listener])

    async def _listen(self) -> None:
        while said := await self._errors.read(LAST_WORDS):
            self._last_words = (self._last_words + said)[-LAST_WORDS:]
            log.debug("prover process %d: %s", self.pid, said.decode(errors="replace").rstrip())

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"

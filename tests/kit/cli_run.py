"""The `proofplane` command as a user runs it: a process of its own, with what it printed and how it ended."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from proofplane.cli.main import run

TIMEOUT = 120.0
"""Seconds for one command; each takes a fraction of one on an idle machine."""

MAX_LINES = 2
"""Lines of a refusal on standard error."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output; fails if the command failed or printed anything else there."""
        assert self.code == 0, self
        document, end = json.JSONDecoder().raw_decode(self.out)
        assert self.out[end:] == "\n", f"something follows the document: {self.out[end:]!r}"
        return document

    def succeeded(self) -> Ended:
        """Itself; fails unless it ended well."""
        assert self.code == 0, self
        return self

    def refused(self, code: int, *words: str) -> None:
        """Fails unless it ended with `code`, printed nothing but one or two lines on standard error, and these contain `words`."""
        assert self.code == code, self
        assert self.out == "", self
        lines = self.err.splitlines()
        assert 1 <= len(lines) <= MAX_LINES, self
        assert all(line.strip() for line in lines), self
        for sign in ("Traceback", "internal error", "Error("):
            assert sign not in self.err, self
        for word in words:
            assert word in self.err, (word, self)


def proofplane(*arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, under: Sequence[str] = ()) -> Ended:
    """Runs the command to its end; `under` is a command line to put before its own (a limit, a namespace)."""
    return Running(*arguments, env=env, cwd=cwd, under=under).end()


def prove(headers: Path, first_height: int, data_dir: Path, *more: object, under: Sequence[str] = ()) -> Ended:
    """Runs `prove --headers` quietly."""
    given = ("--headers", headers, "--first-height", first_height, "--data-dir", data_dir, *more)
    return proofplane("prove", "--quiet", *given, under=under)


def here(*arguments: object) -> Ended:
    """Runs a command that only reads, inside this process: several times faster than one of its own; log lines are not in `err`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run([str(argument) for argument in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


class Running:
    """A command in the background; a context manager that kills it if it still runs."""

    def __init__(
        self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None, under: Sequence[str] = ()
    ) -> None:
        # Settings of the developer's own environment must not leak in; the tests' own are given in `env`.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PROOFPLANE_")}
        self._files = ExitStack()
        self._out = self._files.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
        self._err = self._files.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
        self._process = subprocess.Popen(
            [*under, sys.executable, "-m", "proofplane", *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            cwd=cwd,
            env={**clean, **(env or {})},
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def err_so_far(self) -> str:
        """What it has printed on standard error."""
        return os.pread(self._err.fileno(), 1 << 20, 0).decode()

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    def end(self) -> Ended:
        """Waits for its end."""
        with self._files:
            try:
                code = self._process.wait(TIMEOUT)
            except BaseException:
                self._process.kill()
                self._process.wait()
                raise
            out, err = (os.pread(file.fileno(), 1 << 24, 0).decode() for file in (self._out, self._err))
        return Ended(code, out, err)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.runs():
            self._process.kill()
        self._process.wait()
        self._files.close()

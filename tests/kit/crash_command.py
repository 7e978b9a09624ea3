"""The real command line in a process of its own, for tests that end it by signals."""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kit.crash_processes import PATIENCE, ended, processes_of
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.types import Mode
from proofplane.storage.database import DATABASE_NAME

_LOOK_SECONDS = 0.01
"""Between two looks at the rows of a process that works."""


def write_headers(file: Path, count: int) -> None:
    """A file of regtest headers from genesis to height `count`."""
    chain = RegtestChain(b"crash tests", Mode.HEADERS_ONLY)
    blocks = [chain.genesis, *chain.mine_many(chain.genesis, count)]
    file.write_bytes(b"".join(chain.header(block).encode() for block in blocks))


class Command:
    """A `proofplane` command that runs."""

    def __init__(self, data_dir: Path, *words: str) -> None:
        self.data_dir = data_dir
        command = [sys.executable, "-m", "proofplane", *words, "--data-dir", str(data_dir)]
        # A session of its own, so that Ctrl-C at the terminal of the tests is not its Ctrl-C.
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        self.said = ""
        """Its standard error, as far as it was read."""
        self.printed = ""
        """Its standard output, once it has ended."""

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def children(self) -> list[int]:
        """Its prover processes."""
        return [pid for pid in processes_of(self.data_dir) if pid != self.pid]

    def send(self, number: signal.Signals) -> None:
        """Sends it, and nobody else, a signal."""
        self._process.send_signal(number)

    def wait_for_proofs(self, wanted: int) -> None:
        """Waits until so many proofs are stored; fails if it ends before."""
        deadline = time.monotonic() + PATIENCE
        while stored_proofs(self.data_dir) < wanted:
            if ended(self.pid, _LOOK_SECONDS) or time.monotonic() > deadline:
                raise AssertionError(f"it did not get that far: {self.end()}, {self.said}")

    def wait_for_words(self, words: str) -> None:
        """Waits until it has said something on standard error; fails if it ends before."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.said:
            if not self._listen(deadline - time.monotonic()):
                raise AssertionError(f"it did not say {words!r}: {self.said}")

    def end(self, seconds: float = PATIENCE) -> int:
        """Waits for its end and returns its exit code, or minus the signal that killed it; kills it if that takes too long."""
        try:
            printed, said = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        self.said += said.decode()
        self.printed = printed.decode()
        return self._process.returncode

    def close(self) -> None:
        """Leaves nothing of it behind."""
        self._process.kill()
        if self._process.stdout is not None and not self._process.stdout.closed:
            self._process.communicate()

    def _listen(self, seconds: float) -> bool:
        """Reads what it says; returns whether there was anything within `seconds`."""
        assert self._process.stderr is not None
        if not select.select([self._process.stderr], [], [], max(0.0, seconds))[0]:
            return False
        part = os.read(self._process.stderr.fileno(), 4096)
        self.said += part.decode()
        return bool(part)


@contextmanager
def started(data_dir: Path, *words: str) -> Iterator[Command]:
    """A command that is gone at the end of the block, whatever happens."""
    command = Command(data_dir, *words)
    try:
        yield command
    finally:
        command.close()


def stored_proofs(data_dir: Path) -> int:
    """How many proofs a data directory has, which may be about to be made."""
    try:
        with closing(sqlite3.connect(f"file:{data_dir / DATABASE_NAME}?mode=ro", uri=True)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM proofs").fetchone()
    except sqlite3.OperationalError:
        return 0  # there is no database yet, or no table in it
    return int(count)

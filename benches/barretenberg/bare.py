"""The peer: `bb` by hand with nothing around it. A process, a raw Unix socket, requests that were packed before, and one thread for each.

It checks each answer's bytes and nothing else: no deadline, no field element is looked at, no dead process is replaced.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from proofplane.rpc.codec import encoder
from proofplane.wire import Command

_POLL = 0.0002
"""Seconds between two attempts to connect: in a process of 2.3 ms no more than that is lost."""

_LENGTH = 4
"""Bytes of the length before each frame, little-endian."""

_numbers = count()


@dataclass(frozen=True, slots=True)
class Program:
    """A `bb` to start."""

    path: Path
    points: Path
    """Folder of ceremony points."""
    threads: int


@dataclass(frozen=True, slots=True)
class Question:
    """A request as it is sent, and its answer as it must come."""

    frame: bytes
    answer: bytes | None
    """None: whatever is no error."""


def question(request: Command[Any], answer: dict[str, Any] | None = None) -> Question:
    """Packs a request; `answer` has the fields of the reply that is expected."""
    name = type(request).__name__
    body = b"\x91\x92" + msgspec.msgpack.encode(name) + encoder().encode(request)
    reply = None if answer is None else msgspec.msgpack.encode([f"{name}Response", answer])
    return Question(len(body).to_bytes(_LENGTH, "little") + body, reply)


class Bare:
    """A process and the one connection to it."""

    def __init__(self, program: Program, place: Path) -> None:
        """Starts it and connects; `place` is a folder with a short path."""
        self._path = str(place / f"{next(_numbers)}.sock")
        command = [str(program.path), "msgpack", "run", "--input", self._path]
        environment = {**os.environ, "CRS_PATH": str(program.points), "HARDWARE_CONCURRENCY": str(program.threads)}
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(self._path)
                return
            except (FileNotFoundError, ConnectionRefusedError):
                if self._process.poll() is not None:
                    raise SystemExit(f"bb ended with {self._process.returncode}") from None
                time.sleep(_POLL)

    def ask(self, asked: Question) -> bytes:
        """Sends a request, waits for its answer and holds it against the expected one."""
        self._socket.sendall(asked.frame)
        reply = self._exactly(int.from_bytes(self._exactly(_LENGTH), "little"))
        if reply != asked.answer and (asked.answer is not None or b"ErrorResponse" in reply[:16]):
            raise SystemExit(f"bb answered {reply[:200]!r}")
        return reply

    def end(self) -> None:
        """Kills it and removes its socket."""
        self._process.kill()
        self._process.wait()
        self._socket.close()
        os.unlink(self._path)

    def _exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            part = self._socket.recv(size - len(received))
            if not part:
                raise SystemExit("bb has closed the connection")
            received += part
        return received


@contextmanager
def bare(program: Program, processes: int = 1) -> Iterator[list[Bare]]:
    """Running processes, ended when they are left."""
    with tempfile.TemporaryDirectory(prefix="pp-bench-") as place, ExitStack() as stack:
        running = []
        for _ in range(processes):
            running.append(Bare(program, Path(place)))
            stack.callback(running[-1].end)
        yield running


def hand_loop(askers: Sequence[Callable[[Question], object]], questions: Sequence[Question]) -> list[float]:
    """Has each asker ask on a thread of its own, one question after the other, until all are answered; returns when each was."""
    left = iter(questions)  # a list's iterator is safe to share

    def work(ask: Callable[[Question], object]) -> list[float]:
        ended = []
        for asked in left:
            ask(asked)
            ended.append(time.perf_counter())
        return ended

    with ThreadPoolExecutor(len(askers)) as threads:
        return [instant for ended in threads.map(work, askers) for instant in ended]

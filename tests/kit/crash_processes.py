"""Which processes there are, by what stands on their command lines, and waiting for their end."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

PATIENCE = 60.0
"""Seconds after which a test gives up on a process that should have ended."""


def processes_of(data_dir: Path) -> list[int]:
    """The processes, other than this one, that were given a data directory, or a file in it, as an argument."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if os.fsencode(data_dir) in words:
                found.append(int(process.name))
    return found


def wait_until_gone(data_dir: Path, seconds: float = PATIENCE) -> float:
    """Returns when no process of a data directory is left, and after how many seconds that was; fails if that takes too long."""
    began = time.monotonic()
    while left := processes_of(data_dir):
        for pid in left:
            if not ended(pid, began + seconds - time.monotonic()):
                raise AssertionError(f"process {pid} has not ended within {seconds:g} s: {_command_line(pid)}")
    return time.monotonic() - began


def ended(pid: int, seconds: float) -> bool:
    """Waits until any process, not only a child of ours, has ended; returns whether it has."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))
    finally:
        os.close(handle)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "(it has now)"

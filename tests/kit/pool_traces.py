"""What a pool may leave behind in a system: processes, sockets, descriptors, shared memory; looked for before and after."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kit.rpc_service import PATIENCE
from proofplane.pool.addresses import directories
from proofplane.pool.guard import PREFIX
from proofplane.pool.spawner import spawner


@dataclass(frozen=True, slots=True)
class Traces:
    """Of this process."""

    children: frozenset[int]
    """Processes, those that are not reaped included, without the guard, which stays as long as we do."""
    sockets: frozenset[str]
    descriptors: int
    threads: int
    """Without those of a loop's own executor, which end with the loop."""
    shared: int
    """Objects of shared memory in the whole system with a name of ours or of `bb`'s."""


def traces() -> Traces:
    """As it is now."""
    made = spawner()  # its thread and mark are no trace
    children = frozenset(pid for pid in _processes() if pid != made.guard and _parent(pid) == os.getpid())
    shared = [name for name in os.listdir("/dev/shm") if name.startswith((PREFIX, "bb")) or name.endswith(("_request", "_response"))]
    threads = sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())
    return Traces(children, frozenset(sockets(made.mark)), len(os.listdir("/proc/self/fd")), threads, len(shared))


def sockets(mark: str) -> list[str]:
    """Files of the workers of the process with this mark."""
    return [name for place in directories() for name in os.listdir(place) if name.startswith(f"{PREFIX}-{mark}-")]


def carriers(mark: str) -> list[int]:
    """Processes with this mark in their environment."""
    found = []
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark.encode() in file.read():
                    found.append(pid)
        except OSError:
            continue
    return found


@contextmanager
def no_traces() -> Iterator[None]:
    """Asserts that what is done inside leaves nothing behind."""
    before = traces()
    yield
    after = traces()
    if after != before:
        gc.collect()  # a connection's descriptor is closed with its last reference, and a kept traceback may hold one in a cycle
        after = traces()
    # There may be fewer descriptors: those of an earlier test's garbage.
    assert replace(after, descriptors=max(after.descriptors, before.descriptors)) == before, f"{after} left of {before}"


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Waits, blocking, for what no event tells of in another process's end; fails after a long time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"did not happen: {what}"
        time.sleep(0.01)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[1])
    except OSError:
        return None

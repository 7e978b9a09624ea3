"""A small process beside ours that ends our workers if we are killed: `python -I -S guard.py PID MARK UID DIRECTORY...`.

The parent-death signal alone is not enough: a worker that has just been started has not asked for it yet (`bb` needs 2 ms to), one that
computes heeds SIGTERM only after its command, which may take minutes, and some never ask. So this process waits for the end of process
PID and then kills whatever carries MARK in its environment, and removes the sockets whose names begin with it.

It imports nothing of ours, so that it starts in some 10 ms and needs little memory; nobody waits for it.
"""

import os
import select
import signal
import stat
import sys
import time

VARIABLE = "PROOFPLANE_POOL_PARENT"
"""Environment variable of every worker: its pool's process id and that process's mark, with a hyphen between."""

PREFIX = "proofplane-pool"
"""Of every socket's name; process id and mark follow."""

_ROUNDS = 10
"""Times that it looks for workers: one that was between fork and exec when its parent died shows its environment a moment later."""

_PAUSE = 0.02
"""Seconds between two looks."""

_MOST_FDS = 1 << 20
"""Descriptors that a process has at most on any usual system."""


def wait_for_end(pid: int) -> None:
    """Returns when our parent, process `pid`, has ended."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    if os.getppid() == pid:  # otherwise it has ended, and the number may be another's
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.poll()
    os.close(fd)


def end_workers(mark: str) -> None:
    """Kills every process that carries the mark."""
    wanted = f"{VARIABLE}={mark}".encode()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            # Held while we look, so that the number cannot become another process's before the kill.
            fd = os.pidfd_open(int(name))
        except OSError:
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    signal.pidfd_send_signal(fd, signal.SIGKILL)
        except OSError:
            pass  # it has ended, or is another user's
        finally:
            os.close(fd)


def remove_sockets(mark: str, uid: int, directories: list[str]) -> None:
    """Removes the sockets of the mark's workers."""
    for directory in directories:
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        for name in names:
            path = os.path.join(directory, name)
            try:
                if name.startswith(f"{PREFIX}-{mark}-") and stat.S_ISSOCK((status := os.lstat(path)).st_mode) and status.st_uid == uid:
                    os.unlink(path)
            except OSError:
                pass  # its worker was faster


def main(pid: str, mark: str, uid: str, *directories: str) -> None:
    """Waits for the end of process `pid`, then cleans up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, _MOST_FDS)  # whoever waits for the end of a pipe that our parent inherited must not wait for us
    wait_for_end(int(pid))
    for _ in range(_ROUNDS):
        end_workers(mark)
        remove_sockets(mark, int(uid), list(directories))
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])

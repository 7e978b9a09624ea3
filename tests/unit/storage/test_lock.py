"""The directory lock: one process at a time, and no lock outlives its process."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from proofplane.base.errors import CallerMistake
from proofplane.storage.errors import DirectoryInUse, DirectoryUnusable
from proofplane.storage.lock import DirectoryLock

_HOLD = (
    "import sys, pathlib; from proofplane.storage.lock import DirectoryLock; "
    "lock = DirectoryLock(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def _holder(directory: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", _HOLD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_it_creates_the_directory_for_its_owner_alone(tmp_path: Path) -> None:
    with DirectoryLock(tmp_path / "a" / "b"):
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with _holder(tmp_path) as other:
        with pytest.raises(DirectoryInUse, match=f"in use by process {other.pid}") as caught:
            DirectoryLock(tmp_path)
        assert isinstance(caught.value, CallerMistake)
        assert other.stdin is not None
        other.stdin.close()
    DirectoryLock(tmp_path).release()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as other:
        os.kill(other.pid, signal.SIGKILL)
    with DirectoryLock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_it_can_be_taken_again_after_release_and_released_twice(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path)
    lock.release()
    lock.release()
    DirectoryLock(tmp_path).release()


def test_a_path_that_cannot_be_a_directory_is_the_callers_mistake(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for bad in (file, file / "below"):
        with pytest.raises(DirectoryUnusable, match="cannot be used"):
            DirectoryLock(bad)


def _open_files(directory: Path) -> list[int]:
    """Descriptors of this process that name the lock file."""
    file = (directory / "lock").stat()
    found = []
    for fd in range(1024):  # the lowest free number is taken, so it is among these
        with contextlib.suppress(OSError):
            if os.path.samestat(os.fstat(fd), file):
                found.append(fd)
    return found


def test_a_disk_without_room_for_the_process_id_is_still_locked(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        lock = DirectoryLock(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(DirectoryInUse, match="in use by process unknown"):
        DirectoryLock(tmp_path)
    lock.release()
    assert _open_files(tmp_path) == []


def test_a_file_system_that_cannot_lock_is_not_taken_for_a_busy_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(DirectoryUnusable, match="cannot be locked: No locks available"):
        DirectoryLock(tmp_path)
    assert _open_files(tmp_path) == []


def test_an_interrupted_attempt_leaves_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(fd: int, operation: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(KeyboardInterrupt):
        DirectoryLock(tmp_path)
    assert _open_files(tmp_path) == []

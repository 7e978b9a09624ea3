"""The directory lock: one process at a time, and no lock outlives its process."""

from __future__ import annotations

import os
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

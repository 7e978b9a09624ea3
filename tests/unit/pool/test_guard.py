"""The guard ends what carries its mark when its parent has ended, and nothing else."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from kit.pool_bb import ended
from kit.pool_traces import eventually
from kit.rpc_service import PATIENCE
from proofplane.pool import guard

_PARENT = "import subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin.read()"


def sleeper(mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["/bin/sleep", "60"], env={guard.VARIABLE: mark})


def bound(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))
    return path


def test_when_its_parent_ends_the_guard_kills_the_marked_and_removes_their_sockets() -> None:
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(dir="/tmp") as directory, sleeper(mark) as marked, sleeper(f"{mark}0") as other:
        place = Path(directory)
        left = bound(place / f"{guard.PREFIX}-{mark}-1.sock")
        foreign = bound(place / f"{guard.PREFIX}-{mark}0-1.sock")
        plain = place / f"{guard.PREFIX}-{mark}-2.sock"
        plain.touch()
        parent = subprocess.Popen([sys.executable, "-c", _PARENT, "/bin/sleep", "0"], stdin=subprocess.PIPE)
        command = [sys.executable, "-I", "-S", guard.__file__, str(parent.pid), mark, str(os.getuid()), directory]
        # It is not this parent's child, as if the parent had ended before the guard could look.
        assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0
        assert marked.wait(PATIENCE) == -9
        assert not left.exists()
        assert foreign.exists()
        assert plain.exists()
        assert other.poll() is None
        other.kill()
        parent.communicate(timeout=PATIENCE)


def test_a_guard_ends_soon_after_a_parent_that_ended_in_peace() -> None:
    script = "from proofplane.pool.spawner import spawner; spawner().spawn(['/bin/true'], {}).result().discard(); print(spawner().guard)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=PATIENCE, check=True).stdout
    eventually(lambda: ended(int(said)), "the guard's end")

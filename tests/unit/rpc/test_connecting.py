"""Connecting to one's own child: whoever else listens at its address is not taken for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from proofplane import rpc

_NOBODY = 65534

_LISTENER = """\
import os, socket, sys
os.setuid(int(sys.argv[2]))
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
listener.listen()
print("listening", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A folder that every user may write into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_listener_of_another_user_is_not_taken_for_ones_own_child(everybodys: Path) -> None:
    path = str(everybodys / "child.sock")
    command = [sys.executable, "-c", _LISTENER, path, str(_NOBODY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        with pytest.raises(rpc.CannotConnect, match=f"user {_NOBODY} listens there"), rpc.connect_blocking(path, child=process.pid):
            pass
        with socket.socket(socket.AF_UNIX) as anybody:
            anybody.connect(path)  # a server that is not said to be our child may be anybody's
        process.kill()

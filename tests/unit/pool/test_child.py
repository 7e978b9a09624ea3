"""A pooled Python service ends with its pool."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kit.rpc_service import PATIENCE
from proofplane.pool.guard import VARIABLE

_SCRIPT = """
import os
from proofplane.pool.child import end_with_parent
end_with_parent()
print('lives', 'PROOFPLANE_POOL_PARENT' in os.environ)
"""


@pytest.mark.parametrize(
    ("parent", "code", "said"),
    [
        (None, 0, b"lives False\n"),
        (f"{os.getpid()}-abcd", 0, b"lives False\n"),
        ("1-abcd", -signal.SIGKILL, b""),
    ],
    ids=["no pool", "its pool lives", "its pool has died before it looked"],
)
def test_a_service_lives_on_only_under_its_pool(parent: str | None, code: int, said: bytes) -> None:
    variables = {name: value for name, value in os.environ.items() if name != VARIABLE} | ({} if parent is None else {VARIABLE: parent})
    ran = subprocess.run([sys.executable, "-c", _SCRIPT], env=variables, capture_output=True, timeout=PATIENCE, check=False)
    assert (ran.returncode, ran.stdout) == (code, said)


def test_a_service_ends_when_its_parent_is_killed() -> None:
    child = f"{_SCRIPT}\nprint(os.getpid(), flush=True)\nimport time; time.sleep(60)"
    parent = (
        "import os, subprocess, sys\n"
        f"os.environ['{VARIABLE}'] = f'{{os.getpid()}}-abcd'\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]])"
    )
    with subprocess.Popen([sys.executable, "-c", parent, child], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"lives False\n"
        process.stdout.readline()
        process.kill()
        assert process.stdout.read() == b""  # its end: nobody holds the pipe any more

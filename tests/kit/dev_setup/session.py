"""One `bb` process over a folder of points, for making artefacts: started, asked without an event loop, ended."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.echo_program import PATIENCE
from proofplane.barretenberg.generated.barretenberg import CONTRACT
from proofplane.rpc.blocking import BlockingClient
from proofplane.rpc.connect import connect_blocking


@contextmanager
def session(program: Path, points: Path) -> Iterator[BlockingClient]:
    """A client of a fresh process; each call needs a deadline, since `bb` answers some mistakes with silence."""
    with tempfile.TemporaryDirectory(prefix="bb.") as place:
        address = f"{place}/bb.sock"
        command = [str(program), "msgpack", "run", "--input", address]
        environment = os.environ | {"CRS_PATH": str(points)}
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet) as process:
            try:
                with connect_blocking(address, CONTRACT, child=process.pid, start_timeout=PATIENCE) as client:
                    yield client
            finally:
                process.kill()

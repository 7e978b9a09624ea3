"""A server of the benches in a process of its own, pinned, and gone afterwards."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PEER = Path(__file__).resolve().parent / "peer.py"


@contextmanager
def served(peer: str, transport: str, core: int) -> Iterator[tuple[str, int]]:
    """Serves `peer` on one core over `sock` or `shm`; gives the address and the process id."""
    with tempfile.TemporaryDirectory(prefix="pp-bench-") as folder:
        address = f"{folder}/s.sock" if transport == "sock" else f"pp-bench-{os.getpid()}.shm"
        command = ["taskset", "-c", str(core), sys.executable, str(_PEER), peer, "serve", address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            if server.stdout.readline().strip() != "ready":
                raise SystemExit(f"{peer} did not start")
            try:
                yield address, server.pid
            finally:
                server.terminate()

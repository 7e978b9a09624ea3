"""Us: a native handler on the reactor's own thread, every method an echo; driven by the C client, so that no Python is measured."""

import signal
import sys

from messages import Figures
from ours import CONTRACT

from proofplane import _native


def serve(address: str) -> None:
    names = [(method.name, method.response_name) for method in CONTRACT.methods]
    server = _native.EchoServer(address, CONTRACT.schema_hash, names, CONTRACT.error_name, limits=_native.Limits())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    try:
        signal.pause()
    finally:
        server.shutdown(0.0)


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    raise NotImplementedError("the C client drives it")

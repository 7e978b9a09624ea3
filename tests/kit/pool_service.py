"""A Python service as a worker of a pool: `pool_service.py ADDRESS` serves the test service until SIGTERM, and ends with its pool.

`held N` on its output says that a request of that number has arrived to be held. With a second argument, `occupy`, it puts a directory
where its socket was as soon as that has been removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.pool_bb import until
from kit.rpc_service import CONTRACT, Data, Echo, service
from proofplane import rpc
from proofplane.pool.child import end_with_parent
from proofplane.pool.types import WorkerSpec


def spec(*arguments: str, **changed: Any) -> WorkerSpec:
    """This program as a worker."""

    def command(address: str) -> Sequence[str]:
        return (sys.executable, "-P", __file__, address, *arguments)

    return replace(WorkerSpec(name="test service", command=command, contract=CONTRACT), **changed)


async def main(address: str, manner: str = "") -> None:
    """Serves until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    made, held = service()
    held.tell = lambda number: print(f"held {number}", flush=True)
    async with rpc.serve(address, made, options=rpc.ServerOptions(grace=0.1)):
        if manner == "occupy":
            await until(lambda: not os.path.exists(address))
            os.mkdir(address)
        await stop.wait()


async def echoed(client: rpc.Client) -> None:
    """A greeting or a probe: asks for an echo."""
    assert await client.call(Echo(b"hello")) == Data(b"hello")


if __name__ == "__main__":
    end_with_parent()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:]))

"""Us: both ends on uvloop, handlers `async def`, the client awaited."""

import asyncio
import signal

import uvloop
from messages import Figures, drive
from ours import CONTRACT, LARGE_REQUEST, SERVICE, SMALL_REQUEST

from proofplane import rpc

OPTIONS = rpc.ServerOptions(request_ring=4 << 20, response_ring=4 << 20, grace=0.1)
"""Rings that hold sixteen large messages at once."""


def serve(address: str) -> None:
    async def main() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        async with rpc.serve(address, SERVICE, options=OPTIONS):
            print("ready", flush=True)
            await ended.wait()

    uvloop.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        async with rpc.connect(address, CONTRACT) as client:
            request = LARGE_REQUEST if large else SMALL_REQUEST
            return await drive(lambda: client.call(request), depth, seconds)

    return uvloop.run(main())

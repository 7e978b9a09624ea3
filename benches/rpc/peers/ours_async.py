"""Us: both ends on uvloop, handlers `async def`, the client awaited."""

import asyncio

import uvloop
from messages import Figures, drive
from ours import CONTRACT, LARGE_REQUEST, SERVICE, SMALL_REQUEST

from proofplane import rpc


def serve(address: str) -> None:
    async def main() -> None:
        async with rpc.serve(address, SERVICE):
            print("ready", flush=True)
            await asyncio.Event().wait()

    uvloop.run(main())


def drive_calls(address: str, depth: int, seconds: float, large: bool) -> Figures:
    async def main() -> Figures:
        async with rpc.connect(address, CONTRACT) as client:
            request = LARGE_REQUEST if large else SMALL_REQUEST
            return await drive(lambda: client.call(request), depth, seconds)

    return uvloop.run(main())

"""A server process: `python rpc_server_process.py ADDRESS` serves the test service, prints `ready`, ends with its standard input."""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.rpc_service import service
from proofplane import rpc


async def main(address: str) -> None:
    """Serves until standard input ends."""
    made, _ = service()
    async with rpc.serve(address, made, options=rpc.ServerOptions(grace=0.1)):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

"""A server process: `python rpc_server_process.py ADDRESS` serves the test service until its standard input ends.

It prints `ready` when clients can connect, and `held N` when a request of that number has arrived to be held.
"""

import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit.rpc_service import service
from proofplane import rpc


async def main(address: str) -> None:
    """Serves until standard input ends."""
    made, held = service()
    held.tell = lambda number: print(f"held {number}", flush=True)
    async with rpc.serve(address, made, options=rpc.ServerOptions(grace=0.1)):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))

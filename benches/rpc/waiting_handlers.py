"""Do handlers that wait hold each other up? Sixteen requests on one connection, handlers of 10 ms; milliseconds until the last reply.

python benches/rpc/waiting_handlers.py [--rounds 20]
"""

import argparse
import asyncio
import statistics
import tempfile
import time

import uvloop
from ours import CONTRACT, SMALL_REQUEST, Small, SmallReply

from proofplane import rpc

AT_ONCE = 16
WAIT_SECONDS = 0.010


async def main(rounds: int) -> None:
    service = rpc.Service(CONTRACT, partial=True)

    @service.handles(Small)
    async def wait(request: Small) -> SmallReply:
        await asyncio.sleep(WAIT_SECONDS)
        return SmallReply(request.name, request.number, request.digest, 0)

    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/s.sock"
        async with rpc.serve(address, service), rpc.connect(address, CONTRACT) as client:
            took = []
            for _ in range(rounds):
                started = time.perf_counter()
                await asyncio.gather(*(client.call(SMALL_REQUEST) for _ in range(AT_ONCE)))
                took.append((time.perf_counter() - started) * 1e3)
    median, worst, waits = statistics.median(took), max(took), WAIT_SECONDS * 1e3
    print(f"{AT_ONCE} requests of {waits:.0f} ms: median {median:.1f} ms, worst {worst:.1f} ms (goal < 25 ms)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    uvloop.run(main(parser.parse_args().rounds))

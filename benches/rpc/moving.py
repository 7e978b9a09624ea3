"""Does the spin learn? The blocking client moves between the server's core and another; the median round trip of each stay, microseconds.

python benches/rpc/moving.py [--stays 8] [--seconds 0.3]
"""

import argparse
import os
import statistics
import time

from ours import CONTRACT, SMALL_REQUEST
from process import served

from proofplane import rpc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stays", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0.3)
    arguments = parser.parse_args()
    for transport in ("shm", "sock"):
        with served("ours_async", transport, 0) as (address, _), rpc.connect_blocking(address, CONTRACT) as client:
            for stay in range(arguments.stays):
                core = stay % 2
                os.sched_setaffinity(0, {core})
                samples: list[float] = []
                end = time.perf_counter() + arguments.seconds
                while (started := time.perf_counter()) < end:
                    client.call(SMALL_REQUEST)
                    samples.append((time.perf_counter() - started) * 1e6)
                first = statistics.median(samples[:200])
                where = "the server's core" if core == 0 else "another core"
                print(f"{transport}: on {where}: p50 {statistics.median(samples):.2f} us, of the first 200 calls {first:.2f} us")


if __name__ == "__main__":
    main()

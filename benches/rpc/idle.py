"""What does a server with an idle client cost? Processor time of both over ten seconds, over a socket and over shared memory.

python benches/rpc/idle.py [--seconds 10]
"""

import argparse
import os
import time
from pathlib import Path

from ours import CONTRACT, SMALL_REQUEST
from process import served

from proofplane import rpc


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    for transport in ("sock", "shm"):
        with served("ours_async", transport, 0) as (address, pid), rpc.connect_blocking(address, CONTRACT) as client:
            for _ in range(1000):
                client.call(SMALL_REQUEST)
            before = cpu_seconds(pid), time.process_time()
            time.sleep(seconds)
            server, own = cpu_seconds(pid) - before[0], time.process_time() - before[1]
        print(f"{transport}: server {100 * server / seconds:.2f} %, client {100 * own / seconds:.2f} % of one processor (goal < 0.5 %)")


if __name__ == "__main__":
    main()

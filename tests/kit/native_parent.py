"""A process with a native prover inside, for tests that kill it: `native_parent.py NAMED_PIPE`, tells its workers' ids on one line."""

import asyncio
import signal
import sys

from kit.native_programs import PREDICATE, argv, program_id
from kit.submissions import submission
from proofplane.proving.native.backend import NativeProver


async def _main(pipe: str) -> None:
    prover = NativeProver(argv(), workers=2)
    await prover.start([submission(0, program_id("spin"), PREDICATE, pipe.encode())])
    await prover.start([submission(1, program_id("join"), PREDICATE)])
    await prover.completions.recv()  # of the second job, by the second worker: the first computes for ever
    print(*prover.pids, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_main(sys.argv[1]))

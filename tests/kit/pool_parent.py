"""A process with a pool inside, for tests that kill it: `pool_parent.py MANNER`, which tells on one line its mark, and its workers' ids.

`busy`: one worker idle, one computing for long. `python`: two Python services, one of which holds a request.
`starting MICROSECONDS`: kills itself so long after it has begun to start three workers.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kit import pool_bb, pool_service
from kit.rpc_service import Hold
from proofplane.pool.pool import WorkerPool
from proofplane.pool.spawner import spawner
from proofplane.wire import Command


async def busy(pool: WorkerPool, request: Command[pool_bb.Any]) -> None:
    """Lends one of two workers for long, and never comes to an end."""
    async with pool:
        await pool.start()
        holding = asyncio.ensure_future(pool.call(request, timeout=600.0))
        await pool_bb.until(lambda: pool.stats.borrowed == 1)
        if request is pool_bb.LONG:
            await pool_bb.until(lambda: any(pool_bb.used(pid) > 10 for pid in pool.pids))
        print(spawner().mark, *pool.pids, flush=True)
        await holding


async def starting(microseconds: int) -> None:
    """Dies with workers under way."""
    print(spawner().mark, flush=True)
    asyncio.get_running_loop().call_later(microseconds / 1e6, os.kill, os.getpid(), signal.SIGKILL)
    async with WorkerPool(pool_bb.spec(), 3) as pool:
        await pool.start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    match sys.argv[1]:
        case "busy":
            asyncio.run(busy(WorkerPool(pool_bb.spec(), 2), pool_bb.LONG))
        case "python":
            asyncio.run(busy(WorkerPool(pool_service.spec(), 2), Hold(1)))
        case "starting":
            asyncio.run(starting(int(sys.argv[2])))

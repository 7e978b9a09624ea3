"""How long from a pool that has no process to its first answer, against a process that is started and asked by hand?

The first answer is a hash, and the pool does not greet; a pool of verifiers greets with a good proof, so its first proof is the second one
that its process verifies, and is shown beside a bare process that verifies one. The peer tries to connect every 0.2 ms.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bare import Bare, Question, question
from material import step_proof
from measuring import Case, Ratio
from setting import Setting

from proofplane.barretenberg.generated.barretenberg import Blake2s
from proofplane.barretenberg.verifier import Verifier
from proofplane.cli.options import run_async
from proofplane.pool.pool import WorkerPool
from proofplane.pool.types import WorkerSpec

_STARTS = 30
"""Of a measurement, whose median counts."""

_SECONDS = 10.0
"""For a first answer, far more than it takes."""


def cases(setting: Setting) -> list[Case]:
    """One case."""
    proof = step_proof(setting)
    silent = replace(setting.spec, greet=None)

    async def hash_something(pool: WorkerPool) -> None:
        await pool.call(Blake2s(b"first"), timeout=_SECONDS)

    async def verify(pool: WorkerPool) -> None:
        await Verifier(pool).verify(proof.key, proof.inputs, proof.proof, proof.flavor, timeout=_SECONDS)

    contestants = {
        "bare, a hash": lambda: _bare(setting, question(Blake2s(b"first"))),
        "pool, a hash": lambda: run_async(_pool(silent, hash_something)),
        "bare, a proof": lambda: _bare(setting, proof.question()),
        "pool, a greeting and a proof": lambda: run_async(_pool(setting.spec, verify)),
    }
    ratios = (Ratio("pool, a hash", "bare, a hash", "<= 1.5"), Ratio("pool, a greeting and a proof", "bare, a proof", ""))
    return [Case("from no process to the first answer", f"ms, median of {_STARTS}", contestants, ratios)]


def _bare(setting: Setting, asked: Question) -> list[float]:
    taken = []
    program = setting.verifier()
    with TemporaryDirectory(prefix="pp-bench-") as place:
        for _ in range(_STARTS):
            began = time.perf_counter()
            process = Bare(program, Path(place))
            process.ask(asked)
            taken.append(time.perf_counter() - began)
            process.end()
    return [statistics.median(taken) * 1000]


async def _pool(spec: WorkerSpec, ask: Callable[[WorkerPool], Awaitable[None]]) -> list[float]:
    taken = []
    for _ in range(_STARTS):
        async with WorkerPool(spec, 1) as pool:
            began = time.perf_counter()
            await ask(pool)
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) * 1000]

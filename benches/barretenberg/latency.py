"""How long does one who asks wait at 80 % of what the processes can do, when requests come at a steady pace?

Requests come at equal distances and do not wait for each other's answers, so time counts from when a request was due. At equal distances
every wait is somebody's fault. (Were they random, theory alone would put p99 beyond 2 x p50 at this load, whoever serves them.)
What the processes can do is measured by the bare loop right before, for both. The peer is a queue before one thread for each process.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from queue import SimpleQueue

from bare import bare, hand_loop
from material import Verifiable, step_proof
from measuring import Case, Figures, Ratio
from setting import Setting

from proofplane.barretenberg.verifier import Verifier
from proofplane.cli.options import run_async
from proofplane.pool.pool import WorkerPool

LOAD = 0.8
"""Of what the processes can do."""

_CALIBRATION = 200
"""Verifications that tell what they can do: half a second."""

_REQUESTS = 600
"""Of a measurement: some two seconds, and p99 has six of them above it."""

_PERCENT = {"p50": 50, "p99": 99}


def cases(setting: Setting) -> list[Case]:
    """One case: p50 and p99 of both."""
    proof = step_proof(setting)
    ways = {"pool": lambda pace: run_async(_pool(setting, proof, pace)), "bare": lambda pace: _bare(setting, proof, pace)}
    contestants: dict[str, Callable[[], Sequence[float]]] = {}
    for name, way in ways.items():
        figures = Figures(partial(_percentiles, setting, proof, name, way))
        contestants |= {f"{name}, {each}": figures.figure(f"{name}, {each}") for each in _PERCENT}
    ratios = [Ratio("pool, p99", "pool, p50", "< 2"), Ratio("bare, p99", "bare, p50", ""), Ratio("pool, p50", "bare, p50", "")]
    return [Case(f"a header step's proof verified, {setting.cores} processes, {LOAD:.0%} load", "ms", contestants, tuple(ratios))]


def _percentiles(setting: Setting, proof: Verifiable, name: str, way: Callable[[float], list[float]]) -> Mapping[str, Sequence[float]]:
    waited = way(_capacity(setting, proof) * LOAD)
    cuts = statistics.quantiles(waited, n=100)
    return {f"{name}, {each}": [cuts[percent - 1] * 1000] for each, percent in _PERCENT.items()}


def _capacity(setting: Setting, proof: Verifiable) -> float:
    """Verifications a second."""
    asked = proof.question()
    with bare(setting.verifier(), setting.cores) as running:
        askers = [process.ask for process in running]
        hand_loop(askers, [asked] * setting.cores)
        began = time.perf_counter()
        hand_loop(askers, [asked] * _CALIBRATION)
        return _CALIBRATION / (time.perf_counter() - began)


def _come(rate: float, hand_over: Callable[[float], object]) -> None:
    """Hands over so many requests a second, each with when it was due."""
    began = time.perf_counter()
    for number in range(_REQUESTS):
        due = began + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        hand_over(due)


def _bare(setting: Setting, proof: Verifiable, rate: float) -> list[float]:
    """Seconds that each request took."""
    asked = proof.question()
    waiting: SimpleQueue[float | None] = SimpleQueue()
    with bare(setting.verifier(), setting.cores) as running:
        waited: list[float] = []

        def work(ask: Callable[..., object]) -> None:
            ask(asked)
            while (due := waiting.get()) is not None:
                ask(asked)
                waited.append(time.perf_counter() - due)

        threads = [threading.Thread(target=work, args=(process.ask,)) for process in running]
        for thread in threads:
            thread.start()
        _come(rate, waiting.put)
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()
    return waited


async def _pool(setting: Setting, proof: Verifiable, rate: float) -> list[float]:
    loop = asyncio.get_running_loop()
    async with WorkerPool(setting.spec, setting.cores) as pool:
        await pool.start()
        verifier = Verifier(pool)
        waited: list[float] = []

        async def ask(due: float) -> None:
            await verifier.verify(proof.key, proof.inputs, proof.proof, proof.flavor)
            waited.append(time.perf_counter() - due)

        async with asyncio.TaskGroup() as group:
            await asyncio.to_thread(_come, rate, lambda due: loop.call_soon_threadsafe(lambda: group.create_task(ask(due))))
    return waited

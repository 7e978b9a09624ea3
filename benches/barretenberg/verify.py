"""What does a verification cost through the pool, against a bare loop over as many processes, and against a fresh process for each?

The proof is that of a plain header step: 2^15 rows, no zero knowledge. All have one process a core, of one thread each.
Processor time is that of everybody, `bb` and whoever asks it; on a machine that others use, too, it says more than the clock.
The pool greets each fresh process with a good proof, so where it takes one for each it verifies two; the bare way does not.
"""

from __future__ import annotations

from collections.abc import Callable

from bare import bare, hand_loop
from cost import Cost, Watch, contestants, processor
from load import closed_loop
from material import Verifiable, step_proof
from measuring import Case, Ratio
from setting import Setting

from proofplane.barretenberg.verifier import Verifier
from proofplane.cli.options import run_async
from proofplane.pool.pool import WorkerPool

LASTING = 400
"""Verifications of a measurement over processes that live on: about a second."""

FRESH = 200
"""The same with a process for each."""

CALLERS = (1, 4)
"""Of the pool, for each process: as many as the bare loop has threads, and so many that a worker never has to wait for one."""

_BARE, _BARE_FRESH, _POOL_FRESH = "bare loop", "bare, fresh processes", "pool of fresh processes"


def cases(setting: Setting) -> list[Case]:
    """One case."""
    proof = step_proof(setting)
    pooled = {f"pool, {callers} a process": callers for callers in CALLERS}

    def lasting(callers: int) -> Callable[[], Cost]:
        return lambda: run_async(_pool(setting, proof, setting.cores, LASTING, callers))

    runs: dict[str, Callable[[], Cost]] = {_BARE: lambda: _bare(setting, proof)}
    runs |= {name: lasting(callers) for name, callers in pooled.items()}
    runs[_BARE_FRESH] = lambda: _bare_fresh(setting, proof)
    runs[_POOL_FRESH] = lambda: run_async(_pool(setting, proof, None, FRESH, 1))
    ratios: list[Ratio] = []
    for name in pooled:
        ratios += [Ratio(_BARE, name, ">= 0.97"), Ratio(processor(_BARE), processor(name), "")]
        ratios += [Ratio(_BARE_FRESH, name, ">= 1.4"), Ratio(_POOL_FRESH, name, ">= 1.4")]
    return [Case(f"a header step's proof verified, {setting.cores} at a time", "ms for each", contestants(runs), tuple(ratios))]


def _bare(setting: Setting, proof: Verifiable) -> Cost:
    asked = proof.question()
    with bare(setting.verifier(), setting.cores) as running:
        askers = [process.ask for process in running]
        hand_loop(askers, [asked] * setting.cores)
        watch = Watch()
        return watch.cost(hand_loop(askers, [asked] * LASTING))


def _bare_fresh(setting: Setting, proof: Verifiable) -> Cost:
    program, asked = setting.verifier(), proof.question()

    def ask(_: object) -> None:
        with bare(program) as (process,):
            process.ask(asked)

    watch = Watch()
    return watch.cost(hand_loop([ask] * setting.cores, [asked] * FRESH))


async def _pool(setting: Setting, proof: Verifiable, size: int | None, number: int, callers: int) -> Cost:
    """A pool of `size`, asked `number` times by `callers` for each core."""
    async with WorkerPool(setting.spec, size) as pool:
        verifier = Verifier(pool)

        async def ask(one: Verifiable) -> None:
            await verifier.verify(one.key, one.inputs, one.proof, one.flavor)

        if size is not None:
            await pool.start()
            await closed_loop(ask, [proof] * setting.cores, setting.cores)
        watch = Watch()
        return watch.cost(await closed_loop(ask, [proof] * number, callers * setting.cores))

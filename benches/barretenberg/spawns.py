"""How many processes do 600 verifications of distinct proofs take, with a pool of 8 and without one, and how long?

The proofs are of the smallest circuit, each of another statement.
"""

from __future__ import annotations

from collections.abc import Callable

from cost import Cost, Watch, contestants, processor
from load import closed_loop
from material import Verifiable, distinct_proofs
from measuring import Case, Ratio
from setting import Setting

from proofplane.barretenberg.verifier import Verifier
from proofplane.cli.options import run_async
from proofplane.pool.pool import WorkerPool

PROOFS = 600

POOL = 8

_CALLERS = 16
"""At a time, of both."""

_POOLED, _FRESH = f"pool of {POOL}", "a process for each"


def cases(setting: Setting) -> list[Case]:
    """One case; its notes tell the processes."""
    proofs = distinct_proofs(setting, PROOFS)
    sizes = {_POOLED: POOL, _FRESH: None}
    spawned: dict[str, set[int]] = {name: set() for name in sizes}

    def contestant(name: str) -> Callable[[], Cost]:
        return lambda: run_async(_verify(setting, proofs, sizes[name], spawned[name]))

    return [
        Case(
            f"{PROOFS} distinct proofs verified",
            "ms for each",
            contestants({name: contestant(name) for name in sizes}),
            (Ratio(_FRESH, _POOLED, ""), Ratio(processor(_FRESH), processor(_POOLED), "")),
            lambda: [f"processes started in each turn: {name}: {sorted(counts)}" for name, counts in spawned.items()],
        )
    ]


async def _verify(setting: Setting, proofs: list[Verifiable], size: int | None, spawned: set[int]) -> Cost:
    async with WorkerPool(setting.spec, size) as pool:
        verifier = Verifier(pool)
        watch = Watch()
        ended = await closed_loop(lambda one: verifier.verify(one.key, one.inputs, one.proof, one.flavor), proofs, _CALLERS)
        cost = watch.cost(ended)
        spawned.add(pool.stats.spawned)
    return cost

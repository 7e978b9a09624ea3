"""How much faster is a chain imported when signatures run beside the transition, on all cores, than one after the other on one?

Both orders go through the same importer, over a storage of their own; time is that of `import_block`, from bytes to committed.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter_ns

from measuring import Case, Ratio

from proofplane.chain.directory import ChainDirectory
from proofplane.chain.options import ImportOptions
from proofplane.chain.types import ImportedBlock, Step, StepTimings
from proofplane.cli.options import run_async
from proofplane.lean.clock import first_interval
from proofplane.lean.errors import Reason
from proofplane.lean.store import Store
from proofplane.lean.types import Root
from proofplane.node.chain_session import Anchor, ChainSession

ORDERS = {"parallel": True, "sequential": False}
_GOALS = {8: ">= 0.97", 192: ">= 1.8 on 2 cores"}

_AT_LEAST = 1_500
"""Signatures of a measurement, about: a short chain is imported several times."""


class MedianSteps:
    """An observer that keeps how long each step took."""

    def __init__(self) -> None:
        self._taken: dict[Step, list[float]] = {}

    def imported(self, block: ImportedBlock, timings: StepTimings) -> None:
        for step, span in timings.steps.items():
            self._taken.setdefault(step, []).append((span.end - span.start) / 1000)

    def rejected(self, root: Root | None, reason: Reason, timings: StepTimings) -> None:
        raise SystemExit(f"a block was refused: {reason.name}")

    def store_changed(self, store: Store) -> None:
        """Nothing to keep."""

    def votes_checked(self, source: str, valid: int, invalid: int) -> None:
        """Nothing to keep."""

    def line(self) -> str:
        """The median of every step, in microseconds."""
        return ", ".join([f"{step.value} {statistics.median(self._taken[step]):,.0f}" for step in Step if step in self._taken])


def cases(chains: dict[int, ChainDirectory]) -> list[Case]:
    """Two cases for each chain, by its number of validators."""
    return [_case(count, chain, on_disk) for count, chain in chains.items() for on_disk in (False, True)]


async def import_chain(chain: ChainDirectory, parallel: bool, on_disk: bool, steps: MedianSteps | None) -> list[float]:
    """Imports all blocks and returns the milliseconds that each took."""
    assert chain.scheme is not None
    anchor = Anchor(chain.state, chain.anchor, chain.scheme)
    taken = []
    async with _directory(on_disk) as directory, ChainSession(directory, anchor, ImportOptions(parallel=parallel), steps) as session:
        importer = session.importer
        for step in chain.steps:
            raw = step.read()
            assert step.slot is not None
            await importer.tick(first_interval(step.slot), has_proposal=True, is_aggregator=False)
            start = perf_counter_ns()
            await importer.import_block(raw)
            taken.append((perf_counter_ns() - start) / 1e6)
        last = chain.steps[-1].recorded
        if last is None or f"0x{importer.store.head.hex()}" != last.head:
            raise SystemExit(f"{chain.path}: the head is not the recorded one")
    return taken


def _case(validators: int, chain: ChainDirectory, on_disk: bool) -> Case:
    steps = {name: MedianSteps() for name in ORDERS}
    passes = max(1, _AT_LEAST // (validators * len(chain.steps)))

    def contestant(name: str) -> Callable[[], list[float]]:
        return lambda: run_async(_several(passes, chain, ORDERS[name], on_disk, steps[name]))

    return Case(
        f"{len(chain.steps) * passes} blocks of {validators} validators, {'SQLite' if on_disk else 'in memory'}",
        "ms",
        {name: contestant(name) for name in ORDERS},
        (Ratio("sequential", "parallel", _GOALS.get(validators, "")),),
        lambda: [f"median steps, us: {name}: {found.line()}" for name, found in steps.items()],
    )


async def _several(passes: int, chain: ChainDirectory, parallel: bool, on_disk: bool, steps: MedianSteps) -> list[float]:
    taken = []
    for _ in range(passes):
        taken += await import_chain(chain, parallel, on_disk, steps)
    return taken


@asynccontextmanager
async def _directory(on_disk: bool) -> AsyncIterator[Path | None]:
    if not on_disk:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="pp-bench-") as folder:
        yield Path(folder)

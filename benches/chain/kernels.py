"""How much does A beside B gain where a block has more voters than a proof has room for?

A makes the block's components and verifies as many production signatures, without the container that holds them in a block; B is the
whole transition. Both run through the importer's own tasks, workers and barrier.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter_ns

from measuring import Case, Ratio
from signed_blocks import UnpackedBlock

from proofplane.base.cores import usable_cores
from proofplane.chain.barrier import passed, run_all
from proofplane.chain.options import TASK_SECONDS
from proofplane.chain.tasks import Task, apply_transition
from proofplane.chain.types import PostState
from proofplane.chain.workers import ThreadWorkers
from proofplane.cli.options import run_async
from proofplane.crypto.xmss import PROD, Claim, Verified, verify
from proofplane.lean.proof import block_components

VALIDATORS = (512, 4096)
_GOALS = {512: ">= 1.8 on 2 cores", 4096: ">= 1.4 on 2 cores"}

_BLOCKS = 4
"""Blocks of a measurement."""


def cases(blocks: dict[int, UnpackedBlock], workers: ThreadWorkers) -> list[Case]:
    """A case for each block, by its number of validators."""
    return [_case(validators, block, workers) for validators, block in blocks.items()]


def _case(validators: int, block: UnpackedBlock, workers: ThreadWorkers) -> Case:
    cores = usable_cores()
    beside, after = f"A on {cores} threads beside B", "A on 1 thread, then B"

    def contestant(threads: int, *, parallel: bool) -> Callable[[], list[float]]:
        return lambda: run_async(_blocks(block, workers, threads, parallel=parallel))

    return Case(
        f"A and B without the container, {validators:,} validators",
        f"ms of {_BLOCKS} blocks",
        {beside: contestant(cores, parallel=True), after: contestant(1, parallel=False)},
        (Ratio(after, beside, _GOALS[validators]),),
    )


async def _blocks(block: UnpackedBlock, workers: ThreadWorkers, threads: int, *, parallel: bool) -> list[float]:
    """The milliseconds of each."""
    return [await _one(block, workers, threads, parallel=parallel) for _ in range(_BLOCKS)]


async def _one(block: UnpackedBlock, workers: ThreadWorkers, threads: int, *, parallel: bool) -> float:
    stop = threading.Event()
    a: Task[Verified] = Task("signatures", lambda: _check(block, threads), stop, stops_others=True)
    b: Task[PostState] = Task("transition", lambda: _apply(block, stop), stop, stops_others=False)
    start = perf_counter_ns()
    await run_all(workers, [a, b], stop, parallel=parallel, seconds=TASK_SECONDS)
    passed("the signatures", a.end())
    passed("the transition", b.end())
    return (perf_counter_ns() - start) / 1e6


def _apply(block: UnpackedBlock, stop: threading.Event) -> PostState:
    """Task B."""
    return apply_transition(block.block, block.parent_state, stop.is_set)


def _check(block: UnpackedBlock, threads: int) -> Verified:
    """Task A; the signatures are taken in the order of the components' keys, as they would stand in a proof."""
    needed = [
        (key, component.slot, component.message) for component in block_components(block.block, block.registry) for key in component.keys
    ]
    return verify(PROD, [Claim(*one, claim.signature) for one, claim in zip(needed, block.claims, strict=True)], threads)

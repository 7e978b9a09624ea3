"""One run of a node over one source, from opening the data directory to the last proof."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from proofplane.anchor.ports import L1Source
from proofplane.node.backend import Backend
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.errors import ProofsMissing, StoppedEarly
from proofplane.node.node import Node
from proofplane.node.progress import Progress
from proofplane.node.timings import ProofTimes
from proofplane.service.clock import Clock
from proofplane.storage.database import WriteObserver

Drive = Callable[[Node], Coroutine[Any, Any, None]]
"""Submits a source's blocks to a node and returns when there are no more."""

Display = Callable[[Node], AbstractAsyncContextManager[object]]
"""Shows a node's progress while the context lasts."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run ended with."""

    network: str
    mode: str
    backend: str
    anchor: str
    tip: str
    blocks: int
    """Blocks of the chain above the anchor."""
    step_proofs: int
    recursive_proofs: int
    """Stored proofs, those of orphaned blocks included."""
    proved: int
    """Recursive proofs stored by this run."""
    failed: int
    reorgs: int
    """In this run."""
    seconds: float
    """Of this run, from the start of the first service to the last proof."""
    step_seconds: ProofTimes | None
    """What each step proof of this run took, where circuits make them."""
    data_dir: str


async def run_session(
    directory: DataDirectory,
    source: L1Source,
    drive: Drive,
    settings: Settings,
    clock: Clock,
    display: Display,
    target_blocks: int | None = None,
    retry_failed: bool = False,
    observer: WriteObserver | None = None,
    backend: Backend | None = None,
) -> Summary:
    """Runs a node until `drive` has ended and everything is proved, or until a signal.

    Args:
        directory: The open data directory.
        source: Where blocks come from.
        drive: What submits them.
        settings: Of the node.
        clock: Times the run.
        display: Shows progress.
        target_blocks: How many blocks above the anchor there will be; None for a source without end, which a signal ends well.
        retry_failed: Ask again for what failed for good in earlier runs.
        observer: Sees every transaction.
        backend: Proves; None is the native one. The directory was made for it.

    Raises:
        TaskFailed, ProofsMissing: See `Node`.
        StoppedEarly: A signal came before the work was done.
    """
    async with Node(directory, source, settings, clock, observer, backend) as node:
        node.target_blocks = target_blocks
        began, proved_before = clock.now(), node.progress().recursive_proofs
        async with display(node):
            try:
                if retry_failed:
                    await node.retry_failed()
                await node.drive(drive(node))
                await node.proven()
                _check_counts(node.progress())
            except StoppedEarly:
                if target_blocks is not None:
                    raise
        params = directory.trust.params
        progress = node.progress()
        return Summary(
            network=params.network.name.lower(),
            mode=params.mode.label,
            backend=node.prover_status().backend,
            anchor=str(params.block),
            tip=str(node.tip),
            blocks=progress.blocks,
            step_proofs=progress.step_proofs,
            recursive_proofs=progress.recursive_proofs,
            proved=progress.recursive_proofs - proved_before,
            failed=progress.failed,
            reorgs=node.asm.monitor.current().reorgs,
            seconds=round(clock.now() - began, 3),
            step_seconds=node.proof_times(),
            data_dir=str(directory.path),
        )


def _check_counts(progress: Progress) -> None:
    """Notices proofs that were stored once and are not there any more: nothing of ours removes any, so the data was damaged.

    Not guaranteed: orphans' proofs are counted too and can hide a loss; `verify-chain` finds every one.
    """
    if min(progress.step_proofs, progress.recursive_proofs) < progress.blocks:
        raise ProofsMissing(
            f"of {progress.blocks} blocks, {progress.step_proofs} step and {progress.recursive_proofs} recursive proofs are stored: "
            "some were lost; `proofplane verify-chain` names the first"
        )

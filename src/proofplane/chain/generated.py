"""Writes a generated chain as a directory that appears when it is whole."""

from __future__ import annotations

from pathlib import Path

from proofplane.chain.directory import ChainFiles, new_directory
from proofplane.chain.generate import ChainPlan, Told, generate, keys_of


def write_chain(plan: ChainPlan, out: Path, told: Told) -> int:
    """Makes the chain of a plan and returns how many blocks its directory holds; the same plan gives the same bytes.

    Raises:
        BadChainDirectory: `out` exists, or cannot be written.
        BaseException: What `told` raises, to stop; nothing is left then.
    """
    blocks = 0
    with new_directory(out) as unfinished, keys_of(plan, told) as keys:
        chain = generate(plan, keys, told)
        files = ChainFiles(unfinished, plan.scheme, chain.state, chain.anchor)
        for block in chain.blocks:
            files.add(block)
            blocks += 1
        files.finish(slots=plan.slots, seed=plan.seed, voters=plan.voting)
    return blocks

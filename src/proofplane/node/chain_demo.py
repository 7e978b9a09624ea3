"""The demo's Lean chain: 64 validators with a missed slot and a fork, made in this process and imported beside the Bitcoin line.

```
DIR/blocks/  the chain as a directory of files
DIR/data/    what importing them has stored
```
"""

from __future__ import annotations

from pathlib import Path

from proofplane.base.cores import usable_cores
from proofplane.chain.directory import read_chain
from proofplane.chain.errors import BadChainDirectory
from proofplane.chain.generate import ChainPlan
from proofplane.chain.options import ImportOptions
from proofplane.crypto.xmss import TEST
from proofplane.node.chain_progress import ChainProgress
from proofplane.node.chain_runs import ChainImported, ChainRun
from proofplane.service.clock import Clock

MISSED, FORK = 9, 16
"""The slot without a block, and the one whose block competes with the head."""

PLAN = ChainPlan(TEST, validators=64, slots=24, seed="proofplane demo", missed=frozenset({MISSED}), forks=frozenset({FORK}))
"""Small enough for a few seconds; test signatures, because making production keys takes longer than all the rest."""

_OURS = {"blocks": ("genesis_state.ssz", "anchor_block.ssz", "block_*.ssz", "steps.json"), "data": ("lock", "chain.json", "proofplane.db*")}
"""What an earlier demo has left, by folder: nothing else is removed."""


class ChainDemo:
    """The demo's Lean chain in one directory, made anew each time."""

    def __init__(self, directory: Path, cores: int | None, clock: Clock) -> None:
        """`directory` is the demo's own; at most `cores` threads verify signatures."""
        self._directory = directory
        self._options = ImportOptions(threads=usable_cores(cores), waiting_blocks=0)
        self._run = ChainRun(clock, ChainProgress("keys", 0, PLAN.validators))
        self.imported: ChainImported | None = None
        """What it ended with; None before."""

    @property
    def blocks(self) -> Path:
        """The chain's files."""
        return self._directory / "blocks"

    @property
    def data(self) -> Path:
        """The data directory of the imported chain."""
        return self._directory / "data"

    def progress(self) -> ChainProgress:
        """How far it is."""
        return self._run.progress()

    async def work(self) -> None:
        """Makes the chain and imports it.

        Raises:
            BadChainDirectory: An earlier demo's files cannot be removed, or other files are in their place.
            ProofplaneError: See `ChainRun.import_directory`.
        """
        self._forget()
        await self._run.generate(PLAN, self.blocks)
        chain = read_chain(self.blocks)
        self.imported = await self._run.import_directory(chain, PLAN.scheme, self.data, self._options)

    def _forget(self) -> None:
        for folder, patterns in _OURS.items():
            place = self._directory / folder
            try:
                for pattern in patterns:
                    for file in place.glob(pattern):
                        file.unlink()
                if place.exists():
                    place.rmdir()
            except OSError as error:
                raise BadChainDirectory(f"{place} cannot be made anew: {error.strerror}; name another --data-dir") from None

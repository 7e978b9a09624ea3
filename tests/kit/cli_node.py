"""A whole node in this process over a chain mined in memory: what tests of the node's own parts stand on."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from kit.anchor_node import params_at
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import export_transaction
from proofplane.base.ids import BlockCommitment, Hash32
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.crypto.hashes import sha256
from proofplane.node.config import ProverSettings, Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.node import Node
from proofplane.node.session import Summary, run_session
from proofplane.service.clock import SystemClock

CONTAINER = 3
SETTINGS = Settings(prover=ProverSettings(processes=1))


@dataclass(frozen=True, slots=True)
class Branches:
    """A chain with two branches from one fork; every second block of the first exports an entry."""

    chain: RegtestChain
    first: tuple[BlockCommitment, ...]
    """Heights 1 to 6."""
    second: tuple[BlockCommitment, ...]
    """Heights 4 to 8, on the first's block 3."""


def branches(seed: bytes = b"node") -> Branches:
    """Mines them; the same seed gives the same blocks."""
    chain = RegtestChain(seed)
    first: list[BlockCommitment] = []
    for number in range(6):
        salt = bytes([number])
        tagged = [export_transaction(TEST_MAGIC, CONTAINER, Hash32(sha256(salt)), salt)] if number % 2 else []
        first.append(chain.mine(first[-1] if first else chain.genesis, tagged))
    return Branches(chain, tuple(first), tuple(chain.mine_many(first[2], 5)))


def opened(path: Path, chain: RegtestChain) -> DataDirectory:
    """A data directory anchored at the chain's genesis, with exports."""
    return DataDirectory(path, params_at(chain, chain.genesis, exports=True))


async def run_over(directory: DataDirectory, chain: RegtestChain, *tips: BlockCommitment) -> Summary:
    """Runs a node that is given these tips one after the other, to the last proof."""

    async def submit(node: Node) -> None:
        for tip in tips:
            await node.asm.submit(tip.block_id)

    return await run_session(directory, chain, submit, SETTINGS, SystemClock(), lambda node: nullcontext(), None)

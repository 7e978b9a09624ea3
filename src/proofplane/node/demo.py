"""The demo's chain: regtest blocks mined in this process, with tagged transactions, an upgrade of the step predicate, and a reorg."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import export_transaction, manifest_export_transaction
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import sha256, tagged_hash
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.node import Node

_SEED = b"proofplane demo"
_CONTAINER = 7
"""The export container that the demo's entries go to."""

_EXPORT_EVERY, _MANIFEST_EVERY = 3, 10
"""Blocks between two exported entries, and between two exported manifest hashes."""

ABANDONED, REPLACING = 3, 5
"""Blocks of the branch that the reorg abandons, and of the one that replaces it."""

MIN_BLOCKS = 20
"""Fewer leave no room for the upgrade and the reorg."""


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How long the chain is and where its events are."""

    blocks: int
    """Length of the final chain."""

    @property
    def upgrade_at(self) -> int:
        """Height of the block that replaces the step predicate."""
        return self.blocks // 4

    @property
    def fork_at(self) -> int:
        """Height of the last block that both branches share."""
        return self.blocks // 2


def demo_params() -> AnchorParams:
    """Regtest's genesis as anchor, both subprotocols, an upgrade quorum of 2 of 3."""
    quorum = Quorum(tuple(Hash32(key.public().raw) for key in _quorum()), 2)
    point = RegtestChain(_SEED).anchor(RegtestChain(_SEED).genesis)
    return AnchorParams(
        Network.REGTEST, Mode.FULL_BLOCK, TEST_MAGIC, point.block, point.next_bits, point.epoch_start, upgrade=quorum, exports=True
    )


class DemoChain:
    """Mines the demo's chain and submits it the way a full node would: tip by tip."""

    def __init__(self, plan: DemoPlan, upgraded: Predicate) -> None:
        """`upgraded` is the step predicate that the quorum switches to half way."""
        self.source = RegtestChain(_SEED)
        self._plan = plan
        self._upgraded = upgraded

    async def run(self, node: Node) -> None:
        """Mines and submits everything; the blocks are the same in every run, so a second run finds them processed."""
        plan = self._plan
        fork = await self._extend(node, self.source.genesis, plan.fork_at)
        await self._extend(node, fork, ABANDONED)
        tip = fork
        for _ in range(REPLACING):
            tip = self._mine(tip)
        await node.asm.submit(tip.block_id)
        await self._extend(node, tip, plan.blocks - tip.height)

    async def _extend(self, node: Node, tip: BlockCommitment, count: int) -> BlockCommitment:
        for _ in range(count):
            tip = self._mine(tip)
            await node.asm.submit(tip.block_id)
        return tip

    def _mine(self, parent: BlockCommitment) -> BlockCommitment:
        height = Height(parent.height + 1)
        return self.source.mine(parent, self._transactions(height))

    def _transactions(self, height: Height) -> list[Transaction]:
        salt = height.to_bytes(4, "big")
        found: list[Transaction] = []
        if height % _EXPORT_EVERY == 0:
            found.append(export_transaction(TEST_MAGIC, _CONTAINER, Hash32(sha256(b"entry" + salt)), salt))
        if height % _MANIFEST_EVERY == 0:
            found.append(manifest_export_transaction(TEST_MAGIC, _CONTAINER, Height(height // 2), salt))
        if height == self._plan.upgrade_at:
            signers = {index: key for index, key in enumerate(_quorum()) if index != 1}
            found.append(upgrade_transaction(TEST_MAGIC, 0, self._upgraded, signers))
        return found


def _quorum() -> list[SigningKey]:
    """Three keys that everybody can compute: the demo's chain is worth nothing."""
    return [SigningKey(tagged_hash("proofplane/demo-quorum", bytes([number]))) for number in range(3)]

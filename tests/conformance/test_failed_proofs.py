"""A chain whose proofs cannot be made: the run ends and says so, and goes on when what was missing is there."""

import re
import shutil
from pathlib import Path

import pytest

from kit.clock import FastClock
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.ids import Hash32
from proofplane.base.predicate import Predicate, PredicateKind
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.crypto.keyfile import load_or_create_key
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.config import Settings
from proofplane.node.data_dir import DataDirectory
from proofplane.node.errors import ProofsMissing
from proofplane.node.node import Node
from proofplane.node.verify_chain import verify_chain
from proofplane.storage.database import ReadOnlyDatabase

_UPGRADE_AT, _BLOCKS = 3, 6

_SPEED = 300.0
"""The retries of a failed job take three minutes of the node's clock."""


class World:
    """A chain that switches its step predicate to a key which the node does not hold at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.new_key = folder / "new.key"
        upgraded = Predicate(PredicateKind.SCHNORR, load_or_create_key(self.new_key).public().raw)
        voter = SigningKey.generate()
        self.chain = RegtestChain(b"failed proofs")
        point = self.chain.anchor(self.chain.genesis)
        self.params = AnchorParams(
            Network.REGTEST,
            Mode.FULL_BLOCK,
            TEST_MAGIC,
            point.block,
            point.next_bits,
            point.epoch_start,
            upgrade=Quorum((Hash32(voter.public().raw),), 1),
        )
        self.tip = self.chain.genesis
        for height in range(1, _BLOCKS + 1):
            upgrade = [upgrade_transaction(TEST_MAGIC, 0, upgraded, {0: voter})] if height == _UPGRADE_AT else []
            self.tip = self.chain.mine(self.tip, upgrade)

    async def run(self, retry_failed: bool = False) -> None:
        """Proves what can be proved; raises as `Node.proven`."""
        with DataDirectory(self.data, self.params) as directory:
            async with Node(directory, self.chain, Settings(), FastClock(_SPEED)) as node:
                if retry_failed:
                    await node.retry_failed()
                await node.drive(node.asm.submit(self.tip.block_id))
                await node.proven()


async def test_a_run_ends_when_proofs_have_failed_for_good_and_goes_on_when_it_can(tmp_path: Path) -> None:
    world = World(tmp_path)

    with pytest.raises(ProofsMissing) as missing:
        await world.run()
    failed, waiting = (int(number) for number in re.findall(r"\d+", str(missing.value)))
    # The steps fail; a recursive proof that was handed over beside its step fails with it, one that was not waits.
    assert failed >= 3
    assert failed + waiting == 6
    with pytest.raises(ProofsMissing):  # nothing has changed, and nobody has asked for them again
        await world.run()

    shutil.copy2(world.new_key, world.data / "keys" / "new.key")
    await world.run(retry_failed=True)

    with DataDirectory(world.data, world.params) as directory:
        database = ReadOnlyDatabase(directory.database)
        report = verify_chain(database, directory.trust)
        database.close()
    assert (report.blocks, report.step_proofs, report.recursive_proofs) == (_BLOCKS, {"native": _BLOCKS}, {"native": _BLOCKS})

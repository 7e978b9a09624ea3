"""Reorgs through the whole node, with the native prover: after each, everything that the rows say is about the new branch."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from kit.clock import FastClock
from kit.crash_branch import check_branch, check_exports, check_proofs
from kit.crash_node import SPEED
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import export_transaction, manifest_export_transaction
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import AnchorParams, Mode, Quorum
from proofplane.base.errors import Refused
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.base.receipt import Receipt
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.cli.exits import OK, exit_code
from proofplane.crypto.hashes import sha256
from proofplane.crypto.schnorr import SigningKey
from proofplane.node.config import ProverSettings, Settings
from proofplane.node.data_dir import TRUST_NAME, DataDirectory, TrustRoot
from proofplane.node.node import Node
from proofplane.node.verify_chain import verify_chain
from proofplane.storage.database import DATABASE_NAME, ReadOnlyDatabase

VOTER = SigningKey(b"\x05" * 32)
VERIFY_SECONDS = 60.0


class World:
    """A regtest chain with branches, and a data directory that nodes run in, one after the other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.chain = RegtestChain(b"reorgs")
        self.upgraded: Hash32 | None = None
        point = self.chain.anchor(self.chain.genesis)
        quorum = Quorum((Hash32(VOTER.public().raw),), 1)
        self.params = AnchorParams(
            Network.REGTEST, Mode.FULL_BLOCK, TEST_MAGIC, point.block, point.next_bits, point.epoch_start, upgrade=quorum, exports=True
        )

    def mine(self, parent: BlockCommitment, count: int) -> list[BlockCommitment]:
        """Blocks of which every third exports an entry and every fourth a manifest hash that is 1 or 2 blocks old."""
        mined: list[BlockCommitment] = []
        for _ in range(count):
            height = parent.height + 1
            salt = parent.block_id + bytes([len(mined)])
            found: list[Transaction] = []
            if height % 3 == 0:
                found.append(export_transaction(TEST_MAGIC, 7, Hash32(sha256(salt)), salt))
            if height % 4 == 0:
                found.append(manifest_export_transaction(TEST_MAGIC, 8, Height(height - 1 - height % 8 // 4), salt))
            parent = self.chain.mine(parent, found)
            mined.append(parent)
        return mined

    @asynccontextmanager
    async def node(self) -> AsyncIterator[Node]:
        """A running node."""
        settings = Settings(prover=ProverSettings(processes=1))
        with DataDirectory(self.path, self.params) as directory:
            async with Node(directory, self.chain, settings, FastClock(SPEED)) as node:
                yield node

    def check(self, tip: BlockCommitment, orphans: list[BlockCommitment], proven: bool = True) -> None:
        """See `check_branch` and, if the chain has been proven, `check_exports` and `check_proofs`."""
        rows = ReadOnlyDatabase(self.path / DATABASE_NAME)
        try:
            check_branch(rows, self.chain, tip)
            if proven:
                check_exports(rows, self.chain, tip)
                check_proofs(rows, TrustRoot.read(self.path), self.chain, tip, orphans)
        finally:
            rows.close()

    def verify(self, tip: BlockCommitment, orphans: int) -> None:
        """The independent check accepts everything."""
        rows = ReadOnlyDatabase(self.path / DATABASE_NAME)
        try:
            report = verify_chain(rows, TrustRoot.read(self.path))
        finally:
            rows.close()
        assert (report.tip, report.blocks, report.orphan_proofs) == (tip, tip.height, 2 * orphans)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Nothing but genesis."""
    return World(tmp_path / "data")


async def switched(node: Node, tip: BlockCommitment) -> None:
    """Submits a tip, and waits until it is proven and nothing is left to do."""
    await node.drive(node.asm.submit(tip.block_id))
    await node.proven()
    assert node.tip == tip
    assert node.prover_status().last_proven == tip


@pytest.mark.checklist(29)
async def test_reorgs_of_depth_1_to_20_by_a_longer_branch(world: World) -> None:
    orphans: list[BlockCommitment] = []
    fork = world.chain.genesis
    async with world.node() as node:
        for depth in range(1, 21):
            abandoned = world.mine(fork, depth)
            await switched(node, abandoned[-1])
            replacing = world.mine(fork, depth + 1)
            await switched(node, replacing[-1])
            orphans += abandoned
            world.check(replacing[-1], abandoned)
            fork = replacing[-1]
        assert node.asm.monitor.current().reorgs == 20
    world.check(fork, orphans)
    world.verify(fork, len(orphans))


@pytest.mark.checklist(29)
@pytest.mark.checklist(30)
async def test_equal_height_lower_height_and_back_and_forth(world: World) -> None:
    common = world.mine(world.chain.genesis, 5)
    first, equal = world.mine(common[-1], 8), world.mine(common[-1], 8)
    lower = world.mine(common[2], 4)
    async with world.node() as node:
        await switched(node, first[-1])
        await switched(node, equal[-1])
        world.check(equal[-1], first)
        await switched(node, lower[-1])
        world.check(lower[-1], [*common[3:], *first, *equal])
        for tip, orphans in (
            (first[-1], [*equal, *lower]),
            (equal[-1], [*first, *lower]),
            (equal[3], [*first, *lower]),  # an ancestor of the tip: nothing moves
            (first[2], [*equal, *lower, *first[3:]]),
            (lower[-1], [*common[3:], *first, *equal]),
            (first[-1], [*equal, *lower]),
        ):
            emitted = await node.drive(node.asm.submit(tip.block_id))
            await node.proven()
            reached = equal[-1] if tip == equal[3] else tip
            assert (node.tip, node.prover_status().last_proven) == (reached, reached)
            assert (emitted == []) == (tip == equal[3])
            world.check(reached, orphans)
        assert node.asm.monitor.current().reorgs == 7
    world.verify(first[-1], len(equal) + len(lower))


async def test_reorgs_while_the_branches_are_being_proved(world: World) -> None:
    common = world.mine(world.chain.genesis, 10)
    first, second, third = (world.mine(common[-1], count) for count in (30, 25, 12))
    async with world.node() as node:
        for tip in (common[-1], first[9], second[4], first[19], third[-1], second[-1], first[-1], second[-1]):
            await node.drive(node.asm.submit(tip.block_id))
        assert node.prover_status().done < 2 * (10 + 30 + 25 + 12), "it was to be still at work"
        world.check(second[-1], [], proven=False)
        await node.proven()
        world.check(second[-1], [*first, *third])
    world.verify(second[-1], len(first) + len(third))


async def test_reorgs_across_restarts(world: World) -> None:
    common = world.mine(world.chain.genesis, 6)
    first, second = world.mine(common[-1], 15), world.mine(common[-1], 18)
    async with world.node() as node:
        await node.drive(node.asm.submit(first[-1].block_id))  # ended while it is being proved
    world.check(first[-1], [], proven=False)
    async with world.node() as node:
        assert node.tip == first[-1]
        await switched(node, second[-1])
    world.check(second[-1], first)
    async with world.node() as node:
        await node.drive(node.asm.submit(first[4].block_id))
    world.check(first[4], [], proven=False)
    async with world.node() as node:
        assert node.tip == first[4]
        await node.proven()
        assert node.prover_status().last_proven == first[4]
        world.check(first[4], [*second, *first[5:]])
        await switched(node, second[-1])
    world.check(second[-1], first)
    world.verify(second[-1], len(first))


@pytest.mark.checklist(78)
@pytest.mark.checklist(79)
@pytest.mark.checklist(80)
async def test_branch_a_of_20_blocks_fully_proven_is_invalidated_by_branch_b_of_30(world: World, tmp_path: Path) -> None:
    common = world.mine(world.chain.genesis, 2)
    a, b = world.mine(common[-1], 20), world.mine(common[-1], 30)
    async with world.node() as node:
        await switched(node, a[-1])
        world.check(a[-1], [])
        await node.drive(node.asm.submit(b[-1].block_id))
    world.check(b[-1], [], proven=False)
    async with world.node() as node:  # no new block
        await node.proven()
        assert node.prover_status().last_proven == b[-1]
    world.check(b[-1], a)
    world.verify(b[-1], len(a))
    _verify_elsewhere(world, tmp_path / "elsewhere")


async def test_a_branch_that_replaced_the_step_key_is_abandoned(world: World) -> None:
    common = world.mine(world.chain.genesis, 3)
    with DataDirectory(world.path, world.params) as directory:
        new_key = directory.add_key("step-2")
    upgrade = upgrade_transaction(TEST_MAGIC, 0, new_key, {0: VOTER})
    upgraded = [world.chain.mine(common[-1], [upgrade])]
    upgraded += world.mine(upgraded[-1], 3)
    plain = world.mine(common[-1], 5)
    async with world.node() as node:
        await switched(node, upgraded[-1])
        world.verify(upgraded[-1], 0)
        await switched(node, plain[-1])
    world.check(plain[-1], [])
    world.verify(plain[-1], len(upgraded))


def _verify_elsewhere(world: World, place: Path) -> None:
    """The check in another process, which has the database and the trust file and nothing else; a damaged proof is noticed."""
    place.mkdir()
    shutil.copy(world.path / DATABASE_NAME, place)
    trust = place.with_name("trust-of-mine.json")
    shutil.copy(world.path / TRUST_NAME, trust)
    command = [sys.executable, "-m", "proofplane", "verify-chain", "--trust", str(trust), "--data-dir", str(place)]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS, check=False)

    good = run()
    assert good.returncode == OK, good.stderr
    assert "everything holds" in good.stdout
    with closing(sqlite3.connect(place / DATABASE_NAME)) as database:
        (raw,) = database.execute("SELECT receipt FROM proofs ORDER BY key DESC LIMIT 1").fetchone()
        receipt = Receipt.decode(raw)
        forged = replace(receipt, proof=bytes([receipt.proof[0] ^ 1]) + receipt.proof[1:])
        database.execute("UPDATE proofs SET receipt = ? WHERE receipt = ?", (forged.encode(), raw))
        database.commit()
    assert run().returncode == exit_code(Refused())

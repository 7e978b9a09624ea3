"""The anchor worker on a real database: what it stores and emits on a line, across reorgs, and after errors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kit.anchor_node import CountingObserver, CuttingObserver, PowerCut, SlowClock, anchor_node, dump, params_at
from kit.clock import ManualClock
from proofplane.anchor.anchor_store import AnchorStore
from proofplane.anchor.asm_worker import MAX_BATCH_BLOCKS
from proofplane.anchor.errors import MissingGenesisState, MmrProofFailed, WrongGenesis
from proofplane.anchor.leaf_table import read_leaf
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState, genesis_state
from proofplane.anchor.subprotocols.export import manifest_export_transaction
from proofplane.anchor.transition import apply_stored
from proofplane.anchor.types import SENTINEL, AnchorParams, Manifest
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.bitcoin.mining import build_block
from proofplane.bitcoin.rules import TimestampError
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.bitcoin.transaction import Transaction
from proofplane.service.commands import WorkerExited
from proofplane.service.supervisor import TaskFailed
from proofplane.storage.errors import StorageBroken


@pytest.fixture
def chain() -> RegtestChain:
    return RegtestChain(b"asm")


@pytest.fixture
def params(chain: RegtestChain) -> AnchorParams:
    return params_at(chain, chain.genesis)


def _branch_leaves(anchors: AnchorStore, path: list[BlockCommitment]) -> list[Hash32]:
    rows = [anchors.row(block) for block in path]
    return [row.manifest_hash for row in rows if row is not None]


def _log_of(anchors: AnchorStore, after: int) -> list[tuple[int, BlockCommitment]]:
    return [(emission.seq, emission.block) for emission in anchors.emissions(after, 1000)]


@pytest.mark.checklist(25)
async def test_genesis_is_stored_once_and_a_restart_resumes_the_tip(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 2)
    first, second = CountingObserver(), CountingObserver()
    async with anchor_node(tmp_path, params, chain, first) as node:
        genesis = node.anchors.genesis()
        assert genesis is not None
        assert genesis.commitment == genesis_state(params).commitment()
        await node.handle.submit(blocks[1].block_id)
    async with anchor_node(tmp_path, params, chain, second) as node:
        assert node.handle.monitor.current().tip == blocks[1]
        assert await node.handle.submit(blocks[1].block_id) == []
    assert first.sites == ["anchor.genesis", "anchor.commit"]
    assert second.sites == []


@pytest.mark.checklist(26)
async def test_a_target_three_ahead_gives_three_commitments_oldest_first(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 3)
    async with anchor_node(tmp_path, params, chain) as node:
        assert await node.handle.submit(blocks[-1].block_id) == blocks
        assert node.emitted() == blocks
        assert node.anchors.tip() == blocks[-1]
        assert _log_of(node.anchors, 0) == list(enumerate(blocks, start=1))
        state = genesis_state(params)
        for block in blocks:
            row = node.anchors.row(block)
            assert row is not None
            done = apply_stored(state, await chain.payload(block), row.aux)
            state = done.state
            assert (row.state, row.commitment, row.manifest_hash) == (state.encode(), state.commitment(), done.manifest_hash)
            assert (Manifest.decode(row.manifest), row.parent_block.height) == (done.manifest, block.height - 1)


@pytest.mark.checklist(27)
async def test_a_block_below_the_anchor_is_ignored(tmp_path: Path, chain: RegtestChain) -> None:
    blocks = chain.mine_many(chain.genesis, 5)
    other = chain.mine_many(chain.genesis, 2)
    async with anchor_node(tmp_path, params_at(chain, blocks[3]), chain) as node:
        assert await node.handle.submit(blocks[1].block_id) == []
        assert await node.handle.submit(other[1].block_id) == []
        assert node.anchors.tip() == blocks[3]
        assert await node.handle.submit(blocks[4].block_id) == [blocks[4]]


@pytest.mark.checklist(28)
async def test_defect_g_a_stale_notification_moves_nothing_back(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 4)
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer) as node:
        await node.handle.submit(blocks[-1].block_id)
        before = dump(node.database)
        for stale in (blocks[-1], blocks[0], blocks[2], chain.genesis):
            assert await node.handle.submit(stale.block_id) == []
        assert node.handle.monitor.current().tip == blocks[-1]
        assert dump(node.database) == before
        assert node.emitted() == blocks
    assert observer.sites == ["anchor.genesis", "anchor.commit"]


@pytest.mark.checklist(29)
async def test_a_reorg_starts_at_the_fork_and_does_not_visit_the_abandoned_branch(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams
) -> None:
    trunk = chain.mine_many(chain.genesis, 3)
    old = chain.mine_many(trunk[-1], 4)
    new = chain.mine_many(trunk[-1], 5)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(old[-1].block_id)
        node.emitted()
        node.source.located.clear()
        node.source.payloads.clear()
        assert await node.handle.submit(new[-1].block_id) == new
        assert node.emitted() == new
        assert node.source.payloads == new
        assert set(node.source.located) == {block.block_id for block in new}
        assert [node.anchors.canonical_at(Height(height)) for height in range(9)] == [chain.genesis, *trunk, *new]
        assert [read_leaf(node.database, Height(0), block.height) for block in trunk + new] == _branch_leaves(node.anchors, trunk + new)
        assert node.handle.monitor.current().reorgs == 1
        state = AnchorState.decode(node.anchors.state(new[-1]))
        assert state.history.entries == 9
        for height in range(9):
            proof = node.anchors.leaf_proof(Height(height), 9)
            state.history.verify(proof.manifest_hash, height, proof.siblings)
        assert all(node.anchors.row(orphan) is not None for orphan in old)


@pytest.mark.checklist(30)
async def test_after_a_reorg_to_a_shorter_chain_orphan_leaves_are_there_but_unprovable(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams
) -> None:
    old = chain.mine_many(chain.genesis, 5)
    new = chain.mine_many(chain.genesis, 2)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(old[-1].block_id)
        await node.handle.submit(new[-1].block_id)
        assert node.anchors.tip() == new[-1]
        assert read_leaf(node.database, Height(0), Height(5)) == _branch_leaves(node.anchors, old)[-1]
        assert node.anchors.canonical_at(Height(5)) is None
        for leaf, count in ((5, 3), (5, 6), (3, 3)):
            with pytest.raises(MmrProofFailed):
                node.anchors.leaf_proof(Height(leaf), count)


async def test_defect_h_a_branch_of_equal_or_lower_height_is_followed(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    first = chain.mine_many(chain.genesis, 3)
    equal = chain.mine_many(chain.genesis, 3)
    lower = chain.mine_many(first[0], 1)
    async with anchor_node(tmp_path, params, chain) as node:
        assert await node.handle.submit(first[-1].block_id) == first
        assert await node.handle.submit(equal[-1].block_id) == equal
        assert await node.handle.submit(lower[-1].block_id) == [first[0], *lower]
        assert node.anchors.tip() == lower[-1]
        assert [node.anchors.canonical_at(Height(height)) for height in (1, 2, 3)] == [first[0], lower[-1], None]


async def test_defect_f_replays_and_reorgs_shift_no_leaf(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    left, right = chain.mine_many(chain.genesis, 6), chain.mine_many(chain.genesis, 6)
    async with anchor_node(tmp_path, params, chain) as node:
        for branch in (left, right, left, right, right, left):
            await node.handle.submit(branch[-1].block_id)
            state = AnchorState.decode(node.anchors.state(branch[-1]))
            leaves = [SENTINEL, *_branch_leaves(node.anchors, branch)]
            for height, leaf in enumerate(leaves):
                proof = node.anchors.leaf_proof(Height(height), len(leaves))
                assert proof.manifest_hash == leaf
                state.history.verify(leaf, height, proof.siblings)


async def test_a_switch_back_transitions_nothing_again_but_emits_again(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    trunk = chain.mine_many(chain.genesis, 2)
    left, right = chain.mine_many(trunk[-1], 70), chain.mine_many(trunk[-1], 3)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(left[-1].block_id)
        await node.handle.submit(right[-1].block_id)
        node.emitted()
        node.source.payloads.clear()
        node.source.located.clear()
        grown = chain.mine(left[-1])
        assert await node.handle.submit(grown.block_id) == [*left, grown]
        assert node.emitted() == [*left, grown]
        assert node.source.payloads == [grown]
        assert node.source.located == [grown.block_id]
        assert node.anchors.tip() == grown
        assert _log_of(node.anchors, 75) == [(76 + at, block) for at, block in enumerate([*left, grown])]
        assert node.handle.monitor.current().reorgs == 2


@pytest.mark.checklist(31)
async def test_without_the_anchors_state_it_says_missing_genesis_state(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 1)
    other = chain.mine_many(chain.genesis, 1)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(blocks[0].block_id)
        await node.database.write("damage", lambda tx: tx.execute("DELETE FROM anchors WHERE header IS NULL"))
        with pytest.raises(MissingGenesisState):
            await node.handle.submit(other[0].block_id)
    with pytest.raises(TaskFailed) as caught:
        async with anchor_node(tmp_path, params, chain):
            pass
    assert isinstance(caught.value.cause, MissingGenesisState)


@pytest.mark.checklist(32)
async def test_a_store_error_during_the_walk_reaches_the_caller(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 4)

    class Failing(AnchorStore):
        def has(self, block: BlockCommitment) -> bool:
            if block == blocks[1]:
                raise StorageBroken("a page cannot be read")
            return super().has(block)

    async with anchor_node(tmp_path, params, chain, store=Failing) as node:
        with pytest.raises(StorageBroken, match="a page cannot be read"):
            await node.handle.submit(blocks[3].block_id)
        assert node.anchors.tip() == chain.genesis
        assert node.source.payloads == []


@pytest.mark.checklist(33)
@pytest.mark.parametrize("number", range(3))
async def test_a_crash_before_a_commit_and_a_rerun_give_the_same_bytes(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams, number: int
) -> None:
    trunk = chain.mine_many(chain.genesis, 3)
    left, right = chain.mine_many(trunk[-1], 2), chain.mine_many(trunk[-1], 4)
    targets = [trunk[-1], left[-1], right[-1]]
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    async with anchor_node(tmp_path / "whole", params, chain) as node:
        for target in targets:
            await node.handle.submit(target.block_id)
        expected = dump(node.database)

    async with anchor_node(tmp_path / "cut", params, chain, CuttingObserver("anchor.commit", number)) as node:
        for target in targets[:number]:
            await node.handle.submit(target.block_id)
        with pytest.raises(PowerCut):
            await node.handle.submit(targets[number].block_id)
        assert node.emitted() == [block for part in ([trunk, left, right][:number]) for block in part]
    async with anchor_node(tmp_path / "cut", params, chain) as node:
        for target in targets[number:]:
            await node.handle.submit(target.block_id)
        assert dump(node.database) == expected


@pytest.mark.checklist(34)
async def test_an_error_goes_to_the_caller_and_ends_the_worker_after_the_blocks_before_it(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams
) -> None:
    good = chain.mine_many(chain.genesis, 12)  # enough to fill the window of times
    too_early = chain.add(build_block(good[-1], time=chain.header(good[0]).time), Height(13))
    behind, other = chain.mine(too_early), chain.mine(good[-1])
    async with anchor_node(tmp_path, params, chain) as node:
        with pytest.raises(TimestampError):
            await node.handle.submit(behind.block_id)
        assert node.emitted() == good
        assert node.anchors.tip() == good[-1]
        with pytest.raises(WorkerExited):
            await node.handle.submit(other.block_id)
    async with anchor_node(tmp_path, params, chain) as node:
        assert await node.handle.submit(other.block_id) == [other]


@pytest.mark.checklist(9)
async def test_whoever_reads_on_receipt_finds_the_block(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 130)
    found: list[bool] = []
    async with anchor_node(tmp_path, params, chain) as node:

        async def read_on_receipt() -> None:
            for _ in blocks:
                block = await node.commits.recv()
                found.append(node.anchors.row(block) is not None and node.anchors.canonical_at(block.height) == block)

        reader = asyncio.create_task(read_on_receipt())
        await node.handle.submit(blocks[-1].block_id)
        await reader
    assert found == [True] * len(blocks)


@pytest.mark.checklist(9)
async def test_nothing_is_emitted_while_its_transaction_is_not_durable(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 3)
    seen: list[int] = []

    class Watching(CountingObserver):
        def after_commit(self, site: str) -> None:
            if site == "anchor.commit":
                seen.append(watched.commits.backlog())

    async with anchor_node(tmp_path, params, chain, Watching()) as watched:
        await watched.handle.submit(blocks[-1].block_id)
        assert seen == [0]
        assert watched.emitted() == blocks


async def test_a_batch_is_one_transaction_of_at_most_64_blocks(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, MAX_BATCH_BLOCKS + 10)
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer) as node:
        assert await node.handle.submit(blocks[-1].block_id) == blocks
    assert observer.sites == ["anchor.genesis", "anchor.commit", "anchor.commit"]


async def test_a_batch_ends_after_a_tenth_of_a_second_of_work(tmp_path: Path, params: AnchorParams) -> None:
    clock = ManualClock()

    class Slow(RegtestChain):
        async def payload(self, block: BlockCommitment) -> bytes:
            clock.advance(0.04)
            return await super().payload(block)

    chain = Slow(b"asm")
    blocks = chain.mine_many(chain.genesis, 7)
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer, clock) as node:
        assert await node.handle.submit(blocks[-1].block_id) == blocks
        assert node.handle.monitor.current().seconds == pytest.approx(0.28)
    assert observer.sites.count("anchor.commit") == 3


async def test_other_tasks_run_during_a_long_submission(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 60)
    async with anchor_node(tmp_path, params, chain, clock=SlowClock(0.0011)) as node:
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        other = asyncio.create_task(count_turns())
        await node.handle.submit(blocks[-1].block_id)
        other.cancel()
    assert turns >= 10


@pytest.mark.checklist(39)
async def test_a_manifest_asked_for_is_proven_at_the_state_before_the_block_and_kept(tmp_path: Path, chain: RegtestChain) -> None:
    params = params_at(chain, chain.genesis, exports=True)

    def asking(height: int, salt: bytes) -> list[Transaction]:
        return [manifest_export_transaction(TEST_MAGIC, 1, Height(height), salt)]

    trunk = chain.mine_many(chain.genesis, 3)
    left = [chain.mine(trunk[-1], asking(3, b"l"))]
    left += chain.mine_many(left[-1], 3)
    right = [chain.mine(trunk[-1], asking(2, b"r1"))]
    right.append(chain.mine(right[-1], asking(4, b"r2")))
    right.append(chain.mine(right[-1], asking(99, b"r3")))  # not below the block: dropped
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(left[-1].block_id)
        assert await node.handle.submit(right[-1].block_id) == right
        rows = [node.anchors.row(block) for block in right]
        for row in rows:
            assert row is not None
            before = AnchorState.decode(node.anchors.state(row.parent_block))
            assert apply_stored(before, row.payload, row.aux).state.encode() == row.state
        logs = [Manifest.decode(row.manifest).logs for row in rows if row is not None]
        leaves = _branch_leaves(node.anchors, trunk + right)
        assert [[log[2:] for log in of_block] for of_block in logs] == [[leaves[1]], [leaves[3]], []]


async def test_the_database_of_another_anchor_is_refused(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 1)
    async with anchor_node(tmp_path, params, chain):
        pass
    with pytest.raises(TaskFailed) as caught:
        async with anchor_node(tmp_path, params_at(chain, blocks[0]), chain):
            pass
    assert isinstance(caught.value.cause, WrongGenesis)


async def test_the_stream_of_commits_ends_with_the_worker(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    async with anchor_node(tmp_path, params, chain) as node:
        later = node.handle.subscribe()
        assert node.handle.pending() == 0
    assert [block async for block in later] == []

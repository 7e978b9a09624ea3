"""The Moho worker behind a real anchor worker: folding, catching up, switching branches, exports, and where it must stop."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.anchor_node import GENESIS_PREDICATE, AnchorNode, CountingObserver, CuttingObserver, anchor_node, drain, dump, params_at
from kit.clock import ManualClock
from proofplane.anchor.anchor_store import ANCHOR_SCHEMA, AnchorStore
from proofplane.anchor.errors import MissingGenesisState, MissingMohoState
from proofplane.anchor.moho import MohoState, fold, genesis_moho
from proofplane.anchor.moho_store import MOHO_SCHEMA, MohoStore
from proofplane.anchor.moho_worker import MAX_PAGE_BLOCKS, MohoWorker
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.subprotocols.export import export_transaction
from proofplane.anchor.subprotocols.upgrade import upgrade_transaction
from proofplane.anchor.types import AnchorParams, Manifest, Quorum
from proofplane.base.ids import BlockCommitment, Hash32, Height
from proofplane.base.predicate import Predicate
from proofplane.bitcoin.sps50 import TEST_MAGIC
from proofplane.crypto.mmr import Mmr
from proofplane.crypto.schnorr import SigningKey
from proofplane.service.supervisor import TaskFailed
from proofplane.storage.database import DATABASE_NAME, Database

_KEY = SigningKey(b"\x07" * 32)
_NEW_PREDICATE = Predicate(10, b"\x09" * 32)


@pytest.fixture
def chain() -> RegtestChain:
    return RegtestChain(b"moho")


@pytest.fixture
def params(chain: RegtestChain) -> AnchorParams:
    quorum = Quorum((Hash32(_KEY.public().raw),), 1)
    return params_at(chain, chain.genesis, exports=True, upgrade=quorum)


def _entry(number: int) -> Hash32:
    return Hash32(number.to_bytes(32, "big"))


def _mine_export(chain: RegtestChain, parent: BlockCommitment, number: int, container: int = 1) -> BlockCommitment:
    return chain.mine(parent, [export_transaction(TEST_MAGIC, container, _entry(number), salt=str(number).encode())])


def _computed(node: AnchorNode, path: list[BlockCommitment]) -> MohoState:
    """The Moho state after `path`, folded from genesis here."""
    genesis = node.anchors.genesis()
    assert genesis is not None
    state = genesis_moho(genesis.commitment, GENESIS_PREDICATE)
    for block in path:
        row = node.anchors.row(block)
        assert row is not None
        state, _ = fold(state, row.commitment, Manifest.decode(row.manifest).logs)
    return state


def _assert_stored(node: AnchorNode, path: list[BlockCommitment]) -> None:
    """Every state of the branch is stored as computed, and the exports are exactly the branch's."""
    for length in range(len(path) + 1):
        state = _computed(node, path[:length])
        row = node.states.get(path[length - 1] if length else node.anchors.genesis().block)  # type: ignore[union-attr]  # it has one
        assert (row.state, row.commitment, row.predicate) == (state.encode(), state.commitment(), state.next_predicate)
        assert row.opening == state.opening()[1]
    state = _computed(node, path)
    for container in state.exports:
        entries = [entry for entry, _ in node.states.exports(container.id, 0, 1000)]
        assert Mmr.from_leaves(entries) == container.entries
    assert node.database.row("SELECT count(*) FROM moho_exports") == (sum(container.entries.entries for container in state.exports),)


@pytest.mark.checklist(41)
async def test_an_empty_store_gets_the_genesis_state(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer) as node:
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, chain.genesis)
        _assert_stored(node, [])
        assert (node.states.tip(), drain(commits)) == ((chain.genesis, 0), [])
    async with anchor_node(tmp_path, params, chain, observer) as node:
        monitor, _ = node.launch_moho(predicate=_NEW_PREDICATE)  # the stored one counts
        await node.moho_at(monitor, chain.genesis)
        assert node.states.get(chain.genesis).predicate == GENESIS_PREDICATE
    assert observer.sites == ["anchor.genesis", "moho.genesis"]


@pytest.mark.checklist(42)
@pytest.mark.checklist(46)
async def test_contiguous_blocks_fold_and_are_emitted_once_readable(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks: list[BlockCommitment] = []
    for number in range(5):
        blocks.append(_mine_export(chain, blocks[-1] if blocks else chain.genesis, number))
    durable: list[int] = []

    class Watching(CountingObserver):
        def after_commit(self, site: str) -> None:
            super().after_commit(site)
            if site == "moho.commit":
                durable.append(commits.backlog())

    async with anchor_node(tmp_path, params, chain, Watching()) as node:
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, chain.genesis)
        await node.handle.submit(blocks[1].block_id)
        found = [await commits.recv() for _ in range(2)]
        assert all(node.states.has(block) for block in found)
        await node.handle.submit(blocks[4].block_id)
        found += [await commits.recv() for _ in range(3)]
        assert found == blocks
        assert durable[0] == 0
        _assert_stored(node, blocks)
        assert [block for _, block in node.states.since(0, 10)] == blocks
        assert monitor.current().blocks == 5


@pytest.mark.checklist(43)
async def test_a_sibling_folds_from_the_shared_parent_via_the_store(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    trunk = chain.mine_many(chain.genesis, 2)
    left = [_mine_export(chain, trunk[-1], 1)]  # without exports a state does not depend on its parent's
    left.append(_mine_export(chain, left[-1], 2))
    right = [_mine_export(chain, trunk[-1], 3)]
    async with anchor_node(tmp_path, params, chain) as node:
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, chain.genesis)
        await node.handle.submit(left[-1].block_id)
        await node.moho_at(monitor, left[-1])
        await node.handle.submit(right[-1].block_id)
        await node.moho_at(monitor, right[-1])
        _assert_stored(node, trunk + right)
        assert [node.states.has(block) for block in left] == [True, True]
        assert drain(commits)[-1] == right[-1]


@pytest.mark.checklist(44)
async def test_a_missing_parent_state_stops_the_service(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    trunk = chain.mine_many(chain.genesis, 2)
    sibling = chain.mine(trunk[0])

    async def run() -> None:
        async with anchor_node(tmp_path, params, chain) as node:
            monitor, _ = node.launch_moho()
            await node.handle.submit(trunk[-1].block_id)
            await node.moho_at(monitor, trunk[-1])
            await node.database.write("damage", lambda tx: tx.execute("DELETE FROM moho WHERE key = ?", (trunk[0].key(),)))
            await node.handle.submit(sibling.block_id)
            async with asyncio.timeout(10):
                await node.supervisor.wait()

    with pytest.raises(TaskFailed) as caught:
        await run()
    assert isinstance(caught.value.cause, MissingMohoState)
    assert caught.value.cause.block == trunk[0]


async def test_it_cannot_start_before_the_anchor_worker_ever_did(tmp_path: Path) -> None:
    database = Database(tmp_path / DATABASE_NAME, [ANCHOR_SCHEMA, MOHO_SCHEMA])
    worker = MohoWorker(AnchorStore(database), MohoStore(database), GENESIS_PREDICATE, ManualClock())
    with pytest.raises(MissingGenesisState):
        await worker.on_launch()
    database.close()


@pytest.mark.checklist(45)
async def test_what_happened_while_it_was_down_is_made_up_for_silently(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    trunk = chain.mine_many(chain.genesis, MAX_PAGE_BLOCKS + 6)
    left, right = chain.mine_many(trunk[-1], 3), chain.mine_many(trunk[-1], 2)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(trunk[-1].block_id)
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer) as node:  # the whole gap
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, trunk[-1])
        assert (drain(commits), observer.sites) == ([], ["moho.genesis", "moho.commit", "moho.commit"])
        _assert_stored(node, trunk)
    async with anchor_node(tmp_path, params, chain) as node:
        await node.handle.submit(left[-1].block_id)
        await node.handle.submit(right[-1].block_id)
    observer = CountingObserver()
    async with anchor_node(tmp_path, params, chain, observer) as node:  # part of it, across a reorg
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, right[-1])
        assert (drain(commits), observer.sites) == ([], ["moho.commit"])
        _assert_stored(node, trunk + right)
        assert [block for _, block in node.states.since(0, 200)] == trunk + left + right
    async with anchor_node(tmp_path, params, chain, observer) as node:  # nothing
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, right[-1])
        assert (drain(commits), observer.sites) == ([], ["moho.commit"])
        more = chain.mine(right[-1])
        await node.handle.submit(more.block_id)
        assert await commits.recv() == more


@pytest.mark.checklist(47)
async def test_a_new_predicate_counts_from_its_block_on(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    first = chain.mine(chain.genesis)
    upgrading = chain.mine(first, [upgrade_transaction(TEST_MAGIC, 0, _NEW_PREDICATE, {0: _KEY})])
    after = chain.mine(upgrading)
    async with anchor_node(tmp_path, params, chain) as node:
        monitor, _ = node.launch_moho()
        await node.handle.submit(after.block_id)
        await node.moho_at(monitor, after)
        found = [node.states.get(block).predicate for block in (first, upgrading, after)]
        assert found == [GENESIS_PREDICATE, _NEW_PREDICATE, _NEW_PREDICATE]
        _assert_stored(node, [first, upgrading, after])


@pytest.mark.checklist(47)
async def test_exports_are_those_of_the_branch_after_every_switch(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    trunk = [_mine_export(chain, chain.genesis, 1)]
    left = [_mine_export(chain, trunk[-1], 2)]
    left.append(_mine_export(chain, left[-1], 3, container=2))
    left.append(_mine_export(chain, left[-1], 4))
    right = chain.mine_many(trunk[-1], 1)
    right.append(_mine_export(chain, right[-1], 5))
    async with anchor_node(tmp_path, params, chain) as node:
        monitor, commits = node.launch_moho()
        await node.moho_at(monitor, chain.genesis)  # what is there before is folded silently
        for branch in (left, right, left, right):
            await node.handle.submit(branch[-1].block_id)
            await node.moho_at(monitor, branch[-1])
            _assert_stored(node, trunk + branch)
        assert node.states.exports(1, 0, 10) == [(_entry(1), Height(1)), (_entry(5), Height(3))]
        assert node.states.export_position(1, _entry(5)) == 1
        assert (node.states.exports(2, 0, 10), node.states.export_position(2, _entry(3))) == ([], None)
        assert drain(commits) == trunk + left + right + left + right
        assert node.database.row("SELECT count(*) FROM moho") == (7,)


@pytest.mark.checklist(47)
@pytest.mark.parametrize("number", range(3))
async def test_replay_after_a_crash_duplicates_no_export(tmp_path: Path, chain: RegtestChain, params: AnchorParams, number: int) -> None:
    blocks = [chain.genesis]
    for at in range(3):
        blocks.append(_mine_export(chain, blocks[-1], at))
    del blocks[0]

    async def run() -> None:
        async with anchor_node(tmp_path, params, chain, CuttingObserver("moho.commit", number)) as node:
            monitor, _ = node.launch_moho()
            for block in blocks[: number + 1]:
                await node.handle.submit(block.block_id)
                if block is not blocks[number]:
                    await node.moho_at(monitor, block)
            async with asyncio.timeout(10):
                await node.supervisor.wait()

    with pytest.raises(TaskFailed):
        await run()
    async with anchor_node(tmp_path, params, chain) as node:
        monitor, _ = node.launch_moho()
        await node.handle.submit(blocks[-1].block_id)
        await node.moho_at(monitor, blocks[-1])
        _assert_stored(node, blocks)


async def test_a_subscription_that_dropped_items_loses_nothing(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 200)
    async with anchor_node(tmp_path, params, chain) as node:
        commits = node.handle.subscribe(capacity=1)
        worker = MohoWorker(node.anchors, node.states, GENESIS_PREDICATE, node.clock)
        emitted = worker.commits().subscribe()
        await worker.on_launch()
        await node.handle.submit(blocks[-1].block_id)
        assert commits.lagged > 0
        await worker.process_input(await commits.recv())
        assert drain(emitted) == blocks
        _assert_stored(node, blocks)
        worker.on_exit()


@given(
    tree=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), min_size=1, max_size=4), submits=st.lists(st.integers(0, 12), max_size=5)
)
@settings(max_examples=15, deadline=None)
def test_any_order_of_branches_gives_states_and_exports_of_the_current_one(
    tmp_path_factory: pytest.TempPathFactory, tree: list[tuple[int, int]], submits: list[int]
) -> None:
    chain = RegtestChain(b"any")
    parents: dict[BlockCommitment, BlockCommitment] = {}
    blocks = [chain.genesis]
    for fork, length in tree:
        parent = blocks[fork % len(blocks)]
        for _ in range(length):
            block = _mine_export(chain, parent, len(blocks), container=len(blocks) % 2)
            parents[block], parent = parent, block
            blocks.append(block)

    async def run() -> None:
        params = params_at(chain, chain.genesis, exports=True)
        async with anchor_node(tmp_path_factory.mktemp("any"), params, chain) as node:
            monitor, commits = node.launch_moho()
            await node.moho_at(monitor, chain.genesis)
            for number in submits:
                await node.handle.submit(blocks[number % len(blocks)].block_id)
            tip = node.anchors.tip()
            assert tip is not None
            async with asyncio.timeout(30):
                while monitor.current().consumed != len(node.anchors.emissions(0, 1000)):
                    await monitor.changed()
            path = [tip]
            while path[-1] in parents:
                path.append(parents[path[-1]])
            _assert_stored(node, path[-2::-1])
            assert drain(commits) == [emission.block for emission in node.anchors.emissions(0, 1000)]
            assert dump(node.database, ["moho_log"])["moho_log"] == dump(node.database, ["anchor_log"])["anchor_log"]

    asyncio.run(run())

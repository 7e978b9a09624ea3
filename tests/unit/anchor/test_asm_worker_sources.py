"""The anchor worker and sources that lack blocks, contradict themselves or know another chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.anchor_node import anchor_node, params_at
from proofplane.anchor.errors import AnchorNotInChain, InconsistentSource, MissingL1Block
from proofplane.anchor.ports import LocatedHeader
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.types import AnchorParams
from proofplane.base.ids import BlockCommitment, BlockId, Height


@pytest.fixture
def chain() -> RegtestChain:
    return RegtestChain(b"asm")


@pytest.fixture
def params(chain: RegtestChain) -> AnchorParams:
    return params_at(chain, chain.genesis)


async def test_a_block_that_the_source_does_not_have_is_reported_missing(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    async with anchor_node(tmp_path, params, chain) as node:
        with pytest.raises(MissingL1Block):
            await node.handle.submit(BlockId(bytes(32)))
        assert await node.handle.submit(chain.mine(chain.genesis).block_id) == [node.anchors.tip()]


async def test_a_branch_that_vanishes_on_the_way_leaves_the_worker_alive_and_without_a_gap(
    tmp_path: Path, chain: RegtestChain, params: AnchorParams
) -> None:
    trunk = chain.mine_many(chain.genesis, 2)
    old, new = chain.mine_many(trunk[-1], 2), chain.mine_many(trunk[-1], 3)
    gone = {new[0]}

    class Forgetful(RegtestChain):
        async def locate(self, block_id: BlockId) -> LocatedHeader:
            return await chain.locate(block_id)

        async def payload(self, block: BlockCommitment) -> bytes:
            if block in gone:
                raise MissingL1Block(block.block_id)
            return await chain.payload(block)

    async with anchor_node(tmp_path, params, Forgetful()) as node:
        await node.handle.submit(old[-1].block_id)
        assert node.emitted() == trunk + old

        # When the first block of another branch is gone, nothing moves
        with pytest.raises(MissingL1Block):
            await node.handle.submit(new[-1].block_id)
        assert (node.anchors.tip(), node.emitted(), node.handle.monitor.current().reorgs) == (old[-1], [], 0)

        # When a later one is gone, what comes before it is kept
        gone.clear()
        gone.add(new[1])
        with pytest.raises(MissingL1Block):
            await node.handle.submit(new[-1].block_id)
        assert (node.anchors.tip(), node.emitted(), node.handle.monitor.current().reorgs) == (new[0], [new[0]], 1)

        # Then the worker goes where it is asked to next
        assert await node.handle.submit(old[-1].block_id) == old
        gone.clear()
        assert await node.handle.submit(new[-1].block_id) == new


async def test_a_branch_that_passes_the_anchor_by_is_refused(tmp_path: Path, chain: RegtestChain) -> None:
    blocks = chain.mine_many(chain.genesis, 4)
    other = chain.mine_many(blocks[1], 4)
    async with anchor_node(tmp_path, params_at(chain, blocks[3]), chain) as node:
        with pytest.raises(AnchorNotInChain, match="choose an anchor deeper down"):
            await node.handle.submit(other[-1].block_id)


async def test_a_source_that_contradicts_itself_is_found_out(tmp_path: Path, chain: RegtestChain, params: AnchorParams) -> None:
    blocks = chain.mine_many(chain.genesis, 2)
    sibling = chain.mine(chain.genesis)

    class WrongHeight(RegtestChain):
        async def locate(self, block_id: BlockId) -> LocatedHeader:
            found = await chain.locate(block_id)
            return found if found.commitment != blocks[0] else LocatedHeader(BlockCommitment(Height(9), block_id), found.header)

    class WrongBlock(RegtestChain):
        async def locate(self, block_id: BlockId) -> LocatedHeader:
            return await chain.locate(block_id)

        async def payload(self, block: BlockCommitment) -> bytes:
            return await chain.payload(sibling)

    for number, liar in enumerate((WrongHeight(), WrongBlock())):
        (tmp_path / str(number)).mkdir()
        async with anchor_node(tmp_path / str(number), params, liar) as node:
            with pytest.raises(InconsistentSource):
                await node.handle.submit(blocks[1].block_id)
            assert node.anchors.tip() == chain.genesis

"""The anchor worker against a naive model: any submissions over any tree of blocks."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.anchor_node import anchor_node, params_at
from proofplane.anchor.anchor_store import AnchorStore
from proofplane.anchor.leaf_table import read_leaf
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.state import AnchorState
from proofplane.base.ids import BlockCommitment, Hash32, Height


def _branch_leaves(anchors: AnchorStore, path: list[BlockCommitment]) -> list[Hash32]:
    rows = [anchors.row(block) for block in path]
    return [row.manifest_hash for row in rows if row is not None]


def _log_of(anchors: AnchorStore, after: int) -> list[tuple[int, BlockCommitment]]:
    return [(emission.seq, emission.block) for emission in anchors.emissions(after, 1000)]


@given(
    tree=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), min_size=1, max_size=5),
    submits=st.lists(st.integers(0, 20), max_size=6),
)
@settings(max_examples=25, deadline=None)
def test_any_submissions_over_any_tree_agree_with_a_naive_model(
    tmp_path_factory: pytest.TempPathFactory, tree: list[tuple[int, int]], submits: list[int]
) -> None:
    chain = RegtestChain(b"model")
    blocks = [chain.genesis]
    parents: dict[BlockCommitment, BlockCommitment] = {}
    for fork, length in tree:
        parent = blocks[fork % len(blocks)]
        for block in chain.mine_many(parent, length):
            parents[block] = parent
            parent = block
            blocks.append(block)

    def line(block: BlockCommitment) -> list[BlockCommitment]:
        found = [block]
        while found[-1] in parents:
            found.append(parents[found[-1]])
        return found[::-1]

    async def run() -> None:
        tip, log = chain.genesis, []
        async with anchor_node(tmp_path_factory.mktemp("tree"), params_at(chain, chain.genesis), chain) as node:
            for number in submits:
                target = blocks[number % len(blocks)]
                expected = [] if target in line(tip) else [block for block in line(target) if block not in line(tip)]
                tip = target if expected else tip
                log += expected
                assert await node.handle.submit(target.block_id) == expected
                assert node.anchors.tip() == tip
                branch = line(tip)
                assert [node.anchors.canonical_at(block.height) for block in branch] == branch
                leaves = [read_leaf(node.database, Height(0), block.height) for block in branch[1:]]
                assert leaves == _branch_leaves(node.anchors, branch[1:])
            assert [block for _, block in _log_of(node.anchors, 0)] == log
            assert node.emitted() == log
            state = AnchorState.decode(node.anchors.state(tip))
            for height in range(state.history.entries):
                proof = node.anchors.leaf_proof(Height(height), state.history.entries)
                state.history.verify(proof.manifest_hash, height, proof.siblings)

    asyncio.run(run())

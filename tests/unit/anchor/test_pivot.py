"""The pivot search against a naive model, and its rules one by one."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofplane.anchor.pivot import Plan, ReachedFloor, plan
from proofplane.base.errors import Broken
from proofplane.base.ids import BlockCommitment, BlockId, Height


def _block(height: int, branch: int = 0) -> BlockCommitment:
    return BlockCommitment(Height(height), BlockId(bytes([branch]) * 4 + height.to_bytes(28, "big")))


class _Tree:
    """Blocks with parents; remembers whose parent was asked for."""

    def __init__(self, parents: dict[BlockCommitment, BlockCommitment]) -> None:
        self.parents = parents
        self.asked: list[BlockCommitment] = []

    @classmethod
    def line(cls, first: int, last: int) -> _Tree:
        return cls({_block(height): _block(height - 1) for height in range(first + 1, last + 1)})

    async def parent_of(self, block: BlockCommitment) -> BlockCommitment:
        self.asked.append(block)
        return self.parents[block]


async def test_the_path_to_the_base_is_pending_newest_first() -> None:
    tree = _Tree.line(10, 14)
    found = await plan(_block(14), Height(10), {_block(11): "state"}.get, tree.parent_of)
    assert found == Plan("state", _block(11), (_block(14), _block(13), _block(12)))


async def test_a_base_at_the_tip_leaves_nothing_pending_and_asks_for_no_parent() -> None:
    tree = _Tree.line(10, 14)
    assert await plan(_block(14), Height(10), {_block(14): "state"}.get, tree.parent_of) == Plan("state", _block(14), ())
    assert tree.asked == []


async def test_the_floor_is_looked_at_before_the_search_gives_up_there() -> None:
    tree = _Tree.line(10, 12)
    found = await plan(_block(12), Height(10), {_block(10): "state"}.get, tree.parent_of)
    assert found == Plan("state", _block(10), (_block(12), _block(11)))
    assert await plan(_block(12), Height(10), {_block(10, branch=1): "state"}.get, tree.parent_of) == ReachedFloor(_block(10))


async def test_a_tip_below_the_floor_ends_at_once() -> None:
    tree = _Tree.line(0, 9)
    assert await plan(_block(9), Height(10), dict[BlockCommitment, str]().get, tree.parent_of) == ReachedFloor(_block(9))
    assert tree.asked == []


@pytest.mark.checklist(32)
async def test_a_failing_lookup_is_not_taken_for_a_missing_base() -> None:
    def broken(block: BlockCommitment) -> str | None:
        if block.height == 12:
            raise Broken("disk")
        return "state" if block.height == 10 else None

    with pytest.raises(Broken, match="disk"):
        await plan(_block(14), Height(10), broken, _Tree.line(10, 14).parent_of)


@st.composite
def _searches(draw: st.DrawFn) -> tuple[_Tree, BlockCommitment, set[BlockCommitment], int]:
    blocks = [_block(0)]
    parents: dict[BlockCommitment, BlockCommitment] = {}
    for number in range(1, draw(st.integers(1, 30))):
        parent = draw(st.sampled_from(blocks))
        child = _block(parent.height + 1, branch=number)
        parents[child] = parent
        blocks.append(child)
    return _Tree(parents), draw(st.sampled_from(blocks)), draw(st.sets(st.sampled_from(blocks))), draw(st.integers(0, 8))


@given(_searches())
def test_it_agrees_with_listing_all_ancestors(search: tuple[_Tree, BlockCommitment, set[BlockCommitment], int]) -> None:
    tree, tip, bases, floor = search
    ancestors = [tip]
    while ancestors[-1] in tree.parents:
        ancestors.append(tree.parents[ancestors[-1]])
    allowed = [block for block in ancestors if block.height >= floor] or [tip]
    hits = [place for place, block in enumerate(allowed) if block in bases]
    expected = Plan(True, allowed[hits[0]], tuple(allowed[: hits[0]])) if hits else ReachedFloor(allowed[-1])

    found = asyncio.run(plan(tip, Height(floor), lambda block: True if block in bases else None, tree.parent_of))

    assert found == expected
    assert tree.asked == (allowed[: hits[0]] if hits else allowed[:-1])

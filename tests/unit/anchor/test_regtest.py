"""The in-process regtest chain: reproducible, branching, accepted by the rules it is made for."""

from __future__ import annotations

import pytest

from proofplane.anchor.errors import MissingL1Block
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.types import Mode
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.body import check_body
from proofplane.bitcoin.rules import accept, anchor_state


def test_the_same_seed_gives_the_same_blocks_and_another_seed_others() -> None:
    first, again, other = (RegtestChain(seed) for seed in (b"a", b"a", b"b"))
    made = [chain.mine_many(chain.genesis, 3) for chain in (first, again, other)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_two_blocks_on_one_parent_differ() -> None:
    chain = RegtestChain()
    assert len({chain.mine(chain.genesis) for _ in range(5)}) == 5


async def test_what_it_mines_meets_the_header_and_body_rules() -> None:
    chain = RegtestChain(b"rules")
    point = chain.anchor(chain.genesis)
    state = anchor_state(point.network, point.block, point.next_bits, point.epoch_start)
    for mined in chain.mine_many(chain.genesis, 15):
        block = Block.decode(await chain.payload(mined))
        check_body(block, None)
        state = accept(state, block.header)
        assert state.last == mined


async def test_in_headers_only_mode_the_payload_is_the_header() -> None:
    chain = RegtestChain(mode=Mode.HEADERS_ONLY)
    mined = chain.mine(chain.genesis)
    assert await chain.payload(mined) == chain.block(mined).header.encode()
    assert await chain.payload(chain.genesis) == chain.header(chain.genesis).encode()


async def test_an_unknown_block_is_missing() -> None:
    chain = RegtestChain()
    with pytest.raises(MissingL1Block):
        await chain.locate(BlockId(bytes(32)))
    with pytest.raises(MissingL1Block):
        await chain.payload(BlockCommitment(Height(1), BlockId(bytes(32))))
    with pytest.raises(MissingL1Block):
        chain.block(chain.genesis)


def test_an_anchor_in_the_second_epoch_knows_its_epochs_start() -> None:
    chain = RegtestChain(b"epochs")
    blocks = [chain.genesis, *chain.mine_many(chain.genesis, 2020)]
    assert chain.anchor(blocks[2020]).epoch_start == chain.header(blocks[2016]).time
    assert chain.anchor(blocks[2015]).epoch_start == chain.header(chain.genesis).time

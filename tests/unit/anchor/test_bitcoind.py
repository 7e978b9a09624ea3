"""The full node as a source: an HTTP server that behaves, goes away, lies, and changes its mind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kit.anchor_node import anchor_node, params_at
from kit.clock import ManualClock
from kit.fake_node import FakeNode, fault, result
from proofplane.anchor.anchor_point import AnchorPoint
from proofplane.anchor.bitcoind import LOST_LOOKS, STRIDE, BitcoindSource, HeightNotReached
from proofplane.anchor.errors import InconsistentSource, MissingL1Block, SourceRefused, WrongCredentials, WrongNetwork
from proofplane.anchor.regtest import RegtestChain
from proofplane.anchor.rpc_client import Login, RpcClient
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.networks import Network
from proofplane.service.retry import TRANSIENT, BudgetSpent


class HastyClock(ManualClock):
    """Every wait is over at once; `waits` says how many there were, `on_wait` is called before each ends."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.at_wait: dict[int, object] = {}

    async def sleep_until(self, instant: float) -> None:
        self.waits += 1
        act = self.at_wait.get(self.waits)
        if callable(act):
            await act()
        self.advance(instant - self.now())


class RecordingSubmitter:
    """Takes blocks like a worker that knows nothing yet."""

    def __init__(self) -> None:
        self.submitted: list[BlockId] = []

    async def submit(self, block_id: BlockId) -> list[BlockCommitment]:
        self.submitted.append(block_id)
        return []


@pytest.fixture
def chain() -> RegtestChain:
    return RegtestChain(b"bitcoind")


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
async def node(chain: RegtestChain) -> AsyncIterator[FakeNode]:
    async with FakeNode(chain) as running:
        yield running


@pytest.fixture
async def source(node: FakeNode, clock: HastyClock) -> AsyncIterator[BitcoindSource]:
    opened = BitcoindSource(RpcClient(node.url, Login()), Network.REGTEST, clock)
    yield opened
    await opened.aclose()


async def test_headers_and_blocks_come_as_the_chain_has_them(chain: RegtestChain, node: FakeNode, source: BitcoindSource) -> None:
    blocks = chain.mine_many(chain.genesis, 2)
    assert await source.locate(blocks[1].block_id) == await chain.locate(blocks[1].block_id)
    assert await source.payload(blocks[1]) == chain.block(blocks[1]).encode()
    await source.locate(blocks[1].block_id)
    assert node.calls == ["getblockheader", "getblockheader", "getblock"]


async def test_an_anchor_has_the_bits_and_the_epochs_start_of_the_best_chain(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource
) -> None:
    node.best = chain.mine_many(chain.genesis, 5)[-1]
    third = BlockCommitment(Height(3), chain.located(chain.located(node.best.block_id).parent().block_id).header.previous)
    assert await source.anchor(Height(3)) == AnchorPoint(Network.REGTEST, third, 0x207FFFFF, 1296688602)
    with pytest.raises(HeightNotReached, match="blocks up to 5, not 6"):
        await source.anchor(Height(6))


async def test_catching_up_is_submitted_in_strides_and_then_only_the_best_tip(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource
) -> None:
    blocks = chain.mine_many(chain.genesis, 2 * STRIDE + 5)
    node.best = blocks[-1]
    submitter = RecordingSubmitter()
    tip, caught_up = chain.genesis, False
    while not caught_up:
        tip, caught_up = await source.follow(submitter, tip)
    assert submitter.submitted == [blocks[at].block_id for at in (STRIDE - 1, 2 * STRIDE - 1, -1)]
    assert await source.follow(submitter, tip) == (blocks[-1], True)
    node.best = chain.mine_many(blocks[10], 2)[-1]
    assert await source.follow(submitter, tip) == (node.best, True)
    assert submitter.submitted[3:] == [node.best.block_id]


async def test_it_returns_when_the_last_height_asked_for_is_processed(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    blocks = chain.mine_many(chain.genesis, STRIDE + 20)
    node.best = blocks[9]

    async def grow() -> None:
        node.best = blocks[-1]

    clock.at_wait = {2: grow}
    submitter = RecordingSubmitter()
    await source.run(submitter, chain.genesis, until=Height(STRIDE + 10))
    assert submitter.submitted == [blocks[9].block_id, blocks[STRIDE + 9].block_id]
    assert clock.waits == 2
    await source.run(submitter, blocks[STRIDE + 9], until=Height(STRIDE + 10))
    assert len(submitter.submitted) == 2


async def test_a_worker_follows_the_node_across_reorgs_and_absences(
    tmp_path: Path, chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock, caplog: pytest.LogCaptureFixture
) -> None:
    trunk = chain.mine_many(chain.genesis, 70)
    left, right = chain.mine_many(trunk[-1], 4), chain.mine_many(trunk[20], 3)
    reached: list[BlockCommitment | None] = []
    done = asyncio.Event()

    async with anchor_node(tmp_path, params_at(chain, chain.genesis), source) as anchored:

        async def next_act() -> None:
            reached.append(anchored.anchors.tip())
            if len(reached) == 1:
                node.best = right[-1]
            elif len(reached) == 2:
                node.best = left[-1]
                await node.stop()
            elif len(reached) == 5:
                await node.start()
            elif len(reached) == 6:
                done.set()
                await asyncio.Event().wait()

        clock.at_wait = dict.fromkeys(range(1, 7), next_act)
        node.best = left[-1]
        following = asyncio.create_task(source.run(anchored.handle, chain.genesis))
        with caplog.at_level(logging.WARNING, "proofplane"):
            async with asyncio.timeout(30):
                await done.wait()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert reached == [left[-1], right[-1], right[-1], right[-1], right[-1], left[-1]]
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert "does not answer" in lines[0]
    assert "is back" in lines[1]


async def test_a_node_that_stays_away_spends_the_budget(
    node: FakeNode, source: BitcoindSource, clock: HastyClock, chain: RegtestChain
) -> None:
    await node.stop()
    with pytest.raises(BudgetSpent, match="does not answer"):
        await source.run(RecordingSubmitter(), chain.genesis)
    assert clock.waits == TRANSIENT.budget


async def test_a_node_that_is_starting_or_busy_or_talks_nonsense_is_asked_again(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    bad = [fault(-28, "Loading block index..."), (503, b""), (200, b"<html>a proxy"), (200, b'{"result": 1'), (200, b"x" * 100)]
    bad += [(200, b'{"result": ' + b"[" * 100_000), (200, b'{"result": "\xff"}')]
    node.override = lambda method, parameters: bad.pop() if bad else None
    assert (await source.locate(chain.genesis.block_id)).commitment == chain.genesis
    assert clock.waits == 7


@pytest.mark.parametrize("login", [Login(user="user", password="wrong"), Login(user="nobody")])
async def test_wrong_credentials_are_the_callers_mistake_and_not_retried(
    node: FakeNode, clock: HastyClock, chain: RegtestChain, login: Login
) -> None:
    source = BitcoindSource(RpcClient(f"http://127.0.0.1:{node.port}", login), Network.REGTEST, clock)
    with pytest.raises(WrongCredentials, match="check cookie file, user and password") as caught:
        await source.run(RecordingSubmitter(), chain.genesis)
    assert isinstance(caught.value, CallerMistake)
    assert clock.waits == 0
    await source.aclose()


async def test_a_node_of_another_network_is_the_callers_mistake(node: FakeNode, clock: HastyClock, chain: RegtestChain) -> None:
    source = BitcoindSource(RpcClient(node.url, Login()), Network.MAINNET, clock)
    with pytest.raises(WrongNetwork, match="mainnet begins with") as caught:
        await source.run(RecordingSubmitter(), chain.genesis)
    assert isinstance(caught.value, CallerMistake)
    await source.aclose()


async def test_a_block_that_the_node_does_not_have_is_missing(node: FakeNode, source: BitcoindSource) -> None:
    unknown = BlockCommitment(Height(1), BlockId(b"\x01" * 32))
    with pytest.raises(MissingL1Block):
        await source.locate(unknown.block_id)
    node.override = lambda method, parameters: fault(-1, "Block not found")
    with pytest.raises(MissingL1Block):
        await source.payload(unknown)


async def test_a_height_that_is_gone_between_two_questions_is_not_reached(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    blocks = chain.mine_many(chain.genesis, STRIDE + 5)
    node.best = blocks[-1]
    node.override = lambda method, parameters: fault(-8, "Block height out of range") if method == "getblockhash" else None
    with pytest.raises(HeightNotReached, match="not 3 any more"):
        await source.anchor(Height(3))
    assert await source.follow(RecordingSubmitter(), chain.genesis) == (chain.genesis, True)
    assert clock.waits == 0


async def test_an_answer_that_says_nothing_is_asked_for_again(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    blocks = chain.mine_many(chain.genesis, STRIDE + 5)
    node.best = blocks[-1]
    answered = set[tuple[str, bool]]()

    def nothing_at_first(method: str, parameters: list[object]) -> tuple[int, bytes] | None:
        question = (method, parameters[-1:] == [True])
        if question in answered:
            return None
        answered.add(question)
        return result(None)

    node.override = nothing_at_first
    submitter = RecordingSubmitter()
    assert await source.follow(submitter, chain.genesis) == (blocks[STRIDE - 1], False)
    assert await source.payload(blocks[-1]) == chain.block(blocks[-1]).encode()
    assert answered == {
        ("getbestblockhash", False),
        ("getblockheader", False),
        ("getblockheader", True),
        ("getblockcount", False),
        ("getblockhash", False),
        ("getblock", False),
    }
    assert clock.waits == len(answered)


async def test_a_branch_deleted_while_it_is_followed_is_left_for_what_the_node_has_then(
    tmp_path: Path, chain: RegtestChain, node: FakeNode, source: BitcoindSource, caplog: pytest.LogCaptureFixture
) -> None:
    trunk = chain.mine_many(chain.genesis, 5)
    left, right = chain.mine_many(trunk[-1], 2), chain.mine_many(trunk[-1], 3)
    deleted = {right[1].block_id.display()}

    def missing(method: str, parameters: list[object]) -> tuple[int, bytes] | None:
        return fault(-5, "Block not found") if method == "getblock" and parameters[0] in deleted else None

    node.override = missing
    node.best = left[-1]
    async with anchor_node(tmp_path, params_at(chain, chain.genesis), source) as anchored:
        tip, _ = await source.follow(anchored.handle, chain.genesis)
        node.best = right[-1]
        with caplog.at_level(logging.WARNING, "proofplane"):
            for _ in range(3):
                tip, caught_up = await source.follow(anchored.handle, tip)
                assert caught_up
        assert anchored.anchors.tip() == right[0]
        assert len(caplog.records) == 1
        assert "changed its chain" in caplog.records[0].getMessage()

        # Then also the block that was the tip before is one to go to
        node.best = left[-1]
        assert await source.follow(anchored.handle, tip) == (left[-1], True)
        assert anchored.anchors.tip() == left[-1]
        node.best = right[-1]
        deleted.clear()
        assert await source.follow(anchored.handle, left[-1]) == (right[-1], True)


async def test_a_run_to_a_height_does_not_end_while_the_block_there_is_missing(
    tmp_path: Path, chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    left, right = chain.mine_many(chain.genesis, 3), chain.mine_many(chain.genesis, 3)
    async with anchor_node(tmp_path, params_at(chain, chain.genesis), source) as anchored:
        await anchored.handle.submit(left[-1].block_id)
        node.best = right[-1]
        node.override = lambda method, parameters: fault(-5, "Block not found") if method == "getblock" and not clock.waits else None
        await source.run(anchored.handle, left[-1], until=Height(3))
        assert anchored.anchors.tip() == right[-1]
    assert clock.waits == 1


async def test_a_node_that_never_has_the_blocks_it_names_ends_the_run(
    tmp_path: Path, chain: RegtestChain, node: FakeNode, source: BitcoindSource, clock: HastyClock
) -> None:
    node.best = chain.mine_many(chain.genesis, 2)[-1]
    node.override = lambda method, parameters: fault(-5, "Block not found") if method == "getblock" else None
    async with anchor_node(tmp_path, params_at(chain, chain.genesis), source) as anchored:
        with pytest.raises(MissingL1Block):
            await source.run(anchored.handle, chain.genesis)
    assert clock.waits == LOST_LOOKS - 1


async def test_a_refusal_of_the_node_is_final(node: FakeNode, source: BitcoindSource, clock: HastyClock, chain: RegtestChain) -> None:
    node.override = lambda method, parameters: fault(-1, "Block not available (pruned data)")
    with pytest.raises(SourceRefused, match="pruned data"):
        await source.payload(chain.genesis)
    assert clock.waits == 0


async def test_a_header_or_block_that_does_not_hash_to_its_id_is_not_believed(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource
) -> None:
    first, second = chain.mine_many(chain.genesis, 2)
    node.override = lambda method, parameters: result(chain.block(second).encode().hex()) if method == "getblock" else None
    with pytest.raises(InconsistentSource):
        await source.payload(first)
    node.override = lambda method, parameters: result(chain.header(second).encode().hex()) if parameters[-1] is False else None
    with pytest.raises(InconsistentSource):
        await source.locate(first.block_id)
    node.override = lambda method, parameters: result({"height": -1}) if parameters[-1] is True else None
    with pytest.raises(BudgetSpent, match="with no height"):
        await source.locate(second.block_id)


async def test_a_node_that_changes_its_mind_between_two_questions_is_looked_at_again(
    chain: RegtestChain, node: FakeNode, source: BitcoindSource
) -> None:
    blocks = chain.mine_many(chain.genesis, STRIDE + 5)
    node.best = blocks[-1]
    submitter = RecordingSubmitter()
    node.override = lambda method, parameters: result(3) if method == "getblockcount" else None
    assert await source.follow(submitter, chain.genesis) == (chain.genesis, True)
    node.override = lambda method, parameters: fault(-5, "Block not found") if method == "getblockheader" else None
    node.best = blocks[2]
    assert await source.follow(submitter, chain.genesis) == (chain.genesis, True)
    node.override = lambda method, parameters: None
    assert await source.follow(submitter, chain.genesis) == (blocks[2], True)
    assert submitter.submitted == [blocks[2].block_id]

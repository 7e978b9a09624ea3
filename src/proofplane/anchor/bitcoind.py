"""A Bitcoin full node as a block source: polled over JSON-RPC, its best block submitted, its absence waited out.

Rules:
1. Only a block of the node's best chain is submitted: its tip, or while catching up the one `STRIDE` blocks ahead of ours.
   The anchor worker finds the way there along real parents, so a reorg of any depth, to any height, needs nothing here.
2. Whatever is transient is tried again inside, within the budget of `service.retry`; beyond it `BudgetSpent` ends the run.
   One log line says that the node is away, one that it is back.
3. A block that the node does not have any more when the worker asks for it, because the node left its branch meanwhile, is no error:
   the worker stays where it is, and the next look at the tip begins anew. `LOST_LOOKS` such looks in a row end the run.
4. Nothing that the node says is believed that can be checked: headers and blocks must hash to the id that was asked for.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from proofplane.anchor.anchor_point import AnchorPoint, anchor_at, epoch_first
from proofplane.anchor.errors import InconsistentSource, MissingL1Block, WrongNetwork
from proofplane.anchor.ports import BlockSubmitter, LocatedHeader
from proofplane.anchor.rpc_client import BadAnswer, InvalidParameter, NoSuchBlock, RpcClient
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import MAX_HEIGHT, BlockCommitment, BlockId, Height, MalformedId
from proofplane.bitcoin.header import HEADER_SIZE, Header
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.crypto.hashes import sha256d
from proofplane.service.clock import Clock
from proofplane.service.retry import retrying

STRIDE = 64
"""Blocks per submission while catching up: what one transaction of the anchor worker takes."""

LOST_LOOKS = 30
"""Looks in a row that may find the node without a block that it has just named: real reorgs take one or two, a damaged node all."""

_HEADERS_KEPT = 4 * STRIDE
"""Located headers remembered: a planned path is walked back once and its blocks are then fetched."""

_log = logging.getLogger(__name__)

R = TypeVar("R")


class HeightNotReached(CallerMistake):
    """The node's best chain has no block at the height asked for: choose a lower one or wait."""


class BitcoindSource:
    """An `L1Source` for full-block instances, and the driver that submits what the node considers best."""

    def __init__(self, client: RpcClient, network: Network, clock: Clock, poll_seconds: float = 1.0) -> None:
        """Owns `client` from now on; `poll_seconds` between two looks at the node's tip. Raises `CallerMistake` unless it is positive."""
        if poll_seconds <= 0:
            raise CallerMistake(f"the polling interval is a positive number of seconds, not {poll_seconds}")
        self.network = network
        self._client = client
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._away = False
        self._lost = 0
        """Looks since the last one at which the node had all that was asked for."""
        self._headers: OrderedDict[BlockId, LocatedHeader] = OrderedDict()

    async def check_network(self) -> None:
        """Compares the node's first block with ours; raises `WrongNetwork` if it differs."""
        wanted = rules_of(self.network).genesis.block_id
        found = await self._id_at(Height(0))
        if found != wanted:
            raise WrongNetwork(f"node {self._client.address} begins with block {found}, {self.network.name.lower()} begins with {wanted}")

    async def anchor(self, height: Height) -> AnchorPoint:
        """The chain's parts of the parameters of an instance anchored at `height` of the best chain; raises `HeightNotReached`."""
        located = await self.locate(await self._id_at(height))
        first = await self.locate(await self._id_at(epoch_first(height)))
        return anchor_at(self.network, height, located.header, first.header.time)

    async def run(self, submitter: BlockSubmitter, resume_from: BlockCommitment, until: Height | None = None) -> None:
        """Follows the node until height `until` of its best chain is processed; without one, until it is cancelled.

        Args:
            submitter: The anchor worker's handle.
            resume_from: Its tip.
            until: The last height to submit.

        Raises:
            WrongNetwork, WrongCredentials: See there.
            BudgetSpent: The node stayed away for too long.
            MissingL1Block, HeightNotReached: It went on naming blocks that it does not have.
            Exception: Whatever a submission raised.
        """
        await self.check_network()
        tip = resume_from
        while True:
            tip, caught_up = await self.follow(submitter, tip, until)
            if caught_up and until is not None and tip.height >= until and not self._lost:
                return
            if caught_up:
                await self._clock.sleep_until(self._clock.now() + self._poll_seconds)

    async def follow(self, submitter: BlockSubmitter, tip: BlockCommitment, until: Height | None = None) -> tuple[BlockCommitment, bool]:
        """Takes one step from `tip` towards the node's best block, or its block at height `until` if that is lower.

        Returns our tip then, and whether there is nothing more to do at the moment.
        Where the node changed its mind between two questions that is `tip` again, though the worker may have left it.
        Raises as `run` does.
        """
        try:
            goal = await self._best()
            if until is not None and goal.height > until:
                goal = BlockCommitment(until, await self._id_at(until))
            if goal == tip and not self._lost:
                return tip, True
            target = goal
            if goal.height > tip.height + STRIDE:
                height = Height(tip.height + STRIDE)
                target = BlockCommitment(height, await self._id_at(height))
            emitted = await submitter.submit(target.block_id)
        except (MissingL1Block, HeightNotReached) as error:
            self._lost += 1
            if self._lost == LOST_LOOKS:
                raise
            if self._lost == 1:
                _log.warning("node %s changed its chain: %s; looking at its tip again", self._client.address, error)
            return tip, True
        self._lost = 0
        # Nothing emitted: the worker is there already, or the block is none of its business; either way it is done with.
        return (emitted[-1] if emitted else target), target == goal

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        if block_id in self._headers:
            self._headers.move_to_end(block_id)
            return self._headers[block_id]
        header = await self._about(block_id, self._bytes, "getblockheader", False)
        height = await self._about(block_id, self._height, "getblockheader", True)
        if len(header) != HEADER_SIZE or sha256d(header) != block_id:
            raise InconsistentSource(f"node {self._client.address} gave another header than that of block {block_id}")
        located = LocatedHeader(BlockCommitment(height, block_id), Header.decode(header))
        self._headers[block_id] = located
        if len(self._headers) > _HEADERS_KEPT:
            self._headers.popitem(last=False)
        return located

    async def payload(self, block: BlockCommitment) -> bytes:
        raw = await self._about(block.block_id, self._bytes, "getblock", False)
        if sha256d(raw[:HEADER_SIZE]) != block.block_id:
            raise InconsistentSource(f"node {self._client.address} gave another block than {block}")
        return raw

    async def aclose(self) -> None:
        """Closes the client."""
        await self._client.aclose()

    async def _best(self) -> BlockCommitment:
        block_id = await self._ask(self._id, "getbestblockhash")
        return (await self.locate(block_id)).commitment

    async def _id_at(self, height: Height) -> BlockId:
        best = await self._ask(self._count, "getblockcount")
        if best < height:
            raise HeightNotReached(f"node {self._client.address} has blocks up to {best}, not {height}")
        try:
            return await self._ask(self._id, "getblockhash", height)
        except InvalidParameter:  # the node left a branch between the two questions
            raise HeightNotReached(f"node {self._client.address} had blocks up to {best}, but not {height} any more") from None

    async def _about(self, block_id: BlockId, read: Callable[[str, object], R], method: str, verbose: bool) -> R:
        try:
            return await self._ask(read, method, block_id.display(), verbose)
        except NoSuchBlock:
            raise MissingL1Block(block_id) from None

    async def _ask(self, read: Callable[[str, object], R], method: str, *parameters: object) -> R:
        """Asks until there is an answer that can be read, within the budget; says once that the node is away and once that it is back."""

        async def ask() -> R:
            return read(method, await self._client.call(method, *parameters))

        def on_retry(error: Exception, number: int, seconds: float) -> None:
            if not self._away:
                self._away = True
                _log.warning("%s; trying again", error)

        answer = await retrying(ask, self._clock, self._client.address.encode(), on_retry)
        if self._away:
            self._away = False
            _log.warning("node %s is back", self._client.address)
        return answer

    def _id(self, method: str, answer: object) -> BlockId:
        try:
            return BlockId.from_display(str(answer))
        except MalformedId:
            raise BadAnswer(f"node {self._client.address} answered {method} with no block hash") from None

    def _count(self, method: str, answer: object) -> int:
        if not isinstance(answer, int) or not 0 <= answer <= MAX_HEIGHT:
            raise BadAnswer(f"node {self._client.address} answered {method} with no height")
        return answer

    def _height(self, method: str, answer: object) -> Height:
        return Height(self._count(method, answer.get("height") if isinstance(answer, dict) else None))

    def _bytes(self, method: str, answer: object) -> bytes:
        try:
            return bytes.fromhex(str(answer))
        except ValueError:
            raise BadAnswer(f"node {self._client.address} answered {method} with something else than hex") from None

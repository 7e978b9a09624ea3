"""A regtest chain mined in this process, with branches: a block source for the demo and for tests."""

from __future__ import annotations

from collections.abc import Sequence

from proofplane.anchor.anchor_point import AnchorPoint, anchor_at, epoch_first
from proofplane.anchor.errors import MissingL1Block
from proofplane.anchor.ports import LocatedHeader
from proofplane.anchor.types import Mode
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.block import Block
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.mining import build_block
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.transaction import Transaction
from proofplane.crypto.hashes import sha256

_BLOCK_SECONDS = 600
"""From a block's time to its child's; above the median of the last 11 by construction."""

_TAG_SIZE = 16
"""Bytes in the coinbase that make any two mined blocks differ."""


class RegtestChain:
    """All blocks of all branches, in memory; the same seed and calls give the same blocks. An `L1Source`."""

    def __init__(self, seed: bytes = b"", mode: Mode = Mode.FULL_BLOCK) -> None:
        """Begins at regtest's genesis; `mode` says what `payload` gives."""
        header = rules_of(Network.REGTEST).genesis
        self.genesis = BlockCommitment(Height(0), header.block_id)
        self._seed = seed
        self._mode = mode
        self._headers: dict[BlockId, LocatedHeader] = {header.block_id: LocatedHeader(self.genesis, header)}
        self._blocks: dict[BlockId, Block] = {}
        self._mined = 0

    def mine(self, parent: BlockCommitment, transactions: Sequence[Transaction] = (), op_return: bytes | None = None) -> BlockCommitment:
        """Mines one block on `parent`, which no other call has made; `op_return` is output 0 of its coinbase."""
        self._mined += 1
        tag = sha256(self._seed + self._mined.to_bytes(4, "big"))[:_TAG_SIZE]
        time = self.header(parent).time + _BLOCK_SECONDS
        block = build_block(parent, time, transactions=transactions, coinbase_tag=tag, op_return=op_return)
        return self.add(block, Height(parent.height + 1))

    def mine_many(self, parent: BlockCommitment, count: int) -> list[BlockCommitment]:
        """Mines `count` empty blocks one on the other and returns them, oldest first."""
        mined: list[BlockCommitment] = []
        for _ in range(count):
            parent = self.mine(parent)
            mined.append(parent)
        return mined

    def add(self, block: Block, height: Height) -> BlockCommitment:
        """Adds a block that was made elsewhere, valid or not."""
        commitment = BlockCommitment(height, block.block_id)
        self._headers[commitment.block_id] = LocatedHeader(commitment, block.header)
        self._blocks[commitment.block_id] = block
        return commitment

    def header(self, block: BlockCommitment) -> Header:
        """The header of a block; raises `MissingL1Block`."""
        return self.located(block.block_id).header

    def block(self, block: BlockCommitment) -> Block:
        """A mined block; raises `MissingL1Block`, also for genesis."""
        if block.block_id not in self._blocks:
            raise MissingL1Block(block.block_id)
        return self._blocks[block.block_id]

    def anchor(self, block: BlockCommitment) -> AnchorPoint:
        """The chain's parts of the parameters of an instance anchored at `block`."""
        first = block
        while first.height > epoch_first(block.height):
            first = self.located(first.block_id).parent()
        return anchor_at(Network.REGTEST, block.height, self.header(block), self.header(first).time)

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        return self.located(block_id)

    async def payload(self, block: BlockCommitment) -> bytes:
        if self._mode is Mode.HEADERS_ONLY:
            return self.header(block).encode()
        return self.block(block).encode()

    def located(self, block_id: BlockId) -> LocatedHeader:
        """What `locate` returns; raises `MissingL1Block`."""
        if block_id not in self._headers:
            raise MissingL1Block(block_id)
        return self._headers[block_id]

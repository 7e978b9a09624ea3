"""A file with one whole block as a block source, anchored at the block's parent."""

from __future__ import annotations

from pathlib import Path

from proofplane.anchor.anchor_point import AnchorPoint, settle_epoch_start
from proofplane.anchor.errors import MissingL1Block, UnknownEpochStart
from proofplane.anchor.ports import BlockSubmitter, LocatedHeader
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.coinbase import MalformedHeight, decode_height
from proofplane.bitcoin.networks import BLOCKS_PER_EPOCH, Network, known_block, known_place, rules_of

MAX_BLOCK = 4_000_000
"""Bytes of a block at most: its weight limit, reached if it were witnesses alone."""


class BadBlockFile(CallerMistake):
    """A block file that cannot be used; the message says why."""


class BlockFile:
    """An `L1Source` with a single block."""

    def __init__(self, path: Path, network: Network, height: Height | None = None) -> None:
        """Reads the file and the block's height.

        Args:
            path: One block in consensus bytes.
            network: Which chain it is of.
            height: Of the block; None = as its coinbase says (BIP 34, mainnet from 227,931 on).

        Raises:
            BadBlockFile: The file cannot be read, holds no block, its height is not known, or it is not the built-in block of that height.
        """
        try:
            with path.open("rb") as file:
                self._raw = file.read(MAX_BLOCK + 1)
            if len(self._raw) > MAX_BLOCK:
                raise BadBlockFile(f"block file {path} has more than the {MAX_BLOCK} bytes that a block can have")
            block = Block.decode(self._raw)
        except OSError as error:
            raise BadBlockFile(f"block file {path} cannot be read: {error.strerror}") from None
        except MalformedBlock as error:
            raise BadBlockFile(f"block file {path}: {error}") from None
        self.path = path
        self._network = network
        self._header = block.header
        self.block = BlockCommitment(_height_of(path, block) if height is None else height, block.block_id)
        known = known_block(network, self.block.height)
        if known is not None and known != block.block_id:
            raise BadBlockFile(f"{path}: block {self.block.height} of {network.name.lower()} is {known}, the file has {block.block_id}")
        place = known_place(block.block_id)
        if place is not None and place != (network, self.block.height):
            raise BadBlockFile(f"{path} is block {place[1]} of {place[0].name.lower()}: correct --height or --network")
        if self.block.height == 0:
            raise BadBlockFile(f"{path} is a genesis block: there is nothing before it to anchor at")

    def anchor(self, epoch_start_time: int | None = None) -> AnchorPoint:
        """The anchor at the block's parent.

        The parent's header is not at hand, so the target that the block claims is trusted.
        An epoch start of 0 stands for unknown: only the last block of an epoch is judged by it, and this file has no other block.

        Args:
            epoch_start_time: Of the first block of the parent's epoch, in seconds; None = the built-in one, if there is one.

        Raises:
            UnknownEpochStart: The block is the last of its epoch, so the next target follows from a time that nobody knows.
            ContradictedEpochStart: The time given is not the built-in one.
        """
        parent = LocatedHeader(self.block, self._header).parent()
        try:
            start = settle_epoch_start(self._network, parent.height, None, epoch_start_time)
        except UnknownEpochStart:
            if (self.block.height + 1) % BLOCKS_PER_EPOCH == 0 and not rules_of(self._network).no_retarget:
                raise
            start = 0
        return AnchorPoint(self._network, parent, self._header.bits, start)

    async def run(self, submitter: BlockSubmitter) -> None:
        """Submits the block; raises what the submission raises."""
        await submitter.submit(self.block.block_id)

    async def locate(self, block_id: BlockId) -> LocatedHeader:
        if block_id != self.block.block_id:
            raise MissingL1Block(block_id)
        return LocatedHeader(self.block, self._header)

    async def payload(self, block: BlockCommitment) -> bytes:
        if block != self.block:
            raise MissingL1Block(block.block_id)
        return self._raw


def _height_of(path: Path, block: Block) -> Height:
    try:
        return decode_height(block.transactions[0].inputs[0].script)
    except (MalformedHeight, IndexError):
        raise BadBlockFile(f"{path}: the block's coinbase does not say its height: give it with --height") from None

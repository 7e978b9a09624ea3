"""A file with one whole block as a block source, anchored at the block's parent."""

from __future__ import annotations

from pathlib import Path

from proofplane.anchor.anchor_point import AnchorPoint
from proofplane.anchor.errors import MissingL1Block
from proofplane.anchor.ports import BlockSubmitter, LocatedHeader
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.block import Block, MalformedBlock
from proofplane.bitcoin.coinbase import MalformedHeight, decode_height
from proofplane.bitcoin.networks import Network, known_block, known_epoch_start


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
            self._raw = path.read_bytes()
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
        if self.block.height == 0:
            raise BadBlockFile(f"{path} is a genesis block: there is nothing before it to anchor at")

    def anchor(self, epoch_start_time: int | None = None) -> AnchorPoint:
        """The anchor at the block's parent.

        The parent's header is not at hand, so the target that the block claims is trusted.
        The time of the epoch's first block matters only to a later retarget; where nobody knows it, it is taken as 0.
        """
        parent = LocatedHeader(self.block, self._header).parent()
        start = known_epoch_start(self._network, parent.height) if epoch_start_time is None else epoch_start_time
        return AnchorPoint(self._network, parent, self._header.bits, start or 0)

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

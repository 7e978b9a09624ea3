"""Where a chain can be anchored: what has to be known about a block for its descendants to be judged."""

from __future__ import annotations

from dataclasses import dataclass

from proofplane.anchor.errors import UnknownEpochStart
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import BLOCKS_PER_EPOCH, Network, known_epoch_start
from proofplane.bitcoin.rules import next_bits_after


class ContradictedEpochStart(CallerMistake):
    """The time given for the epoch's first block is not the one that the chain or the built-in values say."""


@dataclass(frozen=True, slots=True)
class AnchorPoint:
    """The parts of `AnchorParams` that come from the chain."""

    network: Network
    block: BlockCommitment
    next_bits: int
    """Compact target that the block's child must carry."""
    epoch_start: int
    """Time, in seconds, of the first block of the block's epoch."""


def anchor_at(network: Network, height: Height, header: Header, epoch_start: int) -> AnchorPoint:
    """The anchor at a block with this height and header."""
    return AnchorPoint(
        network, BlockCommitment(height, header.block_id), next_bits_after(header, height, epoch_start, network), epoch_start
    )


def epoch_first(height: Height) -> Height:
    """The height of the first block of the epoch of `height`."""
    return Height(height - height % BLOCKS_PER_EPOCH)


def settle_epoch_start(network: Network, height: Height, observed: int | None, given: int | None) -> int:
    """Chooses the time of the first block of the epoch of `height`: the observed one, else the built-in one, else the given one.

    Args:
        network: Whose built-in times are looked at.
        height: The anchor's height.
        observed: What the source's own header says, if it has that header.
        given: What the operator says, if anything.

    Raises:
        UnknownEpochStart: There is none of the three.
        ContradictedEpochStart: The operator's time differs from the other ones.
    """
    known = observed if observed is not None else known_epoch_start(network, height)
    if known is None:
        if given is None:
            raise UnknownEpochStart(
                f"the time of block {epoch_first(height)}, the first of the epoch of {height}, is neither in the file nor built in: "
                f"give it with --epoch-start-time, or start at a height that is a multiple of {BLOCKS_PER_EPOCH}"
            )
        return given
    if given is not None and given != known:
        raise ContradictedEpochStart(f"block {epoch_first(height)} has the time {known}, not {given}: leave --epoch-start-time out")
    return known

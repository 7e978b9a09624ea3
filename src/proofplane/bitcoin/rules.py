"""The header rules: what makes a header the valid child of the last verified block, and the state that follows.

The rules are checked in this order, and the first that is broken is the one reported:

1. the previous hash is the last verified block: `ContinuityError`
2. the bits are the ones that the chain demands next: `PowMismatch`
3. the time is greater than the median of the last 11: `TimestampError`
4. the block id, read as a little-endian number, is at most the target: `PowNotMet`

Invariants: the window holds the times of the last 11 blocks since the anchor and zeros before; `next_bits` always stands for a target
within the network's limit, so that rule 2 leaves no room for a target that rule 4 could not judge.

Not checked: the two-hour rule for times in the future, version bits, and anything about the body.
A window that begins with zeros is weaker than the real rule 3: until 6 blocks after the anchor are in it, the median is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from proofplane.base.errors import CallerMistake, Refused
from proofplane.base.ids import BlockCommitment, BlockId, Height
from proofplane.bitcoin.header import Header
from proofplane.bitcoin.networks import BLOCKS_PER_EPOCH, Network, NetworkRules, rules_of
from proofplane.bitcoin.target import MalformedTarget, bits_from_target, target_from_bits, work_of

WINDOW = 11
"""Times that the median is taken of."""

EPOCH_SECONDS = BLOCKS_PER_EPOCH * 600
"""The span that an epoch should take: two weeks."""

_MAX_TIME = 2**32 - 1

_MAX_WORK = 2**256 - 1
"""Work is 32 bytes in a state. No real chain comes near it; a made-up state stays at it, so that every state can be written."""


class HeaderRule(Enum):
    """The header rules, in the order in which they are checked."""

    CONTINUITY = "continuity"
    BITS = "bits"
    TIME = "time"
    WORK = "work"


class HeaderRejected(Refused):
    """A header that breaks a rule; `rule` says which."""

    rule: ClassVar[HeaderRule]


class ContinuityError(HeaderRejected):
    """Rule 1: the header's previous hash (`found`) is not the last verified block (`expected`)."""

    rule = HeaderRule.CONTINUITY

    def __init__(self, expected: BlockId, found: BlockId) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"the header's parent is {self.found}, but the last verified block is {self.expected}"


class PowMismatch(HeaderRejected):
    """Rule 2: the header's bits (`found`) are not the ones that the chain demands (`expected`)."""

    rule = HeaderRule.BITS

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(expected, found)
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"the header's bits are {self.found:#010x}, the chain demands {self.expected:#010x}"


class TimestampError(HeaderRejected):
    """Rule 3: the header's time is not above the median of the last 11, both in seconds."""

    rule = HeaderRule.TIME

    def __init__(self, time: int, median: int) -> None:
        super().__init__(time, median)
        self.time = time
        self.median = median

    def __str__(self) -> str:
        return f"the header's time {self.time} is not above the median {self.median} of the last {WINDOW} blocks"


class PowNotMet(HeaderRejected):
    """Rule 4: the block id is above the target."""

    rule = HeaderRule.WORK

    def __init__(self, block_id: BlockId, target: int) -> None:
        super().__init__(block_id, target)
        self.block_id = block_id
        self.target = target

    def __str__(self) -> str:
        return f"block {self.block_id} does not meet the target {self.target:064x}"


class InvalidAnchor(CallerMistake):
    """Values that no header state can begin with: correct the bits, the epoch's start time or the network."""


@dataclass(frozen=True, slots=True)
class HeaderState:
    """All that is needed to judge the next header."""

    network: Network
    last: BlockCommitment
    """The last verified block."""
    next_bits: int
    """Compact target that the next header must carry."""
    epoch_start: int
    """Time, in seconds, of the first block of the epoch of `last`."""
    window: tuple[int, ...]
    """A ring of 11 times in seconds, zeros where no block was verified yet."""
    head: int
    """The slot of the ring, 0 to 10, that the next time goes into."""
    work: int
    """Accumulated work of the blocks verified since the anchor, which itself counts nothing; at most 2^256 - 1."""


def anchor_state(network: Network, block: BlockCommitment, next_bits: int, epoch_start: int) -> HeaderState:
    """The state in which `block` is trusted without a check and nothing after it was seen.

    Args:
        network: Whose rules apply.
        block: The anchor.
        next_bits: What its child must carry; see `next_bits_after`.
        epoch_start: Time in seconds (u32) of the first block of the anchor's epoch.

    Raises:
        InvalidAnchor: The bits are no target or above the network's limit, or the time is no u32.
    """
    try:
        target = target_from_bits(next_bits)
    except MalformedTarget as error:
        raise InvalidAnchor(f"the anchor's next {error}") from None
    if target > target_from_bits(rules_of(network).limit_bits):
        raise InvalidAnchor(f"next bits {next_bits:#010x} are easier than {network.name.lower()} allows: is it another network's block?")
    if not 0 <= epoch_start <= _MAX_TIME:
        raise InvalidAnchor(f"an epoch's start is a time of 32 bits, not {epoch_start}")
    return HeaderState(network, block, next_bits, epoch_start, (0,) * WINDOW, 0, 0)


def accept(state: HeaderState, header: Header) -> HeaderState:
    """Checks `header` as the child of `state.last` and returns the state after it.

    Raises:
        ContinuityError, PowMismatch, TimestampError, PowNotMet: the first rule that it breaks, in that order.
    """
    if header.previous != state.last.block_id:
        raise ContinuityError(state.last.block_id, header.previous)
    if header.bits != state.next_bits:
        raise PowMismatch(state.next_bits, header.bits)
    median = median_time(state.window)
    if header.time <= median:
        raise TimestampError(header.time, median)
    block_id = header.block_id
    target = target_from_bits(header.bits)
    if int.from_bytes(block_id, "little") > target:
        raise PowNotMet(block_id, target)

    return following(state, block_id, header.time)


def following(state: HeaderState, block_id: BlockId, time: int) -> HeaderState:
    """The state after a valid child of `state.last`: a child's id and time (seconds) are all of it that a state depends on.

    That a header with this id and time exists and keeps the rules is not checked here: `accept` does, or a proof says so.
    """
    height = state.last.height + 1
    epoch_start = time if height % BLOCKS_PER_EPOCH == 0 else state.epoch_start
    return HeaderState(
        network=state.network,
        last=BlockCommitment(Height(height), block_id),
        next_bits=_next_bits(state.next_bits, time, height, epoch_start, state.network),
        epoch_start=epoch_start,
        window=(*state.window[: state.head], time, *state.window[state.head + 1 :]),
        head=(state.head + 1) % WINDOW,
        work=min(state.work + work_of(state.next_bits), _MAX_WORK),
    )


def next_bits_after(header: Header, height: int, epoch_start: int, network: Network) -> int:
    """The bits that the child of `header`, the block at `height`, must carry.

    `epoch_start` is the time in seconds of the first block of the epoch of `height`; it matters in an epoch's last block only.
    """
    return _next_bits(header.bits, header.time, height, epoch_start, network)


def _next_bits(bits: int, time: int, height: int, epoch_start: int, network: Network) -> int:
    if (height + 1) % BLOCKS_PER_EPOCH != 0:
        return bits
    return retarget(bits, epoch_start, time, rules_of(network))


def retarget(bits: int, first_time: int, last_time: int, rules: NetworkRules) -> int:
    """The bits of the next epoch, from those of this one and the times in seconds of its first and last block.

    The span is signed: a last block that claims to be older than the first one counts as the shortest span allowed.
    Clamped to a quarter and four times of two weeks, capped by the network's limit, cut to compact form; regtest keeps its bits.
    """
    if rules.no_retarget:
        return bits
    span = min(max(last_time - first_time, EPOCH_SECONDS // 4), EPOCH_SECONDS * 4)
    target = target_from_bits(bits) * span // EPOCH_SECONDS
    return bits_from_target(min(target, target_from_bits(rules.limit_bits)))


def median_time(window: tuple[int, ...]) -> int:
    """The sixth smallest of the 11 times."""
    return sorted(window)[WINDOW // 2]

"""The anchor state: all that judging the next block takes, its SSZ bytes and its commitment.

Invariants of every state that is made or decoded here: the history has one leaf per height from 0 to the last block's;
sections are ascending by id and belong to known subprotocols; a headers-only state has none;
the next bits are a target within the network's limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from proofplane.anchor import ssz
from proofplane.anchor.subprotocols.registry import KNOWN_IDS, SUBPROTOCOLS
from proofplane.anchor.types import SENTINEL, AnchorParams, Mode
from proofplane.base.errors import Refused
from proofplane.base.ids import HASH_SIZE, BlockCommitment, BlockId, Hash32, Height
from proofplane.bitcoin.networks import Network, rules_of
from proofplane.bitcoin.rules import WINDOW, HeaderState
from proofplane.bitcoin.target import MalformedTarget, target_from_bits
from proofplane.crypto.mmr import Mmr, join
from proofplane.crypto.ssz import codec_of

_STATE = codec_of(ssz.AnchorState)

E = TypeVar("E", bound=IntEnum)


class MalformedState(Refused):
    """SSZ bytes of the right shape that are no state of this machine; the message names the field."""


@dataclass(frozen=True, slots=True)
class Section:
    """One subprotocol's state; its bytes mean something to the subprotocol only."""

    id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class AnchorState:
    """The anchor state machine's state after a block."""

    mode: Mode
    magic: bytes
    pow: HeaderState
    history: Mmr
    """Manifest hashes; leaf index = height."""
    sections: tuple[Section, ...] = ()

    @property
    def block(self) -> BlockCommitment:
        """The block that this is the state after."""
        return self.pow.last

    def encode(self) -> bytes:
        """The SSZ bytes."""
        return _STATE.encode(self.plain())

    @classmethod
    def decode(cls, raw: bytes) -> AnchorState:
        """Reads `encode()`; raises `MalformedSsz`, `MalformedMmr` or `MalformedState`."""
        return cls.from_plain(_STATE.decode(raw))

    @classmethod
    def from_plain(cls, plain: Any) -> AnchorState:
        """Reads `plain()`, from a codec of the schema `ssz.AnchorState`; raises `MalformedMmr` or `MalformedState`."""
        magic, (pow_state, (entries, peaks)), sections, spec_id = plain
        header_state = header_state_from(pow_state)
        if entries != header_state.last.height + 1:
            raise MalformedState(f"a state at height {header_state.last.height} with a history of {entries} leaves")
        ids = [section_id for section_id, _ in sections]
        if ids != sorted(KNOWN_IDS.intersection(ids)):
            raise MalformedState(f"sections {ids}: unknown, repeated or not in order")
        mode = _member(Mode, spec_id, "spec id")
        if mode is Mode.HEADERS_ONLY and ids:
            raise MalformedState(f"a headers-only state with sections {ids}")
        return cls(mode, magic, header_state, Mmr(entries, peaks), tuple([Section(*section) for section in sections]))

    def commitment(self) -> Hash32:
        """The tree-hash root; computed at each use (some 60 microseconds), so keep it if it is needed often."""
        return _STATE.root(self.plain())

    def plain(self) -> tuple[object, ...]:
        """The values in the order of the schema `ssz.AnchorState`."""
        chain = (header_plain(self.pow), (self.history.entries, self.history.peaks))
        return self.magic, chain, tuple([(section.id, section.data) for section in self.sections]), self.mode


def genesis_state(params: AnchorParams) -> AnchorState:
    """The state at the anchor: nothing seen after it, the history prefilled with sentinels up to its height."""
    sections = []
    for subprotocol in SUBPROTOCOLS:
        data = subprotocol.genesis(params)
        if data is not None:
            sections.append(Section(subprotocol.id, data))
    sections.sort(key=lambda section: section.id)
    history = repeated_leaf(SENTINEL, params.block.height + 1)
    return AnchorState(params.mode, params.magic, params.header_state(), history, tuple(sections))


def repeated_leaf(leaf: Hash32, count: int) -> Mmr:
    """The MMR of `count` equal leaves, in O(log count): every peak of one height is the same tree."""
    peaks = []
    node: bytes = leaf
    for level in range(count.bit_length()):
        if count >> level & 1:
            peaks.append(node)
        node = join(node, node)
    return Mmr(count, tuple(peaks))


def header_plain(state: HeaderState) -> tuple[object, ...]:
    """The values of a header state in the order of the schema `ssz.PowState`."""
    last, work = (state.last.height, state.last.block_id), state.work.to_bytes(HASH_SIZE, "little")
    return state.network, last, state.next_bits, state.epoch_start, (state.window, state.head), work


def header_state_from(plain: Any) -> HeaderState:
    """Reads `header_plain`, from a codec of that schema; raises `MalformedState`."""
    network, (height, block_id), next_bits, epoch_start, (times, head), work = plain
    if len(times) != WINDOW or head >= WINDOW:
        raise MalformedState(f"a window of {len(times)} times that goes on at slot {head}, not of {WINDOW}")
    known = _member(Network, network, "network")
    try:
        if target_from_bits(next_bits) > target_from_bits(rules_of(known).limit_bits):
            raise MalformedState(f"next bits {next_bits:#010x} are easier than {known.name.lower()} allows")
    except MalformedTarget as error:
        raise MalformedState(f"next {error}") from None
    return HeaderState(
        network=known,
        last=BlockCommitment(Height(height), BlockId(block_id)),
        next_bits=next_bits,
        epoch_start=epoch_start,
        window=times,
        head=head,
        work=int.from_bytes(work, "little"),
    )


def _member(kind: type[E], value: int, what: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise MalformedState(f"{value} is no {what} known here") from None

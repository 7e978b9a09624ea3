"""Values of the anchor state machine: the parameters of one instance, its mode, and what a block yields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import NewType, TypeVar

import msgspec

from proofplane.anchor import ssz
from proofplane.base.errors import CallerMistake
from proofplane.base.ids import BlockCommitment, BlockId, Hash32, Height, hash32
from proofplane.bitcoin.networks import Network
from proofplane.bitcoin.rules import HeaderState, anchor_state
from proofplane.bitcoin.sps50 import MAGIC_SIZE
from proofplane.crypto.hashes import sha256
from proofplane.crypto.schnorr import XOnlyKey
from proofplane.crypto.ssz import codec_of

E = TypeVar("E")

SENTINEL = Hash32(bytes(32))
"""The history's leaf for every height up to the anchor, so that leaf index = height; no manifest hashes to it."""

Log = NewType("Log", bytes)
"""An SPS-52 message of one block: a type byte below 128 and a body; `proofplane.anchor.logs` builds and reads them."""


class Mode(IntEnum):
    """What a block's payload is. The number is the spec id in the state, so chains of different modes never share a commitment."""

    FULL_BLOCK = 1
    """Whole blocks: the body is checked and its tagged transactions are processed."""
    HEADERS_ONLY = 2
    """80-byte headers: nothing is known about bodies, so there are no sections and no logs, and the wtxids root is zero."""

    @property
    def label(self) -> str:
        """The mode's name in parameters and output."""
        return self.name.lower().replace("_", "-")


_MANIFEST = codec_of(ssz.Manifest)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one block yielded; its root is the leaf of the history at its height."""

    height: Height
    block_id: BlockId
    wtxids_root: Hash32
    """The root that the body check gives (`proofplane.bitcoin.body`); zero if only the header is known."""
    logs: tuple[Log, ...] = ()

    @property
    def block(self) -> BlockCommitment:
        """The block that yielded it."""
        return BlockCommitment(self.height, self.block_id)

    def encode(self) -> bytes:
        """The SSZ bytes."""
        return _MANIFEST.encode((self.height, self.block_id, self.wtxids_root, self.logs))

    @classmethod
    def decode(cls, raw: bytes) -> Manifest:
        """Reads `encode()`; raises `MalformedSsz`."""
        height, block_id, wtxids_root, logs = _MANIFEST.decode(raw)
        return cls(Height(height), BlockId(block_id), Hash32(wtxids_root), tuple([Log(log) for log in logs]))

    def root(self) -> Hash32:
        """The manifest hash: the SSZ tree-hash root."""
        return _MANIFEST.root((self.height, self.block_id, self.wtxids_root, self.logs))


class InvalidParams(CallerMistake):
    """Parameters that no instance can run with, or text that is not parameters: correct what the message names."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """Who may replace the step predicate: `threshold` of `keys`."""

    keys: tuple[Hash32, ...]
    """X-only public keys (BIP-340), 1 to 16, distinct; a vote names its key by the position here."""
    threshold: int

    def __post_init__(self) -> None:
        if not 1 <= len(self.keys) <= ssz.MAX_KEYS:
            raise InvalidParams(f"a quorum has 1 to {ssz.MAX_KEYS} keys, not {len(self.keys)}")
        if len(set(self.keys)) != len(self.keys):
            raise InvalidParams("a quorum's keys are distinct: one holder must not count twice")
        if not 1 <= self.threshold <= len(self.keys):
            raise InvalidParams(f"the threshold of {len(self.keys)} keys is 1 to {len(self.keys)}, not {self.threshold}")
        for key in self.keys:
            XOnlyKey(key)


@dataclass(frozen=True, slots=True)
class AnchorParams:
    """What an instance trusts and which rules it follows.

    Raises:
        CallerMistake: A field that no instance can run with, see `InvalidParams` and `proofplane.bitcoin.rules.InvalidAnchor`.
    """

    network: Network
    mode: Mode
    magic: bytes
    """4 bytes, the SPS-50 magic; part of the state in both modes."""
    block: BlockCommitment
    """The anchor: trusted without a check."""
    next_bits: int
    """Compact target that the anchor's child must carry."""
    epoch_start: int
    """Time, in seconds, of the first block of the anchor's epoch."""
    upgrade: Quorum | None = None
    """Who may replace the step predicate; None: nobody, for ever."""
    exports: bool = False
    """Whether export entries are taken from transactions."""

    def __post_init__(self) -> None:
        if len(self.magic) != MAGIC_SIZE:
            raise InvalidParams(f"a magic has {MAGIC_SIZE} bytes, not {len(self.magic)}")
        if self.mode is Mode.HEADERS_ONLY and (self.upgrade is not None or self.exports):
            raise InvalidParams("a headers-only instance sees no transactions: it has neither an upgrade quorum nor exports")
        self.header_state()

    def header_state(self) -> HeaderState:
        """The header rules' state at the anchor."""
        return anchor_state(self.network, self.block, self.next_bits, self.epoch_start)

    def describe(self) -> str:
        """One line for people: network, mode and anchor."""
        return f"{self.network.name.lower()}, {self.mode.label}, anchor {self.block}"

    def to_json(self) -> dict[str, object]:
        """Every field as a JSON value: byte strings in hex, the block hash in display order, bits as 8 hex digits."""
        upgrade = None if self.upgrade is None else _QuorumText([key.hex() for key in self.upgrade.keys], self.upgrade.threshold)
        text = _ParamsText(
            network=self.network.name.lower(),
            mode=self.mode.label,
            magic=self.magic.hex(),
            height=self.block.height,
            block_hash=self.block.block_id.display(),
            next_bits=f"{self.next_bits:08x}",
            epoch_start=self.epoch_start,
            upgrade=upgrade,
            exports=self.exports,
        )
        plain: dict[str, object] = msgspec.to_builtins(text)
        return plain

    @classmethod
    def from_json(cls, value: object) -> AnchorParams:
        """Reads `to_json()`; raises `CallerMistake` for missing or unknown keys and for values that do not hold."""
        try:
            read = msgspec.convert(value, _ParamsText)
            return cls(
                network=_named({network.name.lower(): network for network in Network}, read.network, "network"),
                mode=_named({mode.label: mode for mode in Mode}, read.mode, "mode"),
                magic=bytes.fromhex(read.magic),
                block=BlockCommitment(Height(read.height), BlockId.from_display(read.block_hash)),
                next_bits=int(read.next_bits, 16),
                epoch_start=read.epoch_start,
                upgrade=None if read.upgrade is None else Quorum(_keys(read.upgrade.keys), read.upgrade.threshold),
                exports=read.exports,
            )
        except (msgspec.ValidationError, ValueError) as error:
            raise InvalidParams(f"these are no anchor parameters: {error}") from None

    def identity(self) -> Hash32:
        """SHA-256 of the canonical text (keys sorted, no spaces): instances that differ in anything have different identities."""
        return hash32(sha256(json.dumps(self.to_json(), sort_keys=True, separators=(",", ":")).encode()))


class _QuorumText(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str]
    threshold: int


class _ParamsText(msgspec.Struct, forbid_unknown_fields=True):
    network: str
    mode: str
    magic: str
    height: int
    block_hash: str
    next_bits: str
    epoch_start: int
    upgrade: _QuorumText | None
    exports: bool


def _keys(texts: list[str]) -> tuple[Hash32, ...]:
    return tuple([hash32(bytes.fromhex(text)) for text in texts])


def _named(known: dict[str, E], name: str, what: str) -> E:
    if name not in known:
        raise InvalidParams(f"no {what} is called {name!r}; there are: {', '.join(known)}")
    return known[name]

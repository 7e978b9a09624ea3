"""What a subprotocol is to the transition, and the values that pass between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from proofplane.anchor.types import AnchorParams, Log
from proofplane.base.ids import Hash32, Height
from proofplane.bitcoin.sps50 import Tag
from proofplane.bitcoin.transaction import Transaction


@dataclass(frozen=True, slots=True)
class TaggedTransaction:
    """A transaction with its SPS-50 tag."""

    tag: Tag
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class BlockContext:
    """What a subprotocol may know besides its section and its transactions."""

    magic: bytes
    """The instance's SPS-50 magic, 4 bytes."""
    manifest_hashes: Mapping[Height, Hash32]
    """The requested leaves of the history before the block, proven; requests out of its range are absent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a subprotocol makes of a block."""

    section: bytes
    logs: tuple[Log, ...] = ()
    """In the order of the transactions that caused them; at most `Subprotocol.max_logs`."""


class Subprotocol(Protocol):
    """A deterministic state machine; whatever anyone writes into a block, it never fails: what it does not accept it ignores."""

    @property
    def id(self) -> int:
        """The subprotocol byte of its tags, and the id of its section."""

    @property
    def max_logs(self) -> int:
        """Logs that it emits in one block at most; all subprotocols together stay within a manifest's 1,024."""

    def genesis(self, params: AnchorParams) -> bytes | None:
        """Its first section; None if the instance does not run it."""

    def requests(self, transactions: Sequence[TaggedTransaction]) -> tuple[Height, ...]:
        """Heights whose manifest hash it wants for these transactions; any u32, also ones that the history does not have."""

    def process(self, section: bytes, transactions: Sequence[TaggedTransaction], context: BlockContext) -> Outcome:
        """The section after a block's transactions with its tag, in block order, and the logs."""

"""Names of blocks: block ids, heights and commitments (one block on its branch)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from proofplane.base.errors import CallerMistake

HASH_SIZE = 32
"""Bytes in every hash of the project."""

MAX_HEIGHT = 2**32 - 1
"""Heights are u32 on every wire and in every key."""

COMMITMENT_KEY_SIZE = 4 + HASH_SIZE
"""Bytes of `BlockCommitment.key()`."""

_DISPLAYED = re.compile(f"[0-9a-fA-F]{{{2 * HASH_SIZE}}}")

Height = NewType("Height", int)
"""A block's height, 0 to `MAX_HEIGHT`."""

Hash32 = NewType("Hash32", bytes)
"""A 32-byte digest: an SSZ tree-hash root, a program id, an MMR node."""


class MalformedId(CallerMistake):
    """Bytes or text that cannot be the identifier that was asked for."""


def hash32(raw: bytes) -> Hash32:
    """Returns `raw` as a digest; raises `MalformedId` unless it is 32 bytes long."""
    if len(raw) != HASH_SIZE:
        raise MalformedId(f"a hash has {HASH_SIZE} bytes, not {len(raw)}")
    return Hash32(bytes(raw))


class BlockId(bytes):
    """A Bitcoin block hash in internal byte order, 32 bytes (display order is the reverse)."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> BlockId:
        """Raises `MalformedId` unless `raw` is 32 bytes long."""
        if len(raw) != HASH_SIZE:
            raise MalformedId(f"a block id has {HASH_SIZE} bytes, not {len(raw)}")
        return super().__new__(cls, raw)

    @classmethod
    def from_display(cls, text: str) -> BlockId:
        """Reads the usual hex form (most significant byte first); raises `MalformedId` if it is not 64 hex digits."""
        if not _DISPLAYED.fullmatch(text):  # bytes.fromhex alone would skip blanks
            raise MalformedId(f"not a block hash of {2 * HASH_SIZE} hex digits: {text!r}")
        return cls(bytes.fromhex(text)[::-1])

    def display(self) -> str:
        """The usual hex form, 64 digits, most significant byte first."""
        return self[::-1].hex()

    def __repr__(self) -> str:
        return f"BlockId({self.display()})"

    __str__ = display


@dataclass(frozen=True, slots=True, order=True)
class BlockCommitment:
    """One block on its branch: (height, block id), ordered by height, then id.

    Two blocks of the same height on competing branches are two commitments, so every table keyed by it keeps both sides of a reorg.
    """

    height: Height
    block_id: BlockId

    def __post_init__(self) -> None:
        if not 0 <= self.height <= MAX_HEIGHT:
            raise MalformedId(f"a height is 0 to {MAX_HEIGHT}, not {self.height}")

    def key(self) -> bytes:
        """Storage key: height big-endian (4) + block id (32), so that key order is height order."""
        return self.height.to_bytes(4, "big") + self.block_id

    @classmethod
    def from_key(cls, key: bytes) -> BlockCommitment:
        """Reads `key()`; raises `MalformedId` on any other length."""
        if len(key) != COMMITMENT_KEY_SIZE:
            raise MalformedId(f"a commitment key has {COMMITMENT_KEY_SIZE} bytes, not {len(key)}")
        return cls(Height(int.from_bytes(key[:4], "big")), BlockId(key[4:]))

    def encode(self) -> bytes:
        """SSZ form: height little-endian (4) + block id (32)."""
        return self.height.to_bytes(4, "little") + self.block_id

    def __str__(self) -> str:
        return f"{self.height}:{self.block_id.display()}"

"""Blocks whose parent is not known yet, kept until it comes: bounded in number and bytes.

Rules:
1. An entry is one (block root, digest of the proof): the root does not commit to the proof, so a bad proof must not stand in for a good
   one.
2. A root has at most `PROOFS_PER_ROOT` entries and the earlier ones stay, so later bad proofs cannot push out a good one that is there.
3. Beyond the bounds the oldest entry goes, whatever its root.

Invariants: entries and bytes are within the bounds after every call; every entry is listed under its parent, and no parent is listed
without one. Not guaranteed: that a block is kept. Whoever sent it got its answer and may send it again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from proofplane.lean.types import Root, SignedBlock

PROOFS_PER_ROOT = 4
"""Proofs kept of one block: its honest senders all send the same, and an aggregator or two may have another."""

_ATTESTATION_BYTES = 2048
"""What an attestation takes in memory: 0.6 KiB of bits, 0.4 KiB of roots, the objects around them; rounded up."""

_BLOCK_BYTES = 1024
"""The same of a block without attestations, with its places in the buffer."""


class _Key(NamedTuple):
    root: Root
    proof: bytes
    """SHA-256."""


class WaitingBlocks:
    """The buffer; used from the event loop only."""

    def __init__(self, most_blocks: int, most_bytes: int) -> None:
        """Keeps at most so many blocks and bytes; 0 blocks keeps none."""
        self._most_blocks = most_blocks
        self._most_bytes = most_bytes
        self._blocks: dict[_Key, SignedBlock] = {}
        self._children: dict[Root, dict[_Key, None]] = {}
        """Entries by parent, oldest first."""
        self._bytes = 0

    def keep(self, signed: SignedBlock) -> bool:
        """Keeps a block, if rules and bounds let it; returns whether it is kept."""
        size = _size(signed)
        if self._most_blocks == 0 or size > self._most_bytes:
            return False
        root = signed.block.root
        siblings = self._children.get(signed.block.parent_root, {})
        if sum(key.root == root for key in siblings) >= PROOFS_PER_ROOT:
            return False
        key = _Key(root, sha256(signed.proof).digest())
        if key in self._blocks:
            return True
        while len(self._blocks) >= self._most_blocks or self._bytes + size > self._most_bytes:
            self._remove(next(iter(self._blocks)))
        self._blocks[key] = signed
        self._children.setdefault(signed.block.parent_root, {})[key] = None
        self._bytes += size
        return True

    def take_child(self, parent: Root) -> SignedBlock | None:
        """Removes and returns the oldest block that waits for `parent`, None if none does."""
        siblings = self._children.get(parent)
        return None if siblings is None else self._remove(next(iter(siblings)))

    def drop_descendants(self, invalid: Root) -> None:
        """Forgets whatever builds on a block that will never be imported."""
        roots = [invalid]
        while roots:
            parent = roots.pop()
            while (child := self.take_child(parent)) is not None:
                roots.append(child.block.root)

    def waits_for(self, parent: Root) -> bool:
        """Whether a block is kept that needs `parent`."""
        return parent in self._children

    def bytes(self) -> int:
        """What the kept blocks take, by the estimate of this module."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._blocks)

    def _remove(self, key: _Key) -> SignedBlock:
        signed = self._blocks.pop(key)
        siblings = self._children[signed.block.parent_root]
        del siblings[key]
        if not siblings:
            del self._children[signed.block.parent_root]
        self._bytes -= _size(signed)
        return signed


def _size(signed: SignedBlock) -> int:
    return len(signed.proof) + _BLOCK_BYTES + _ATTESTATION_BYTES * len(signed.block.attestations)

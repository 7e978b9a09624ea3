"""Blocks whose parent is not known yet, kept until it comes: bounded in number and bytes.

Rules:
1. An entry is one (block root, digest of the proof): the root does not commit to the proof, so a bad proof must not stand in for a good
   one.
2. A root has at most `PROOFS_PER_ROOT` entries; beyond them its own oldest goes, so that bad proofs which came first keep no good one out.
3. Beyond the bounds the slot with the most entries loses its oldest; of several such slots the one furthest from the head's. An honest
   chain has one block a slot, near the head: a flood of one slot pushes out itself, and so does one of old slots.

Invariants: entries and bytes are within the bounds after every call; every entry is listed under its parent, and no parent is listed
without one.
Not guaranteed: that a block is kept. Nobody has checked its signatures, so whoever sends a block for each slot near the head, again after
every honest one, empties the buffer of honest blocks. The sender of a block got its answer and may send it again.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import NamedTuple

from proofplane.lean.types import Root, SignedBlock, Slot

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
        """Oldest first."""
        self._children: dict[Root, dict[_Key, None]] = {}
        """Entries by parent, oldest first."""
        self._bytes = 0

    def keep(self, signed: SignedBlock, head_slot: Slot) -> bool:
        """Keeps a block, if rules and bounds let it; returns whether it is kept. `head_slot` is where honest blocks are near to."""
        size = _size(signed)
        if self._most_blocks == 0 or size > self._most_bytes:
            return False
        root, parent = signed.block.root, signed.block.parent_root
        key = _Key(root, sha256(signed.proof).digest())
        if key in self._blocks:
            return True
        proofs = [sibling for sibling in self._children.get(parent, ()) if sibling.root == root]
        if len(proofs) >= PROOFS_PER_ROOT:
            self._remove(proofs[0])
        self._blocks[key] = signed
        self._children.setdefault(parent, {})[key] = None
        self._bytes += size
        while len(self._blocks) > self._most_blocks or self._bytes > self._most_bytes:
            self._remove(self._least_wanted(head_slot))
        return key in self._blocks

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

    def __len__(self) -> int:
        return len(self._blocks)

    def _least_wanted(self, head_slot: Slot) -> _Key:
        """The entry that rule 3 lets go."""
        counts = Counter(signed.block.slot for signed in self._blocks.values())
        slot = max(counts, key=lambda slot: (counts[slot], abs(slot - head_slot)))
        return next(key for key, signed in self._blocks.items() if signed.block.slot == slot)

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
